//! Tests of stopping: calls in flight get the grace time, and the next start resumes the rest.

use std::time::Duration;

use crate::support::{CALLER, Lab, NOON};
use rondo_runtime::{Refusal, Start};
use rondo_store::State;
use serde_json::json;

#[tokio::test]
async fn a_call_that_is_answered_within_the_grace_is_stored() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    let call = lab.service.call().await;
    let engine = lab.engine.clone();
    let stopping = tokio::spawn(async move { engine.stop(Duration::from_secs(11)).await });
    lab.clock.until_asleep(NOON + 11_000).await;
    assert!(!lab.engine.is_ready());
    let refused = lab.engine.start("caller", Start::default()).await.unwrap_err();
    assert!(matches!(refused, Refusal::Stopping), "{refused}");
    call.answer(json!({}));
    assert_eq!(started.await.unwrap().unwrap().state, State::Completed);
    stopping.await.unwrap();
    assert_eq!(lab.clock.now(), NOON, "the grace was not used up");
}

#[tokio::test]
async fn a_call_that_is_not_answered_within_the_grace_is_made_again_at_the_next_start() {
    let lab = Lab::open(&[CALLER]).await;
    let _started = lab.start_aside("caller", json!({"key": "a"}));
    let first = lab.service.call().await;
    let key = first.header("idempotency-key").to_owned();
    let engine = lab.engine.clone();
    let stopping = tokio::spawn(async move { engine.stop(Duration::from_secs(11)).await });
    lab.clock.until_asleep(NOON + 11_000).await;
    lab.clock.advance(Duration::from_secs(11));
    stopping.await.unwrap();
    let lab = lab.crash().await;
    let again = lab.service.call().await;
    assert_eq!(again.header("idempotency-key"), key);
    again.answer(json!({"found": 1}));
    let id = key.split_at(36).0.parse().unwrap();
    lab.until(id, State::Completed).await;
}
