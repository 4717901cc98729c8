//! Tests of messages between instances: none is lost, and one that cannot be read stops the instance with an error.

use std::time::Duration;

use crate::support::{Lab, NOON, Read, SLEEPER};
use rondo_store::{Commit, Message, State};
use serde_json::json;
use uuid::Uuid;

async fn send(lab: &Lab, to: Uuid, payload: &[u8]) {
    let message = Message { to, payload: payload.to_vec() };
    lab.engine.store().commit(Commit { messages: vec![message], ..Commit::default() }).await.unwrap();
}

#[tokio::test]
async fn a_message_that_cannot_be_read_stays_and_stops_the_instance() {
    let lab = Lab::open(&[SLEEPER]).await;
    let id = lab.start("sleeper", json!({})).await.id;
    send(&lab, id, b"\x09from the future").await;
    let lab = lab.crash().await;
    let halted = lab.until(id, State::Error).await;
    let message = halted.failure.unwrap().message;
    assert!(message.contains("format 9") && message.contains("The message is kept"), "{message}");
    assert_eq!(lab.engine.store().mailbox(id, None).await.unwrap().len(), 1);
    // The message stays, but a retrigger continues the instance without it.
    assert_eq!(lab.engine.retrigger(id).await.unwrap().state, State::Active);
    lab.clock.advance(Duration::from_hours(1));
    lab.until(id, State::Completed).await;
}

#[tokio::test]
async fn what_can_be_read_beside_it_has_its_effect() {
    let lab = Lab::open(&[SLEEPER]).await;
    let id = lab.start("sleeper", json!({})).await.id;
    send(&lab, id, b"nonsense").await;
    // The message to end in format 1.
    send(&lab, id, br#""end""#).await;
    let lab = lab.crash().await;
    lab.until(id, State::Aborted).await;
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_read_is_read_later() {
    let lab = Lab::open(&[SLEEPER]).await;
    let id = lab.start("sleeper", json!({})).await.id;
    send(&lab, id, br#""end""#).await;
    let inner = lab.store.cut_off();
    lab.engine.stop(Duration::ZERO).await;
    let store = crate::support::WatchedStore::new(inner);
    store.refuse(Read::Mailbox, 1);
    let lab = lab.open_on(store).await;
    lab.clock.until_asleep(NOON + 500).await;
    lab.clock.advance(Duration::from_millis(500));
    lab.until(id, State::Aborted).await;
}

#[tokio::test]
async fn messages_to_an_instance_that_has_ended_are_removed() {
    let lab = Lab::open(&[SLEEPER]).await;
    let id = lab.start("sleeper", json!({})).await.id;
    lab.engine.abort(id).await.unwrap();
    send(&lab, id, br#""end""#).await;
    let lab = lab.crash().await;
    let mut commits = lab.store.commits();
    while !lab.engine.store().mailbox(id, None).await.unwrap().is_empty() {
        commits.changed().await.unwrap();
    }
}
