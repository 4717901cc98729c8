//! The engine ends at every point on the way of an event: from its arrival through the turns that it causes to the event that is published in
//! the end. Nothing is lost, and nothing happens twice.

use std::{collections::HashSet, sync::Arc};

use rondo_tests::{Engine, Service, folder, prepare, until};
use serde_json::json;
use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
};

use crate::{
    instances, number_in_database,
    route::Route,
    sender::{Event, Sender},
};

/// The points, each with the passages at which it ends the engine. Transactions: the event, its turn, the turn of the answer, the removal
/// from the outbox.
const POINTS: [(&str, u32); 10] = [
    ("event-before-accept", 1),
    ("event-after-accept", 1),
    ("turn-of:FLOW", 2),
    ("turn-before-commit", 2),
    ("turn-after-commit", 2),
    ("call-before", 1),
    ("call-after", 1),
    ("event-after-send", 1),
    ("commit-before", 4),
    ("commit-after", 4),
];

/// A workflow that takes an event, asks a service, and publishes another event. `BEFORE` is the state before.
const FLOW: &str = "id: FLOW
version: '1.0'
specVersion: '0.8'
start: FIRST
functions:
- {name: ask, type: custom, operation: 'rest:post:http://127.0.0.1:PORT/now/asked'}
events:
- {name: came, type: order.FLOW, source: /partner}
- {name: out, type: order.done, source: /engine, kind: produced}
states:
- {name: Begin, type: inject, data: {}, transition: Take}
- name: Take
  type: event
  onEvents:
  - eventRefs: [came]
    eventDataFilter: {data: .token, toStateData: .taken}
    actions:
    - functionRef: {refName: ask, arguments: {token: .taken}}
      actionDataFilter: {useResults: false}
  end: {produceEvents: [{eventRef: out}]}
";

/// An event that resumes an instance, and one that starts one: name of the workflow, and where it starts.
const FLOWS: [(&str, &str); 2] = [("resumed", "Begin"), ("started", "Take")];

fn flow(name: &str, first: &str, port: u16) -> String {
    let text = FLOW.replace("FLOW", name).replace("FIRST", first).replace("PORT", &port.to_string());
    // Nothing may lead to where an event starts an instance.
    if first == "Begin" {
        text
    } else {
        text.replace("- {name: Begin, type: inject, data: {}, transition: Take}\n", "")
    }
}

/// Sends an event to an engine that ends at a point, and looks at what has become of it.
async fn survives(name: &str, first: &str, point: &str) {
    let service = Service::start().await;
    let folder = folder(&[("flow.sw.yaml", &flow(name, first, service.port()))]);
    let sink = format!("http://127.0.0.1:{}/now/out", service.port());
    let mut engine = Engine::start(folder.path(), &[("K_SINK", sink)]).await;
    if first == "Begin" {
        assert_eq!(engine.post(&format!("/{name}"), &json!({})).await.status, 201);
    }
    // What happens before the event does not count as a passage.
    engine.kill();
    engine.remember("RONDO_FAILPOINTS", point);
    engine.restart().await;
    engine.forget("RONDO_FAILPOINTS");
    let event = Event {
        id: "1".into(),
        kind: if name == "resumed" { "order.resumed" } else { "order.started" },
        extensions: Vec::new(),
        data: json!({"token": "t"}),
    };
    let sender = Sender::new(Route::http(&engine.url("")), 1);
    let sending = tokio::spawn({
        let (sender, event) = (sender.clone(), event.clone());
        async move { sender.send(&event).await }
    });
    until(&format!("{name}: the engine comes to {point}"), async || engine.has_ended()).await;
    engine.restart().await;
    sending.await.unwrap();
    until(&format!("{name}: the event is sent after {point}"), async || service.count("out") > 0).await;
    // The partner did not hear its answer, and sends again.
    assert!(sender.try_send(&event).await);
    until(&format!("{name}: the outbox gets empty after {point}"), async || {
        number_in_database(&engine, "SELECT count(*) FROM outbox") == 0
    })
    .await;
    let found = instances(&engine.url(""), json!({"processId": {"equal": name}})).await.unwrap();
    let [instance] = &found[..] else { panic!("{name}: {} instances after {point}", found.len()) };
    assert_eq!(instance["state"], "COMPLETED", "{name}: after {point}: {instance}");
    assert_eq!(instance["variables"]["workflowdata"]["taken"], "t", "{name}: after {point}: {instance}");
    let calls = service.calls();
    let asked: HashSet<_> = calls.iter().filter(|call| call.what == "asked").map(|call| &call.key).collect();
    assert_eq!(asked.len(), 1, "{name}: after {point} the service was asked with other keys: {calls:?}");
    let sent: HashSet<_> = calls.iter().filter(|call| call.what == "out").map(|call| &call.event).collect();
    assert_eq!(sent.len(), 1, "{name}: after {point} other events were sent: {calls:?}");
    for (table, expected) in [("event", 1), ("kept_event", 0), ("event_wait", 0), ("mailbox", 0)] {
        let rows = number_in_database(&engine, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(rows, expected, "{name}: rows of `{table}` after {point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_survives_a_crash_at_any_point() {
    prepare();
    let at_once = Arc::new(Semaphore::new(4));
    let mut playing = JoinSet::new();
    let local = LocalSet::new();
    for (name, first) in FLOWS {
        for (point, passages) in POINTS {
            for passage in 1..=passages {
                let at_once = Arc::clone(&at_once);
                let point = format!("{}@{passage}", point.replace("FLOW", name));
                let played = async move {
                    let _place = at_once.acquire_owned().await;
                    survives(name, first, &point).await;
                };
                playing.spawn_local_on(played, &local);
            }
        }
    }
    local
        .run_until(async {
            while let Some(played) = playing.join_next().await {
                played.unwrap();
            }
        })
        .await;
}
