//! The document of a graph.

use serde_json::{Map, Value, json};

use crate::graph::{
    ACTION_SLEEP, Action, ERRORS, EVENTS, Entry, Exit, Graph, Kind, LISTED, POLICIES, State, What,
};

/// The document. States are called by their index; before them stands one that only begins.
pub(crate) fn text(graph: &Graph) -> String {
    let mut states =
        vec![json!({"name": "Begin", "type": "inject", "data": {"begun": true}, "transition": "S0"})];
    let all = |prefix: &'static str, states: &[State]| {
        let states = states.iter().enumerate();
        states.map(|(index, it)| state(graph, prefix, &format!("{prefix}{index}"), it)).collect::<Vec<_>>()
    };
    states.extend(all("S", &graph.states));
    states.extend(all("U", &graph.undos).into_iter().map(|mut undo| {
        undo["usedForCompensation"] = json!(true);
        undo
    }));
    let mut timeouts = json!({});
    if let Some(limit) = &graph.limit {
        timeouts["workflowExecTimeout"] =
            json!({"duration": duration(limit.seconds, 1), "interrupt": limit.interrupts});
        if let Some(last) = &limit.run_before {
            timeouts["workflowExecTimeout"]["runBefore"] = json!("R");
            states.push(state(graph, "R", "R", last));
        }
    }
    let errors = ERRORS.iter().map(|(name, code)| match code {
        Some(code) => json!({"name": name, "code": code}),
        None => json!({"name": name}),
    });
    let retries = POLICIES.iter().map(|policy| {
        let mut json =
            json!({"name": policy.name, "delay": millis(policy.delay), "multiplier": policy.multiplier});
        json["increment"] = json!(millis(policy.increment));
        if let Some(longest) = policy.longest {
            json["maxDelay"] = json!(millis(longest));
        }
        if let Some(retries) = policy.retries {
            json["maxAttempts"] = json!(retries);
        }
        json
    });
    json!({
        "id": "graph", "version": "1.0", "specVersion": "0.8", "start": "Begin", "states": states,
        "events": events(), "timeouts": timeouts, "autoRetries": graph.auto_retries,
        "functions": [
            {"name": "ask", "type": "custom", "operation": "rest:post:/ask"},
            {"name": "count", "type": "expression", "operation": "{c: ((.c // 0) + 1)}"},
            {"name": "fail", "type": "expression", "operation": "error(\"no\")"},
        ],
        "errors": errors.collect::<Vec<_>>(),
        "retries": retries.collect::<Vec<_>>(),
    })
    .to_string()
}

fn events() -> Vec<Value> {
    let consumed = EVENTS.iter().map(|event| {
        let mut correlation = Vec::new();
        if event.has_key {
            correlation.push(json!({"contextAttributeName": "key"}));
        }
        if event.has_user {
            correlation.push(json!({"contextAttributeName": "user", "contextAttributeValue": "${ .user }"}));
        }
        let mut json = json!({"name": event.name, "type": event.event_type, "source": "/test"});
        if !correlation.is_empty() {
            json["correlation"] = json!(correlation);
        }
        json
    });
    consumed.chain([json!({"name": "out", "type": "t.out", "kind": "produced"})]).collect()
}

fn duration(seconds: i64, rest: i64) -> String {
    millis(seconds * 1000 + rest)
}

fn millis(millis: i64) -> String {
    format!("PT{}.{:03}S", millis / 1000, millis % 1000)
}

