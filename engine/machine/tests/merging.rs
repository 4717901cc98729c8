//! Merging results into the data by the merge rules of the program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_definition::{Compat, Options, parse_with};
use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Status};
use serde_json::{Value, json};
use support::{NOW, context, settle};

const TEXT: &str = "
id: merging
version: '1.0'
specVersion: '0.8'
start: Pick
functions:
- {name: codes, type: expression, operation: '{codes: [3, 1]}'}
- {name: empty, type: expression, operation: '.empty'}
- {name: list, type: expression, operation: '.codes'}
- {name: nothing, type: expression, operation: '{absent: null}'}
states:
- name: Pick
  type: operation
  actions:
  - {functionRef: codes}
  - {functionRef: empty, actionDataFilter: {toStateData: .picked}}
  - {functionRef: list, actionDataFilter: {toStateData: .copy}}
  - {functionRef: nothing}
  transition: Each
- name: Each
  type: foreach
  inputCollection: '${ [7, 8] }'
  iterationParam: n
  outputCollection: .out
  actions: [{functionRef: {refName: number}}]
  transition: Add
- {name: Add, type: inject, data: {copy: [4]}, transition: Both}
- name: Both
  type: parallel
  branches:
  - {name: a, actions: [{functionRef: one}]}
  - {name: b, actions: [{functionRef: two}]}
  end: true
";

fn run_to_end(compat: Compat, data: Value) -> Value {
    let functions = "functions:
- {name: number, type: expression, operation: '$n'}
- {name: one, type: expression, operation: '{both: [1]}'}
- {name: two, type: expression, operation: '{both: [2]}'}
";
    let text = TEXT.replace("functions:\n", functions);
    let (document, problems) = parse_with("test.sw.yaml", &text, Options { compat, ..Options::default() });
    assert!(!problems.iter().any(rondo_definition::Diagnostic::is_error), "{problems:?}");
    let program = rondo_lowering::lower(&document.unwrap()).0.program;
    let turn = settle(&program, Snapshot::new(data.into()), Input::Start { at: None }, &context(1000), NOW);
    assert_eq!(turn.snapshot.status, Status::Completed, "{:?}", turn.snapshot.failed);
    turn.snapshot.data.into()
}

#[test]
fn arrays_are_replaced_on_sonataflow_and_concatenated_by_the_specification() {
    let data = json!({"codes": [1, 2], "empty": [], "out": [8]});
    assert_eq!(
        run_to_end(Compat::SonataFlow, data.clone()),
        json!({"codes": [3, 1], "empty": [], "picked": [], "copy": [4], "out": [7, 8], "both": [2]})
    );
    assert_eq!(
        run_to_end(Compat::Spec, data),
        json!({"codes": [1, 2, 3], "empty": [], "picked": [], "copy": [1, 2, 3, 4], "out": [8, 7, 8], "both": [1, 2]})
    );
}

/// An answer without a body is no result; an empty array is one.
#[test]
fn an_absent_result_changes_nothing_and_a_present_one_is_merged() {
    let text = "
id: calls
version: '1.0'
specVersion: '0.8'
start: Ask
functions: [{name: ask, type: custom, operation: 'rest:post:/things'}]
states:
- {name: Ask, type: operation, actions: [{functionRef: ask, actionDataFilter: {toStateData: .list}}, {functionRef: ask}], end: true}
";
    let program = support::program(text);
    for (answer, expected) in [
        (None, json!({"list": [1]})),
        (Some(json!(null)), json!({"list": [1]})),
        (Some(json!([])), json!({"list": [], "response": []})),
        (Some(json!({})), json!({"list": [1, {}]})),
        (Some(json!(2)), json!({"list": [1, 2], "response": 2})),
    ] {
        let data = Val::from(json!({"list": [1]}));
        let mut turn = settle(&program, Snapshot::new(data), Input::Start { at: None }, &context(1000), NOW);
        while let Some(Effect::Call(request)) = turn.effects.first() {
            let result = answer.clone().map(Val::from);
            let answered = Input::Answered { call: request.call, result, response: None };
            turn = settle(&program, turn.snapshot, answered, &context(1000), NOW);
        }
        assert_eq!(Value::from(turn.snapshot.data), expected, "{answer:?}");
    }
}
