//! Tests of recovery: the next process resumes the instances that were under way when the last one ended.

use std::time::Duration;

use crate::support::{CALLER, Lab, NOON, Read, SLEEPER};
use rondo_runtime::{HistoryEvent, Start};
use rondo_store::{Commit, History, Instance, State, Write};
use serde_json::json;

#[tokio::test]
async fn a_call_that_was_in_flight_is_the_same_call_again() {
    let lab = Lab::open(&[CALLER]).await;
    let _started = lab.start_aside("caller", json!({"key": "a"}));
    let first = lab.service.call().await;
    let (path, key) = (first.path.clone(), first.header("idempotency-key").to_owned());
    let lab = lab.crash().await;
    let again = lab.service.call().await;
    assert_eq!((&again.path, again.header("idempotency-key")), (&path, key.as_str()));
    again.answer(json!({"found": 1}));
    lab.until(key.split_at(36).0.parse().unwrap(), State::Completed).await;
}

#[tokio::test]
async fn recovery_asks_again_when_the_database_does_not_answer() {
    let lab = Lab::open(&[CALLER]).await;
    let _started = lab.start_aside("caller", json!({"key": "a"}));
    drop(lab.service.call().await);
    let inner = lab.store.cut_off();
    lab.engine.stop(Duration::ZERO).await;
    let store = crate::support::WatchedStore::new(inner);
    store.refuse(Read::Busy, 2);
    store.refuse(Read::Mailboxes, 1);
    let lab = lab.open_on(store).await;
    lab.clock.until_asleep(NOON + 500).await;
    lab.clock.advance(Duration::from_millis(500));
    lab.clock.until_asleep(NOON + 1000).await;
    lab.clock.advance(Duration::from_millis(500));
    lab.service.call().await.answer(json!({}));
    lab.clock.until_asleep(NOON + 1500).await;
}

#[tokio::test]
async fn a_new_instance_that_had_not_begun_begins() {
    let lab = Lab::open(&[SLEEPER]).await;
    // The row as the commit of a parent inserts it for a subflow.
    let done = lab.start("sleeper", json!({})).await.id;
    let row = lab.engine.store().instance(done).await.unwrap().unwrap();
    let id = uuid::Uuid::now_v7();
    let new = Instance {
        id,
        turn: 0,
        busy: true,
        wake_at: None,
        data: "{}".into(),
        frames: b"\x01{\"s\":\"a\",\"n\":0,\"k\":0,\"v\":0}".to_vec(),
        ..row
    };
    lab.engine
        .store()
        .commit(Commit { writes: vec![Write::Insert(new)], ..Commit::default() })
        .await
        .unwrap();
    let lab = lab.crash().await;
    lab.until_waits(id, |_| true).await;
    lab.clock.advance(Duration::from_hours(1));
    lab.until(id, State::Completed).await;
}

#[tokio::test]
async fn a_line_of_history_that_this_build_does_not_know_costs_that_line() {
    let lab = Lab::open(&[SLEEPER]).await;
    let id = lab.engine.start("sleeper", Start::default()).await.unwrap().id;
    let facts = [r#"[{"f":"paused","by":"ada"},{"f":"changed"}]"#, "no JSON at all"];
    let history =
        (2..).zip(facts).map(|(turn, facts)| History { instance: id, turn, at: NOON, facts: facts.into() });
    let commit = Commit { history: history.collect(), ..Commit::default() };
    lab.engine.store().commit(commit).await.unwrap();
    let lines = lab.engine.history(id).await.unwrap();
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| match &line.event {
            HistoryEvent::Fact(_) => "known",
            HistoryEvent::Unknown(unknown) => &unknown.kind,
        })
        .collect();
    assert_eq!(kinds, ["known", "known", "paused", "known", "unknown"]);
}
