//! Which attempts of a call have the same number, and thereby the same idempotency key.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Status, Turn};
use rondo_program::FailureKind;
use support::{NOW, context, failure, program, settle, stored};

const ASKS: &str = r"
id: asks
version: '1.0'
specVersion: '0.8'
start: Ask
autoRetries: true
functions:
  - name: ask
    type: custom
    operation: rest:post:/things
states:
  - name: Ask
    type: operation
    actions:
      - functionRef: ask
    end: true
";

fn only_call(turn: &Turn) -> (u64, u32) {
    let calls: Vec<_> = turn
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Call(request) => Some((request.call, request.attempt)),
            _ => None,
        })
        .collect();
    assert_eq!(calls.len(), 1);
    calls[0]
}

#[test]
fn a_retry_has_a_new_number_only_after_an_answer_of_the_service() {
    use FailureKind::{Connection, NoAnswer, Service};
    let (program, context) = (program(ASKS), context(1000));
    for (kind, code, has_new_number) in [
        (Service, Some("500"), true),
        (Service, Some("503"), true),
        (Service, Some("404"), true),
        (Service, Some("429"), true),
        (Service, Some("409"), false),
        (Service, Some("502"), false),
        (Service, Some("504"), false),
        (Connection, None, false),
        (NoAnswer, None, false),
    ] {
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let begun = settle(&program, snapshot, Input::Start { at: None }, &context, NOW);
        let (call, _) = only_call(&begun);
        let failed = Input::CallFailed { call, failure: failure(kind, code) };
        let waits = settle(&program, begun.snapshot, failed, &context, NOW);
        let due = waits.snapshot.wake_at().unwrap_or_default();
        assert!(due >= NOW + 100);
        let again = settle(&program, waits.snapshot, Input::Tick, &context, due);
        let (next, attempt) = only_call(&again);
        assert_eq!((next != call, attempt), (has_new_number, 2), "{kind:?} {code:?}");
        // After a crash the call has the same number.
        let pending = rondo_machine::pending_calls(&program, &again.snapshot, &context, due);
        assert_eq!(pending.iter().map(|(call, _)| *call).collect::<Vec<_>>(), [next]);
    }
}

/// The failures of the attempts of one call, and the numbers of the attempts.
#[test]
fn a_call_keeps_its_number_once_an_attempt_got_no_answer() {
    use FailureKind::{Connection, Service};
    let (program, context) = (program(ASKS), context(1000));
    let lost = || failure(Connection, None);
    let busy = || failure(Service, Some("503"));
    for (failures, numbers) in [
        (vec![busy(), lost(), busy(), busy()], vec![1, 2, 2, 2, 2]),
        (vec![lost(), busy(), lost()], vec![1, 1, 1, 1]),
        (vec![busy(), busy()], vec![1, 2, 3]),
    ] {
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let mut turn = settle(&program, snapshot, Input::Start { at: None }, &context, NOW);
        let mut now = NOW;
        let mut made = vec![only_call(&turn).0];
        for failure in failures {
            let failed = Input::CallFailed { call: only_call(&turn).0, failure };
            let waits = settle(&program, turn.snapshot, failed, &context, now);
            now = waits.snapshot.wake_at().unwrap();
            turn = settle(&program, waits.snapshot, Input::Tick, &context, now);
            made.push(only_call(&turn).0);
        }
        assert_eq!(made, numbers);
    }
}

/// A retrigger repeats a call that got no answer, with the same number. If the data was changed before, it is a new call.
#[test]
fn a_retrigger_has_a_new_number_if_the_call_was_answered_or_the_data_changed() {
    use FailureKind::{Connection, NoAnswer, Service};
    let (program, context) = (program(&ASKS.replace("autoRetries: true", "")), context(1000));
    let data = || Val::object([("changed", Val::Bool(true))]);
    for (kind, code, before, has_new_number) in [
        (Connection, None, None, false),
        (NoAnswer, Some("timeout"), None, false),
        (Service, Some("504"), None, false),
        (Service, Some("500"), None, true),
        (Connection, None, Some(Input::Patch(data())), true),
        (Connection, None, Some(Input::Replace(data())), true),
    ] {
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let begun = settle(&program, snapshot, Input::Start { at: None }, &context, NOW);
        let (call, _) = only_call(&begun);
        let failed = Input::CallFailed { call, failure: failure(kind, code) };
        let mut snapshot = settle(&program, begun.snapshot, failed, &context, NOW).snapshot;
        // The instance may be stored for days before the retrigger.
        snapshot = stored(&program, &snapshot);
        if let Some(input) = before {
            snapshot = settle(&program, snapshot, input, &context, NOW).snapshot;
        }
        let again = settle(&program, snapshot, Input::Retrigger, &context, NOW);
        assert_eq!(only_call(&again).0 != call, has_new_number, "{kind:?} {code:?}");
    }
}

