//! What a script leaves: for expressions, and for the next script of the instance.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::Val;
use rondo_machine::{CallRequest, Effect, Input, Snapshot, Status};
use serde_json::{Value, json};
use support::{NOW, context, settle, stored};

const TEXT: &str = "
id: scripts
version: '1.0'
specVersion: '0.8'
start: Run
functions:
- {name: script, type: custom, operation: 'script:python'}
- {name: get, type: custom, operation: 'rest:get:/things'}
states:
- name: Run
  type: operation
  actions:
  - functionRef: {refName: script, arguments: {script: 'x = 1'}}
  - functionRef: get
  - functionRef: {refName: script, arguments: {script: 'y = x'}}
  stateDataFilter: {output: '{x: $WORKFLOW.python.x, status: $WORKFLOW.statusCode}'}
  end: true
";

fn call(effects: &[Effect]) -> CallRequest {
    match effects {
        [Effect::Call(request)] => request.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn variables_stay_until_another_script_changes_them() {
    let program = support::program(TEXT);
    let start = Input::Start { at: None };
    let mut turn = settle(&program, Snapshot::new(Val::from(json!({}))), start, &context(1000), NOW);
    let left = |x: i64| json!({"python": {"values": {"x": x}, "state": {"values": {"x": "…"}}}});
    let responses = [left(1), json!({"statusCode": 200}), left(2)];
    let before = [None, Some(left(1)), Some(left(1))];
    for (response, before) in responses.into_iter().zip(before) {
        let request = call(&turn.effects);
        let python = request.python.map(|python| json!({"python": Value::from(python)}));
        assert_eq!(python, before, "{}", request.function);
        let answered =
            Input::Answered { call: request.call, result: None, response: Some(Val::from(response)) };
        let snapshot = stored(&program, &turn.snapshot);
        turn = settle(&program, snapshot, answered, &context(1000), NOW);
    }
    assert_eq!(turn.snapshot.status, Status::Completed, "{:?}", turn.snapshot.failed);
    assert_eq!(Value::from(turn.snapshot.data), json!({"x": 2, "status": 200}));
}
