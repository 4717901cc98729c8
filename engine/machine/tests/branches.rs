//! The data of branches after an error.

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Status};
use rondo_program::FailureKind;
use serde_json::{Value, json};
use support::{NOW, context, failure, program, settle};

/// Of the four branches one has ended, one has completed an action, one fails, and one still waits for its first action.
#[test]
fn a_handled_error_keeps_the_changes_of_all_branches() {
    let program = program(
        "
id: fails
version: '1.0'
specVersion: '0.8'
start: All
functions:
- {name: seen, type: expression, operation: '{seen: true}'}
- {name: begun, type: expression, operation: '{begun: true}'}
- {name: ask, type: custom, operation: 'rest:post:/things'}
errors: [{name: refused, code: '400'}]
states:
- name: All
  type: parallel
  branches:
  - {name: over, actions: [{functionRef: seen}]}
  - {name: fails, actions: [{functionRef: ask}]}
  - {name: partly, actions: [{functionRef: begun}, {functionRef: ask}]}
  - {name: waits, actions: [{functionRef: ask}]}
  onErrors: [{errorRef: refused, transition: Handle}]
  end: true
- {name: Handle, type: inject, data: {handled: true}, end: true}
",
    );
    let data = Val::from(json!({"zero": 0}));
    let turn = settle(&program, Snapshot::new(data), Input::Start { at: None }, &context(1000), NOW);
    let Some(Effect::Call(request)) = turn.effects.first() else { panic!("no call") };
    let failure = failure(FailureKind::Service, Some("400"));
    let failed = Input::CallFailed { call: request.call, failure };
    let ended = settle(&program, turn.snapshot, failed, &context(1000), NOW);
    assert_eq!(ended.snapshot.status, Status::Completed);
    let expected = json!({"zero": 0, "seen": true, "begun": true, "handled": true});
    assert_eq!(Value::from(ended.snapshot.data), expected);
}

const FOUR: &str = "
id: late
version: '1.0'
specVersion: '0.8'
start: All
functions:
- {name: one, type: expression, operation: '{last: 1}'}
- {name: two, type: expression, operation: '{last: 2}'}
- {name: three, type: expression, operation: '{last: 3}'}
- {name: ask, type: custom, operation: 'rest:post:/things'}
errors: [{name: late, code: timeout}]
states:
- name: All
  type: parallel
  timeouts: {stateExecTimeout: PT5S}
  branches:
  - {name: a, actions: [{functionRef: one}, {functionRef: ask}]}
  - {name: b, actions: [{functionRef: two}]}
  - {name: c, actions: [{functionRef: three}, {functionRef: ask}]}
  - {name: d, actions: [{functionRef: ask}]}
  onErrors: [{errorRef: late, end: true}]
  end: true
";

/// Where branches changed the same, the last of them in the document counts, whichever have ended; the end of the state's time is an error like
/// any other.
#[test]
fn the_changes_of_branches_that_do_not_end_in_time_are_kept_in_the_order_of_the_branches() {
    let program = program(FOUR);
    let snapshot = Snapshot::new(Val::object::<&str>([]));
    let turn = settle(&program, snapshot, Input::Start { at: None }, &context(1000), NOW);
    assert_eq!(Value::from(turn.snapshot.visible_data(program.merge)), json!({"last": 3}));
    let ended = settle(&program, turn.snapshot, Input::Tick, &context(1000), NOW + 5000);
    assert_eq!(ended.snapshot.status, Status::Completed);
    assert_eq!(Value::from(ended.snapshot.data), json!({"last": 3}));
}

/// The same holds at the end of the workflow's time, whether it interrupts or not.
#[test]
fn the_changes_of_branches_count_at_the_end_of_the_time_of_the_workflow() {
    for interrupt in [true, false] {
        let limit =
            format!("timeouts: {{workflowExecTimeout: {{duration: PT2S, interrupt: {interrupt}}}}}\nstates:");
        let program = program(&FOUR.replace("states:", &limit));
        let snapshot = Snapshot::new(Val::object::<&str>([]));
        let turn = settle(&program, snapshot, Input::Start { at: None }, &context(1000), NOW);
        let mut turn = settle(&program, turn.snapshot, Input::Tick, &context(1000), NOW + 2000);
        // Also when the time of the state ends before the calls that may finish.
        turn = settle(&program, turn.snapshot, Input::Tick, &context(1000), NOW + 5000);
        assert_eq!(turn.snapshot.status, Status::Aborted, "{interrupt}");
        assert_eq!(Value::from(turn.snapshot.data), json!({"last": 3}), "{interrupt}");
    }
}

/// A subflow that stopped at an error has nothing more to do with the parent that took the error, so it is not ended; those of the other
/// branches are.
#[test]
fn a_subflow_whose_error_is_handled_is_not_cancelled() {
    let program = program(
        "
id: two
version: '1.0'
specVersion: '0.8'
start: Both
errors: [{name: refused, code: '400'}]
states:
- name: Both
  type: parallel
  branches:
  - {name: a, actions: [{subFlowRef: other}]}
  - {name: b, actions: [{subFlowRef: other}]}
  onErrors: [{errorRef: refused, end: true}]
  end: true
",
    );
    let snapshot = Snapshot::new(Val::object::<&str>([]));
    let turn = settle(&program, snapshot, Input::Start { at: None }, &context(1000), NOW);
    let refused = Input::ChildEnded { call: 1, outcome: Err(failure(FailureKind::Service, Some("400"))) };
    let ended = settle(&program, turn.snapshot, refused, &context(1000), NOW);
    assert_eq!(ended.effects, [Effect::CancelChild(2)]);
}
