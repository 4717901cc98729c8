//! The different forms that published definitions use for the same construct.

#![allow(clippy::unwrap_used)] // A helper of a test may fail the test.

use rondo_definition::{
    Compat, Diagnostic, Document, Options,
    model::{
        ActionKind, Completion, ExpressionLang, FunctionKind, Jitter, Next, SchemaSource, State, StateKind,
        SwitchConditions, Workflow,
    },
    parse, parse_with,
};
use serde_json::json;

fn document(text: &str) -> (Workflow, Vec<Diagnostic>) {
    let (document, diagnostics) = parse("flow.sw.yaml", text);
    assert!(!diagnostics.iter().any(Diagnostic::is_error), "{diagnostics:?}");
    (document.unwrap().workflow, diagnostics)
}

/// The first state of a document with the given states.
fn state(text: &str) -> (State, usize) {
    let rest = "- {name: B, type: inject, data: {}, end: true}\n\
                functions: [{name: f, type: expression, operation: .x}]\nevents: [{name: e, type: e, source: s}]\n";
    let (mut workflow, diagnostics) =
        document(&format!("id: flow\nspecVersion: '0.8'\nstates:\n{text}{rest}"));
    (workflow.states.remove(0), diagnostics.len())
}

#[test]
fn transitions_and_ends() {
    for (text, transition, terminate, warnings) in [
        ("transition: B", Some("B"), false, 0),
        ("transition: {nextState: B}", Some("B"), false, 0),
        ("transition: {nextState: B, compensate: true}", Some("B"), false, 0),
        ("end: true", None, false, 0),
        ("end: 'true'", None, false, 1),
        ("end: {}", None, false, 0),
        ("end: {terminate: true}", None, true, 0),
        ("end: {terminate: 'true'}", None, true, 1),
        ("transition: B\n  end: false", Some("B"), false, 0),
    ] {
        let (state, found) = state(&format!("- name: A\n  type: inject\n  data: {{}}\n  {text}\n"));
        match state.next.unwrap() {
            Next::Transition(next) => assert_eq!(Some(next.next_state.value.as_str()), transition, "{text}"),
            Next::End(end) => assert_eq!((None, end.terminate), (transition, terminate), "{text}"),
        }
        assert_eq!(found, warnings, "{text}");
    }
}

#[test]
fn actions() {
    let read = |action: &str| {
        let (state, _) =
            state(&format!("- name: A\n  type: operation\n  end: true\n  actions:\n  - {action}\n"));
        let StateKind::Operation { actions, parallel: false } = state.kind else {
            panic!("not an operation")
        };
        actions.into_iter().next().unwrap()
    };
    for (text, arguments) in [
        ("{functionRef: f}", None),
        ("{functionRef: {refName: f, invoke: sync}}", None),
        ("{functionRef: {refName: f, arguments: {x: .y}}}", Some(json!({"x": ".y"}))),
        ("{functionRef: {refName: f, arguments: .y}}", Some(json!(".y"))),
        ("{functionRef: {refName: f, arguments: [.x, .y]}}", Some(json!([".x", ".y"]))),
    ] {
        let ActionKind::Function(function) = read(text).kind else { panic!("{text}") };
        assert_eq!(
            (function.name.value.as_str(), function.arguments.map(|at| at.value)),
            ("f", arguments),
            "{text}"
        );
    }
    for (text, version, is_async, continues) in [
        ("{subFlowRef: other}", None, false, false),
        ("{subFlowRef: {workflowId: other, version: '1.0'}}", Some("1.0"), false, false),
        ("{subFlowRef: {workflowId: other, invoke: async, onParentComplete: continue}}", None, true, true),
    ] {
        let ActionKind::SubFlow(subflow) = read(text).kind else { panic!("{text}") };
        assert_eq!(subflow.workflow_id.value, "other");
        let found = (subflow.version.as_deref(), subflow.invoke_async, subflow.continue_after_parent);
        assert_eq!(found, (version, is_async, continues), "{text}");
    }
    let action =
        read("{functionRef: f, sleep: {after: PT2S}, condition: .ok, actionDataFilter: {useResults: false}}");
    assert_eq!(action.sleep_after.unwrap().value, "PT2S");
    assert_eq!((action.sleep_before, action.filter.use_results), (None, false));
    assert_eq!(action.condition.unwrap().at.to_string(), "/states/0/actions/0/condition");
    let action = read("{eventRef: {triggerEventRef: e, contextAttributes: [{a: .b}], invoke: async}}");
    let ActionKind::Event(event) = action.kind else { panic!("not an event") };
    assert_eq!(
        event.trigger.context_attributes["a"].at.to_string(),
        "/states/0/actions/0/eventRef/contextAttributes/0/a"
    );
}

