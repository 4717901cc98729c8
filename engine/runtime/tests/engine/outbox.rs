//! Tests of published events: each is sent until its sink takes it, and those of one instance one after the other.

use std::time::Duration;

use crate::support::{Call, Lab, NOON};
use rondo_store::OutboxRow;
use serde_json::json;

/// The sink of all events is the service.
const SINK: &str = "mp.messaging.outgoing.kogito_outgoing_stream.url=SERVICE/sink";

/// Publishes two events.
const PUBLISHER: &str = r#"
id: publisher
version: '1.0'
specVersion: '0.8'
start: One
events:
- {name: said, type: t.said, kind: produced, source: s}
states:
- name: One
  type: operation
  actions:
  - eventRef: {triggerEventRef: said, data: '${ {n: 1} }', contextAttributes: {what: '${ .name + "1" }'}}
  - eventRef: {triggerEventRef: said, data: '${ {n: 2} }', contextAttributes: {what: '${ .name + "2" }'}}
  end: true
"#;

/// Waits for the next event that is sent.
async fn sent(lab: &Lab) -> (String, String, Call) {
    let call = lab.service.call().await;
    assert_eq!(call.path, "/sink");
    (call.header("ce-what").to_owned(), call.header("ce-id").to_owned(), call)
}

/// Waits until `attempts` attempts to send an event have failed.
async fn until_failed(lab: &Lab, attempts: u32) -> OutboxRow {
    loop {
        let stuck = lab.engine.store().stuck_outbox(10).await.unwrap();
        if let Some(row) = stuck.into_iter().find(|row| row.attempts == attempts) {
            return row;
        }
        tokio::task::yield_now().await;
    }
}

/// Waits until the outbox is empty.
async fn until_empty(lab: &Lab) {
    while lab.engine.store().outbox_status().await.unwrap().rows > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_event_is_sent_again_with_growing_pauses_and_those_behind_it_wait() {
    let lab = Lab::open_with(&[PUBLISHER], SINK).await;
    lab.start("publisher", json!({"name": "a"})).await;
    let (what, id, call) = sent(&lab).await;
    assert_eq!(what, "a1");
    call.answer_with(503, json!({}));
    let mut due = NOON;
    for (attempts, pause) in (1..).zip([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
        due += pause;
        assert_eq!(until_failed(&lab, attempts).await.next_at, Some(due));
        assert!(!lab.service.has_call().await, "the second event waits for the first");
        lab.clock.set(due);
        let (again, same, call) = sent(&lab).await;
        assert_eq!((again, &same), (what.clone(), &id), "the same event");
        call.answer_with(503, json!({}));
    }
    let problem = until_failed(&lab, 10).await.last_error.unwrap();
    assert!(problem.contains("503"), "{problem}");
    // A failing event of one instance does not hold up another instance on the same channel.
    lab.start("publisher", json!({"name": "b"})).await;
    for expected in ["b1", "b2"] {
        let (what, _, call) = sent(&lab).await;
        assert_eq!(what, expected);
        call.answer(json!({}));
    }
    lab.clock.advance(Duration::from_mins(1));
    for expected in ["a1", "a2"] {
        let (what, _, call) = sent(&lab).await;
        assert_eq!(what, expected);
        call.answer(json!({}));
    }
    until_empty(&lab).await;
    assert!(!lab.service.has_call().await);
}

#[tokio::test]
async fn events_that_were_not_sent_when_the_engine_ended_are_sent_by_the_next_one() {
    let lab = Lab::open_with(&[PUBLISHER], SINK).await;
    lab.start("publisher", json!({"name": "a"})).await;
    // The process ends before the answer, so the next one cannot know whether the sink took the event.
    let (_, id, call) = sent(&lab).await;
    drop(call);
    let lab = lab.crash().await;
    let (what, again, call) = sent(&lab).await;
    assert_eq!((what.as_str(), &again), ("a1", &id));
    call.answer(json!({}));
    let (what, other, call) = sent(&lab).await;
    assert!(what == "a2" && other != id);
    call.answer(json!({}));
    until_empty(&lab).await;
}

/// Publishes one slow event, or `n` fast ones.
const SAYER: &str = "
id: sayer
version: '1.0'
specVersion: '0.8'
start: Say
events:
- {name: slow, type: t.slow, kind: produced, source: s}
- {name: fast, type: t.fast, kind: produced, source: s}
states:
- name: Say
  type: switch
  dataConditions:
  - {condition: '${ .slow }', transition: Slow}
  defaultCondition: {transition: Fast}
- name: Slow
  type: inject
  data: {}
  end: {produceEvents: [{eventRef: slow, data: '${ .n }'}]}
- name: Fast
  type: foreach
  inputCollection: '${ [range(.n)] }'
  iterationParam: number
  mode: sequential
  actions:
  - eventRef: {triggerEventRef: fast, data: '${ $number }', contextAttributes: {what: '${ $number | tostring }'}}
  end: true
";

/// A channel for each of two types. A delivery may take an hour, so that none ends by its time limit.
const TWO_CHANNELS: &str = "rondo.events.send-timeout=3600000
mp.messaging.outgoing.\"t.slow\".url=SERVICE/slow
mp.messaging.outgoing.\"t.fast\".url=SERVICE/fast";

#[tokio::test]
async fn a_channel_that_hangs_holds_up_no_other() {
    let lab = Lab::open_with(&[SAYER], TWO_CHANNELS).await;
    // More than a channel sends at once, so that not all of them reach the service.
    let (hanging, produced) = (32, 50);
    for number in 0..produced {
        lab.start("sayer", json!({"slow": true, "n": number})).await;
    }
    let mut unanswered = Vec::new();
    while unanswered.len() < hanging {
        let call = lab.service.call().await;
        assert_eq!(call.path, "/slow");
        unanswered.push(call);
    }
    lab.start("sayer", json!({"n": 200})).await;
    for number in 0..200 {
        let call = lab.service.call().await;
        assert_eq!((call.path.as_str(), call.header("ce-what")), ("/fast", number.to_string().as_str()));
        call.answer(json!({}));
    }
    while lab.engine.store().outbox_status().await.unwrap().rows > produced {
        tokio::task::yield_now().await;
    }
    assert!(!lab.service.has_call().await, "the channel that hangs has its bound");
    // When the sink answers, the channel goes on.
    for call in unanswered {
        call.answer(json!({}));
    }
    for _ in hanging as u64..produced {
        let call = lab.service.call().await;
        assert_eq!(call.path, "/slow");
        call.answer(json!({}));
    }
    until_empty(&lab).await;
}

#[tokio::test]
async fn an_instance_whose_event_is_not_answered_holds_up_no_other_of_its_channel() {
    let lab = Lab::open_with(&[SAYER], TWO_CHANNELS).await;
    lab.start("sayer", json!({"slow": true, "n": 0})).await;
    let hanging = lab.service.call().await;
    for number in 1..100 {
        lab.start("sayer", json!({"slow": true, "n": number})).await;
        let call = lab.service.call().await;
        assert_eq!(call.path, "/slow");
        call.answer(json!({}));
    }
    while lab.engine.store().outbox_status().await.unwrap().rows > 1 {
        tokio::task::yield_now().await;
    }
    hanging.answer(json!({}));
    until_empty(&lab).await;
}
