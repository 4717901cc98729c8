//! An engine with a few small workflows, served on a port of its own.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{fs, path::PathBuf, time::Duration};

use axum::{Router, http::StatusCode, routing::get};
use reqwest::{Client, Method};
use rondo_runtime::{Engine, Options};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

const GREETING: &str = r#"
id: greeting
version: '1.0'
specVersion: '0.8'
name: Greeting workflow
description: Says hello
annotations: ["workflow-type/infrastructure"]
dataInputSchema: schemas/input.json
start: Ask Politely
functions:
  - name: greet
    type: expression
    operation: '{result: {message: ("Hello " + .name)}}'
states:
  - name: Ask Politely
    type: operation
    actions:
      - functionRef: greet
    end: true
"#;

const INPUT: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#", "title": "Greeting input", "type": "object",
  "properties": {
    "name": {"type": "string", "title": "Name", "ui:autofocus": true},
    "kind": {"$ref": "kind.json"}, "aa": {"type": "integer"}
  },
  "required": ["name"]
}"#;

const KIND: &str = r#"{"title": "Kind", "type": "string", "enum": ["a", "b"]}"#;

const DIVISION: &str = r"
id: math.division
version: '1.0'
specVersion: '0.8'
name: Division
start: Divide
functions:
  - name: divide
    type: expression
    operation: .number1 / .number2
states:
  - name: Divide
    type: operation
    actions:
      - functionRef: divide
    end: true
";

const SLEEPER: &str = r"
id: sleeper
version: '1.0'
specVersion: '0.8'
name: Sleeper
start: Rest A While
states:
  - name: Rest A While
    type: sleep
    duration: PT1H
    end: true
";

const CALLER: &str = r"
id: caller
version: '1.0'
specVersion: '0.8'
name: Caller
start: Call
functions:
  - name: ask
    type: custom
    operation: rest:get:SERVICE/{status}
states:
  - name: Call
    type: operation
    actions:
      - functionRef:
          refName: ask
          arguments: {status: .status}
    end: true
";

const BY_EVENT: &str = r"
id: byevent
version: '1.0'
specVersion: '0.8'
name: By event
start: Hear
events:
  - name: called
    type: called
    source: ''
states:
  - name: Hear
    type: event
    onEvents:
      - eventRefs: [called]
        actions: []
    end: true
";

const HEADERS: &str = r#"
id: headers
version: '1.0'
specVersion: '0.8'
name: Headers
start: Tell
functions:
  - name: tell
    type: expression
    operation: >-
      {kept: {authorization: $WORKFLOW.headers.authorization, git: $WORKFLOW.headers["x-authorization-git"],
      forwarded: $WORKFLOW.headers["x-forwarded-access-token"], secret: $SECRET.rondo.auth.token}}
states:
  - name: Tell
    type: operation
    actions:
      - functionRef: tell
    end: true
"#;

const LEAK: &str = r#"
id: leak
version: '1.0'
specVersion: '0.8'
name: Leak
start: Choose
functions:
  - name: ask
    type: custom
    operation: rest:get:SERVICE/{key}
  - name: fail
    type: expression
    operation: 'error("not \($SECRET.hidden_key)")'
states:
  - name: Choose
    type: switch
    dataConditions:
      - condition: .how == "call"
        transition: Call
    defaultCondition:
      transition: Compute
  - name: Call
    type: operation
    actions:
      - functionRef:
          refName: ask
          arguments: {key: $SECRET.hidden_key}
    end: true
  - name: Compute
    type: operation
    actions:
      - functionRef: fail
    end: true
"#;

/// An approval that is correlated by `order`.
pub const APPROVAL: &str = r"
id: approval
version: '1.0'
specVersion: '0.8'
name: Approval
start: Wait
events:
- {name: approved, type: t.approved, source: '', correlation: [{contextAttributeName: orderid, contextAttributeValue: '${ .order }'}]}
states:
- name: Wait
  type: callback
  action: {functionRef: note}
  eventRef: approved
  timeouts: {eventTimeout: PT1H}
  end: true
functions: [{name: note, type: expression, operation: '{noted: true}'}]
";

/// A served engine. Its folder goes when it is dropped.
pub struct Served {
    /// `http://127.0.0.1:…`.
    pub base: String,
    client: Client,
    folder: PathBuf,
    store: String,
    engine: Engine,
    serving: tokio::task::JoinHandle<()>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub location: Option<String>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }
}

/// Serves the workflows with these lines in `application.properties`.
pub async fn serve(properties: &str) -> Served {
    let folder = folder(properties).await;
    open(folder, "sqlite::memory:".into()).await
}

/// Serves the workflows and further files.
pub async fn serve_with(properties: &str, files: &[(&str, &str)]) -> Served {
    let folder = folder(properties).await;
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    open(folder, "sqlite::memory:".into()).await
}

/// Serves the workflows, and keeps their instances in a file.
pub async fn serve_stored() -> Served {
    let folder = folder("").await;
    let store = format!("sqlite://{}/test.db", folder.display());
    open(folder, store).await
}