#[test]
fn defaults_that_editors_and_the_operator_write() {
    let (workflow, diagnostics) = document(
        r#"
id: normal
specVersion: '0.8'
version: 1.0
start: {stateName: P}
keepActive: "false"
events:
- {name: e, type: e, source: '', kind: consumed, dataOnly: true}
states:
- name: P
  type: parallel
  completionType: allOf
  numCompleted: 0
  branches:
  - name: b
    actions:
    - name: a
      actionMode: sequential
      subFlowRef: {workflowId: other, invoke: sync, onParentComplete: terminate}
  transition: {nextState: E}
- name: E
  type: event
  exclusive: true
  onEvents:
  - eventRefs: [e]
    actionMode: sequential
    eventDataFilter: {useData: true}
    actions: []
  end: {terminate: true}
"#
        .replace("      actionMode: sequential\n      subFlowRef", "      subFlowRef")
        .as_str(),
    );
    let lines: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    flow.sw.yaml:4:10: warning[RON0106]: workflow: `version` should be text: "1.0"
    flow.sw.yaml:6:13: warning[RON0106]: workflow: `keepActive` should be the boolean false, not text
    "#);
    assert_eq!((workflow.start.value.as_str(), workflow.version.as_str()), ("P", "1.0"));
    let StateKind::Parallel { completion, .. } = &workflow.states[0].kind else { panic!("not parallel") };
    assert_eq!(*completion, Completion::AllOf);
}

