//! A folder of manifests, as the operator of SonataFlow takes them: served, started, restarted in the middle of a call, and written out as
//! project folders.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use rondo_tests::{Engine, Service, folder, prepare, run, until};
use serde_json::json;

/// Two workflows, the properties of one, and the files that it names, as one file.
fn manifests(port: u16, said: &str) -> String {
    format!(
        r#"# Written by a tool.
apiVersion: v1
kind: ConfigMap
metadata:
  name: ask-props
data:
  application.properties: |
    quarkus.rest-client.service_yaml.url=http://127.0.0.1:{port}
    greeting=Hello
---
apiVersion: sonataflow.org/v1alpha08
kind: SonataFlow
metadata:
  name: ask
  annotations:
    sonataflow.org/version: 0.0.1
    sonataflow.org/expressionLang: jq
    sonataflow.org/description: Asks a service
spec:
  flow:
    start: Ask
    secrets: [greeting]
    dataInputSchema: schemas/input.json
    functions:
      - name: ask
        operation: specs/service.yaml#ask
    states:
      - name: Ask
        type: operation
        actions:
          - functionRef:
              refName: ask
              arguments:
                name: .name
            actionDataFilter:
              toStateData: .service
        transition: Choose
      - name: Choose
        type: switch
        dataConditions:
          - condition: .name == "nobody"
            end: true
        defaultCondition: Say
      - name: Say
        type: operation
        actions:
          - functionRef: say
        end: {{terminate: true}}
  resources:
    configMaps:
      - configMap: {{name: ask-specs}}
        workflowPath: specs
      - configMap: {{name: ask-schemas}}
        workflowPath: schemas/
---
apiVersion: sonataflow.org/v1alpha08
kind: SonataFlow
metadata: {{name: other}}
spec:
  flow:
    states:
      - {{name: Say, type: inject, data: {{said: other}}, end: true}}
"#
    )
    .replace("functions:\n", &format!("functions:\n      - {{name: say, type: expression, operation: '{{said: ($SECRET.greeting + \" {said}\")}}'}}\n"))
}

/// The files that the first workflow names, in another file. They refer to each other.
const FILES: &str = r#"
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: ask-specs}
    data:
      service.yaml: |
        openapi: 3.0.3
        info: {title: A service, version: '1'}
        paths:
          /gate/{name}: {$ref: 'paths.yaml#/gate'}
      paths.yaml: |
        gate:
          parameters:
            - {$ref: '#/name'}
          get:
            operationId: ask
            responses:
              '200': {description: fine, content: {application/json: {schema: {type: object}}}}
        name: {name: name, in: path, required: true, schema: {type: string}}
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: ask-schemas}
    data:
      input.json: |
        {"type": "object", "properties": {"name": {"$ref": "name.json#/definitions/name"}}, "required": ["name"]}
      name.json: |
        {"definitions": {"name": {"type": "string"}}}
"#;

/// Kubernetes resources that are no workflows.
const OTHERS: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ask}\n---\napiVersion: v1\nkind: Service\nspec: {{ .Values.bad }}\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manifests_are_served_and_an_instance_of_one_goes_on_after_a_restart() {
    prepare();
    let service = Service::start().await;
    let folder = folder(&[
        ("m/ask.yaml", &manifests(service.port(), "first")),
        ("m/files.yaml", FILES),
        ("m/others.yaml", OTHERS),
    ]);
    let (exit, out, err) = run(&["check", folder.path().to_str().unwrap()]);
    assert_eq!((exit, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("1 workflow file ") && out.ends_with(": 0 errors, 0 warnings\n"), "{out}");

    let mut engine = Engine::start(folder.path(), &[]).await;
    assert_eq!(engine.post("/other", &json!({})).await.status, 201);
    assert_eq!(engine.post("/ask", &json!({"name": 1})).await.status, 400, "the schema of the ConfigMap");
    engine.post_in_background("/ask", &json!({"name": "Ann"}));
    until("it calls the service", async || service.count("Ann") > 0).await;
    let id = engine.instances("ask").await[0]["id"].as_str().unwrap().to_owned();
    engine.kill();
    // The instance goes on by the text and the files that it was started with.
    fs::write(folder.path().join("m/ask.yaml"), manifests(service.port(), "second")).unwrap();
    fs::write(
        folder.path().join("m/files.yaml"),
        FILES.replace("operationId: ask", "operationId: ask\n            deprecated: true"),
    )
    .unwrap();
    engine.restart().await;
    service.open_gate();
    let instance = engine.wait_for(&id, "COMPLETED").await;
    assert_eq!(
        (&instance["data"]["said"], &instance["data"]["service"]),
        (&json!("Hello first"), &json!({"answer": "Ann"}))
    );
    let answer = engine.post("/ask", &json!({"name": "Bob"})).await;
    assert_eq!((answer.status, &answer.body["workflowdata"]["said"]), (201, &json!("Hello second")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_manifests_are_projects_that_do_the_same() {
    prepare();
    let service = Service::start().await;
    service.open_gate();
    let manifests = folder(&[("ask.yaml", &manifests(service.port(), "first")), ("files.yaml", FILES)]);
    let target = folder(&[]);
    let arguments = ["import", manifests.path().to_str().unwrap(), "--to", target.path().to_str().unwrap()];
    let (exit, out, err) = run(&arguments);
    assert_eq!((exit, err.as_str()), (0, ""), "{out}");
    let shown = target.path().display().to_string();
    let written: Vec<_> = out
        .lines()
        .filter_map(|line| line.strip_prefix("wrote ")?.strip_prefix(&format!("{shown}/")))
        .collect();
    assert_eq!(
        written,
        [
            "ask/application.properties",
            "ask/ask.sw.yaml",
            "ask/schemas/input.json",
            "ask/schemas/name.json",
            "ask/specs/paths.yaml",
            "ask/specs/service.yaml",
            "other/other.sw.yaml"
        ]
    );
    let before = fs::read(target.path().join("ask/ask.sw.yaml")).unwrap();
    let (exit, out, err) = run(&arguments);
    assert_eq!((exit, out.as_str()), (1, ""));
    assert!(err.contains("nothing is written over it"), "{err}");
    assert_eq!(fs::read(target.path().join("ask/ask.sw.yaml")).unwrap(), before);

    let engine = Engine::start(target.path(), &[]).await;
    let answer = engine.post("/ask", &json!({"name": "Ann"})).await;
    assert_eq!((answer.status, &answer.body["workflowdata"]["said"]), (201, &json!("Hello first")));
    assert_eq!(engine.post("/ask", &json!({"name": 1})).await.status, 400);
}

#[test]
fn a_file_without_a_custom_resource_is_nothing_to_import() {
    let folder = folder(&[
        ("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
        ("gone.sw.yaml", "id: a\n"),
    ]);
    for name in ["a.yaml", "gone.sw.yaml", "", "none.yaml"] {
        let path = folder.path().join(name);
        let (exit, out, err) =
            run(&["import", path.to_str().unwrap(), "--to", folder.path().to_str().unwrap()]);
        assert_eq!((exit, out.as_str()), (1, ""), "{name}");
        assert!(err.starts_with("error: "), "{err}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
