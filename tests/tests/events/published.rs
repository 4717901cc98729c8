//! Instances publish events to a sink that fails for a while, and the engine is killed meanwhile: the sink gets each event, and those of
//! one instance in their order.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use rondo_tests::{Engine, PATIENCE, folder, prepare};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{start_once, until_none_is_left};

const INSTANCES: usize = 200;
const STEPS: u64 = 4;
const KILLS: usize = 3;

const PUBLISHER: &str = "id: publisher
version: '1.0'
specVersion: '0.8'
start: One
events:
- {name: step, type: order.step, kind: produced, source: /publisher}
states:
- name: One
  type: inject
  data: {}
  transition: {nextState: Two, produceEvents: [{eventRef: step, data: '${ {order: .order, step: 1} }'}]}
- name: Two
  type: sleep
  duration: PT0.1S
  transition: {nextState: Three, produceEvents: [{eventRef: step, data: '${ {order: .order, step: 2} }'}]}
- name: Three
  type: operation
  actions:
  - eventRef: {triggerEventRef: step, data: '${ {order: .order, step: 3} }'}
  end: {produceEvents: [{eventRef: step, data: '${ {order: .order, step: 4} }'}]}
";

/// An event that came to the sink.
struct Arrived {
    id: String,
    order: u64,
    step: u64,
}

/// Takes events, or only says that it does not.
struct Sink {
    arrived: Mutex<Vec<Arrived>>,
    requests: watch::Sender<usize>,
}

/// The requests that the sink refuses: enough for each queue to fail at least once.
const REFUSED: std::ops::Range<usize> = 100..500;

async fn take(State(sink): State<Arc<Sink>>, headers: HeaderMap, Json(data): Json<Value>) -> StatusCode {
    sink.requests.send_modify(|requests| *requests += 1);
    let number = *sink.requests.borrow();
    if REFUSED.contains(&number) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let id = headers["ce-id"].to_str().unwrap().to_owned();
    let (order, step) = (data["order"].as_u64().unwrap(), data["step"].as_u64().unwrap());
    sink.arrived.lock().unwrap().push(Arrived { id, order, step });
    // Some events it has taken, and does not say so: they come again.
    if number % 10 == 0 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::ACCEPTED }
}

impl Sink {
    /// The steps of which no event has arrived.
    fn missing(&self) -> Vec<String> {
        let arrived = self.arrived.lock().unwrap();
        let arrived: HashSet<(u64, u64)> = arrived.iter().map(|event| (event.order, event.step)).collect();
        let all = (0..INSTANCES as u64).flat_map(|order| (1..=STEPS).map(move |step| (order, step)));
        all.filter(|step| !arrived.contains(step)).map(|(order, step)| format!("{order}: {step}")).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_published_event_arrives_in_the_order_of_its_instance() {
    prepare();
    let sink = Arc::new(Sink { arrived: Mutex::default(), requests: watch::Sender::new(0) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/", post(take)).with_state(Arc::clone(&sink));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let folder = folder(&[("publisher.sw.yaml", PUBLISHER)]);
    let mut engine = Engine::start(folder.path(), &[("K_SINK", address)]).await;
    let (client, at_once) = (reqwest::Client::new(), Arc::new(Semaphore::new(16)));
    let mut starting = JoinSet::new();
    for order in 0..INSTANCES {
        let (client, url, at_once) = (client.clone(), engine.url(""), Arc::clone(&at_once));
        starting.spawn(async move {
            let _place = at_once.acquire_owned().await;
            start_once(&client, &url, "publisher", &order.to_string(), &json!({"order": order})).await;
        });
    }
    for kill in 1..=KILLS {
        let mut requests = sink.requests.subscribe();
        // Before, during and after the time in which it refuses all.
        let enough = requests.wait_for(|requests| *requests >= 250 * kill - 200);
        let reached = tokio::time::timeout(4 * PATIENCE, enough).await.map(|reached| *reached.unwrap());
        assert!(reached.is_ok(), "events are not sent any more:\n{}", engine.log());
        engine.kill();
        engine.restart().await;
    }
    while let Some(started) = starting.join_next().await {
        started.unwrap();
    }
    until_none_is_left("events do not arrive", async || Some(sink.missing())).await;
    let arrived = sink.arrived.lock().unwrap();
    let mut seen = HashSet::new();
    let mut steps: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for event in arrived.iter().filter(|event| seen.insert(&event.id)) {
        steps.entry(event.order).or_default().push(event.step);
    }
    let expected: BTreeMap<u64, Vec<u64>> =
        (0..INSTANCES as u64).map(|order| (order, (1..=STEPS).collect())).collect();
    assert_eq!(steps, expected, "each event once by its id, in the order of its instance");
    assert!(arrived.len() > seen.len(), "the sink did not answer some that it took: they came again");
}
