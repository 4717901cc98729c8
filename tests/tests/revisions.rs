//! An instance goes on by the text that it was started with; a new one begins with the new text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use rondo_tests::{Engine, QUICK, Service, folder, prepare, until};
use serde_json::json;

/// Waits for the service's gate, and says which text it is.
fn version(said: &str) -> String {
    format!(
        r"
id: pinned
version: '1.0'
specVersion: '0.8'
start: Wait
functions:
  - name: wait
    type: custom
    operation: rest:post:/gate/{said}
states:
  - name: Wait
    type: operation
    actions:
      - functionRef: wait
        actionDataFilter: {{useResults: false}}
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
    let service = Service::start().await;
    let folder = folder(&[("pinned.sw.yaml", &version("first")), ("quick.sw.yaml", QUICK)]);
    let file = folder.path().join("pinned.sw.yaml");
    let environment = [
        ("KOGITO_SW_FUNCTIONS_PORT", service.port().to_string()),
        ("KOGITO_SW_FUNCTIONS_WAIT_HOST", "127.0.0.1".to_owned()),
    ];
    let mut engine = Engine::start(folder.path(), &environment).await;
    let mut ids: Vec<String> = Vec::new();
    for said in ["first", "second", "third"] {
        engine.post_in_background("/pinned", &json!({}));
        until("it calls the service", async || service.count(said) > 0).await;
        let instances = engine.instances("pinned").await;
        let known = |id: &str| ids.iter().any(|known| known == id);
        let new = instances.iter().filter_map(|instance| instance["id"].as_str()).find(|id| !known(id));
        ids.push(new.unwrap().to_owned());
        engine.kill();
        match said {
            "first" => fs::write(&file, version("second")).unwrap(),
            "second" => fs::write(&file, version("third")).unwrap(),
            // The workflow is taken away altogether: who waits goes on nevertheless.
            _ => fs::remove_file(&file).unwrap(),
        }
        engine.restart().await;
    }
    service.open_gate();
    for (id, said) in ids.iter().zip(["first", "second", "third"]) {
        let instance = engine.wait_for(id, "COMPLETED").await;
        assert_eq!(instance["data"]["said"], said);
    }
    assert_eq!(engine.post("/pinned", &json!({})).await.status, 404, "but nobody starts it any more");
}

/// An instance of a text that is not served any more is still read by `rondo.compat`: here arrays are added to, as the specification has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_revision_is_read_with_the_configured_compatibility() {
    const ADDS: &str = "
id: adds
version: '1.0'
specVersion: '0.8'
start: Wait
functions:
- {name: wait, type: custom, operation: 'rest:post:/gate/adds'}
- {name: two, type: expression, operation: '{list: [2]}'}
states:
- name: Wait
  type: operation
  actions: [{functionRef: wait, actionDataFilter: {useResults: false}}, {functionRef: two}]
  end: true
";
    prepare();
    let service = Service::start().await;
    let folder = folder(&[("adds.sw.yaml", ADDS), ("other.sw.yaml", &version("other"))]);
    let environment = [
        ("KOGITO_SW_FUNCTIONS_PORT", service.port().to_string()),
        ("KOGITO_SW_FUNCTIONS_WAIT_HOST", "127.0.0.1".to_owned()),
        ("RONDO_COMPAT", "spec".to_owned()),
    ];
    let mut engine = Engine::start(folder.path(), &environment).await;
    engine.post_in_background("/adds", &json!({"list": [1]}));
    until("it calls the service", async || service.count("adds") > 0).await;
    let instances = engine.instances("adds").await;
    let id = instances[0]["id"].as_str().unwrap().to_owned();
    engine.kill();
    fs::remove_file(folder.path().join("adds.sw.yaml")).unwrap();
    engine.restart().await;
    service.open_gate();
    let instance = engine.wait_for(&id, "COMPLETED").await;
    assert_eq!(instance["data"]["list"], json!([1, 2]));
}