/// The failed visit stays in the history as it failed. To run the step again, or to skip it, is another visit.
#[test]
fn a_step_that_is_run_again_or_skipped_is_visited_again() {
    let (program, context) = (program(&ASKS.replace("autoRetries: true", "")), context(1000));
    for (input, expected) in [
        (
            Input::Retrigger,
            [
                r#"{"f":"retriggered","frame":0,"v":2}"#,
                r#"{"f":"action","v":3,"target":"ask","kind":"call","within":1}"#,
            ],
        ),
        (
            Input::Skip,
            [
                r#"{"f":"action","v":3,"target":"ask","kind":"call","within":1}"#,
                r#"{"f":"skipped","v":3,"failed":2}"#,
            ],
        ),
    ] {
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let begun = settle(&program, snapshot, Input::Start { at: None }, &context, NOW);
        let failed =
            Input::CallFailed { call: only_call(&begun).0, failure: failure(FailureKind::Connection, None) };
        let failed = settle(&program, begun.snapshot, failed, &context, NOW);
        let again = settle(&program, stored(&program, &failed.snapshot), input, &context, NOW);
        let facts: Vec<_> = again.facts.iter().map(|fact| serde_json::to_string(fact).unwrap()).collect();
        assert_eq!(facts.get(..2).unwrap_or_default(), expected, "{facts:?}");
    }
}

/// The same holds for a change of the data between two attempts.
#[test]
fn a_retry_has_a_new_number_if_the_data_changed() {
    let (program, context) = (program(ASKS), context(1000));
    for (change, has_new_number) in
        [(Some(Input::Patch(Val::object([("a", Val::Null)]))), true), (None, false)]
    {
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let begun = settle(&program, snapshot, Input::Start { at: None }, &context, NOW);
        let (call, _) = only_call(&begun);
        let failed = Input::CallFailed { call, failure: failure(FailureKind::Connection, None) };
        let mut snapshot = settle(&program, begun.snapshot, failed, &context, NOW).snapshot;
        if let Some(change) = change {
            snapshot = settle(&program, snapshot, change, &context, NOW).snapshot;
        }
        let due = snapshot.wake_at().unwrap();
        let again = settle(&program, snapshot, Input::Tick, &context, due);
        assert_eq!(only_call(&again).0 != call, has_new_number);
    }
}

/// A subflow is retried as a call is: another one is started. One that stopped at an error stays there for people; one that took too long is
/// ended.
#[test]
fn a_subflow_that_fails_or_takes_too_long_is_started_again() {
    let text = "
id: retries
version: '1.0'
specVersion: '0.8'
start: Run
errors: [{name: busy, code: '503'}, {name: late, code: timeout}]
retries: [{name: twice, delay: PT2S, maxAttempts: 2}]
states:
- name: Run
  type: operation
  timeouts: {actionExecTimeout: PT1M}
  actions: [{subFlowRef: other, retryRef: twice, actionDataFilter: {fromStateData: .part}}]
  onErrors: [{errorRef: late, end: true}]
  end: true
";
    let (program, context) = (program(text), context(1000));
    let data = Val::from(serde_json::json!({"part": {"n": 1}}));
    let mut turn = settle(&program, Snapshot::new(data), Input::Start { at: None }, &context, NOW);
    let started = |turn: &Turn| {
        let requests = turn.effects.iter().filter_map(|effect| match effect {
            Effect::StartChild(request) => Some((request.call, request.data.to_json())),
            _ => None,
        });
        requests.collect::<Vec<_>>()
    };
    let input = r#"{"n":1}"#.to_owned();
    assert_eq!(started(&turn), [(1, input.clone())]);
    let busy = Err(failure(FailureKind::Service, Some("503")));
    turn = settle(&program, turn.snapshot, Input::ChildEnded { call: 1, outcome: busy }, &context, NOW);
    assert!(turn.effects.is_empty(), "{:?}", turn.effects);
    turn = settle(&program, stored(&program, &turn.snapshot), Input::Tick, &context, NOW + 2000);
    assert_eq!(started(&turn), [(2, input.clone())]);

    // The first one is repaired and ends, which is of no interest any more.
    let late = Input::ChildEnded { call: 1, outcome: Ok(Val::Null) };
    turn = settle(&program, turn.snapshot, late, &context, NOW + 3000);
    assert!(!turn.accepted);
    turn = settle(&program, stored(&program, &turn.snapshot), Input::Tick, &context, NOW + 62_000);
    assert_eq!(turn.effects, [Effect::CancelChild(2)]);
    turn = settle(&program, stored(&program, &turn.snapshot), Input::Tick, &context, NOW + 64_000);
    assert_eq!(started(&turn), [(3, input)]);
    turn = settle(&program, stored(&program, &turn.snapshot), Input::Tick, &context, NOW + 124_000);
    assert_eq!((turn.snapshot.status, turn.effects), (Status::Completed, vec![Effect::CancelChild(3)]));
}
