#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use serde_json::json;

use super::{CustomResource, mounted::MountedFiles, parts::is_other_resource, read_text};
use crate::{Diagnostic, Options, Pointer, codes, parse, parse_with};

/// A custom resource with one state, and more lines of `metadata`, of `spec.flow` and of `spec`.
fn manifest(name: &str, metadata: &str, flow: &str, spec: &str) -> String {
    format!(
        "apiVersion: sonataflow.org/v1alpha08\nkind: SonataFlow\nmetadata:\n  name: {name}\n{metadata}spec:\n  flow:\n    states:\n    \
         - {{name: A, type: inject, data: {{}}, end: true}}\n{flow}{spec}"
    )
}

fn read(path: &str, text: &str) -> (Vec<CustomResource>, Vec<Diagnostic>) {
    read_text(path, &Arc::from(text))
}

fn only(text: &str) -> CustomResource {
    let (mut resources, diagnostics) = read("m/flow.yaml", text);
    assert_eq!(diagnostics, []);
    assert_eq!(resources.len(), 1);
    resources.pop().unwrap()
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_stands_outside_of_the_flow_is_a_part_of_the_document() {
    let annotations = "  annotations:\n    sonataflow.org/version: 1.2.3\n    sonataflow.org/description: Says hello\n    sonataflow.org/expressionLang: jsonpath\n    sonataflow.org/profile: dev\n";
    let resource = only(&manifest("hello", annotations, "", ""));
    assert_eq!(
        resource.loaded.value,
        json!({
            "id": "hello", "specVersion": "0.8", "version": "1.2.3", "description": "Says hello", "expressionLang": "jsonpath",
            "states": [{"name": "A", "type": "inject", "data": {}, "end": true}]
        })
    );
    let source = &resource.loaded.source;
    assert_eq!((&**source.path(), &**source.name()), ("m/flow.yaml", "m/flow.yaml#hello"));
    for (pointer, position) in [
        ("/id", "4:9"),
        ("/version", "6:29"),
        ("/specVersion", "1:13"),
        ("/expressionLang", "8:36"),
        ("/states/0/name", "13:14"),
        ("/states/0/none", "13:7"),
        ("", "12:5"),
    ] {
        assert_eq!(source.position(&Pointer::from(pointer)).to_string(), position, "{pointer}");
    }
    assert_eq!(source.key_position(&Pointer::from("/states")).to_string(), "12:5");
}

#[test]
fn what_the_flow_says_itself_counts_where_nothing_else_says_it() {
    let flow = "    id: hello\n    version: '2'\n    specVersion: 0.8\n    key: k\n    name: Greeting\n    expressionLang: jsonpath\n";
    let resource = only(&manifest("hello", "", flow, ""));
    assert_eq!(lines(&resource.loaded.warnings), "");
    let value = &resource.loaded.value;
    assert_eq!(
        (&value["version"], &value["name"], &value["key"]),
        (&json!("2"), &json!("Greeting"), &json!(null))
    );
    let annotations = "  annotations: {sonataflow.org/version: '1'}\n";
    let flow = "    id: other\n    version: '2'\n    specVersion: '0.7'\n";
    let resource = only(&manifest("hello", annotations, flow, ""));
    insta::assert_snapshot!(lines(&resource.loaded.warnings), @"
    m/flow.yaml:10:5: warning[RON0010]: custom resource: `id` of the flow has no effect; metadata.name says `hello`
    m/flow.yaml:11:5: warning[RON0010]: custom resource: `version` of the flow has no effect; its annotation says `1`
    m/flow.yaml:12:5: warning[RON0010]: custom resource: `specVersion` of the flow has no effect; apiVersion says `0.8`
    ");
}

#[test]
fn the_short_and_the_long_forms_of_the_schema_are_read() {
    let text = "apiVersion: sonataflow.org/v1alpha08
kind: SonataFlow
metadata: {name: forms, annotations: {sonataflow.org/version: 0.0.1}}
spec:
  flow:
    start: {stateName: Short}
    functions: [{name: f, type: custom, operation: sysout}]
    retries: [{name: r, maxAttempts: 3, delay: PT1S, multiplier: {type: 0, floatVal: 1.5}}]
    errors: [{name: e, code: '500'}]
    states:
    - name: Short
      type: switch
      dataConditions:
      - {condition: .a, transition: {nextState: Long, compensate: false}, end: null}
      - {condition: .b, end: {terminate: true}}
      defaultCondition: Long
    - name: Long
      type: switch
      dataConditions: [{condition: .c, transition: Only}]
      defaultCondition: {transition: {nextState: Only}, end: null}
      timeouts: {stateExecTimeout: {total: PT1M}}
    - name: Only
      type: switch
      dataConditions: [{condition: .d, transition: Act}]
      defaultCondition: {transition: Act}
    - name: Act
      type: operation
      actionMode: sequential
      actions: [{name: a, functionRef: {refName: f, arguments: {message: m}, invoke: sync}, actionDataFilter: {useResults: true}, retryRef: r}]
      onErrors: [{errorRef: e, end: true}]
      end: {terminate: true}
";
    let (document, diagnostics) = parse("flow.yaml", text);
    assert_eq!(lines(&diagnostics), "");
    assert_eq!(document.unwrap().workflow.states.len(), 4);
}

#[test]
fn a_problem_is_told_where_it_stands_in_the_file() {
    let text = manifest("hello", "", "    - {name: B, type: inject, data: {}, transition: Gone}\n", "");
    let text = format!("kind: ConfigMap\nmetadata: {{name: c}}\n---\n{text}");
    let (_, diagnostics) = parse("flow.yaml", &text);
    insta::assert_snapshot!(lines(&diagnostics), @"flow.yaml:12:53: error[RON0103]: There is no state for transition Gone originated in B; it connects to nothing");
}

#[test]
fn several_resources_of_a_file_are_workflows_of_their_own() {
    let (one, two) = (manifest("one", "", "", ""), manifest("two", "", "", ""));
    let json = |name: &str| {
        json!({"apiVersion": "sonataflow.org/v1alpha08", "kind": "SonataFlow", "metadata": {"name": name}, "spec": {"flow": {"states": [
            {"name": "A", "type": "inject", "data": {}, "end": true}
        ]}}})
    };
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [json("one"), config_map, json("two")]});
    for (path, text) in [
        ("all.yaml", format!("{one}---\n{two}")),
        (
            "all.yaml",
            format!("# first\n---\n{one}\n---\nkind: Service\nspec: {{{{ .bad }}}}\n--- \n{two}---\n"),
        ),
        ("all.json", list.to_string()),
        ("all.yaml", list.to_string()),
        ("all.yaml", format!("---\n{}\n---\n{}", json("one"), json("two"))),
    ] {
        let (resources, diagnostics) = read(path, &text);
        assert_eq!(lines(&diagnostics), "", "{text}");
        let ids: Vec<_> = resources.iter().map(|resource| resource.id.as_str()).collect();
        assert_eq!(ids, ["one", "two"], "{text}");
        for resource in resources {
            // What is stored of it is read again.
            let source = &resource.loaded.source;
            let again = crate::load(source.name(), source.text(), crate::Limits::WORKFLOW).unwrap();
            assert_eq!(again.value, resource.loaded.value);
            let (document, diagnostics) = parse_with(source.name(), source.text(), Options::default());
            assert_eq!((document.unwrap().workflow.id, lines(&diagnostics)), (resource.id, String::new()));
        }
    }
}

