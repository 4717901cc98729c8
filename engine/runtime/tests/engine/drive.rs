//! Tests of work on one instance: calls and their answers, a database that fails, defects of the engine.

use std::time::Duration;

use crate::support::{CALLER, Lab, NOON, Trouble, json};
use rondo_runtime::{FailureKind, Refusal, Start, Waiting};
use rondo_store::State;
use serde_json::json;

#[tokio::test]
async fn a_start_is_answered_when_its_call_is() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    let call = lab.service.call().await;
    assert_eq!(call.path, "/ask/a");
    let id = call.header("idempotency-key").split_at(36).0.parse().unwrap();
    assert!(call.header("idempotency-key").ends_with("-1"));
    assert!(!started.is_finished());
    let waits = lab.engine.waits(id).await.unwrap();
    assert!(
        matches!(&waits[0].waiting, Waiting::Call { function, attempt: 1 } if &**function == "ask"),
        "{waits:?}"
    );
    call.answer(json!({"found": 1}));
    let ended = started.await.unwrap().unwrap();
    assert_eq!(
        (ended.id, ended.state, json(&ended)),
        (id, State::Completed, json!({"key": "a", "found": 1}))
    );
}

#[tokio::test]
async fn a_failed_call_is_an_error_that_a_retrigger_mends() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    lab.service.call().await.answer_with(503, json!({"why": "busy"}));
    let failed = started.await.unwrap().unwrap();
    let failure = failed.failure.unwrap();
    assert_eq!((failed.state, failure.kind, failure.status), (State::Error, FailureKind::Service, Some(503)));
    assert_eq!((failure.state.as_str(), failure.place()), ("Call", "ask"));
    let row = lab.engine.store().instance(failed.id).await.unwrap().unwrap();
    let error = lab.engine.error_of(&row).unwrap();
    assert_eq!((error.place.as_str(), error.status), ("ask", Some(503)));
    let engine = lab.engine.clone();
    let mended = tokio::spawn(async move { engine.retrigger(failed.id).await });
    lab.service.call().await.answer(json!({"found": 1}));
    assert_eq!(mended.await.unwrap().unwrap().state, State::Completed);
}

#[tokio::test]
async fn data_that_did_not_change_are_not_written_again() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    lab.service.call().await.answer_with(503, json!({}));
    let id = started.await.unwrap().unwrap().id;
    assert_eq!(lab.store.kept_data(), [true], "the call failed, and changed nothing");
    let lab = lab.crash().await;
    let engine = lab.engine.clone();
    let mended = tokio::spawn(async move { engine.retrigger(id).await });
    lab.service.call().await.answer(json!({"found": 1}));
    assert_eq!(json(&mended.await.unwrap().unwrap()), json!({"key": "a", "found": 1}));
    assert_eq!(lab.store.kept_data(), [true, false], "the second call gave something");
}

#[tokio::test]
async fn a_start_that_the_database_refuses_is_refused() {
    let lab = Lab::open(&[CALLER]).await;
    lab.store.fail_next([Trouble::Refuses]);
    let refused = lab.engine.start("caller", Start::default()).await.unwrap_err();
    assert!(matches!(refused, Refusal::Store(_)), "{refused}");
    assert!(!lab.service.has_call().await, "nothing is called for what is not stored");
    lab.until_idle().await;
}

#[tokio::test]
async fn an_answer_is_kept_until_the_database_takes_it() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    let call = lab.service.call().await;
    lab.store.fail_next([Trouble::Refuses, Trouble::Refuses]);
    call.answer(json!({"found": 1}));
    for retry in 1..=2 {
        lab.clock.until_asleep(NOON + retry * 500).await;
        assert!(!started.is_finished());
        lab.clock.advance(Duration::from_millis(500));
    }
    assert_eq!(started.await.unwrap().unwrap().state, State::Completed);
}

#[tokio::test]
async fn a_defect_costs_one_delivery_and_the_instance_can_be_retriggered() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    let call = lab.service.call().await;
    let id = call.header("idempotency-key").split_at(36).0.parse().unwrap();
    lab.store.fail_next([Trouble::Panics]);
    call.answer(json!({"found": 1}));
    let refused = started.await.unwrap().unwrap_err();
    assert!(matches!(refused, Refusal::Defect(defect) if defect == id), "{refused}");
    let halted = lab.until(id, State::Error).await;
    let message = halted.failure.unwrap().message;
    assert!(message.contains("a defect that a test asked for") && message.contains("retrigger"), "{message}");
    let engine = lab.engine.clone();
    let mended = tokio::spawn(async move { engine.retrigger(id).await });
    let again = lab.service.call().await;
    assert!(again.header("idempotency-key").ends_with("-1"), "it is the same call");
    again.answer(json!({"found": 1}));
    assert_eq!(mended.await.unwrap().unwrap().state, State::Completed);
    lab.until_idle().await;
}

#[tokio::test]
async fn a_defect_that_comes_again_leaves_the_instance_alone_and_free() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    let call = lab.service.call().await;
    let id = call.header("idempotency-key").split_at(36).0.parse().unwrap();
    lab.store.fail_next([Trouble::Panics, Trouble::Panics]);
    call.answer(json!({"found": 1}));
    started.await.unwrap().unwrap_err();
    // Neither the answer nor the halt could be stored. The next request is processed on the instance as the database has it.
    let ended = lab.engine.abort(id).await.unwrap();
    assert_eq!(ended.state, State::Aborted);
}

#[tokio::test]
async fn a_start_that_meets_a_defect_is_refused_at_once() {
    let lab = Lab::open(&[CALLER]).await;
    lab.store.fail_next([Trouble::Panics]);
    let refused = lab.engine.start("caller", Start::default()).await.unwrap_err();
    assert!(matches!(refused, Refusal::Defect(_)), "{refused}");
}

#[tokio::test]
async fn data_are_changed_while_a_call_is_under_way() {
    let lab = Lab::open(&[CALLER]).await;
    let started = lab.start_aside("caller", json!({"key": "a"}));
    let call = lab.service.call().await;
    let id = call.header("idempotency-key").split_at(36).0.parse().unwrap();
    let patched = lab.engine.patch(id, json!({"note": 1}).into()).await.unwrap();
    assert_eq!(json(&patched), json!({"key": "a", "note": 1}));
    call.answer(json!({"found": 1}));
    assert_eq!(json(&started.await.unwrap().unwrap()), json!({"key": "a", "note": 1, "found": 1}));
}

#[tokio::test]
async fn who_asked_is_shown_to_the_workflow_and_survives_a_crash() {
    const WHO: &str = r"
id: who
version: '1.0'
specVersion: '0.8'
start: First
functions:
  - name: who
    type: expression
    operation: '{who: $WORKFLOW.identity}'
states:
  - name: First
    type: sleep
    duration: PT1S
    transition: Ask
  - name: Ask
    type: operation
    actions:
      - functionRef: who
    end: true
";
    let lab = Lab::open(&[WHO]).await;
    let named = Start { identity: Some("ada".into()), ..Start::default() };
    let named = lab.engine.start("who", named).await.unwrap().id;
    let unnamed = lab.engine.start("who", Start::default()).await.unwrap().id;
    let lab = lab.crash().await;
    lab.clock.advance(Duration::from_secs(1));
    for (id, who) in [(named, "ada"), (unnamed, "anonymous")] {
        assert_eq!(json(&lab.until(id, State::Completed).await)["who"], who);
    }
}