fn state(graph: &Graph, prefix: &str, name: &str, state: &State) -> Value {
    let end = match prefix {
        "S" => graph.states.len(),
        "U" => graph.undos.len(),
        _ => 0,
    };
    let way = |place: &str, exit: &Exit| way(prefix, end, place, exit);
    let mut json = kind(name, state, &way);
    json["name"] = json!(name);
    let exit = way(name, &state.exit);
    match &state.kind {
        Kind::Choose { .. } | Kind::Switch { .. } => json["defaultCondition"] = exit,
        _ => merge(&mut json, exit),
    }
    let handlers = state.handlers.iter().enumerate().map(|(number, handler)| {
        let names: Vec<_> = handler.errors.iter().map(|error| ERRORS[*error].0).collect();
        let mut json = json!({"errorRefs": names});
        merge(&mut json, way(&format!("{name}_h{number}"), &handler.exit));
        json
    });
    json["onErrors"] = json!(handlers.collect::<Vec<_>>());
    if let Some(undo) = state.compensated_by {
        json["compensatedBy"] = json!(format!("U{undo}"));
    }
    let mut timeouts = json!({});
    if let Some(seconds) = state.total.or(state.single.map(|_| 1_000_000)) {
        timeouts["stateExecTimeout"] = json!({"total": duration(seconds, 37)});
    }
    if let Some(seconds) = state.single {
        timeouts["stateExecTimeout"]["single"] = json!(duration(seconds, 53));
    }
    if let Some(seconds) = state.action_limit {
        timeouts["actionExecTimeout"] = json!(duration(seconds, 11));
    }
    if let Kind::Event { limit, .. } | Kind::Switch { limit, .. } | Kind::Callback { limit, .. } = &state.kind
        && let Some(seconds) = limit
    {
        timeouts["eventTimeout"] = json!(duration(*seconds, 3));
    }
    json["timeouts"] = timeouts;
    if state.filters {
        json["stateDataFilter"] = json!({
            "input": format!("${{ . + {{i{name}: true}} }}"), "output": format!("${{ . + {{o{name}: true}} }}"),
        });
    }
    json
}

/// `transition` or `end`.
fn way(prefix: &str, end: usize, place: &str, exit: &Exit) -> Value {
    let mut way = json!({});
    if exit.produces {
        way["produceEvents"] = json!([{"eventRef": "out", "data": {"at": place}}]);
    }
    if exit.compensates {
        way["compensate"] = json!(true);
    }
    if exit.to >= end {
        return json!({"end": if way == json!({}) { json!(true) } else { way }});
    }
    way["nextState"] = json!(format!("{prefix}{}", exit.to));
    json!({"transition": way})
}

fn merge(object: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    object.as_object_mut().unwrap().extend(more);
}

fn kind(name: &str, state: &State, way: &dyn Fn(&str, &Exit) -> Value) -> Value {
    match &state.kind {
        Kind::Inject(number) => json!({"type": "inject", "data": {format!("n{name}"): number}}),
        Kind::Sleep(seconds) => json!({"type": "sleep", "duration": duration(*seconds, 29)}),
        Kind::Choose { above, then } => {
            let mut condition = json!({"condition": format!("${{ (.c // 0) > {above} }}")});
            merge(&mut condition, way(&format!("{name}_t"), then));
            json!({"type": "switch", "dataConditions": [condition]})
        }
        Kind::Operation { actions, parallel } => {
            json!({"type": "operation", "actionMode": mode(*parallel), "actions": list(name, actions, *parallel)})
        }
        Kind::Parallel { branches, at_least } => {
            let all = branches.iter().enumerate().map(|(number, branch)| {
                let place = format!("{name}_{number}");
                let mut timeouts = Map::new();
                if let Some(seconds) = branch.limit {
                    timeouts.insert("branchExecTimeout".into(), duration(seconds, 5).into());
                }
                if let Some(seconds) = branch.action_limit {
                    timeouts.insert("actionExecTimeout".into(), duration(seconds, 11).into());
                }
                json!({"name": format!("b{number}"), "actions": list(&place, &branch.actions, false), "timeouts": timeouts})
            });
            let mut json = json!({"type": "parallel", "branches": all.collect::<Vec<_>>()});
            if let Some(number) = at_least {
                json["completionType"] = json!("atLeast");
                json["numCompleted"] = json!(number);
            }
            json
        }
        Kind::ForEach { length, batch, actions, collects } => {
            let actions = actions.iter().enumerate();
            let actions = actions.map(|(number, it)| action(&format!("{name}_{number}"), true, it));
            let mut json = json!({
                "type": "foreach", "inputCollection": format!("${{ [range({length})] }}"), "iterationParam": "item",
                "actions": actions.collect::<Vec<_>>(), "mode": if *batch == Some(1) { "sequential" } else { "parallel" },
            });
            if let Some(batch) = batch.filter(|batch| *batch > 1) {
                json["batchSize"] = json!(batch);
            }
            if *collects {
                json["outputCollection"] = json!(format!("${{ .e{name} }}"));
            }
            json
        }
        Kind::Event { exclusive, entries, .. } => {
            let entries =
                entries.iter().enumerate().map(|(number, it)| entry(&format!("{name}_{number}"), it));
            json!({"type": "event", "exclusive": exclusive, "onEvents": entries.collect::<Vec<_>>()})
        }
        Kind::Switch { conditions, .. } => {
            let conditions = conditions.iter().enumerate().map(|(number, (event, exit))| {
                let mut json = json!({
                    "eventRef": EVENTS[*event].name, "eventDataFilter": {"toStateData": format!(".s{name}_{number}")},
                });
                merge(&mut json, way(&format!("{name}_c{number}"), exit));
                json
            });
            json!({"type": "switch", "eventConditions": conditions.collect::<Vec<_>>()})
        }
        Kind::Callback { action: it, event, .. } => json!({
            "type": "callback", "action": action(&format!("{name}_0"), false, it), "eventRef": EVENTS[*event].name,
            "eventDataFilter": {"toStateData": format!(".b{name}")},
        }),
    }
}

