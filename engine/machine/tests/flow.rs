//! `continueAs`, actions that nobody waits for, `$WORKFLOW.error`, and how time limits and aborts end an instance.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::sync::Arc;

use rondo_expression::Val;
use rondo_machine::{
    CallNumber, Context, Effect, Fact, Input, Mask, Snapshot, Status, SuccessorCheck, SuccessorRequest, Turn,
    pending_calls, wait_statuses,
};
use rondo_program::{Failure, FailureKind, Program};
use serde_json::{Value, json};
use support::{NOW, context, failure, program, settle, stored};

const HEAD: &str = "
id: flow
version: '1'
specVersion: '0.8'
functions:
- {name: one, type: custom, operation: 'rest:post:/one'}
- {name: two, type: custom, operation: 'rest:post:/two'}
- {name: undo, type: custom, operation: 'rest:post:/undo'}
errors: [{name: refused, code: '400'}, {name: broken, code: '500'}]
retries: [{name: again, delay: PT10S, maxAttempts: 5}]
";

fn flow(rest: &str) -> Program {
    program(&format!("{HEAD}{rest}"))
}

#[derive(Debug)]
struct Only(&'static str);

impl SuccessorCheck for Only {
    fn check(&self, successor: &SuccessorRequest) -> Result<(), String> {
        if *successor.workflow == *self.0 { Ok(()) } else { Err("it is not there".to_owned()) }
    }
}

#[derive(Debug)]
struct Hide(&'static str);

impl Mask for Hide {
    fn mask(&self, text: &str) -> String {
        text.replace(self.0, "***")
    }
}

fn surroundings() -> Context {
    Context {
        successors: Some(Arc::new(Only("next"))),
        mask: Some(Arc::new(Hide("hunter2"))),
        ..context(1000)
    }
}

fn start(program: &Program, data: Value) -> Turn {
    settle(program, Snapshot::new(Val::from(data)), Input::Start { at: None }, &surroundings(), NOW)
}

/// A turn at a time in seconds after the start; the snapshot goes through its stored form before.
fn give(program: &Program, turn: &Turn, input: Input, seconds: i64) -> Turn {
    settle(program, stored(program, &turn.snapshot), input, &surroundings(), NOW + seconds * 1000)
}

fn answered(call: CallNumber, result: Value) -> Input {
    Input::Answered { call, result: Some(Val::from(result)), response: None }
}

fn failed(call: CallNumber, code: &str) -> Input {
    Input::CallFailed { call, failure: failure(FailureKind::Service, Some(code)) }
}

fn data(turn: &Turn) -> Value {
    Value::from(turn.snapshot.data.clone())
}

/// The calls that a turn makes.
fn calls(turn: &Turn) -> Vec<(CallNumber, String)> {
    let calls = turn.effects.iter().filter_map(|effect| match effect {
        Effect::Call(request) => Some((request.call, request.function.to_string())),
        _ => None,
    });
    calls.collect()
}

fn successors(turn: &Turn) -> Vec<SuccessorRequest> {
    let requests = turn.effects.iter().filter_map(|effect| match effect {
        Effect::ContinueAs(request) => Some(request.clone()),
        _ => None,
    });
    requests.collect()
}

#[test]
fn an_end_that_continues_completes_the_instance_and_asks_for_its_successor() {
    let program = flow(
        "states:
- name: A
  type: inject
  data: {n: 2}
  end: {continueAs: {workflowId: next, version: '2', data: {m: '${ .n }'}, workflowExecTimeout: {duration: PT1M, interrupt: true}}}",
    );
    let turn = start(&program, json!({}));
    assert_eq!((turn.snapshot.status, data(&turn)), (Status::Completed, json!({"n": 2})));
    let [request] = successors(&turn).try_into().unwrap();
    let limit = request.limit.unwrap();
    assert_eq!((&*request.workflow, request.version.as_deref()), ("next", Some("2")));
    assert_eq!(Value::from(request.data), json!({"m": 2}));
    assert_eq!((limit.after.as_secs(), limit.interrupt), (60, true));
    assert!(request.steps >= 100, "a chain that never waits is found");
    let facts: Vec<_> = turn.facts.iter().rev().take(2).collect();
    assert!(matches!(facts[..], [Fact::Completed, Fact::Continued { .. }]), "{facts:?}");

    // The successor has its own time limit, and goes on counting.
    let mut snapshot = Snapshot::new(Val::from(json!({})));
    (snapshot.limit, snapshot.steps) = (Some(limit), 250);
    let snapshot = stored(&program, &snapshot);
    assert_eq!((snapshot.limit, snapshot.steps), (Some(limit), 250));
}

#[test]
fn a_successor_that_cannot_start_is_an_error_of_the_instance() {
    for (end, expected) in [
        ("{continueAs: other}", "`continueAs` cannot start workflow `other`: it is not there"),
        ("{continueAs: {workflowId: next, data: '${ .n }'}}", "its input must be an object, and is `2`"),
        ("{continueAs: {workflowId: next, data: '${ .n | keys }'}}", "keys"),
    ] {
        let program = flow(&format!("states:\n- {{name: A, type: inject, data: {{n: 2}}, end: {end}}}"));
        let turn = start(&program, json!({}));
        assert_eq!((turn.snapshot.status, successors(&turn).len()), (Status::Error, 0), "{end}");
        let message = turn.snapshot.failed.as_ref().unwrap().message();
        assert!(message.contains(expected), "{message}");
        // Whoever skips it ends the instance without a successor.
        let turn = give(&program, &turn, Input::Skip, 0);
        assert_eq!((turn.snapshot.status, successors(&turn).len()), (Status::Completed, 0));
    }
}

#[test]
fn the_state_data_are_the_input_of_a_successor_and_compensation_comes_first() {
    let program = flow(
        "states:
- {name: A, type: inject, data: {a: 1}, compensatedBy: U, transition: B}
- {name: B, type: inject, data: {b: 1}, end: {compensate: true, continueAs: next}}
- {name: U, type: inject, data: {u: 1}, usedForCompensation: true}",
    );
    let turn = start(&program, json!({}));
    assert_eq!(Value::from(successors(&turn)[0].data.clone()), json!({"a": 1, "b": 1, "u": 1}));
}

#[test]
fn a_handled_error_is_seen_for_the_rest_of_its_path() {
    let program = flow(
        "states:
- {name: A, type: operation, actions: [{name: ask, functionRef: one}], onErrors: [{errorRef: refused, transition: B}], end: true}
- {name: B, type: operation, actions: [{functionRef: {refName: two, arguments: {e: '${ $WORKFLOW.error }'}}}], onErrors: [{errorRef: broken, transition: C}], end: true}
- name: C
  type: parallel
  branches:
  - {name: x, actions: [{functionRef: {refName: one, arguments: {s: '${ $WORKFLOW.error.state }'}}}]}
  - {name: y, actions: [{functionRef: {refName: two, arguments: {s: '${ $WORKFLOW.error.code }'}}}]}
  end: true",
    );
    let arguments = |turn: &Turn| {
        let calls = turn.effects.iter().filter_map(|effect| match effect {
            Effect::Call(request) => Some(Value::from(request.arguments.clone().unwrap_or_default())),
            _ => None,
        });
        calls.collect::<Vec<_>>()
    };
    let turn = start(&program, json!({}));
    let failure = Failure {
        code: Some("400".into()),
        status: Some(400),
        body: Some(r#"{"why": "hunter2"}"#.into()),
        ..Failure::new(FailureKind::Service, "refused with hunter2")
    };
    let turn = give(&program, &turn, Input::CallFailed { call: 1, failure }, 0);
    let expected = json!({
        "code": "400", "status": 400, "message": "refused with *** (state `A`, action `one`)",
        "body": {"why": "***"}, "state": "A", "action": "ask", "attempt": 1,
    });
    assert_eq!(arguments(&turn), [json!({"e": expected})]);
    // After a crash the call is made with the same arguments.
    let snapshot = stored(&program, &turn.snapshot);
    let pending = pending_calls(&program, &snapshot, &surroundings(), NOW);
    let Ok(Effect::Call(request)) = &pending[0].1 else { panic!("{pending:?}") };
    assert_eq!(Value::from(request.arguments.clone().unwrap()), json!({"e": expected}));
    // The next one takes its place, also in branches. What is not known is left out.
    let turn = give(&program, &turn, failed(2, "500"), 0);
    assert_eq!(arguments(&turn), [json!({"s": "B"}), json!({"s": "500"})]);
    // Where nothing was handled it is null.
    let program = flow(
        "states:\n- {name: A, type: operation, actions: [{functionRef: {refName: one, arguments: {e: '${ $WORKFLOW.error }'}}}], end: true}",
    );
    assert_eq!(arguments(&start(&program, json!({}))), [json!({"e": null})]);
}

const FIRE: &str = "states:
- name: A
  type: foreach
  inputCollection: .keys
  iterationParam: key
  mode: sequential
  actions: [{functionRef: {refName: one, invoke: async, arguments: {key: '${ $key }', n: '${ .n }'}}}]
  transition: B
- {name: B, type: inject, data: {n: 9}, transition: C}
- {name: C, type: operation, actions: [{functionRef: two}], end: true}";

#[test]
fn an_asynchronous_call_is_not_awaited_and_outlives_the_instance() {
    let program = flow(FIRE);
    let turn = start(&program, json!({"keys": ["a", "b"], "n": 1}));
    assert_eq!(calls(&turn), [(1, "one".to_owned()), (2, "one".to_owned()), (3, "two".to_owned())]);
    assert_eq!(turn.snapshot.detached_calls().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(wait_statuses(&program, &turn.snapshot).len(), 1, "nobody waits for them");

    // A failure is a fact, an answer is dropped.
    let turn = give(&program, &turn, failed(1, "400"), 1);
    assert!(
        matches!(&turn.facts[..], [Fact::AsyncFailed { target, .. }] if **target == *"one"),
        "{:?}",
        turn.facts
    );
    assert_eq!(turn.snapshot.status, Status::Active);

    // The instance completes first. The other call is made again after a crash, with the data of its time.
    let turn = give(&program, &turn, answered(3, json!({"done": 1})), 2);
    assert_eq!(turn.snapshot.status, Status::Completed);
    let snapshot = stored(&program, &turn.snapshot);
    assert!(snapshot.has_detached_calls() && !snapshot.has_work_in_flight());
    let pending = pending_calls(&program, &snapshot, &surroundings(), NOW);
    let [(2, Ok(Effect::Call(request)))] = &pending[..] else { panic!("{pending:?}") };
    assert_eq!(Value::from(request.arguments.clone().unwrap()), json!({"key": "b", "n": 1}));
    let after = data(&turn);
    let turn = give(&program, &turn, answered(2, json!({"late": 1})), 3);
    assert!(turn.accepted && !turn.snapshot.has_detached_calls());
    assert_eq!((turn.snapshot.status, data(&turn)), (Status::Completed, after));
    assert!(!give(&program, &turn, answered(2, json!({})), 4).accepted);
}

#[test]
fn an_asynchronous_subflow_ends_with_its_parent_unless_it_continues() {
    for (rest, cancelled) in [("", vec![1]), (", onParentComplete: continue", vec![])] {
        let program = flow(&format!(
            "states:
- {{name: A, type: operation, actions: [{{subFlowRef: {{workflowId: other, invoke: async{rest}}}}}], transition: B}}
- {{name: B, type: operation, actions: [{{functionRef: one}}], end: true}}"
        ));
        let turn = start(&program, json!({}));
        let started = turn.effects.iter().find_map(|effect| match effect {
            Effect::StartChild(request) => Some((request.call, request.is_detached)),
            _ => None,
        });
        assert_eq!((started, calls(&turn)), (Some((1, true)), vec![(2, "one".to_owned())]));
        let failed = Input::ChildEnded { call: 1, outcome: Err(Failure::runtime("no")) };
        let turn = give(&program, &turn, failed, 0);
        assert_eq!((turn.snapshot.status, turn.snapshot.children().count()), (Status::Active, 1));
        let ended = give(&program, &turn, answered(2, json!({})), 0);
        let cancels = ended.effects.iter().filter_map(|effect| match effect {
            Effect::CancelChild(call) => Some(*call),
            _ => None,
        });
        assert_eq!((ended.snapshot.status, cancels.collect::<Vec<_>>()), (Status::Completed, cancelled));
        // One that has ended is not cancelled.
        let turn =
            give(&program, &turn, Input::ChildEnded { call: 1, outcome: Ok(Val::from(json!({"x": 1}))) }, 0);
        let ended = give(&program, &turn, answered(2, json!({})), 0);
        assert_eq!((data(&ended), ended.effects.len()), (json!({}), 0));
    }
}

const LIMITED: &str = "
  branches:
  - {name: x, actions: [{functionRef: one, actionDataFilter: {toStateData: .x}}, {functionRef: two}]}
  - {name: y, actions: [{functionRef: two, retryRef: again, retryableErrors: [refused]}]}
  end: true
- {name: R, type: inject, data: {r: 1}, end: true}";

#[test]
fn running_actions_finish_after_the_time_limit_unless_it_interrupts() {
    for (interrupt, expected) in [(false, json!({"x": {"v": 1}, "r": 1})), (true, json!({"r": 1}))] {
        let program = flow(&format!(
            "timeouts: {{workflowExecTimeout: {{duration: PT5S, interrupt: {interrupt}, runBefore: R}}}}
states:
- name: A
  type: parallel{LIMITED}"
        ));
        let turn = start(&program, json!({}));
        // One branch waits for a call, the other for its next attempt.
        let turn = give(&program, &turn, failed(2, "400"), 1);
        let turn = give(&program, &turn, Input::Tick, 5);
        assert_eq!(turn.snapshot.status, if interrupt { Status::Aborted } else { Status::Active });
        assert!(calls(&turn).is_empty());
        let turn = if interrupt {
            turn
        } else {
            // The attempt that would be due is not made, and after the answer nothing new starts.
            let turn = give(&program, &turn, Input::Tick, 60);
            assert!(calls(&turn).is_empty());
            give(&program, &turn, answered(1, json!({"v": 1})), 61)
        };
        assert!(calls(&turn).is_empty());
        assert_eq!((turn.snapshot.status, data(&turn)), (Status::Aborted, expected), "{interrupt}");
    }
}

#[test]
fn waits_are_given_up_at_once_after_the_time_limit_and_errors_are_not_handled() {
    let limit = "timeouts: {workflowExecTimeout: PT5S}\n";
    let sleeps = flow(&format!("{limit}states:\n- {{name: A, type: sleep, duration: PT1H, end: true}}"));
    let turn = give(&sleeps, &start(&sleeps, json!({})), Input::Tick, 5);
    assert_eq!(turn.snapshot.status, Status::Aborted);
    let handles = flow(&format!(
        "{limit}states:
- {{name: A, type: operation, actions: [{{functionRef: one}}], onErrors: [{{errorRef: refused, transition: B}}], end: true}}
- {{name: B, type: operation, actions: [{{functionRef: two}}], end: true}}"
    ));
    let turn = give(&handles, &start(&handles, json!({})), Input::Tick, 5);
    let turn = give(&handles, &turn, failed(1, "400"), 6);
    assert_eq!((turn.snapshot.status, calls(&turn)), (Status::Aborted, vec![]));
}

#[test]
fn the_limit_of_one_execution_begins_anew_with_each_retry() {
    let program = flow(
        "states:
- name: A
  type: operation
  actions: [{functionRef: one, retryRef: again, retryableErrors: [refused]}]
  timeouts: {stateExecTimeout: {total: PT1H, single: PT5S}}
  end: true",
    );
    let turn = start(&program, json!({}));
    // The delay before the retry does not count, and the second attempt has five seconds of its own.
    let turn = give(&program, &turn, failed(1, "400"), 4);
    let turn = give(&program, &turn, Input::Tick, 9);
    assert_eq!((turn.snapshot.status, calls(&turn)), (Status::Active, vec![]));
    let turn = give(&program, &turn, Input::Tick, 14);
    assert_eq!(calls(&turn), [(2, "one".to_owned())]);
    let turn = give(&program, &turn, Input::Tick, 18);
    assert_eq!(turn.snapshot.status, Status::Active);
    let turn = give(&program, &turn, Input::Tick, 19);
    assert_eq!(turn.snapshot.status, Status::Error);
    assert_eq!(turn.snapshot.failed.as_ref().unwrap().failure.code.as_deref(), Some("timeout"));
}

#[test]
fn a_second_abort_ends_an_instance_that_still_compensates() {
    let program = flow(
        "states:
- {name: A, type: inject, data: {}, compensatedBy: U, transition: B}
- {name: B, type: sleep, duration: PT1H, end: true}
- {name: U, type: operation, actions: [{subFlowRef: other}], usedForCompensation: true}",
    );
    let turn = give(&program, &start(&program, json!({})), Input::Abort, 0);
    assert!(turn.snapshot.is_aborting());
    assert!(
        turn.effects.iter().any(|effect| matches!(effect, Effect::StartChild(_))),
        "it undoes by a subflow"
    );
    let ended = give(&program, &turn, Input::ChildEnded { call: 1, outcome: Ok(Val::Null) }, 0);
    assert_eq!(ended.snapshot.status, Status::Aborted);
    let ended = give(&program, &turn, Input::Abort, 0);
    assert_eq!((ended.snapshot.status, ended.snapshot.is_aborting()), (Status::Aborted, false));
    assert_eq!(ended.effects, [Effect::CancelChild(1)]);
}
