//! What a definition asks for without end is refused, and the engine lives.

use rondo_tests::{Engine, folder, prepare};
use serde_json::json;

const ITSELF: &str = r"
id: itself
version: '1.0'
specVersion: '0.8'
start: Again
states:
  - name: Again
    type: operation
    actions:
      - subFlowRef: itself
    end: true
";

#[tokio::test]
async fn a_workflow_that_calls_itself_without_end_fails() {
    prepare();
    let folder = folder(&[("itself.sw.yaml", ITSELF)]);
    let engine = Engine::start(folder.path(), &[]).await;
    engine.post("/itself", &json!({})).await;
    let instances = engine.instances("itself").await;
    assert_eq!(instances.len(), 101, "the first one and a hundred inside of it");
    assert_eq!(instances.iter().filter(|instance| instance["state"] == "ERROR").count(), 1);
}
