//! Time limits: which of several applies, and what happens when it has passed.

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Status, Turn};
use serde_json::{Value, json};
use support::{NOW, context, event, program, settle, stored};

/// A parallel state with one branch that waits for a call, and the time limits of workflow, state and branch.
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
fn the_innermost_limit_applies() {
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
        // A tick one millisecond too early changes nothing, also after the snapshot was stored and read.
        let stored = stored(&program, &begun.snapshot);
        let early = settle(&program, stored, Input::Tick, &context(1000), due - 1);
        assert_eq!(early.snapshot.status, Status::Active);
        let late = settle(&program, early.snapshot, Input::Tick, &context(1000), due);
        assert_eq!(late.snapshot.status, Status::Completed, "{workflow} | {state} | {branch}");
        assert_eq!(Value::from(late.snapshot.data), json!({"late": true}));
    }
}

#[test]
fn without_a_handler_the_time_limit_of_a_branch_is_an_error() {
    let text = parallel("", "", "branchExecTimeout: PT1S").replace("errorRef: late", "errorRef: other");
    let text = text.replace("errors: [", "errors: [{name: other, code: '404'}, ");
    let (program, begun) = start(&text);
    let late = settle(&program, begun.snapshot, Input::Tick, &context(1000), NOW + 1000);
    assert_eq!(late.snapshot.status, Status::Error);
    let message = late.snapshot.failed.unwrap().message();
    assert_eq!(message, "the time of branch `A` of state `Both` is over");
}

/// The time limit of a state cancels everything that the state waits for, also if no handler matches the error. Otherwise a subflow would run
/// without a parent that waits for it, and branches would run at the same time as those that a retrigger starts.
#[test]
fn the_time_limit_of_a_state_cancels_its_subflows_and_branches() {
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
        let is_cancel = |effect: &Effect| matches!(effect, Effect::CancelChild(call) if *call == child);
        assert_eq!(late.effects.iter().filter(|effect| is_cancel(effect)).count(), 1, "{state} {handler}");
        let expected = if handler == "late" { Status::Completed } else { Status::Error };
        assert_eq!(late.snapshot.status, expected, "{state}");
        assert_eq!(late.snapshot.children().count(), 0, "{state} {handler}");
        assert!(
            rondo_machine::pending_calls(&program, &late.snapshot, &context(1000), NOW).is_empty(),
            "{state}"
        );
    }
}

#[test]
fn the_states_of_run_before_run_after_the_time_limit_of_the_workflow() {
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
    let call = rondo_machine::pending_calls(&program, &call, &context(1000), NOW)[0].0;
    let answered = Input::Answered { call, result: None, response: None };
    let ended = settle(&program, over.snapshot, answered, &context(1000), NOW + 121_000);
    assert_eq!(ended.snapshot.status, Status::Aborted);
    assert_eq!(Value::from(ended.snapshot.data), json!({"last": true}));
}

/// The time of an action ends when it has its result; what it sleeps afterwards does not count, whatever the action is.
#[test]
fn a_sleep_after_an_action_does_not_count_into_its_time() {
    for action in ["functionRef: ask", "functionRef: seen", "eventRef: {triggerEventRef: out, invoke: async}"]
    {
        let (program, mut turn) = start(&format!(
            "
id: after
version: '1.0'
specVersion: '0.8'
start: Wait
functions:
- {{name: ask, type: custom, operation: 'rest:post:/things'}}
- {{name: seen, type: expression, operation: '{{seen: true}}'}}
events: [{{name: out, type: t.out, source: s, kind: produced}}]
states:
- {{name: Wait, type: operation, timeouts: {{actionExecTimeout: PT5S}}, actions: [{{{action}, sleep: {{after: PT1M}}}}], end: true}}
"
        ));
        let call = turn.snapshot.calls().next();
        if let Some(call) = call {
            let answered = Input::Answered { call, result: None, response: None };
            turn = settle(&program, turn.snapshot, answered, &context(1000), NOW);
        }
        assert_eq!(turn.snapshot.wake_at(), Some(NOW + 60_000), "{action}");
    }
}

/// Nothing new starts after the time limit of the workflow (spec-0.8, rule 132), and the payload of an event is merged when its entry starts. So
/// the result of the running action counts, and the events of later entries do not, whether or not that action is the last of its entry.
#[test]
fn no_further_entry_of_an_event_state_starts_after_the_time_limit_of_the_workflow() {
    let came = |event_type| Input::Event(Box::new(event(event_type, &[], json!(event_type))));
    let (one, both) = (json!({"one": "t.one", "n": 1}), json!({"one": "t.one", "n": 1, "two": "t.two"}));
    for (limit, actions, status, expected) in [
        ("PT1S", "{functionRef: ask}", Status::Aborted, &one),
        ("PT1S", "{functionRef: ask}, {functionRef: ask}", Status::Aborted, &one),
        ("PT9S", "{functionRef: ask}", Status::Completed, &both),
    ] {
        let (program, begun) = start(&format!(
            "
id: entries
specVersion: '0.8'
timeouts: {{workflowExecTimeout: {limit}}}
functions: [{{name: ask, type: custom, operation: 'rest:post:/things'}}]
events:
- {{name: one, type: t.one, source: /test}}
- {{name: two, type: t.two, source: /test}}
states:
- name: Wait
  type: event
  exclusive: false
  onEvents:
  - {{eventRefs: [one], eventDataFilter: {{toStateData: .one}}, actions: [{actions}]}}
  - {{eventRefs: [two], eventDataFilter: {{toStateData: .two}}, actions: []}}
  end: true
"
        ));
        let give = |turn: Turn, input, seconds: i64| {
            let snapshot = stored(&program, &turn.snapshot);
            settle(&program, snapshot, input, &context(1000), NOW + seconds * 1000)
        };
        let both_came = give(give(begun, came("t.two"), 0), came("t.one"), 0);
        let call = both_came.snapshot.calls().next().unwrap();
        let over = give(both_came, Input::Tick, 1);
        assert_eq!(over.snapshot.status, Status::Active, "{limit} {actions}");
        let result = Some(Val::from(json!({"n": 1})));
        let ended = give(over, Input::Answered { call, result, response: None }, 2);
        assert_eq!((ended.snapshot.status, calls(&ended)), (status, 0), "{limit} {actions}");
        assert_eq!(Value::from(ended.snapshot.data), *expected, "{limit} {actions}");
    }
}
