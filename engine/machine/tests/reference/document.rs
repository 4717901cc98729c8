//! The document of a graph.

use serde_json::{Value, json};

use crate::graph::{EVENTS, Graph, Kind, Target};

/// The document. States are called by their index; before them stands one that only begins.
pub(crate) fn text(graph: &Graph) -> String {
    let states = &graph.0;
    let mut all =
        vec![json!({"name": "Begin", "type": "inject", "data": {"begun": true}, "transition": "S0"})];
    for (index, state) in states.iter().enumerate() {
        let mut json = kind(index, &state.kind, states.len());
        json["name"] = json!(format!("S{index}"));
        let produced =
            state.produces.then(|| json!([{"eventRef": "out", "data": {"at": format!("S{index}")}}]));
        let next = way(state.next, states.len(), produced);
        match &state.kind {
            Kind::Switch { .. } => json["defaultCondition"] = next,
            _ => merge(&mut json, next),
        }
        all.push(json);
    }
    let events = EVENTS.iter().map(|event| {
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
    let mut events: Vec<Value> = events.collect();
    events.push(json!({"name": "out", "type": "t.out", "kind": "produced"}));
    json!({
        "id": "graph", "version": "1.0", "specVersion": "0.8", "start": "Begin", "events": events, "states": all,
        "functions": [{"name": "seen", "type": "expression", "operation": "{seen: true}"}],
        "errors": [{"name": "late", "code": "TimedOut"}],
    })
    .to_string()
}

/// `transition` or `end`.
fn way(target: Target, end: usize, produced: Option<Value>) -> Value {
    match (target == end, produced) {
        (true, None) => json!({"end": true}),
        (true, Some(produced)) => json!({"end": {"produceEvents": produced}}),
        (false, None) => json!({"transition": format!("S{target}")}),
        (false, Some(produced)) => {
            json!({"transition": {"nextState": format!("S{target}"), "produceEvents": produced}})
        }
    }
}

fn merge(object: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    object.as_object_mut().unwrap().extend(more);
}

fn kind(index: usize, kind: &Kind, end: usize) -> Value {
    let name = |event: usize| EVENTS[event].name;
    match kind {
        Kind::Inject(number) => json!({"type": "inject", "data": {format!("i{index}"): number}}),
        Kind::Sleep(seconds) => json!({"type": "sleep", "duration": format!("PT{seconds}S")}),
        Kind::Event { exclusive, entries, limit, handler } => {
            let entries = entries.iter().enumerate().map(|(number, events)| {
                json!({
                    "eventRefs": events.iter().map(|event| name(*event)).collect::<Vec<_>>(),
                    "eventDataFilter": {"toStateData": format!(".g{index}_{number}")},
                    "actions": [{"functionRef": "seen"}],
                })
            });
            let state =
                json!({"type": "event", "exclusive": exclusive, "onEvents": entries.collect::<Vec<_>>()});
            limited(state, *limit, *handler, end)
        }
        Kind::Switch { conditions, limit } => {
            let conditions = conditions.iter().enumerate().map(|(number, (event, target))| {
                let mut json = json!({
                    "eventRef": name(*event), "eventDataFilter": {"toStateData": format!(".s{index}_{number}")},
                });
                merge(&mut json, way(*target, end, None));
                json
            });
            let state = json!({"type": "switch", "eventConditions": conditions.collect::<Vec<_>>()});
            limited(state, *limit, None, end)
        }
        Kind::Callback { event, limit, handler } => {
            let state = json!({
                "type": "callback", "action": {"functionRef": "seen"}, "eventRef": name(*event),
                "eventDataFilter": {"toStateData": format!(".c{index}")},
            });
            limited(state, *limit, *handler, end)
        }
        Kind::Ask(branches) => {
            let action = |branch: usize, number: usize, event: usize| {
                let place = format!("a{index}_{branch}_{number}");
                json!({
                    "eventRef": {"triggerEventRef": "out", "resultEventRef": name(event), "data": {"at": place}},
                    "actionDataFilter": {"toStateData": format!(".{place}")},
                })
            };
            let branches = branches.iter().enumerate().map(|(branch, events)| {
                let actions = events.iter().enumerate().map(|(number, event)| action(branch, number, *event));
                json!({"name": format!("b{branch}"), "actions": actions.collect::<Vec<_>>()})
            });
            json!({"type": "parallel", "branches": branches.collect::<Vec<_>>()})
        }
    }
}

fn limited(mut state: Value, limit: Option<i64>, handler: Option<Target>, end: usize) -> Value {
    if let Some(limit) = limit {
        state["timeouts"] = json!({"eventTimeout": format!("PT{limit}S")});
    }
    if let Some(handler) = handler {
        let mut json = json!({"errorRef": "late"});
        merge(&mut json, way(handler, end, None));
        state["onErrors"] = json!([json]);
    }
    state
}
