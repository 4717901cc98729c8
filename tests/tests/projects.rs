//! A folder of several projects, served together by the real binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path, time::Duration};

use rondo_tests::{Engine, Service, folder, prepare, run, until};
use serde_json::{Value, json};

/// Calls the operation `thing` of `specs/jira.yaml`, which every project has one of, at the service and with the token of its project.
fn flow(id: &str) -> String {
    format!(
        r"
id: {id}
version: '1.0'
specVersion: '0.8'
start: Ask
functions:
- {{name: ask, operation: 'specs/jira.yaml#thing'}}
states:
- name: Ask
  type: operation
  actions:
  - functionRef: ask
    actionDataFilter: {{toStateData: .answered}}
  transition: Say
- name: Say
  type: inject
  data: {{said: first}}
  end: true
"
    )
}

/// A document with one operation at a path.
fn document(path: &str) -> String {
    format!(
        r"
openapi: 3.0.3
info: {{title: Jira, version: '1'}}
security: [{{key: []}}]
paths:
  {path}:
    post:
      operationId: thing
      responses: {{'200': {{description: done, content: {{application/json: {{schema: {{type: object}}}}}}}}}}
components:
  securitySchemes: {{key: {{type: http, scheme: bearer}}}}
"
    )
}

fn properties(port: u16, token: &str) -> String {
    format!(
        "quarkus.rest-client.jira_yaml.url=http://127.0.0.1:{port}\nquarkus.openapi-generator.jira_yaml.auth.key.bearer-token={token}\n"
    )
}

struct Folder {
    root: tempfile::TempDir,
    services: [Service; 2],
}

/// The projects `order` and `billing`, each with a service of its own; the Maven layout of one of them makes no difference.
async fn two_projects() -> Folder {
    prepare();
    let services = [Service::start().await, Service::start().await];
    let (of_order, of_billing) = (
        properties(services[0].port(), "token-of-order"),
        properties(services[1].port(), "token-of-billing"),
    );
    let root = folder(&[
        ("order/order.sw.yaml", &flow("order")),
        ("order/application.properties", &of_order),
        ("order/specs/jira.yaml", &document("/gate/order")),
        ("billing/src/main/resources/billing.sw.yaml", &flow("billing")),
        (
            "billing/src/main/resources/application.properties",
            &format!("{of_billing}quarkus.tls.trust-all=true\n"),
        ),
        ("billing/src/main/resources/specs/jira.yaml", &document("/gate/billing")),
    ]);
    Folder { root, services }
}

/// What the calls of an operation are authorized with.
fn tokens(service: &Service, what: &str) -> Vec<String> {
    service.calls().into_iter().filter(|call| call.what == what).map(|call| call.authorization).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_project_calls_its_own_service_with_its_own_token() {
    let Folder { root, services: [order, billing] } = two_projects().await;
    let engine = Engine::start(root.path(), &[]).await;
    order.open_gate();
    billing.open_gate();
    for id in ["order", "billing"] {
        let answer = engine.post(&format!("/{id}"), &json!({})).await;
        assert_eq!(
            (answer.status, &answer.body["workflowdata"]["answered"]["answer"]),
            (201, &json!(id)),
            "{answer:?}"
        );
    }
    assert_eq!(tokens(&order, "order"), ["Bearer token-of-order"]);
    assert_eq!(tokens(&billing, "billing"), ["Bearer token-of-billing"]);
    assert_eq!((order.calls().len(), billing.calls().len()), (1, 1));
    let log = engine.log();
    assert!(
        log.contains("RON0514") && log.contains("billing/src/main/resources/application.properties:3:1"),
        "{log}"
    );
    assert!(!log.contains("token-of-"), "{log}");
}

/// An instance goes on with the text that it began with, and with the properties that its project has now; also when the project has been
/// joined to the root.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_instance_finds_its_project_after_its_definition_was_changed() {
    let Folder { root, services: [order, billing] } = two_projects().await;
    let mut engine = Engine::start(root.path(), &[]).await;
    for (id, service) in [("order", &order), ("billing", &billing)] {
        engine.post_in_background(&format!("/{id}"), &json!({}));
        until("it calls its service", async || service.count(id) > 0).await;
    }
    let id_of = async |engine: &Engine, workflow: &str| {
        engine.instances(workflow).await[0]["id"].as_str().unwrap().to_owned()
    };
    let ids = [id_of(&engine, "order").await, id_of(&engine, "billing").await];
    engine.kill();
    // The text and the document are others now, and one token was renewed.
    let change = |path: &str, from: &str, to: &str| {
        let path = root.path().join(path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replace(from, to)).unwrap();
    };
    change("order/order.sw.yaml", "said: first", "said: second");
    change("order/specs/jira.yaml", "/gate/order", "/gate/changed");
    change("order/application.properties", "token-of-order", "renewed-token");
    change("billing/src/main/resources/billing.sw.yaml", "said: first", "said: second");
    engine.restart().await;
    until("both call again", async || order.count("order") > 1 && billing.count("billing") > 1).await;
    order.open_gate();
    billing.open_gate();
    for id in &ids {
        let instance = engine.wait_for(id, "COMPLETED").await;
        assert_eq!(instance["data"]["said"], "first");
    }
    assert_eq!(tokens(&order, "order"), ["Bearer token-of-order", "Bearer renewed-token"]);
    assert_eq!(tokens(&billing, "billing"), ["Bearer token-of-billing", "Bearer token-of-billing"]);
}