#[test]
fn the_top_level() {
    let (workflow, diagnostics) = document(
        r"
key: greeting
extensions:
- {extensionid: workflow-output-schema, outputSchema: {schema: out.json, failOnValidationErrors: false}}
- {extensionid: workflow-uri-definitions, definitions: {n: https://host/n.yaml}}
dataInputSchema: {schema: {type: object}}
expressionLang: jsonpath
constants: {max: 5}
secrets: [token]
functions:
- {name: get, operation: n#get, metadata: {configKey: .x}}
- {name: log, type: custom, operation: sysout}
errors: [{name: gone, code: 404}, {name: named}]
retries:
- {name: r, maxAttempts: '2', multiplier: 1.5, jitter: 0.25, delay: PT1S}
- {name: j, jitter: PT1S}
timeouts: {workflowExecTimeout: PT1H, stateExecTimeout: PT5M}
anything: goes
states:
- name: A
  type: switch
  dataConditions:
  - {name: big, condition: .a > 1, metadata: {color: red}, end: true}
  defaultCondition: {transition: A}
  metadata: {errorMessage: .message}
",
    );
    let lines: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"flow.sw.yaml:2:1: warning[RON0107]: workflow: `specVersion` is missing");
    assert_eq!((workflow.id.as_str(), workflow.name.as_str()), ("greeting", "greeting"));
    assert_eq!(workflow.version, "1.0");
    assert_eq!(workflow.expression_lang, ExpressionLang::JsonPath);
    assert_eq!((workflow.start.value.as_str(), workflow.start.at.as_str()), ("A", "/states/0/name"));
    let output = workflow.data_output_schema.unwrap();
    assert_eq!(output.schema.value, SchemaSource::Uri("out.json".to_owned()));
    assert!(!output.fail_on_validation_errors);
    let input = workflow.data_input_schema.unwrap();
    assert_eq!(input.schema.value, SchemaSource::Inline(json!({"type": "object"})));
    assert!(input.fail_on_validation_errors);
    assert_eq!(workflow.uri_definitions["n"], "https://host/n.yaml");
    assert_eq!(workflow.functions["get"].kind, FunctionKind::Rest);
    assert_eq!(workflow.functions["log"].kind, FunctionKind::Custom);
    assert_eq!(workflow.errors["gone"].code.as_deref(), Some("404"));
    assert_eq!(workflow.errors["named"].code, None);
    let retry = &workflow.retries["r"];
    assert_eq!((retry.max_attempts, retry.multiplier), (Some(2), Some(1.5)));
    assert_eq!(retry.jitter, Some(Jitter::Fraction(0.25)));
    assert!(matches!(workflow.retries["j"].jitter, Some(Jitter::Duration(_))));
    assert_eq!(workflow.timeouts.workflow_exec.unwrap().duration.value, "PT1H");
    assert_eq!(workflow.timeouts.state_exec.unwrap().total.unwrap().value, "PT5M");
    let StateKind::Switch(switch) = &workflow.states[0].kind else { panic!("not a switch") };
    let SwitchConditions::Data(conditions) = &switch.conditions else { panic!("not on data") };
    assert_eq!(conditions[0].condition.value, ".a > 1");
    assert_eq!(workflow.states[0].metadata["errorMessage"], json!(".message"));
}

#[test]
fn a_property_with_a_warning_counts_as_absent() {
    let text = "id: flow\nspecVersion: '0.8'\nretries: [{name: r, delay: soon}]\n\
                timeouts: {workflowExecTimeout: {duration: PT1H, runBefore: Ghost}}\nstates:\n\
                - name: A\n  type: operation\n  timeouts: {eventTimeout: PT1S}\n\
                \x20 actions: [{subFlowRef: x, retryRef: gone, retryableErrors: [gone]}]\n\
                \x20 end: {terminate: false, continueAs: x}\n";
    let (workflow, diagnostics) = document(text);
    assert_eq!(diagnostics.len(), 6, "{diagnostics:?}");
    assert_eq!(workflow.retries["r"].delay, None);
    assert_eq!(workflow.timeouts.workflow_exec.unwrap().run_before, None);
    let state = &workflow.states[0];
    assert_eq!(state.timeouts.event, None);
    let StateKind::Operation { actions, .. } = &state.kind else { panic!("not an operation") };
    assert_eq!((actions[0].retry_ref.as_ref(), actions[0].retryable_errors.len()), (None, 0));
    assert!(matches!(&state.next, Some(Next::End(end)) if end.continue_as.is_none()));

    let strict = Options { compat: Compat::Spec, ..Options::default() };
    let (_, diagnostics) = parse_with("flow.sw.yaml", text, strict);
    assert!(diagnostics.iter().all(Diagnostic::is_error));
}

#[test]
fn json_and_yaml_are_equal() {
    let yaml = "id: flow\nspecVersion: '0.8'\nstates:\n- {name: A, type: inject, data: {a: 1}, end: true}\n";
    let json = r#"{"id":"flow","specVersion":"0.8","states":[{"name":"A","type":"inject","data":{"a":1},"end":true}]}"#;
    let read = |path: &str, text: &str| -> Document { parse(path, text).0.unwrap() };
    let (yaml, json) = (read("flow.sw.yaml", yaml), read("flow.sw.json", json));
    assert_eq!(yaml.workflow, json.workflow);
    assert_ne!(yaml.revision(), json.revision());
    assert_eq!(yaml.revision().len(), 64);
}
