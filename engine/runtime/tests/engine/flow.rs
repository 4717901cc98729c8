//! Tests of successors (`continueAs`), detached calls, compensation by subflows, and several versions of a workflow.

use crate::support::{CALLER, Call, Lab, json};
use rondo_store::State;
use serde_json::json;
use uuid::Uuid;

/// Calls the service, and continues as itself until `n` is 3.
const ROUNDS: &str = r"
id: rounds
version: '1.0'
specVersion: '0.8'
start: Call
functions:
  - name: ask
    type: custom
    operation: rest:get:SERVICE/ask/{n}
states:
  - name: Call
    type: operation
    actions:
      - functionRef:
          refName: ask
          arguments: {n: .n}
    transition: Again
  - name: Again
    type: switch
    dataConditions:
      - condition: .n < 3
        end:
          continueAs:
            workflowId: rounds
            data: '${ {n: (.n + 1)} }'
    defaultCondition:
      end: true
";

/// Starts one `rounds` and waits for it.
const DELEGATE: &str = r"
id: delegate
version: '1.0'
specVersion: '0.8'
start: Delegate
states:
  - name: Delegate
    type: operation
    actions:
      - subFlowRef: rounds
    end: true
";

/// Compensates its state by a subflow `caller`.
const BOOKED: &str = r"
id: booked
version: '1.0'
specVersion: '0.8'
start: Book
states:
  - name: Book
    type: inject
    data: {key: a}
    compensatedBy: Undo
    transition: Rest
  - name: Rest
    type: sleep
    duration: PT1H
    end: true
  - name: Undo
    type: operation
    usedForCompensation: true
    actions:
      - subFlowRef: caller
";

/// Starts one `booked` and waits for it.
const TRIP: &str = r"
id: trip
version: '1.0'
specVersion: '0.8'
start: Delegate
states:
  - name: Delegate
    type: operation
    actions:
      - subFlowRef: booked
    end: true
";

/// Calls the service and does not wait.
const NOTIFIER: &str = r"
id: notifier
version: '1.0'
specVersion: '0.8'
start: Tell
functions:
  - name: tell
    type: custom
    operation: rest:post:SERVICE/tell
states:
  - name: Tell
    type: operation
    actions:
      - functionRef:
          refName: tell
          invoke: async
          arguments: {n: .n}
    transition: Forget
  - name: Forget
    type: inject
    data: {n: 9}
    end: true
";

fn instance_of(call: &Call) -> Uuid {
    call.header("idempotency-key").split_at(36).0.parse().unwrap()
}

#[tokio::test]
async fn the_caller_of_a_subflow_gets_the_result_of_the_last_instance_that_continues_it_also_after_crashes() {
    let mut lab = Lab::open(&[DELEGATE, ROUNDS]).await;
    let _started = lab.start_aside("delegate", json!({"n": 1}));
    let mut ids = Vec::new();
    let mut parent = None;
    for number in 1..=3 {
        let call = lab.service.call().await;
        assert_eq!(call.path, format!("/ask/{number}"));
        let id = instance_of(&call);
        let row = lab.engine.store().instance(id).await.unwrap().unwrap();
        assert_eq!(*parent.get_or_insert(row.parent), row.parent);
        assert_eq!(row.root, row.parent);
        assert!(!ids.contains(&id), "each is an instance of its own");
        ids.push(id);
        drop(call);
        lab = lab.crash().await;
        // The same instance repeats the call that was in flight.
        let call = lab.service.call().await;
        assert_eq!(instance_of(&call), id);
        call.answer(json!({"found": number}));
    }
    let ended = lab.until(parent.flatten().unwrap(), State::Completed).await;
    assert_eq!(json(&ended), json!({"n": 3, "found": 3}));
    for id in ids {
        assert_eq!(lab.engine.instance(id).await.unwrap().unwrap().state, State::Completed);
    }
    lab.until_idle().await;
}

#[tokio::test]
async fn the_client_of_a_start_is_answered_with_the_first_instance() {
    let lab = Lab::open(&[ROUNDS]).await;
    let started = lab.start_aside("rounds", json!({"n": 2}));
    lab.service.call().await.answer(json!({"found": 1}));
    let first = started.await.unwrap().unwrap();
    assert_eq!((first.state, json(&first)), (State::Completed, json!({"n": 2, "found": 1})));
    let call = lab.service.call().await;
    let second = instance_of(&call);
    call.answer(json!({"found": 2}));
    assert_eq!(json(&lab.until(second, State::Completed).await), json!({"n": 3, "found": 2}));
}

