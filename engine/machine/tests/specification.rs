//! What holds with `rondo.compat=spec` only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Status, Turn};
use rondo_program::{FailureKind, Program};
use serde_json::{Value, json};
use support::{NOW, context, event, failure, program, settle, specified, stored};

const HEAD: &str = "
id: flow
version: '1'
specVersion: '0.8'
functions:
- {name: ask, type: custom, operation: 'rest:post:/ask'}
- {name: undo, type: custom, operation: 'rest:post:/undo'}
- {name: one, type: expression, operation: '{v: 1}'}
- {name: more, type: expression, operation: '{v: ((.v // 0) + 1)}'}
events:
- {name: came, type: t.came, source: /test}
- {name: other, type: t.other, source: /test}
- {name: out, type: t.out, source: s, kind: produced}
errors: [{name: late, code: TimedOut}, {name: refused, code: '400'}]
";

fn start(program: &Program, data: Value) -> Turn {
    settle(program, Snapshot::new(Val::from(data)), Input::Start { at: None }, &context(1000), NOW)
}

fn give(program: &Program, turn: &Turn, input: Input, seconds: i64) -> Turn {
    settle(program, stored(program, &turn.snapshot), input, &context(1000), NOW + seconds * 1000)
}

fn data(turn: &Turn) -> Value {
    Value::from(turn.snapshot.data.clone())
}

fn functions(turn: &Turn) -> Vec<&str> {
    let calls = turn.effects.iter().filter_map(|effect| match effect {
        Effect::Call(request) => Some(&*request.function),
        _ => None,
    });
    calls.collect()
}

/// Status and code of the error at which an instance stands.
fn outcome(turn: &Turn) -> (Status, Option<&str>) {
    let failure = turn.snapshot.failed.as_ref().map(|failed| &failed.failure);
    (turn.snapshot.status, failure.map(|failure| failure.code.as_deref().unwrap_or(failure.kind.code())))
}

/// An element works on data of its own, which its actions change and which end with it; on SonataFlow all share those of the state.
#[test]
fn an_element_has_its_own_data() {
    for (action, own, shared) in [
        ("functionRef: more", json!([2, 2]), json!([1, 1])),
        ("functionRef: more, actionDataFilter: {results: .v, toStateData: .v}", json!([2, 2]), json!([2, 3])),
    ] {
        let text = format!(
            "{HEAD}states:
- {{name: A, type: foreach, inputCollection: '${{ [1, 2] }}', outputCollection: .out, mode: sequential,
   actions: [{{{action}}}, {{functionRef: more, actionDataFilter: {{results: .v}}}}], end: true}}"
        );
        let (isolated, together) = (start(&specified(&text), json!({})), start(&program(&text), json!({})));
        assert_eq!(data(&isolated), json!({"out": own}), "{action}");
        assert_eq!(data(&together)["out"], shared, "{action}");
    }
}

#[test]
fn data_of_an_element_survive_a_crash_and_are_not_seen_from_outside() {
    let program = specified(&format!(
        "{HEAD}states:
- {{name: A, type: foreach, inputCollection: '${{ [1, 2] }}', outputCollection: .out,
   actions: [{{functionRef: more}}, {{functionRef: ask}}, {{functionRef: more}}], end: true}}"
    ));
    let turn = start(&program, json!({"v": 5}));
    assert_eq!(Value::from(turn.snapshot.visible_data(program.merge)), json!({"v": 5}));
    let answer =
        |turn: &Turn, call| give(&program, turn, Input::Answered { call, result: None, response: None }, 0);
    let turn = answer(&answer(&turn, 2), 1);
    assert_eq!(data(&turn), json!({"v": 5, "out": [{"v": 7}, {"v": 7}]}));
}

#[test]
fn a_collection_that_is_no_list_is_an_error() {
    for collection in [".missing", "'.one'"] {
        let text = format!(
            "{HEAD}states:
- {{name: A, type: foreach, inputCollection: {collection}, outputCollection: .out, actions: [{{functionRef: one}}], end: true}}"
        );
        let turn = start(&specified(&text), json!({"one": {"v": 1}}));
        assert_eq!(outcome(&turn), (Status::Error, Some("expression")), "{collection}");
        assert_eq!(outcome(&start(&program(&text), json!({"one": {"v": 1}}))), (Status::Completed, None));
    }
}

#[test]
fn an_argument_that_cannot_be_evaluated_is_an_error() {
    for action in [
        "functionRef: {refName: ask, arguments: {n: '${ .n + [] }'}}",
        "eventRef: {triggerEventRef: out, invoke: async, data: {n: '${ .n + [] }'}}",
    ] {
        let text =
            format!("{HEAD}states: [{{name: A, type: operation, actions: [{{{action}}}], end: true}}]");
        assert_eq!(outcome(&start(&specified(&text), json!({"n": 1}))), (Status::Error, Some("expression")));
        let turn = start(&program(&text), json!({"n": 1}));
        assert_eq!((outcome(&turn).1, turn.effects.len()), (None, 1), "the text itself is sent: {action}");
    }
}

