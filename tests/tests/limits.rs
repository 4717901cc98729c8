//! What a definition asks for without end is refused, and the engine lives.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_tests::{Engine, QUICK, folder, prepare, until};
use serde_json::{Value, json};

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

/// Starts the other one twice, and that one this one.
fn both(id: &str, other: &str) -> String {
    format!(
        r"
id: {id}
version: '1.0'
specVersion: '0.8'
start: Both
states:
  - name: Both
    type: parallel
    branches:
      - name: left
        actions:
          - subFlowRef: {other}
      - name: right
        actions:
          - subFlowRef: {other}
    end: true
"
    )
}

const SUBFLOWS: usize = 1500;

async fn family(engine: &Engine) -> Vec<Value> {
    [engine.instances("ping").await, engine.instances("pong").await].concat()
}

fn ended(instances: &[Value]) -> usize {
    instances.iter().filter(|instance| instance["state"] == "ABORTED").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workflows_that_start_each_other_twice_are_bounded_and_starve_nobody() {
    prepare();
    let (ping, pong) = (both("ping", "pong"), both("pong", "ping"));
    let folder = folder(&[("ping.sw.yaml", &ping), ("pong.sw.yaml", &pong), ("quick.sw.yaml", QUICK)]);
    let environment = [("RONDO_LIMITS_SUBFLOWS", SUBFLOWS.to_string())];
    let mut engine = Engine::start(folder.path(), &environment).await;
    let flood = engine.post_in_background("/ping", &json!({}));
    let mut meanwhile = 0;
    while !flood.is_finished() {
        assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
        meanwhile += 1;
    }
    assert!(meanwhile > 5, "another workflow is served {meanwhile} times while the flood goes on");
    let instances = family(&engine).await;
    assert_eq!(instances.len(), SUBFLOWS + 1);
    let failed = instances.iter().find(|instance| instance["state"] == "ERROR").unwrap();
    let failed = failed["id"].as_str().unwrap().to_owned();
    let message = engine.inspect(&failed).await["error"]["message"].to_string();
    assert!(message.contains("rondo.limits.subflows allows more"), "{message}");

    // The number is known again after a crash.
    engine.kill();
    engine.restart().await;
    let workflow = engine.inspect(&failed).await["workflow"].as_str().unwrap().to_owned();
    let retrigger = format!("/management/processes/{workflow}/instances/{failed}/retrigger");
    let answer = engine.post(&retrigger, &json!({})).await;
    assert!(answer.body["message"].to_string().contains("1500 are allowed"), "{}", answer.body);
    assert_eq!(family(&engine).await.len(), SUBFLOWS + 1);

    // Whoever ends the first ends all of it, also when the engine dies meanwhile.
    let root = instances.iter().find(|instance| instance["parent"].is_null()).unwrap();
    let root = root["id"].as_str().unwrap();
    assert_eq!(engine.delete(&format!("/management/processes/ping/instances/{root}")).await.status, 200);
    engine.kill();
    engine.restart().await;
    until("all of it is ended", async || ended(&family(&engine).await) == SUBFLOWS + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_started_below_what_was_ended() {
    prepare();
    let (ping, pong) = (both("ping", "pong"), both("pong", "ping"));
    let folder = folder(&[("ping.sw.yaml", &ping), ("pong.sw.yaml", &pong)]);
    let engine = Engine::start(folder.path(), &[("RONDO_LIMITS_SUBFLOWS", "1000000".to_owned())]).await;
    let flood = engine.post_in_background("/ping", &json!({}));
    until("it has grown", async || family(&engine).await.len() > 200).await;
    let instances = family(&engine).await;
    let root = instances.iter().find(|instance| instance["parent"].is_null()).unwrap();
    let root = root["id"].as_str().unwrap();
    engine.delete(&format!("/management/processes/ping/instances/{root}")).await;
    flood.abort();
    let then = family(&engine).await.len();
    until("all of it is ended", async || {
        let instances = family(&engine).await;
        ended(&instances) == instances.len()
    })
    .await;
    let more = family(&engine).await.len() - then;
    assert!(more < 300, "{more} were started after the end");
}

const EACH: &str = r"
id: each
version: '1.0'
specVersion: '0.8'
start: Each
states:
  - name: Each
    type: foreach
    inputCollection: '[range(2000)]'
    iterationParam: item
    actions:
      - subFlowRef: quick
    end: true
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_may_start_some_thousand_subflows() {
    prepare();
    let folder = folder(&[("each.sw.yaml", EACH), ("quick.sw.yaml", QUICK)]);
    let engine = Engine::start(folder.path(), &[]).await;
    let answer = engine.post("/each", &json!({})).await;
    let states: Vec<_> = engine.instances("quick").await;
    assert_eq!((answer.status, states.len()), (201, 2000), "{}", answer.body);
}

const MANY: &str = r"
id: many
version: '1.0'
specVersion: '0.8'
start: Each
functions:
  - name: double
    type: expression
    operation: '{double: (.item * 2)}'
states:
  - name: Each
    type: foreach
    inputCollection: '[range(30000)]'
    iterationParam: item
    outputCollection: .doubled
    actions:
      - functionRef: double
    end: true
";

const CIRCLE: &str = r"
id: circle
version: '1.0'
specVersion: '0.8'
start: There
states:
  - name: There
    type: inject
    data: {at: there}
    transition: Back
  - name: Back
    type: inject
    data: {at: back}
    transition: There
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_to_compute_is_done_in_turns_and_going_round_in_circles_is_an_error() {
    prepare();
    let folder = folder(&[("many.sw.yaml", MANY), ("circle.sw.yaml", CIRCLE), ("quick.sw.yaml", QUICK)]);
    let engine = Engine::start(folder.path(), &[("RONDO_LIMITS_STEPS", "20000".to_owned())]).await;
    let (many, circle) = (json!({}), json!({}));
    let computing = async { tokio::join!(engine.post("/many", &many), engine.post("/circle", &circle)) };
    tokio::pin!(computing);
    let mut meanwhile = 0;
    let (many, circle) = loop {
        let quick = async { engine.post("/quick", &json!({})).await.status };
        tokio::select! {
            biased;
            computed = &mut computing => break computed,
            status = quick => assert_eq!(status, 201),
        }
        meanwhile += 1;
    };
    assert_eq!(many.status, 201, "{}", many.body);
    let doubled = many.body["workflowdata"]["doubled"].as_array().unwrap();
    assert_eq!((doubled.len(), &doubled[29_999]["double"]), (30_000, &json!(59_998)));
    assert!(
        circle.body["message"].to_string().contains("ran 20000 instructions without waiting"),
        "{}",
        circle.body
    );
    assert!(meanwhile > 5, "another workflow is served {meanwhile} times while they compute");
}
