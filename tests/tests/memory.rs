//! The memory of the process stays bounded, however much clients, services and timers bring at once, and nothing is lost by that.
//!
//! The bounds are a few times the budget that is set, and a small part of what is brought.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use axum::Router;
use rondo_tests::{Engine, folder, prepare};
use serde_json::{Value, json};

/// `rondo.limits.memory`.
const BUDGET: u64 = 64 * 1024 * 1024;

/// MiB that the process may take with it: the budget, what the program itself takes, and what computes at the same time.
const MOST: u64 = 420;

const MIB: usize = 1024 * 1024;

fn environment() -> [(&'static str, String); 1] {
    [("RONDO_LIMITS_MEMORY", BUDGET.to_string())]
}

/// Calls a service and keeps nothing of its answer.
fn caller(port: u16) -> String {
    format!(
        r"
id: caller
version: '1.0'
specVersion: '0.8'
start: Call
functions:
  - name: large
    type: custom
    operation: rest:get:http://127.0.0.1:{port}/large
states:
  - name: Call
    type: operation
    actions:
      - functionRef: {{refName: large, arguments: {{}}}}
        actionDataFilter: {{results: '{{length: (. | length)}}'}}
    end: true
"
    )
}

async fn large_answers() -> u16 {
    let text: Arc<str> = format!("[{}1]", "1,".repeat(900_000)).into();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move || async move { ([("content-type", "application/json")], text.to_string()) };
    let router = Router::new().route("/large", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_large_answers_at_once_take_turns() {
    prepare();
    let port = large_answers().await;
    let folder = folder(&[("caller.sw.yaml", &caller(port))]);
    let engine = Arc::new(Engine::start(folder.path(), &environment()).await);
    let starts: Vec<_> = (0..40)
        .map(|_| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move { engine.post("/caller", &json!({})).await })
        })
        .collect();
    for start in starts {
        let answer = start.await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.body["workflowdata"]["length"], 900_001);
    }
    assert!(engine.peak_memory() < MOST, "{} MiB", engine.peak_memory());
}

const SLEEPER: &str = r"
id: sleeper
version: '1.0'
specVersion: '0.8'
start: Rest
states:
  - name: Rest
    type: sleep
    duration: PT20S
    transition: Say
  - name: Say
    type: inject
    data: {said: true}
    end: true
";

/// They become due within a few seconds, after an engine has begun that has none of them in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_instances_that_are_due_together_are_taken_up_as_there_is_room() {
    prepare();
    let folder = folder(&[("sleeper.sw.yaml", SLEEPER)]);
    let mut engine = Engine::start(folder.path(), &environment()).await;
    let data = json!({"text": "x".repeat(7 * MIB)});
    let mut ids = Vec::new();
    for _ in 0..25 {
        let started = engine.post("/sleeper", &data).await;
        assert_eq!(started.status, 201, "{}", started.body);
        ids.push(started.body["id"].as_str().unwrap().to_owned());
    }
    engine.kill();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    engine.restart().await;
    for id in ids {
        engine.wait_for(&id, "COMPLETED").await;
    }
    assert!(engine.peak_memory() < MOST, "{} MiB", engine.peak_memory());
}

/// Makes many small values, and counts them.
const HEAVY: &str = r#"
id: heavy
version: '1.0'
specVersion: '0.8'
start: Compute
states:
  - name: Compute
    type: inject
    data: {}
    stateDataFilter:
      output: '{length: ([range(50000)] | map("x" + tostring) | length)}'
    end: true
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_computes_much_does_so_a_few_at_a_time() {
    prepare();
    let folder = folder(&[("heavy.sw.yaml", HEAVY)]);
    let engine = Arc::new(Engine::start(folder.path(), &environment()).await);
    let starts: Vec<_> = (0..20)
        .map(|_| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move { engine.post("/heavy", &Value::Null).await })
        })
        .collect();
    for start in starts {
        let answer = start.await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    assert!(engine.peak_memory() < MOST, "{} MiB", engine.peak_memory());
}
