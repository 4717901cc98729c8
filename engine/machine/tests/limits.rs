//! Time limits: which counts where several are given, and what happens when the time is over.

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Status, Turn};
use serde_json::{Value, json};
use support::{NOW, context, program, settle, stored};

/// A parallel state of one branch that waits for a call; `{}` are limits of workflow, state and branch.
fn parallel(workflow: &str, state: &str, branch: &str) -> String {
    format!(
        "
id: limits
version: '1.0'
specVersion: '0.8'
start: Both
timeouts: {{{workflow}}}
functions: [{{name: ask, type: custom, operation: 'rest:post:/things'}}]
errors: [{{name: late, code: timeout}}]
states:
- name: Both
  type: parallel
  timeouts: {{{state}}}
  branches:
  - name: A
    timeouts: {{{branch}}}
    actions: [{{functionRef: ask}}]
  onErrors: [{{errorRef: late, transition: Late}}]
  end: true
- {{name: Late, type: inject, data: {{late: true}}, end: true}}
"
    )
}

fn calls(turn: &Turn) -> usize {
    turn.effects.iter().filter(|effect| matches!(effect, Effect::Call(_))).count()
}

fn start(text: &str) -> (rondo_program::Program, Turn) {
    let program = program(text);
    let begun = settle(
        &program,
        Snapshot::new(Val::object::<&str>([])),
        Input::Start { at: None },
        &context(1000),
        NOW,
    );
    (program, begun)
}

#[test]
fn the_nearest_limit_counts() {
    for (workflow, state, branch, seconds) in [
        ("branchExecTimeout: PT9S", "", "", 9),
        ("branchExecTimeout: PT9S", "branchExecTimeout: PT5S", "", 5),
        ("branchExecTimeout: PT9S", "branchExecTimeout: PT5S", "branchExecTimeout: PT20S", 20),
        ("actionExecTimeout: PT9S", "", "actionExecTimeout: PT3S", 3),
        ("branchExecTimeout: PT9S", "stateExecTimeout: PT4S", "", 4),
    ] {
        let (program, begun) = start(&parallel(workflow, state, branch));
        let due = NOW + seconds * 1000;
        assert_eq!(begun.snapshot.wake_at(), Some(due), "{workflow} | {state} | {branch}");
        // A moment too early changes nothing; a snapshot that was stored in between is as good.
        let stored = stored(&program, &begun.snapshot);
        let early = settle(&program, stored, Input::Tick, &context(1000), due - 1);
        assert_eq!(early.snapshot.status, Status::Active);
        let late = settle(&program, early.snapshot, Input::Tick, &context(1000), due);
        assert_eq!(late.snapshot.status, Status::Completed, "{workflow} | {state} | {branch}");
        assert_eq!(Value::from(late.snapshot.data), json!({"late": true}));
    }
}

#[test]
fn without_a_handler_a_branch_that_is_late_is_an_error() {
    let text = parallel("", "", "branchExecTimeout: PT1S").replace("errorRef: late", "errorRef: other");
    let text = text.replace("errors: [", "errors: [{name: other, code: '404'}, ");
    let (program, begun) = start(&text);
    let late = settle(&program, begun.snapshot, Input::Tick, &context(1000), NOW + 1000);
    assert_eq!(late.snapshot.status, Status::Error);
    let message = late.snapshot.failed.unwrap().message();
    assert_eq!(message, "the time of branch `A` of state `Both` is over");
}

/// What a state waits for ends with its time, whether or not something handles the error: a subflow that nobody waits for would
/// go on unseen, and branches would run beside those that a retrigger begins.
#[test]
fn nothing_goes_on_below_a_state_whose_time_is_over() {
    let operation = "type: operation, actions: [{subFlowRef: other}]";
    let parallel = "type: parallel, branches: [{name: A, actions: [{subFlowRef: other}]}, {name: B, actions: [{functionRef: ask}]}]";
    let each =
        "type: foreach, inputCollection: '${ [1] }', iterationParam: n, actions: [{subFlowRef: other}]";
    for (state, handler) in
        [operation, parallel, each].into_iter().flat_map(|state| [(state, "late"), (state, "other")])
    {
        let (program, begun) = start(&format!(
            "
id: over
version: '1.0'
specVersion: '0.8'
start: Wait
functions: [{{name: ask, type: custom, operation: 'rest:post:/things'}}]
errors: [{{name: late, code: timeout}}, {{name: other, code: '404'}}]
states:
- {{name: Wait, {state}, timeouts: {{stateExecTimeout: PT1S}}, onErrors: [{{errorRef: {handler}, end: true}}], end: true}}
"
        ));
        let child = begun.snapshot.children().next().unwrap();
        let late = settle(&program, begun.snapshot, Input::Tick, &context(1000), NOW + 1000);
        let cancelled = |effect: &Effect| matches!(effect, Effect::CancelChild(call) if *call == child);
        assert_eq!(late.effects.iter().filter(|effect| cancelled(effect)).count(), 1, "{state} {handler}");
        let expected = if handler == "late" { Status::Completed } else { Status::Error };
        assert_eq!(late.snapshot.status, expected, "{state}");
        assert_eq!(late.snapshot.children().count(), 0, "{state} {handler}");
        assert!(rondo_machine::pending(&program, &late.snapshot, &context(1000), NOW).is_empty(), "{state}");
    }
}

#[test]
fn states_run_before_the_workflows_time_ends_it() {
    let (program, begun) = start(
        "
id: overtime
version: '1.0'
specVersion: '0.8'
start: Sleep
timeouts: {workflowExecTimeout: {duration: PT2M, runBefore: Report}}
functions: [{name: report, type: custom, operation: 'rest:post:/report'}]
states:
- {name: Sleep, type: sleep, duration: PT1H, end: true}
- {name: Report, type: operation, actions: [{functionRef: report}], transition: Last}
- {name: Last, type: inject, data: {last: true}, end: true}
",
    );
    let over = settle(&program, begun.snapshot, Input::Tick, &context(1000), NOW + 120_000);
    assert_eq!((over.snapshot.status, calls(&over)), (Status::Active, 1));
    let call = over.snapshot.clone();
    let call = rondo_machine::pending(&program, &call, &context(1000), NOW)[0].0;
    let answered = Input::Answered { call, result: None, response: None };
    let ended = settle(&program, over.snapshot, answered, &context(1000), NOW + 121_000);
    assert_eq!(ended.snapshot.status, Status::Aborted);
    assert_eq!(Value::from(ended.snapshot.data), json!({"last": true}));
}
