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
