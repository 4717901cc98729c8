//! Tests of subflows: how they start and end, and how many may run.

use crate::support::{CALLER, Call, Lab, Trouble, json};
use rondo_runtime::Waiting;
use rondo_store::State;
use serde_json::json;
use uuid::Uuid;

/// Starts one `caller` and waits for it.
const PARENT: &str = r"
id: parent
version: '1.0'
specVersion: '0.8'
start: Delegate
states:
  - name: Delegate
    type: operation
    actions:
      - subFlowRef: caller
    end: true
";

/// Starts one `caller` for each of its `keys`.
const CROWD: &str = r"
id: crowd
version: '1.0'
specVersion: '0.8'
start: Each
states:
  - name: Each
    type: foreach
    inputCollection: .keys
    outputCollection: .results
    iterationParam: key
    actions:
      - subFlowRef: caller
    end: true
";

/// Waits for a `parent` for an hour.
const IMPATIENT: &str = r"
id: impatient
version: '1.0'
specVersion: '0.8'
start: Delegate
states:
  - name: Delegate
    type: operation
    actions:
      - subFlowRef: caller
    timeouts: {actionExecTimeout: PT1H}
    end: true
";

fn instance_of(call: &Call) -> Uuid {
    call.header("idempotency-key").split_at(36).0.parse().unwrap()
}

#[tokio::test]
async fn a_parent_goes_on_with_the_data_of_its_child() {
    let lab = Lab::open(&[PARENT, CALLER]).await;
    let started = lab.start_aside("parent", json!({"key": "a"}));
    let call = lab.service.call().await;
    let child = instance_of(&call);
    let row = lab.engine.store().instance(child).await.unwrap().unwrap();
    let parent = row.parent.unwrap();
    assert_eq!((row.root, row.root_workflow.as_deref()), (Some(parent), Some("parent")));
    let waits = lab.engine.waits(parent).await.unwrap();
    assert!(
        matches!(&waits[0].waiting, Waiting::Subflow { workflow } if &**workflow == "caller"),
        "{waits:?}"
    );
    call.answer(json!({"found": 1}));
    let ended = started.await.unwrap().unwrap();
    assert_eq!((ended.id, json(&ended)["found"].clone()), (parent, json!(1)));
    assert!(lab.engine.store().mailbox(parent, None).await.unwrap().is_empty(), "the message was used");
    lab.until_idle().await;
}

#[tokio::test]
async fn a_parent_goes_on_after_a_crash_between_the_end_of_its_child_and_its_own_turn() {
    let lab = Lab::open(&[PARENT, CALLER]).await;
    let _started = lab.start_aside("parent", json!({"key": "a"}));
    let call = lab.service.call().await;
    let child = instance_of(&call);
    let parent = lab.engine.store().instance(child).await.unwrap().unwrap().parent.unwrap();
    let mut commits = lab.store.commits();
    // The store takes the child's last commit, and leaves the parent's without an answer.
    lab.store.pass_then_hold(1);
    call.answer(json!({"found": 1}));
    while lab.engine.instance(child).await.unwrap().unwrap().state != State::Completed {
        commits.changed().await.unwrap();
    }
    let lab = lab.crash().await;
    let ended = lab.until(parent, State::Completed).await;
    assert_eq!(json(&ended)["found"], 1);
}

#[tokio::test]
async fn a_parent_waits_for_a_child_that_stands_at_an_error_until_somebody_mends_it() {
    let lab = Lab::open(&[PARENT, CALLER]).await;
    let started = lab.start_aside("parent", json!({"key": "a"}));
    let call = lab.service.call().await;
    let child = instance_of(&call);
    call.answer_with(503, json!({}));
    let waiting = started.await.unwrap().unwrap();
    assert_eq!(waiting.state, State::Active);
    assert_eq!(lab.engine.instance(child).await.unwrap().unwrap().state, State::Error);
    let engine = lab.engine.clone();
    let mended = tokio::spawn(async move { engine.retrigger(child).await });
    lab.service.call().await.answer(json!({"found": 1}));
    assert_eq!(mended.await.unwrap().unwrap().state, State::Completed);
    lab.until(waiting.id, State::Completed).await;
}

#[tokio::test]
async fn a_child_that_nobody_waits_for_any_more_is_ended() {
    let lab = Lab::open(&[PARENT, CALLER]).await;
    let started = lab.start_aside("parent", json!({"key": "a"}));
    let call = lab.service.call().await;
    let child = instance_of(&call);
    let parent = lab.engine.store().instance(child).await.unwrap().unwrap().parent.unwrap();
    assert_eq!(lab.engine.abort(parent).await.unwrap().state, State::Aborted);
    lab.until(child, State::Aborted).await;
    assert_eq!(started.await.unwrap().unwrap().state, State::Aborted);
}

#[tokio::test]
async fn more_children_than_a_turn_can_take_messages_from_all_arrive() {
    let lab = Lab::open(&[CROWD, CALLER]).await;
    let keys: Vec<String> = (0..200).map(|number| format!("k{number}")).collect();
    let started = lab.start_aside("crowd", json!({"keys": keys}));
    for _ in 0..200 {
        lab.service.call().await.answer(json!({"found": 1}));
    }
    let ended = started.await.unwrap().unwrap();
    assert_eq!(ended.state, State::Completed);
    assert_eq!(json(&ended)["results"].as_array().map(Vec::len), Some(200));
    lab.until_idle().await;
}

#[tokio::test]
async fn subflows_below_one_start_are_bounded() {
    let branches: String = (0..4)
        .map(|number| format!("      - name: b{number}\n        actions: [{{subFlowRef: caller}}]\n"))
        .collect();
    let flood = format!(
        "id: flood\nversion: '1.0'\nspecVersion: '0.8'\nstart: All\nstates:\n  - name: All\n    type: parallel\n    branches:\n{branches}    end: true\n"
    );
    let lab = Lab::open_with(&[&flood, CALLER], "rondo.limits.subflows=3").await;
    let failed = lab.start("flood", json!({"key": "a"})).await;
    let message = failed.failure.unwrap().message;
    assert!(message.contains("rondo.limits.subflows"), "{message}");
    assert_eq!(lab.engine.store().children(failed.id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_subflow_that_was_not_stored_is_not_counted() {
    let lab = Lab::open_with(&[PARENT, CALLER], "rondo.limits.subflows=1").await;
    lab.store.fail_next([Trouble::Refuses]);
    lab.engine.start("parent", rondo_runtime::Start::default()).await.unwrap_err();
    let started = lab.start_aside("parent", json!({"key": "a"}));
    lab.service.call().await.answer(json!({}));
    assert_eq!(started.await.unwrap().unwrap().state, State::Completed);
}

#[tokio::test]
async fn a_parent_whose_time_is_over_ends_its_child() {
    let lab = Lab::open(&[IMPATIENT, CALLER]).await;
    let started = lab.start_aside("impatient", json!({"key": "a"}));
    let child = instance_of(&lab.service.call().await);
    lab.clock.advance(std::time::Duration::from_hours(1));
    assert_eq!(started.await.unwrap().unwrap().state, State::Error);
    lab.until(child, State::Aborted).await;
}
