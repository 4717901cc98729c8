//! Tests of the memory budget: a request without room is refused before it has an effect, and work of the engine waits for room.

use std::time::Duration;

use rondo_runtime::{Refusal, Start};
use rondo_store::State;
use serde_json::json;

use crate::support::{CALLER, Lab, SLEEPER};

/// The smallest budget that the property allows.
const SMALL: &str = "rondo.limits.memory=16777216";

#[tokio::test]
async fn a_start_without_room_is_refused_and_takes_place_when_there_is_room() {
    let lab = Lab::open_with(&[SLEEPER], SMALL).await;
    let memory = lab.engine.memory();
    let taken = memory.try_take(memory.total() - 100 * 1024).unwrap();
    let large = || Start { data: json!({"text": "x".repeat(200 * 1024)}).into(), ..Start::default() };
    let refused = lab.engine.start("sleeper", large()).await.unwrap_err();
    assert!(matches!(refused, Refusal::NoRoom(_)), "{refused}");
    assert_eq!(lab.engine.active_instances(), 0);
    lab.start("sleeper", json!({})).await;
    drop(taken);
    assert_eq!(lab.engine.start("sleeper", large()).await.unwrap().state, State::Active);
    lab.until_idle().await;
    assert_eq!(memory.used(), 0, "a sleeping instance takes no memory");
}

#[tokio::test]
async fn an_instance_holds_its_share_while_it_is_in_memory() {
    let lab = Lab::open_with(&[CALLER], SMALL).await;
    let started = lab.start_aside("caller", json!({"key": "k", "text": "x".repeat(200 * 1024)}));
    let call = lab.service.call().await;
    assert!(lab.engine.memory().used() >= 200 * 1024);
    call.answer(json!({}));
    assert_eq!(started.await.unwrap().unwrap().state, State::Completed);
    lab.until_idle().await;
    assert_eq!(lab.engine.memory().used(), 0);
}

#[tokio::test]
async fn what_is_due_waits_for_room_and_what_a_client_asks_waits_for_a_while() {
    let lab = Lab::open_with(&[SLEEPER], SMALL).await;
    let id = lab.start("sleeper", json!({"text": "x".repeat(200 * 1024)})).await.id;
    lab.until_idle().await;
    let memory = lab.engine.memory().clone();
    let taken = memory.try_take(memory.total() - 100 * 1024).unwrap();
    lab.clock.advance(Duration::from_hours(1));
    while lab.engine.active_instances() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(lab.engine.instance(id).await.unwrap().unwrap().state, State::Active, "it waits");
    drop(taken);
    lab.until(id, State::Completed).await;
}