#[test]
fn only_the_flow_is_a_part_of_the_revision_and_of_what_is_stored() {
    let revision = |text: &str| parse("all.yaml", text).0.unwrap().revision();
    let flow = manifest("one", "", "", "");
    let other = manifest(
        "one",
        "  labels: {a: b}\n",
        "",
        "  podTemplate: {container: {env: [{name: A, value: s3cret}]}}\n",
    );
    assert_eq!(
        revision(&flow),
        revision(&format!("kind: ConfigMap\nmetadata: {{name: c}}\n---\n{other}---\nkind: x\n"))
    );
    assert_ne!(revision(&flow.replace("name: A", "name: B")), revision(&flow));
    let resource = only(&other);
    assert_eq!(resource.variables, [("A".to_owned(), "s3cret".to_owned())]);
    assert!(!resource.loaded.source.text().contains("s3cret"));
}

#[test]
fn what_is_no_workflow_is_left_alone() {
    for (path, text) in [
        ("crd.yaml", "kind: CustomResourceDefinition\nspec:\n  names:\n    kind: SonataFlow\n"),
        ("a.yaml", "kind: SonataFlowPlatform\nmetadata: {name: x}\n"),
        ("a.yaml", "text: |\n  kind: SonataFlow\n"),
        ("a.json", r#"{"kind": "Deployment", "spec": {"args": ["SonataFlow"]}}"#),
        ("a.json", r#"{"kind": "SonataFlow", "spec": "#),
        ("a.yaml", "{{ if .Values.x }}\nkind: Deployment\n# SonataFlow\n{{ end }}\n"),
        ("a.yaml", "[SonataFlow"),
    ] {
        let (resources, diagnostics) = read(path, text);
        assert_eq!((resources.len(), lines(&diagnostics)), (0, String::new()), "{text}");
    }
}

#[test]
fn templates_and_broken_resources_are_told_once() {
    for (text, expected) in [
        (
            manifest("a", "  namespace: {{ .Release.Namespace }}\n", "", ""),
            "m.yaml:5:14: warning[RON0008]: this custom resource is a template, so its workflow is not served",
        ),
        (
            manifest("'{{ .Values.name }}'", "", "", ""),
            "m.yaml:4:10: warning[RON0008]: this custom resource is a template, so its workflow is not served",
        ),
        (
            manifest("a", "  labels: [\n", "", ""),
            "m.yaml:6:1: error[RON0002]: not valid YAML, line 6 column 1: while parsing a flow sequence, expected ',' or ']'",
        ),
        (
            manifest("", "", "", ""),
            "m.yaml:1:1: error[RON0012]: custom resource: `metadata.name` is missing; it is the id of the workflow",
        ),
        (
            "kind: SonataFlow\nmetadata: {name: a}\nspec: {states: []}\n".to_owned(),
            "m.yaml:1:1: error[RON0012]: custom resource: `spec.flow` is missing; it holds the workflow",
        ),
    ] {
        let (resources, diagnostics) = read("m.yaml", &text);
        assert_eq!((resources.len(), diagnostics.len()), (0, 1), "{}", lines(&diagnostics));
        let found = lines(&diagnostics);
        if diagnostics[0].code != codes::SYNTAX {
            assert_eq!(found, expected, "{text}");
        }
    }
}

#[test]
fn a_workflow_that_speaks_of_custom_resources_is_a_workflow() {
    let text = json!({
        "id": "a", "specVersion": "0.8", "description": "makes a SonataFlow",
        "states": [{"name": "A", "type": "inject", "data": {"kind": "SonataFlow", "apiVersion": "v1"}, "end": true}]
    });
    for path in ["a.sw.json", "a.sw.yaml"] {
        let (document, diagnostics) = parse(path, &text.to_string());
        assert_eq!((document.unwrap().workflow.id.as_str(), lines(&diagnostics).as_str()), ("a", ""));
    }
}

#[test]
fn a_text_of_another_kind_has_its_kind_told() {
    for (text, expected) in [
        ("apiVersion: v1\nkind: ConfigMap\n", Some("ConfigMap")),
        ("# a comment\n---\n\napiVersion: v1\nkind: \"Secret\" # here\n", Some("Secret")),
        (r#"{"apiVersion": "v1", "kind": "ConfigMap"}"#, Some("ConfigMap")),
        ("apiVersion: v1\nkind: x\nstates: []\n", None),
        (r#"{"states": [{"data": {"apiVersion": "v1", "kind": "Pod"}}]}"#, None),
        ("id: a\nstates:\n- data:\n    apiVersion: v1\n    kind: Pod\n", None),
        ("", None),
        ("kind: ConfigMap\n", None),
    ] {
        assert_eq!(is_other_resource(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn mounted_files_are_found_again_by_their_names() {
    let mut mounted = MountedFiles::default();
    mounted.mount("schemas/a.json", "m/cm.yaml", Arc::from(*b"{}"));
    mounted.offer("b.json", "m/other.yaml", Arc::from(*b"[]"));
    assert_eq!(mounted.at("schemas/a.json"), Some(("m/cm.yaml#schemas/a.json".to_owned(), b"{}".to_vec())));
    assert_eq!(mounted.at("b.json"), None);
    let elsewhere = mounted.elsewhere("x/b.json").unwrap();
    assert_eq!(elsewhere, ("m/other.yaml#x/b.json".to_owned(), b"[]".to_vec()));
    for (name, expected) in [
        ("m/cm.yaml#schemas/a.json", Some(b"{}".to_vec())),
        ("m/other.yaml#x/b.json", Some(b"[]".to_vec())),
        ("m/cm.yaml#schemas/none.json", None),
        ("m/cm.yaml", None),
        ("https://host/a#schemas/a.json", None),
    ] {
        assert_eq!(mounted.by_name(name), expected, "{name}");
    }
    let bundle = std::collections::BTreeMap::from([elsewhere]);
    assert_eq!(MountedFiles::of_bundle(bundle.iter()).at("x/b.json").unwrap().1, b"[]");
}
