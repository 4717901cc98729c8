//! A property that the engine reads but does not support has a warning that names it, at its place. A supported property has none.

#![allow(clippy::unwrap_used)] // A helper of a test may fail the test.

use rondo_definition::{Source, codes, parse};

/// For each warning the text at its place, and its message.
fn warnings(text: &str) -> Vec<(String, String)> {
    let (_, found) = parse("flow.sw.yaml", text);
    let source = Source::unread("flow.sw.yaml", text);
    let about = [codes::WITHOUT_EFFECT, codes::UNUSED_PROPERTY];
    let found = found.into_iter().filter(|found| about.contains(&found.code));
    let marked = found.map(|found| {
        let position = found.position.unwrap();
        let line = source.line_text(position.line).unwrap();
        (line.chars().skip(position.column - 1).collect(), found.message)
    });
    marked.collect()
}

/// A document with these states, and `rest` at its top level.
fn document(states: &str, rest: &str) -> String {
    format!("id: flow\nspecVersion: '0.8'\n{rest}\nstates:\n{states}\n")
}

const INJECT: &str = "- {name: A, type: inject, data: {}, end: true}";
const FUNCTIONS: &str = "functions:\n- {name: f, type: expression, operation: .x}\n- {name: get, type: custom, operation: 'rest:get:/x'}\n\
                         - {name: log, type: custom, operation: 'sysout:INFO'}\n- {name: api, operation: a.yaml#b}\n\
                         retries: [{name: r, maxAttempts: 1}]\nerrors: [{name: e, code: '1'}]";
const EVENTS: &str = "events: [{name: e, type: e, source: s}, {name: p, type: p, kind: produced}]";

fn action(action: &str) -> String {
    document(&format!("- {{name: A, type: operation, actions: [{{{action}}}], end: true}}"), FUNCTIONS)
}

fn check(text: &str, expected: &[&str]) {
    let found = warnings(text);
    assert_eq!(found.len(), expected.len(), "{text}\n{found:#?}");
    for ((place, message), begin) in found.iter().zip(expected) {
        assert!(place.starts_with(begin), "{begin}: {place}");
        let name = begin.split(':').next().unwrap_or_default();
        assert!(message.contains(&format!("`{name}` has no effect")), "{name}: {message}");
    }
}

#[test]
fn each_property_without_effect_is_named_at_its_place() {
    for (text, expected) in [
        (
            document(INJECT, "functions: [{name: f, type: custom, operation: 'rest:get:/x', authRef: a}]"),
            "authRef: a",
        ),
        (action("subFlowRef: {workflowId: w, onParentComplete: continue}"), "onParentComplete: continue"),
    ] {
        check(&text, &[expected]);
    }
}

#[test]
fn properties_that_a_function_or_another_state_makes_meaningless_are_named_too() {
    let named = |text: &str, name: &str, place: &str| {
        let found = warnings(text);
        let [(at, message)] = found.as_slice() else { panic!("{text}: {found:#?}") };
        assert!(
            at.starts_with(place) && message.contains(&format!("`{name}` has no effect")),
            "{at}: {message}"
        );
    };
    named(&action("functionRef: {refName: api, selectionSet: '{ a }'}"), "selectionSet", "'{ a }'");
    named(&action("functionRef: {refName: f, arguments: {a: 1}}"), "arguments", "{a: 1}");
    named(&action("functionRef: {refName: log, arguments: {message: m, level: 7}}"), "level", "7");
    named(&action("functionRef: f, retryRef: r"), "retryRef", "r}");
    named(&action("functionRef: {refName: api, invoke: async}, retryRef: r"), "retryRef", "r}");
    named(&action("subFlowRef: {workflowId: w, invoke: async}, retryRef: r"), "retryRef", "r}");
    named(&action("eventRef: {triggerEventRef: e, invoke: async}, retryRef: r"), "retryRef", "r}");
    named(&action("eventRef: {triggerEventRef: e, resultEventRef: e}"), "resultEventRef", "resultEventRef");
    named(
        &action("subFlowRef: {workflowId: w, invoke: async}, retryableErrors: [e]"),
        "retryableErrors",
        "e]",
    );
    let switch = "- {name: A, type: switch, eventConditions: [{eventRef: e, end: true}], timeouts: {eventTimeout: PT1M}}";
    named(&document(switch, EVENTS), "eventTimeout", "PT1M");
    let compensated = "- {name: A, type: inject, data: {}, compensatedBy: U, end: true}\n\
                       - {name: U, type: inject, data: {}, usedForCompensation: true, end: {produceEvents: [{eventRef: p}]}}";
    named(&document(compensated, EVENTS), "produceEvents", "[{eventRef: p}]");
    let before_end = "- {name: A, type: inject, data: {}, end: true}\n- {name: Z, type: inject, data: {}, end: {continueAs: other}}";
    let timeouts = "timeouts: {workflowExecTimeout: {duration: PT1H, runBefore: Z}}";
    named(&document(before_end, timeouts), "continueAs", "other");
    let warned = warnings(&document(INJECT, "version: '${ .version }'"));
    assert!(matches!(&warned[..], [(_, message)] if message.contains("`version`")), "{warned:?}");
    for id in ["workflow-kpi-extension", "workflow-ratelimiting-extension"] {
        named(&document(INJECT, &format!("extensions: [{{extensionid: {id}}}]")), id, id);
    }
}

#[test]
fn supported_properties_and_invalid_ones_have_no_such_warning() {
    for text in [
        document(INJECT, "start: {stateName: A}\nkeepActive: true\nautoRetries: true\nmetadata: {a: b}"),
        document(INJECT, "start: {stateName: A, schedule: R/PT1H}"),
        document(INJECT, "start: {stateName: A, schedule: {cron: '0 * * * *'}}"),
        document(INJECT, "start: {stateName: A, schedule: {cron: now and then}}"),
        document(INJECT, "timeouts: {workflowExecTimeout: {duration: PT1H, interrupt: true}}"),
        document(INJECT, "timeouts: {workflowExecTimeout: {duration: PT1H, interrupt: false}}"),
        document(
            INJECT,
            "timeouts: {stateExecTimeout: {total: PT1H, single: PT1M}, actionExecTimeout: PT1M}",
        ),
        action("functionRef: {refName: api, invoke: async}"),
        action("subFlowRef: {workflowId: w, invoke: async, onParentComplete: continue}"),
        document(INJECT, "events: [{name: e, type: e, source: s, dataOnly: true, metadata: {a: b}}]"),
        document(
            "- {name: A, type: event, onEvents: [{eventRefs: [e], actionMode: sequential}], end: true}",
            EVENTS,
        ),
        document("- {name: A, type: operation, actionMode: parallel, actions: [], end: true}", ""),
        action(
            "functionRef: {refName: api, arguments: {a: 1}, invoke: sync}, retryRef: r, retryableErrors: [e]",
        ),
        action("subFlowRef: w, retryRef: r, retryableErrors: [e]"),
        action("functionRef: {refName: log, arguments: {message: m}}"),
        action("functionRef: f, retryRef: unknown"),
        action("subFlowRef: {workflowId: w, invoke: sync, onParentComplete: terminate}"),
    ] {
        check(&text, &[]);
    }
}