#[tokio::test]
async fn the_end_of_a_parent_reaches_the_instance_that_continues_its_subflow() {
    let lab = Lab::open(&[DELEGATE, ROUNDS]).await;
    let started = lab.start_aside("delegate", json!({"n": 1}));
    lab.service.call().await.answer(json!({}));
    let call = lab.service.call().await;
    let second = instance_of(&call);
    let parent = lab.engine.store().instance(second).await.unwrap().unwrap().parent.unwrap();
    assert_eq!(lab.engine.abort(parent).await.unwrap().state, State::Aborted);
    lab.until(second, State::Aborted).await;
    assert_eq!(started.await.unwrap().unwrap().state, State::Aborted);
    lab.until_idle().await;
    assert!(lab.engine.store().mailboxes().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_instance_that_is_aborted_undoes_what_it_did_by_subflows() {
    let lab = Lab::open(&[BOOKED, CALLER]).await;
    let booked = lab.start("booked", json!({})).await;
    let engine = lab.engine.clone();
    let aborted = tokio::spawn(async move { engine.abort(booked.id).await });
    let call = lab.service.call().await;
    assert_eq!(call.path, "/ask/a");
    call.answer(json!({"undone": 1}));
    let aborted = aborted.await.unwrap().unwrap();
    assert_eq!((aborted.state, json(&aborted)["undone"].clone()), (State::Aborted, json!(1)));
}

#[tokio::test]
async fn a_subflow_that_its_parent_gives_up_undoes_what_it_did_by_subflows() {
    let lab = Lab::open(&[TRIP, BOOKED, CALLER]).await;
    let trip = lab.start("trip", json!({})).await;
    assert_eq!(lab.engine.abort(trip.id).await.unwrap().state, State::Aborted);
    let call = lab.service.call().await;
    let undoing = lab.engine.store().instance(instance_of(&call)).await.unwrap().unwrap();
    call.answer(json!({"undone": 1}));
    lab.until(undoing.id, State::Completed).await;
    lab.until(undoing.parent.unwrap(), State::Aborted).await;
}

#[tokio::test]
async fn a_second_abort_ends_an_instance_that_still_undoes_what_it_did() {
    let lab = Lab::open(&[BOOKED, CALLER]).await;
    let booked = lab.start("booked", json!({})).await;
    let engine = lab.engine.clone();
    let aborted = tokio::spawn(async move { engine.abort(booked.id).await });
    let call = lab.service.call().await;
    assert_eq!(lab.engine.abort(booked.id).await.unwrap().state, State::Aborted);
    assert_eq!(aborted.await.unwrap().unwrap().state, State::Aborted);
    lab.until(instance_of(&call), State::Aborted).await;
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_made_again_after_a_crash_although_its_instance_has_completed() {
    let lab = Lab::open(&[NOTIFIER]).await;
    let ended = lab.start("notifier", json!({"n": 1})).await;
    assert_eq!((ended.state, json(&ended)), (State::Completed, json!({"n": 9})));
    let call = lab.service.call().await;
    let key = call.header("idempotency-key").to_owned();
    let ended_at = lab.engine.store().instance(ended.id).await.unwrap().unwrap().ended_at;
    drop(call);
    let lab = lab.crash().await;
    let call = lab.service.call().await;
    assert_eq!(call.header("idempotency-key"), key);
    call.answer_with(500, json!({"no": 1}));
    lab.until_idle().await;
    let row = lab.engine.store().instance(ended.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.busy, row.ended_at), (State::Completed, false, ended_at));
    assert!(row.frames.is_empty() && row.sealed.is_none());
    assert!(!lab.service.has_call().await, "what failed is not tried again");
}

#[tokio::test]
async fn of_several_versions_the_highest_is_started_and_a_subflow_may_name_another() {
    let version = |version: &str| {
        format!(
            "id: many\nversion: '{version}'\nspecVersion: '0.8'\nstates: [{{name: A, type: inject, data: {{v: '{version}'}}, end: true}}]\n"
        )
    };
    let caller = r"
id: parent
specVersion: '0.8'
states:
  - name: A
    type: operation
    actions:
      - subFlowRef: {workflowId: many, version: '1.9'}
    end: {continueAs: {workflowId: many, version: '1.0', data: '${ {} }'}}
";
    let (one, nine, ten) = (version("1.0"), version("1.9"), version("1.10"));
    let lab = Lab::open(&[&ten, &one, &nine, caller]).await;
    assert_eq!(json(&lab.start("many", json!({})).await), json!({"v": "1.10"}));
    assert_eq!(json(&lab.start("parent", json!({})).await), json!({"v": "1.9"}));
    lab.until_idle().await;
    let highest = lab.engine.highest_workflows();
    assert_eq!((lab.engine.workflows().len(), highest.len()), (4, 2));
}
