//! An instance goes on by the text that it was started with; a new one begins with the new text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use rondo_tests::{Engine, folder, prepare};
use serde_json::json;

/// Waits an hour, of which the clock of the test makes six seconds, and says which text it is.
fn version(said: &str) -> String {
    format!(
        r"
id: pinned
version: '1.0'
specVersion: '0.8'
start: Wait
states:
  - name: Wait
    type: sleep
    duration: PT1H
    transition: Say
  - name: Say
    type: inject
    data: {{said: {said}}}
    end: true
"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_instance_keeps_its_revision() {
    prepare();
    let folder = folder(&[("pinned.sw.yaml", &version("first"))]);
    let file = folder.path().join("pinned.sw.yaml");
    let mut engine = Engine::start(folder.path(), &[("RONDO_CLOCK_SPEED", "600".to_owned())]).await;
    let mut ids = Vec::new();
    for next in ["second", "third"] {
        let answer = engine.post("/pinned", &json!({})).await;
        ids.push(answer.body["id"].as_str().unwrap().to_owned());
        engine.kill();
        fs::write(&file, version(next)).unwrap();
        engine.restart().await;
    }
    let answer = engine.post("/pinned", &json!({})).await;
    ids.push(answer.body["id"].as_str().unwrap().to_owned());
    engine.kill();
    // The workflow is taken away altogether: who waits goes on nevertheless.
    fs::remove_file(&file).unwrap();
    engine.restart().await;
    for (id, said) in ids.iter().zip(["first", "second", "third"]) {
        let instance = engine.wait_for(id, "COMPLETED").await;
        assert_eq!(instance["data"]["said"], said);
    }
    assert_eq!(engine.post("/pinned", &json!({})).await.status, 404, "but nobody starts it any more");
}
