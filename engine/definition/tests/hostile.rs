//! Damaged and random documents.

#![allow(clippy::unwrap_used)] // A helper of a test may fail the test.

use proptest::{prelude::*, sample::select};
use rondo_definition::{Compat, Diagnostic, Options, codes, parse_with};
use serde_json::{Value, json};

/// A valid document with every construct.
fn valid() -> Value {
    json!({
        "id": "all", "specVersion": "0.8", "version": "1",
        "start": {"stateName": "Op", "schedule": {"cron": {"expression": "0 * * * *"}, "timezone": "UTC"}},
        "dataInputSchema": {"schema": "in.json", "failOnValidationErrors": true},
        "extensions": [{"extensionid": "workflow-uri-definitions", "definitions": {"a": "b"}}],
        "constants": {"a": 1}, "secrets": ["s"], "annotations": ["x"], "autoRetries": true,
        "functions": [{"name": "f", "operation": "a#b", "authRef": "basic"}],
        "events": [{"name": "in", "type": "in", "source": "s", "correlation": [{"contextAttributeName": "k"}]},
                   {"name": "out", "type": "out", "kind": "produced"}],
        "errors": [{"name": "e", "code": "404"}],
        "retries": [{"name": "r", "delay": "PT1S", "maxAttempts": 3, "multiplier": 2, "jitter": 0.5}],
        "auth": [{"name": "basic", "properties": {"username": "u", "password": "p"}}],
        "timeouts": {"workflowExecTimeout": {"duration": "PT1H", "runBefore": "Last"}},
        "states": [
            {"name": "Op", "type": "operation", "actionMode": "parallel", "compensatedBy": "Undo",
             "actions": [{"functionRef": {"refName": "f", "arguments": {"a": ".b"}}, "retryRef": "r",
                          "sleep": {"before": "PT1S"}, "actionDataFilter": {"toStateData": ".x"}},
                         {"eventRef": {"triggerEventRef": "out", "resultEventRef": "in"}},
                         {"subFlowRef": {"workflowId": "all"}}],
             "onErrors": [{"errorRef": "e", "transition": "Switch"}],
             "transition": {"nextState": "Switch", "produceEvents": [{"eventRef": "out", "data": {"a": ".b"}}]}},
            {"name": "Switch", "type": "switch", "dataConditions": [{"condition": ".a", "transition": "Each"}],
             "defaultCondition": {"transition": "Sleep"}},
            {"name": "Each", "type": "foreach", "inputCollection": ".a", "batchSize": 2, "mode": "parallel",
             "actions": [{"functionRef": "f"}], "transition": "Par"},
            {"name": "Par", "type": "parallel", "completionType": "atLeast", "numCompleted": 1,
             "branches": [{"name": "b", "actions": [{"functionRef": "f"}]}], "transition": "Event"},
            {"name": "Event", "type": "event", "onEvents": [{"eventRefs": ["in"]}], "transition": "Callback"},
            {"name": "Callback", "type": "callback", "action": {"functionRef": "f"}, "eventRef": "in",
             "timeouts": {"eventTimeout": "PT1S"}, "transition": "Sleep"},
            {"name": "Sleep", "type": "sleep", "duration": "PT1S", "end": {"compensate": true}},
            {"name": "Undo", "type": "inject", "data": {}, "usedForCompensation": true},
            {"name": "Last", "type": "inject", "data": {}, "end": true}
        ]
    })
}

/// Every pointer of a value.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, inner)| pointers(inner, &format!("{at}/{name}"), all));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, inner)| pointers(inner, &format!("{at}/{i}"), all));
        }
        _ => {}
    }
}

fn places() -> Vec<String> {
    let mut all = Vec::new();
    pointers(&valid(), "", &mut all);
    all
}

fn diagnostics(document: &Value, compat: Compat) -> Vec<Diagnostic> {
    let text = serde_json::to_string_pretty(document).unwrap();
    let (_, mut found) = parse_with("all.sw.json", &text, Options { compat, ..Options::default() });
    // Every state that waits for events has a warning, because events are not delivered yet.
    found.retain(|found| ![codes::WITHOUT_EFFECT].contains(&found.code));
    found
}

#[test]
fn the_whole_language_is_accepted() {
    assert_eq!(diagnostics(&valid(), Compat::Spec), []);
}

#[test]
fn an_unknown_property_is_reported_at_every_place_below_the_top() {
    // Values of any form, and objects whose properties are names.
    let any_form = ["/constants", "/metadata", "/arguments", "/data", "/definitions", "/auth/0/properties"];
    for place in places() {
        let mut document = valid();
        let Some(Value::Object(object)) = document.pointer_mut(&place) else { continue };
        if place.is_empty() || any_form.iter().any(|part| place.contains(part)) {
            continue;
        }
        object.insert("zzzzzzzz".to_owned(), json!(1));
        let found = diagnostics(&document, Compat::Spec);
        assert!(
            found.iter().any(|d| d.is_error() && d.message.contains("no property `zzzzzzzz`")),
            "{place}: {found:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn any_value_at_any_place_is_accepted_or_refused_with_a_place(
        place in select(places()),
        value in select(vec![json!(null), json!(true), json!(-1), json!(1e300), json!(""), json!("ü${"), json!("P1M"),
            json!([]), json!([null]), json!([[]]), json!({}), json!({"": null}), json!({"name": "x", "type": "sleep"})]),
    ) {
        let mut document = valid();
        *document.pointer_mut(&place).unwrap() = value;
        for diagnostic in diagnostics(&document, Compat::Spec) {
            prop_assert!(diagnostic.position.is_some(), "{diagnostic}");
            prop_assert!(!diagnostic.message.is_empty());
        }
    }

    #[test]
    fn any_text_is_a_workflow_or_diagnostics(text in "(id: a\n|states:\n|- name: A\n|  type: (inject|sleep|switch)\n|  end: true\n|  [a-c]: [a-c{\\[]\n){0,12}") {
        let (document, diagnostics) = rondo_definition::parse("a.sw.yaml", &text);
        prop_assert!(document.is_some() || diagnostics.iter().any(Diagnostic::is_error));
    }
}
