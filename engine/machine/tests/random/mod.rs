//! Random workflows, and random events for their instances.

#![allow(dead_code, reason = "each test program uses a part of it")]

use proptest::prelude::*;
use rondo_expression::Val;
use rondo_machine::{Input, Millis, Snapshot};
use rondo_program::FailureKind;
use serde_json::json;

use super::support::failure;

/// An action of a state.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Call {
        to: Option<&'static str>,
        retried: bool,
    },
    Compute(&'static str),
    Pick(&'static str),
    Subflow,
    Log,
    /// A call that nobody waits for.
    Fire,
    /// A subflow that nobody waits for, and whether it outlives the instance.
    Detach(bool),
}

/// A state. [`text`] chooses its target, which may be an earlier state, so a workflow can loop.
#[derive(Debug, Clone)]
pub(crate) enum State {
    Inject(i32),
    Operation { actions: Vec<Action>, parallel: bool, handled: bool, compensated: bool, timeout: bool },
    Switch { above: i32 },
    Sleep,
    ForEach { items: u32, batch: Option<u32>, action: Action },
    Parallel { branches: Vec<Vec<Action>>, at_least_one: bool },
}

/// An event for an instance. The first number selects one of the calls or child instances that the instance waits for.
#[derive(Debug, Clone)]
pub(crate) enum RandomEvent {
    Answer(usize, i32),
    EmptyAnswer(usize),
    CallFails(usize, bool),
    ChildEnds(usize),
    ChildFails(usize),
    TimePasses(Millis),
    Abort,
    Retrigger,
    Skip,
    Halt,
    Patch(i32),
    Replace(i32),
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (prop::option::of(Just(".to")), any::<bool>()).prop_map(|(to, retried)| Action::Call { to, retried }),
        2 => prop::sample::select(vec!["{n: (.n + 1)}", "{o: {x: .n}}", "{p: .o}", ".n / 0", "[]", "{l: [.n]}"]).prop_map(Action::Compute),
        1 => prop::sample::select(vec![".o", ".l", ".missing", ".e"]).prop_map(Action::Pick),
        2 => Just(Action::Subflow),
        1 => Just(Action::Log),
        1 => Just(Action::Fire),
        1 => any::<bool>().prop_map(Action::Detach),
    ]
}

pub(crate) fn actions() -> impl Strategy<Value = Vec<Action>> {
    prop::collection::vec(action(), 1..4)
}

pub(crate) fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        (0..9).prop_map(State::Inject),
        (actions(), any::<[bool; 4]>()).prop_map(|(actions, [parallel, handled, compensated, timeout])| {
            State::Operation { actions, parallel, handled, compensated, timeout }
        }),
        (-1..9).prop_map(|above| State::Switch { above }),
        Just(State::Sleep),
        (0..7_u32, prop::option::of(1..4_u32), action()).prop_map(|(items, batch, action)| State::ForEach {
            items,
            batch,
            action
        }),
        (prop::collection::vec(actions(), 1..4), any::<bool>())
            .prop_map(|(branches, at_least_one)| State::Parallel { branches, at_least_one }),
    ]
}

pub(crate) fn random_event() -> impl Strategy<Value = RandomEvent> {
    prop_oneof![
        6 => (any::<usize>(), 0..9).prop_map(|(which, n)| RandomEvent::Answer(which, n)),
        1 => any::<usize>().prop_map(RandomEvent::EmptyAnswer),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(which, answered)| RandomEvent::CallFails(which, answered)),
        3 => any::<usize>().prop_map(RandomEvent::ChildEnds),
        1 => any::<usize>().prop_map(RandomEvent::ChildFails),
        4 => prop::sample::select(vec![1, 100, 2000, 100_000]).prop_map(RandomEvent::TimePasses),
        1 => Just(RandomEvent::Abort),
        2 => Just(RandomEvent::Retrigger),
        1 => Just(RandomEvent::Skip),
        1 => Just(RandomEvent::Halt),
        1 => (0..9).prop_map(RandomEvent::Patch),
        1 => (0..9).prop_map(RandomEvent::Replace),
    ]
}