async fn folder(properties: &str) -> PathBuf {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = std::env::temp_dir().join(format!("rondo-api-{}", Uuid::new_v4()));
    fs::create_dir_all(folder.join("schemas")).unwrap();
    fs::create_dir_all(folder.join("inner")).unwrap();
    let service = service().await;
    for (name, text) in [
        ("greeting.sw.yaml", GREETING.to_owned()),
        ("schemas/input.json", INPUT.to_owned()),
        ("schemas/kind.json", KIND.to_owned()),
        ("inner/division.sw.yaml", DIVISION.to_owned()),
        ("sleeper.sw.yaml", SLEEPER.to_owned()),
        ("caller.sw.yaml", CALLER.replace("SERVICE", &service)),
        ("byevent.sw.yaml", BY_EVENT.to_owned()),
        ("headers.sw.yaml", HEADERS.to_owned()),
        ("leak.sw.yaml", LEAK.replace("SERVICE", &service.replace("://", "://ada:pa55word@"))),
        ("application.properties", properties.to_owned()),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    folder
}

async fn open(folder: PathBuf, store: String) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let options = Options {
        workflows: folder.clone(),
        store: store.clone(),
        service_url: base.clone(),
        environment: rondo_definition::Environment::new(),
    };
    let engine = Engine::open(options).await.unwrap();
    let serving = tokio::spawn({
        let engine = engine.clone();
        async move { rondo_api::serve(engine, listener, std::future::pending()).await.unwrap() }
    });
    Served { base, client: Client::new(), folder, store, engine, serving }
}

/// The status that the service never answers with.
pub const NEVER: u16 = 299;

/// The status that the service takes two seconds for.
pub const SLOW: u16 = 298;

/// A service that answers `GET /{status}` with that status.
async fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answer = |path: axum::extract::Path<u16>| async move {
        match path.0 {
            NEVER => std::future::pending::<()>().await,
            SLOW => tokio::time::sleep(Duration::from_secs(2)).await,
            _ => {}
        }
        (StatusCode::from_u16(path.0).unwrap(), axum::Json(json!({"answered": path.0})))
    };
    let router: Router = Router::new().route("/{status}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

impl Served {
    /// Bytes of the budget that are in use.
    pub fn memory_used(&self) -> u64 {
        self.engine.memory().used()
    }

    /// Waits until nothing of the budget is in use any more.
    pub async fn memory_is_given_back(&self) {
        let given_back = async {
            while self.memory_used() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), given_back).await;
        waited.unwrap_or_else(|_| panic!("{} bytes are held for ever", self.memory_used()));
    }

    /// Waits until so many instances are worked on.
    pub async fn instances_are_active(&self, count: usize) {
        let there = async {
            while self.engine.active_instances() != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(20), there).await.is_ok(),
            "so many are never active"
        );
    }

    /// Stops, removes these files, and serves what is left.
    pub async fn restarted_without(self, files: &[&str]) -> Self {
        self.serving.abort();
        self.engine.stop(Duration::from_secs(1)).await;
        for file in files {
            fs::remove_file(self.folder.join(file)).unwrap();
        }
        let (folder, store) = (self.folder.clone(), self.store.clone());
        // Dropping it would remove the folder.
        std::mem::forget(self);
        open(folder, store).await
    }

    /// Sends a request; `body` as it is, with these headers.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (kind, location) = (header("content-type").unwrap_or_default(), header("location"));
        Answer { status: response.status().as_u16(), kind, location, text: response.text().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    /// Sends JSON.
    pub async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], Some(body.to_string())).await
    }

    /// Starts an instance and gives its id.
    pub async fn start(&self, workflow: &str, body: &Value) -> String {
        let answer = self.json("POST", &format!("/{workflow}"), body).await;
        answer.json()["id"].as_str().unwrap_or_else(|| panic!("not started: {}", answer.text)).to_owned()
    }

    /// Asks a GraphQL question and gives the whole answer.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self.json("POST", "/graphql", &json!({"query": query, "variables": variables})).await;
        assert_eq!((answer.status, answer.kind.as_str()), (200, "application/json"));
        answer.json()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// JSON for a snapshot: moments, the id and the address are replaced by names.
pub fn told(value: &Value, id: &str, base: &str) -> String {
    let text = serde_json::to_string_pretty(&without_times(value)).unwrap();
    text.replace(id, "ID").replace(base, "http://engine")
}

fn without_times(value: &Value) -> Value {
    let is_time = |word: &str| word.len() >= 20 && word.ends_with('Z') && word.get(10..11) == Some("T");
    match value {
        Value::String(text) => {
            let words: Vec<&str> =
                text.split(' ').map(|word| if is_time(word) { "TIME" } else { word }).collect();
            words.join(" ").into()
        }
        Value::Array(items) => items.iter().map(without_times).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), without_times(value))).collect()
        }
        other => other.clone(),
    }
}
