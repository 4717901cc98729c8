//! Which attempts are the same call, for a service that knows calls by their key.

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Turn};
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

fn the_call(turn: &Turn) -> (u64, u32) {
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
fn a_retry_is_another_call_only_after_the_service_has_answered() {
    use FailureKind::{Connection, NoAnswer, Service};
    let (program, context) = (program(ASKS), context(1000));
    for (kind, code, is_another) in [
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
        let (call, _) = the_call(&begun);
        let failed = Input::CallFailed { call, failure: failure(kind, code) };
        let waits = settle(&program, begun.snapshot, failed, &context, NOW);
        let due = waits.snapshot.wake_at().unwrap_or_default();
        assert!(due >= NOW + 100);
        let again = settle(&program, waits.snapshot, Input::Tick, &context, due);
        let (next, attempt) = the_call(&again);
        assert_eq!((next != call, attempt), (is_another, 2), "{kind:?} {code:?}");
        // A crash now makes the same call again.
        let pending = rondo_machine::pending(&program, &again.snapshot, &context, due);
        assert_eq!(pending.iter().map(|(call, _)| *call).collect::<Vec<_>>(), [next]);
    }
}

/// How the attempts of one call fail, and the numbers under which they are made.
#[test]
fn a_call_that_was_once_not_answered_stays_the_same_call() {
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
        let mut made = vec![the_call(&turn).0];
        for failure in failures {
            let failed = Input::CallFailed { call: the_call(&turn).0, failure };
            let waits = settle(&program, turn.snapshot, failed, &context, now);
            now = waits.snapshot.wake_at().unwrap();
            turn = settle(&program, waits.snapshot, Input::Tick, &context, now);
            made.push(the_call(&turn).0);
        }
        assert_eq!(made, numbers);
    }
}

/// Who retriggers an instance after a lost answer asks for the same again; who has changed its data, for something else.
#[test]
fn a_retrigger_makes_the_same_call_unless_it_was_answered_or_the_data_changed() {
    use FailureKind::{Connection, NoAnswer, Service};
    let (program, context) = (program(&ASKS.replace("autoRetries: true", "")), context(1000));
    let data = || Val::object([("changed", Val::Bool(true))]);
    for (kind, code, before, is_another) in [
        (Connection, None, None, false),
        (NoAnswer, Some("timeout"), None, false),
        (Service, Some("504"), None, false),
        (Service, Some("500"), None, true),
        (Connection, None, Some(Input::Patch(data())), true),
        (Connection, None, Some(Input::Replace(data())), true),
    ] {
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let begun = settle(&program, snapshot, Input::Start { at: None }, &context, NOW);
        let (call, _) = the_call(&begun);
        let failed = Input::CallFailed { call, failure: failure(kind, code) };
        let mut snapshot = settle(&program, begun.snapshot, failed, &context, NOW).snapshot;
        // It may be stored for days in between.
        snapshot = stored(&program, &snapshot);
        if let Some(input) = before {
            snapshot = settle(&program, snapshot, input, &context, NOW).snapshot;
        }
        let again = settle(&program, snapshot, Input::Retrigger, &context, NOW);
        assert_eq!(the_call(&again).0 != call, is_another, "{kind:?} {code:?}");
    }
}

/// So does who changes them while the next attempt is waited for.
#[test]
fn a_retry_after_the_data_changed_is_another_call() {
    let (program, context) = (program(ASKS), context(1000));
    for (change, is_another) in [(Some(Input::Patch(Val::object([("a", Val::Null)]))), true), (None, false)] {
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let begun = settle(&program, snapshot, Input::Start { at: None }, &context, NOW);
        let (call, _) = the_call(&begun);
        let failed = Input::CallFailed { call, failure: failure(FailureKind::Connection, None) };
        let mut snapshot = settle(&program, begun.snapshot, failed, &context, NOW).snapshot;
        if let Some(change) = change {
            snapshot = settle(&program, snapshot, change, &context, NOW).snapshot;
        }
        let due = snapshot.wake_at().unwrap();
        let again = settle(&program, snapshot, Input::Tick, &context, due);
        assert_eq!(the_call(&again).0 != call, is_another);
    }
}