pub(crate) fn action_json(action: &Action) -> serde_json::Value {
    match action {
        Action::Call { to, retried } => {
            let mut json = json!({"functionRef": {"refName": "ask", "arguments": {"n": "${ .n }"}}});
            if let Some(to) = to {
                json["actionDataFilter"] = json!({"toStateData": to});
            }
            if *retried {
                json["retryRef"] = json!("often");
            }
            json
        }
        Action::Compute(expression) => {
            json!({"functionRef": match *expression {
                "{n: (.n + 1)}" => "next",
                "{o: {x: .n}}" => "object",
                "{p: .o}" => "link",
                ".n / 0" => "fails",
                "[]" => "empty",
                _ => "list",
            }})
        }
        Action::Pick(path) => {
            json!({"functionRef": "next", "actionDataFilter": {"fromStateData": path, "results": "${ . }", "toStateData": ".picked"}})
        }
        Action::Subflow => json!({"subFlowRef": "other"}),
        Action::Fire => {
            json!({"functionRef": {"refName": "ask", "invoke": "async", "arguments": {"n": "${ .n }", "e": "${ $WORKFLOW.error }"}}})
        }
        Action::Detach(goes_on) => {
            let then = if *goes_on { "continue" } else { "terminate" };
            json!({"subFlowRef": {"workflowId": "other", "invoke": "async", "onParentComplete": then}})
        }
        Action::Log => json!({"functionRef": {"refName": "log", "arguments": {"message": "${ .n }"}}}),
    }
}

/// The document with these states. `targets` has for each switch the index of the state to which its condition leads.
pub(crate) fn text(states: &[State], targets: &[usize]) -> String {
    let name = |index: usize| format!("S{index}");
    let mut all = Vec::new();
    for (index, state) in states.iter().enumerate() {
        let next = if index + 1 < states.len() { Some(name(index + 1)) } else { None };
        let list = |actions: &[Action]| actions.iter().map(action_json).collect::<Vec<_>>();
        let mut json = match state {
            State::Inject(n) => json!({"type": "inject", "data": {"n": n, "e": {}}}),
            State::Operation { actions, parallel, handled, compensated, timeout } => {
                let mut json = json!({
                    "type": "operation", "actionMode": if *parallel { "parallel" } else { "sequential" }, "actions": list(actions)
                });
                if *handled {
                    json["onErrors"] = json!([{"errorRef": "any", "transition": "Last"}]);
                }
                if *compensated {
                    json["compensatedBy"] = json!("Undo");
                }
                if *timeout {
                    json["timeouts"] = json!({"actionExecTimeout": "PT5S"});
                }
                json
            }
            State::Switch { above } => json!({
                "type": "switch",
                "dataConditions": [{"condition": format!("${{ .n > {above} }}"), "transition": name(targets[index] % states.len())}],
                "defaultCondition": {"transition": next.clone().unwrap_or_else(|| "Last".to_owned())},
            }),
            State::Sleep => json!({"type": "sleep", "duration": "PT2S"}),
            State::ForEach { items, batch, action } => {
                let mut json = json!({
                    "type": "foreach", "inputCollection": format!("${{ [range({items})] }}"), "iterationParam": "item",
                    "outputCollection": "${ .results }", "actions": [action_json(action)],
                    "mode": if batch.is_some() { "parallel" } else { "sequential" },
                });
                if let Some(batch) = batch {
                    json["batchSize"] = json!(batch);
                }
                json
            }
            State::Parallel { branches, at_least_one } => {
                let branches: Vec<_> = branches
                    .iter()
                    .enumerate()
                    .map(|(branch, actions)| json!({"name": format!("b{branch}"), "actions": list(actions)}))
                    .collect();
                let mut json = json!({"type": "parallel", "branches": branches});
                if *at_least_one {
                    json["completionType"] = json!("atLeast");
                    json["numCompleted"] = json!(1);
                }
                json
            }
        };
        json["name"] = json!(name(index));
        if !matches!(state, State::Switch { .. }) {
            json["transition"] = json!(next.unwrap_or_else(|| "Last".to_owned()));
        }
        all.push(json);
    }
    all.push(json!({"name": "Last", "type": "inject", "data": {"last": true}, "end": {"compensate": true}}));
    all.push(json!({
        "name": "Undo", "type": "operation", "usedForCompensation": true,
        "actions": [action_json(&Action::Call { to: None, retried: false })]
    }));
    json!({
        "id": "random", "version": "1.0", "specVersion": "0.8", "start": "S0", "states": all,
        "errors": [{"name": "any", "code": "java.lang.Exception"}],
        "retries": [{"name": "often", "delay": "PT1S", "maxAttempts": 2, "multiplier": 2}],
        "autoRetries": true,
        "timeouts": {"workflowExecTimeout": "PT120S"},
        "functions": [
            {"name": "ask", "type": "custom", "operation": "rest:post:/things"},
            {"name": "log", "type": "custom", "operation": "sysout"},
            {"name": "next", "type": "expression", "operation": "{n: ((.n // 0) + 1)}"},
            {"name": "object", "type": "expression", "operation": "{o: {x: .n}}"},
            {"name": "link", "type": "expression", "operation": "{p: .o}"},
            {"name": "fails", "type": "expression", "operation": ".n / 0"},
            {"name": "empty", "type": "expression", "operation": "[]"},
            {"name": "list", "type": "expression", "operation": "{l: [.n]}"},
        ],
    })
    .to_string()
}

