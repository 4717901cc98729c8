//! Which attempts are the same call, for a service that knows calls by their key.

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Failure, FailureKind, Input, Snapshot, Turn};
use support::{NOW, context, program, settle};

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

fn failure(kind: FailureKind, code: Option<&str>) -> Failure {
    Failure { kind, code: code.map(Into::into), classes: Vec::new(), message: "no".into(), answer: None }
}

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
    use FailureKind::{Communication, Service, Timeout};
    let (program, context) = (program(ASKS), context(1000));
    for (kind, code, is_another) in [
        (Service, Some("500"), true),
        (Service, Some("503"), true),
        (Service, Some("404"), true),
        (Service, Some("429"), true),
        (Service, Some("409"), false),
        (Service, Some("502"), false),
        (Service, Some("504"), false),
        (Communication, None, false),
        (Timeout, Some("timeout"), false),
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
