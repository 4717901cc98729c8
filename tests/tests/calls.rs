//! Many calls at once: they take turns, they wait for file handles, and none of them keeps the engine from serving others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_tests::{Engine, Service, folder, prepare, until};
use serde_json::{Value, json};

/// Calls the service once for each item, all at once.
fn each(id: &str, port: u16, how: &str) -> String {
    format!(
        r"
id: {id}
version: '1.0'
specVersion: '0.8'
start: Each
functions:
  - name: ask
    type: custom
    operation: rest:get:http://127.0.0.1:{port}/{how}/{id}
states:
  - name: Each
    type: foreach
    inputCollection: .items
    iterationParam: item
    outputCollection: .answers
    mode: parallel
    actions:
      - functionRef:
          refName: ask
        actionDataFilter:
          results: .answer
    end: true
"
    )
}

fn items(count: usize) -> Value {
    json!({"items": vec![1; count]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_of_a_large_loop_leave_places_for_those_of_others() {
    prepare();
    let service = Service::start().await;
    let (many, one) = (each("many", service.port(), "gate"), each("one", service.port(), "now"));
    let folder = folder(&[("many.sw.yaml", &many), ("one.sw.yaml", &one)]);
    let environment = [("RONDO_HTTP_MAX_CALLS", "8".to_owned())];
    let engine = Engine::start(folder.path(), &environment).await;
    let loops = engine.post_in_background("/many", &items(200));
    until("the loop has its share of the places", async || service.count("many") == 3).await;
    let answer = engine.post("/one", &items(1)).await;
    assert_eq!(
        (answer.status, &answer.body["workflowdata"]["answers"]),
        (201, &json!(["one"])),
        "{answer:?}"
    );
    assert_eq!(service.count("many"), 3, "the others of the loop wait for their turn: {}", engine.log());
    service.open_gate();
    loops.await.unwrap();
    assert_eq!(service.count("many"), 200);
    assert_eq!(engine.instances("many").await[0]["state"], "COMPLETED");
}

/// As many handles as the process may open from now on, beside those that are open.
fn leave_handles(engine: &Engine, count: usize) {
    let process = engine.process_id().to_string();
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    engine.limit("nofile", &(open + count).to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_wait_for_file_handles() {
    prepare();
    let service = Service::start().await;
    let folder = folder(&[("many.sw.yaml", &each("many", service.port(), "now"))]);
    let engine = Engine::start(folder.path(), &[]).await;
    assert_eq!(engine.post("/many", &items(1)).await.status, 201);
    leave_handles(&engine, 8);
    let answer = engine.post("/many", &items(300)).await;
    assert_eq!(answer.status, 201, "{answer:?}\n{}", engine.log());
    assert_eq!(service.count("many"), 301, "each call is made once");
}