/// What a project keeps secret is secret in the texts of another one too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_one_project_are_not_shown_by_another() {
    prepare();
    let says = |id: &str| {
        format!(
            "id: {id}\nspecVersion: '0.8'\nstart: Say\nfunctions: [{{name: say, type: custom, operation: 'sysout:INFO'}}]\n\
             states:\n- name: Say\n  type: operation\n  actions:\n  - functionRef:\n      refName: say\n      \
             arguments: {{message: '\"told by {id}: \" + (.given // $SECRET.db_password)'}}\n  end: true\n"
        )
    };
    let folder = folder(&[
        ("one/one.sw.yaml", &says("one")),
        ("one/application.properties", "db_password=swordfish-0815\n"),
        ("two/two.sw.yaml", &says("two")),
        ("two/application.properties", "db_password=halibut-4711\n"),
    ]);
    let engine = Engine::start(folder.path(), &[]).await;
    for (path, body) in
        [("/one", json!({})), ("/two", json!({})), ("/two", json!({"given": "swordfish-0815"}))]
    {
        assert_eq!(engine.post(path, &body).await.status, 201, "{path}");
    }
    let log = engine.log();
    assert_eq!(
        (log.matches("told by one: ***").count(), log.matches("told by two: ***").count()),
        (1, 2),
        "{log}"
    );
    assert!(!log.contains("swordfish") && !log.contains("halibut"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_publishes_by_its_own_channel_and_calls_subflows_of_others() {
    prepare();
    let services = [Service::start().await, Service::start().await];
    let publishes = |id: &str| {
        format!(
            "id: {id}\nspecVersion: '0.8'\nstart: S\nevents: [{{name: done, type: done, source: s, kind: produced}}]\n\
             states:\n- {{name: S, type: inject, data: {{by: {id}}}, end: {{produceEvents: [{{eventRef: done, data: .by}}]}}}}\n"
        )
    };
    let channel = |service: &Service| {
        format!("mp.messaging.outgoing.done.url=http://127.0.0.1:{}/at/events\n", service.port())
    };
    let parent = "id: parent\nspecVersion: '0.8'\nstart: P\nstates:\n- {name: P, type: operation, end: true, \
                  actions: [{subFlowRef: one}, {subFlowRef: two}]}\n";
    let root = folder(&[
        ("parent.sw.yaml", parent),
        ("one/one.sw.yaml", &publishes("one")),
        ("one/application.properties", &channel(&services[0])),
        ("two/two.sw.yaml", &publishes("two")),
        ("two/application.properties", &channel(&services[1])),
    ]);
    let engine = Engine::start(root.path(), &[]).await;
    assert_eq!(engine.post("/parent", &json!({})).await.status, 201);
    for (service, by) in services.iter().zip(["one", "two"]) {
        until("the event arrives", async || service.count("events") > 0).await;
        let bodies: Vec<Value> = service.calls().into_iter().map(|call| call.body).collect();
        assert_eq!(bodies, [json!(by)]);
    }
    let told = engine.get("/rondo/events").await;
    let channels: Vec<_> =
        told.body["channels"].as_array().unwrap().iter().map(|channel| &channel["name"]).collect();
    assert_eq!(channels, ["kogito_incoming_stream", "done@one", "done@two", "kogito_outgoing_stream"]);
}

/// What `check` prints about a folder.
fn check(folder: &Path, more: &[&str]) -> (i32, String) {
    let mut arguments = vec!["check"];
    arguments.extend(more);
    arguments.push(folder.to_str().unwrap());
    let (code, out, err) = run(&arguments);
    (code, format!("{out}{err}"))
}

#[tokio::test]
async fn a_check_says_which_project_it_speaks_of() {
    let Folder { root, .. } = two_projects().await;
    fs::write(root.path().join("application.properties"), "open=${x\n").unwrap();
    fs::write(root.path().join("order/application.properties"), "loop=${loop:x}\n").unwrap();
    let (code, told) = check(root.path(), &[]);
    assert_eq!(code, 0, "{told}");
    let headings: Vec<_> = told.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(headings, ["the root project:", "project `billing`:", "project `order`:"], "{told}");
    assert!(told.starts_with("2 workflow files in the folder and 2 projects below it: 0 errors, "), "{told}");
    let (_, told) = check(root.path(), &["--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["files"], &told["projects"]), (&json!(2), &json!(["", "billing", "order"])));
    for found in told["diagnostics"].as_array().unwrap() {
        let (file, project) = (found["file"].as_str().unwrap(), found["project"].as_str().unwrap());
        assert!(
            file.starts_with(project) && !project.is_empty() || file == "application.properties",
            "{found}"
        );
    }
    // Of a single project nothing is said.
    let (_, told) = check(&root.path().join("order"), &[]);
    assert!(told.starts_with("1 workflow file: ") && !told.contains("project"), "{told}");
}

#[tokio::test]
async fn a_folder_without_workflows_is_neither_served_nor_fine() {
    let empty = folder(&[("application.properties", "a=1\n"), ("flow.yaml", "id: flow\n")]);
    let (code, told) = check(empty.path(), &[]);
    assert!(
        code == 1 && told.contains("error[RON0515]: there is no workflow in this folder"),
        "{code} {told}"
    );
    let store = format!("sqlite://{}", empty.path().join("db/rondo.db").display());
    let path = empty.path().to_str().unwrap().to_owned();
    let served = tokio::task::spawn_blocking(move || {
        run(&["serve", "--workflows", &path, "--store", &store, "--listen", "127.0.0.1:0"])
    });
    let (code, _, told) = tokio::time::timeout(Duration::from_secs(30), served).await.unwrap().unwrap();
    assert!(code == 1 && told.contains("RON0515"), "{code} {told}");
}
