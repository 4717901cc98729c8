//! An instance that ends the process is stopped; those beside it are not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_tests::{Engine, folder, prepare};
use serde_json::json;

/// Rests for longer than starting all of them takes, so that each is read from the database when it goes on.
fn after_a_rest(id: &str) -> String {
    format!(
        r"
id: {id}
version: '1.0'
specVersion: '0.8'
start: Rest
states:
  - name: Rest
    type: sleep
    duration: PT8S
    transition: Say
  - name: Say
    type: inject
    data: {{said: true}}
    end: true
"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_ends_the_process_again_and_again_is_stopped_and_the_others_are_not() {
    prepare();
    let (bad, good) = (after_a_rest("bad"), after_a_rest("good"));
    let folder = folder(&[("bad.sw.yaml", &bad), ("good.sw.yaml", &good)]);
    let mut engine = Engine::start(folder.path(), &[]).await;
    let mut others = Vec::new();
    let guilty = engine.post("/bad", &json!({})).await.body["id"].as_str().unwrap().to_owned();
    for _ in 0..20 {
        others.push(engine.post("/good", &json!({})).await.body["id"].as_str().unwrap().to_owned());
    }
    engine.kill();
    engine.remember("RONDO_FAILPOINTS", "turn-of:bad");
    for _ in 0..3 {
        engine.restart_and_die();
    }
    engine.restart().await;
    let stopped = engine.wait_for(&guilty, "ERROR").await;
    let message = stopped["error"]["message"].to_string();
    assert!(message.contains("the process ended 3 times while this instance was worked on"), "{message}");
    for other in others {
        engine.wait_for(&other, "COMPLETED").await;
    }

    // Repaired, and asked to go on.
    engine.kill();
    engine.forget("RONDO_FAILPOINTS");
    engine.restart().await;
    let retrigger = stopped["retrigger"].as_str().unwrap();
    assert_eq!(engine.post(retrigger, &json!({})).await.status, 200);
    assert_eq!(engine.wait_for(&guilty, "COMPLETED").await["data"]["said"], true);
}