/// That no event came is no error: the state goes on, whatever handlers it has.
#[test]
fn the_end_of_a_wait_for_events_is_no_error() {
    for state in [
        "type: event, onEvents: [{eventRefs: [came]}], end: true",
        "type: callback, action: {functionRef: one}, eventRef: came, end: true",
        "type: switch, eventConditions: [{eventRef: came, transition: Late}], defaultCondition: {end: true}",
    ] {
        let text = format!(
            "{HEAD}start: Begin
states:
- {{name: Begin, type: inject, data: {{}}, transition: A}}
- {{name: A, {state}, timeouts: {{eventTimeout: PT5S}}, onErrors: [{{errorRef: late, transition: Late}}]}}
- {{name: Late, type: inject, data: {{late: true}}, end: true}}"
        );
        for (program, is_late) in [(specified(&text), false), (program(&text), true)] {
            let turn = give(&program, &start(&program, json!({})), Input::Tick, 5);
            assert_eq!(turn.snapshot.status, Status::Completed, "{state}");
            assert_eq!(data(&turn)["late"] == true, is_late, "{state}");
        }
    }
}

/// An action of an event state that waits for an event of its own keeps those that have come for later entries.
#[test]
fn an_action_that_waits_for_an_event_keeps_the_events_of_later_entries() {
    let program = specified(&format!(
        "{HEAD}start: A
states:
- name: A
  type: event
  exclusive: false
  onEvents:
  - {{eventRefs: [came], eventDataFilter: {{toStateData: .one}}, actions: [{{eventRef: {{triggerEventRef: out, resultEventRef: came}}}}]}}
  - {{eventRefs: [other], eventDataFilter: {{toStateData: .two}}, actions: []}}
  end: true"
    ));
    let mut turn = start(&program, json!({}));
    for (name, number) in [("other", 1), ("came", 2), ("came", 3)] {
        assert_eq!(turn.snapshot.status, Status::Active);
        let event = event(&format!("t.{name}"), &[], json!({name: number}));
        turn = give(&program, &turn, Input::Event(Box::new(event)), 0);
    }
    assert_eq!(
        (turn.snapshot.status, data(&turn)),
        (Status::Completed, json!({"one": {"came": 2}, "came": 3, "two": {"other": 1}}))
    );
}

/// Only a transition or an end compensates, not an abort and not the end of the workflow's time.
#[test]
fn an_aborted_instance_is_not_compensated() {
    let text = |run_before: &str, end: &str| {
        format!(
            "{HEAD}timeouts: {{workflowExecTimeout: {{duration: PT5S{run_before}}}}}
states:
- {{name: A, type: inject, data: {{a: 1}}, compensatedBy: U, transition: B}}
- {{name: B, type: sleep, duration: PT1H, end: true}}
- {{name: Z, type: inject, data: {{z: 1}}, end: {end}}}
- {{name: U, type: operation, usedForCompensation: true, actions: [{{functionRef: undo}}]}}"
        )
    };
    let undone = |program: &Program, input: Input| {
        let turn = give(program, &start(program, json!({})), input, 5);
        (turn.snapshot.status, functions(&turn).len())
    };
    for (run_before, end, input) in
        [("", "true", Input::Abort), ("", "true", Input::Tick), (", runBefore: Z", "true", Input::Tick)]
    {
        let text = text(run_before, end);
        assert_eq!(undone(&specified(&text), input.clone()), (Status::Aborted, 0), "{run_before} {input:?}");
        assert_eq!(undone(&program(&text), input.clone()), (Status::Active, 1), "{run_before} {input:?}");
    }
    let asked_for = specified(&text(", runBefore: Z", "{compensate: true}"));
    assert_eq!(undone(&asked_for, Input::Tick), (Status::Active, 1));
}

/// The error of a subflow is one of its action. On SonataFlow the parent waits until somebody repairs the subflow.
#[test]
fn the_error_of_a_subflow_is_one_of_its_action() {
    let text =
        format!("{HEAD}states: [{{name: A, type: operation, actions: [{{subFlowRef: other}}], end: true}}]");
    let refused = || Input::ChildEnded { call: 1, outcome: Err(failure(FailureKind::Service, Some("400"))) };
    for (program, expected) in
        [(specified(&text), (Status::Error, Some("400"))), (program(&text), (Status::Active, None))]
    {
        let turn = give(&program, &start(&program, json!({})), refused(), 0);
        assert_eq!(outcome(&turn), expected);
    }
}