fn mode(parallel: bool) -> &'static str {
    if parallel { "parallel" } else { "sequential" }
}

fn entry(place: &str, entry: &Entry) -> Value {
    json!({
        "eventRefs": entry.events.iter().map(|event| EVENTS[*event].name).collect::<Vec<_>>(),
        "eventDataFilter": {"toStateData": format!(".g{place}")},
        "actionMode": mode(entry.parallel), "actions": list(place, &entry.actions, entry.parallel),
    })
}

/// Actions; those that run at the same time stand each in a branch of their own.
fn list(place: &str, actions: &[Action], parallel: bool) -> Vec<Value> {
    let place = |number: usize| match parallel {
        true => format!("{place}_{number}_0"),
        false => format!("{place}_{number}"),
    };
    actions.iter().enumerate().map(|(number, it)| action(&place(number), false, it)).collect()
}

fn action(place: &str, in_loop: bool, action: &Action) -> Value {
    let at = match in_loop {
        true => format!("\"{place}_\\($item)\""),
        false => format!("\"{place}\""),
    };
    let call = |invoke: &str| {
        let arguments = json!({"at": format!("${{ {at} }}"), "c": "${ .c // 0 }", "e": "${ $WORKFLOW.error.code // \"\" }"});
        json!({"functionRef": {"refName": "ask", "invoke": invoke, "arguments": arguments}})
    };
    let publish = |answer: Value| {
        let mut json = json!({"triggerEventRef": "out", "data": {"at": format!("${{ {at} }}")}});
        merge(&mut json, answer);
        json!({"eventRef": json})
    };
    let mut filter = json!({"useResults": action.uses_results});
    if action.to {
        filter["toStateData"] = json!(format!(".t{place}"));
    }
    let mut json = match &action.what {
        What::Call => call("sync"),
        What::Fire => call("async"),
        What::Count => json!({"functionRef": "count"}),
        What::Fail => json!({"functionRef": "fail"}),
        What::Subflow => json!({"subFlowRef": "other"}),
        What::Detach(goes_on) => {
            let then = if *goes_on { "continue" } else { "terminate" };
            json!({"subFlowRef": {"workflowId": "other", "invoke": "async", "onParentComplete": then}})
        }
        What::Ask(event, limit) => {
            let mut answer = json!({"resultEventRef": EVENTS[*event].name});
            if let Some(seconds) = limit {
                answer["resultEventTimeout"] = json!(duration(*seconds, 7));
            }
            publish(answer)
        }
        What::Tell => publish(json!({"invoke": "async"})),
    };
    if matches!(action.what, What::Subflow | What::Detach(_)) {
        let at = at.replace("$item", ".item");
        filter["fromStateData"] = json!(format!("${{ {{at: {at}, c: (.c // 0)}} }}"));
    }
    json["actionDataFilter"] = filter;
    if let Some(below) = action.below {
        json["condition"] = json!(format!("${{ (.c // 0) < {below} }}"));
    }
    if action.before || action.after {
        let sleep = [("before", action.before), ("after", action.after)];
        let sleep = sleep
            .into_iter()
            .filter(|(_, sleeps)| *sleeps)
            .map(|(name, _)| (name.to_owned(), json!(millis(ACTION_SLEEP))));
        json["sleep"] = Value::Object(sleep.collect());
    }
    if let Some(policy) = action.retry {
        json["retryRef"] = json!(POLICIES[policy].name);
    }
    if action.lists_errors {
        let names: Vec<_> = LISTED.iter().map(|error| ERRORS[*error].0).collect();
        json["retryableErrors"] = json!(names);
        json["nonRetryableErrors"] = json!(names);
    }
    json
}