/// The input for an event; `None` if the instance waits for nothing to which the event applies.
pub(crate) fn input(event: &RandomEvent, snapshot: &Snapshot) -> Option<Input> {
    let one = |numbers: Vec<u64>, which: usize| {
        if numbers.is_empty() { None } else { Some(numbers[which % numbers.len()]) }
    };
    let a_call = |which: usize| one(snapshot.calls().collect(), which);
    let a_child = |which: usize| one(snapshot.children().collect(), which);
    let data = |n: &i32| Val::from(json!({"n": n, "l": [n]}));
    Some(match event {
        RandomEvent::Answer(which, n) => Input::Answered {
            call: a_call(*which)?,
            result: Some(data(n)),
            response: Some(Val::from(
                json!({"statusCode": 200, "statusMessage": "OK", "responseHeaders": {}}),
            )),
        },
        RandomEvent::EmptyAnswer(which) => {
            Input::Answered { call: a_call(*which)?, result: None, response: None }
        }
        RandomEvent::CallFails(which, answered) => {
            let failure = if *answered {
                failure(FailureKind::Service, Some("500"))
            } else {
                failure(FailureKind::Connection, None)
            };
            Input::CallFailed { call: a_call(*which)?, failure }
        }
        RandomEvent::ChildEnds(which) => Input::ChildEnded { call: a_child(*which)?, outcome: Ok(data(&7)) },
        RandomEvent::ChildFails(which) => Input::ChildEnded {
            call: a_child(*which)?,
            outcome: Err(failure(FailureKind::Service, Some("500"))),
        },
        RandomEvent::TimePasses(_) => Input::Tick,
        RandomEvent::Abort => Input::Abort,
        RandomEvent::Retrigger => Input::Retrigger,
        RandomEvent::Skip => Input::Skip,
        RandomEvent::Halt => Input::Halt(failure(FailureKind::Runtime, None)),
        RandomEvent::Patch(n) => Input::Patch(data(n)),
        RandomEvent::Replace(n) => Input::Replace(data(n)),
    })
}
