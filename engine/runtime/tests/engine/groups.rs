//! Tests of concurrency groups: what waits for a place, when it goes on, and what does not need one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::support::{CALLER, Call, Lab, SLEEPER, json};
use rondo_event::CloudEvent;
use rondo_runtime::{Refusal, Start, Waiting};
use rondo_store::{Accepted, Condition, Field, Filter, Query, State};
use serde_json::{Value, json};
use uuid::Uuid;

const TWO_FOR_EACH_KEY: &str = "rondo.concurrency.askers.workflows=call*\nrondo.concurrency.askers.key=.key\nrondo.concurrency.askers.limit=2\n";

/// An event starts it; it asks the service for the order of the event, and then waits for the event that it is paid.
const ORDERED: &str = r"
id: ordered
version: '1.0'
specVersion: '0.8'
functions:
- {name: ask, type: custom, operation: 'rest:get:SERVICE/ask/{order}'}
events:
- {name: ordered, type: t.ordered, source: s, correlation: [{contextAttributeName: order}]}
- {name: paid, type: t.paid, source: s, correlation: [{contextAttributeName: order}]}
states:
- name: Begin
  type: event
  onEvents:
  - eventRefs: [ordered]
    actions: [{functionRef: {refName: ask, arguments: {order: .order}}}]
  transition: Pay
- {name: Pay, type: event, onEvents: [{eventRefs: [paid], eventDataFilter: {toStateData: .paid}}], end: true}
";

/// Two states, of which the second can be started at.
const STATES: &str = r"
id: calls-second
version: '1.0'
specVersion: '0.8'
start: First
functions:
- {name: ask, type: custom, operation: 'rest:get:SERVICE/{path}'}
states:
- {name: First, type: operation, actions: [{functionRef: {refName: ask, arguments: {path: '`first`'}}}], transition: Second}
- {name: Second, type: operation, actions: [{functionRef: {refName: ask, arguments: {path: .path}}}], end: true}
";

/// Asks, and is continued by a `caller`.
const CONTINUED: &str = r"
id: continued
version: '1.0'
specVersion: '0.8'
start: Begin
states:
- {name: Begin, type: inject, data: {begun: true}, end: {continueAs: caller}}
";

/// Starts one `caller` for each of its keys, all with the same key.
const CROWD: &str = r"
id: call-crowd
version: '1.0'
specVersion: '0.8'
start: Each
states:
- name: Each
  type: foreach
  inputCollection: .keys
  iterationParam: item
  mode: parallel
  actions: [{subFlowRef: caller}]
  end: true
";

fn instance_of(call: &Call) -> Uuid {
    call.header("idempotency-key").split_at(36).0.parse().unwrap()
}

async fn states(lab: &Lab) -> BTreeMap<Uuid, State> {
    let rows = lab.engine.store().query(Query::default()).await.unwrap();
    rows.into_iter().map(|row| (row.id, row.state)).collect()
}

/// Starts a `caller` that has to wait.
async fn start_waiting(lab: &Lab, key: &str) -> Uuid {
    let view = lab.start("caller", json!({"key": key})).await;
    assert_eq!(view.state, State::Pending);
    view.id
}

/// Starts a `caller` that has a place, and takes its call.
async fn start_running(lab: &Lab, key: &str) -> Call {
    let _started = lab.start_aside("caller", json!({"key": key}));
    let call = lab.service.call().await;
    assert_eq!(call.path, format!("/ask/{key}"));
    call
}

#[tokio::test]
async fn those_beyond_the_limit_wait_and_go_in_the_order_of_their_starts() {
    let lab = Lab::open_with(&[CALLER], TWO_FOR_EACH_KEY).await;
    let (first, second) = (start_running(&lab, "a").await, start_running(&lab, "a").await);
    let view = lab.start("caller", json!({"key": "a"})).await;
    let place = view.place.as_ref().unwrap().to_string();
    assert_eq!(place, "waits for a place in concurrency group `askers`, key `a`: 2 of 2 run and 1 wait");
    assert_eq!(json(&view), json!({"key": "a"}));
    let (third, fourth) = (view.id, start_waiting(&lab, "a").await);
    // Another key is not held up.
    start_running(&lab, "b").await.answer(json!({}));
    // Those that wait are not in memory.
    lab.until_idle_but(2).await;
    let details = lab.engine.details(third).await.unwrap().unwrap();
    assert_eq!(
        (details.state, details.place.unwrap().waiting, details.history.len()),
        (State::Pending, 2, 0)
    );
    second.answer(json!({}));
    let call = lab.service.call().await;
    assert_eq!(instance_of(&call), third);
    assert!(!lab.service.has_call().await);
    call.answer(json!({}));
    let call = lab.service.call().await;
    assert_eq!(instance_of(&call), fourth);
    call.answer(json!({}));
    first.answer(json!({}));
    for id in [third, fourth] {
        assert_eq!(lab.until(id, State::Completed).await.place, None);
    }
}

#[tokio::test]
async fn one_that_waits_can_be_aborted_and_its_data_be_changed() {
    let lab = Lab::open_with(&[CALLER], TWO_FOR_EACH_KEY).await;
    let (first, _second) = (start_running(&lab, "a").await, start_running(&lab, "a").await);
    let (third, fourth) = (start_waiting(&lab, "a").await, start_waiting(&lab, "a").await);
    let refused = lab.engine.retrigger(third).await.unwrap_err();
    assert!(matches!(refused, Refusal::NotInError(_)), "{refused}");
    assert_eq!(lab.engine.abort(third).await.unwrap().state, State::Aborted);
    assert!(matches!(lab.engine.abort(third).await, Err(Refusal::UnknownInstance(_))));
    // The place is that of the key at the start.
    let changed = lab.engine.patch(fourth, json!({"key": "z"}).into()).await.unwrap();
    assert_eq!((changed.state, json(&changed)), (State::Pending, json!({"key": "z"})));
    first.answer(json!({}));
    let call = lab.service.call().await;
    assert_eq!((instance_of(&call), &*call.path), (fourth, "/ask/z"));
}

#[tokio::test]
async fn an_error_gives_the_place_back_and_a_retrigger_waits_for_one() {
    let lab = Lab::open_with(&[CALLER], TWO_FOR_EACH_KEY).await;
    let (first, second) = (start_running(&lab, "a").await, start_running(&lab, "a").await);
    let (failing, third) = (instance_of(&first), start_waiting(&lab, "a").await);
    first.answer_with(403, json!({}));
    let call = lab.service.call().await;
    assert_eq!(instance_of(&call), third);
    let fourth = start_waiting(&lab, "a").await;
    let view = lab.engine.retrigger(failing).await.unwrap();
    assert_eq!(view.state, State::Pending);
    assert_eq!(view.place.unwrap().waiting, 2);
    assert!(view.failure.is_some(), "it says why it stood");
    assert_eq!(lab.engine.retrigger(failing).await.unwrap().state, State::Pending, "it waits already");
    drop((call, second));
    let lab = lab.crash().await;
    // The two that ran ask again.
    let mut calls = vec![lab.service.call().await, lab.service.call().await];
    assert!(!lab.service.has_call().await);
    calls.pop().unwrap().answer(json!({}));
    let again = lab.service.call().await;
    assert_eq!(instance_of(&again), failing, "it started before the fourth");
    again.answer(json!({"found": 1}));
    assert_eq!(json(&lab.until(failing, State::Completed).await)["found"], 1);
    assert_eq!(instance_of(&lab.service.call().await), fourth);
}

#[tokio::test]
async fn a_retrigger_and_a_skip_go_on_at_once_where_there_is_a_place() {
    let lab = Lab::open_with(&[CALLER], TWO_FOR_EACH_KEY).await;
    for skips in [false, true] {
        let call = start_running(&lab, "a").await;
        let id = instance_of(&call);
        call.answer_with(403, json!({}));
        lab.until(id, State::Error).await;
        if skips {
            assert_eq!(lab.engine.skip(id).await.unwrap().state, State::Completed);
            continue;
        }
        let engine = lab.engine.clone();
        let asked = tokio::spawn(async move { engine.retrigger(id).await });
        lab.service.call().await.answer(json!({}));
        assert_eq!(asked.await.unwrap().unwrap().state, State::Completed);
    }
}

#[tokio::test]
async fn one_at_an_error_that_is_aborted_waits_for_nobody() {
    let lab = Lab::open_with(&[CALLER], TWO_FOR_EACH_KEY).await;
    let (first, _second) = (start_running(&lab, "a").await, start_running(&lab, "a").await);
    let failing = instance_of(&first);
    first.answer_with(403, json!({}));
    lab.until(failing, State::Error).await;
    let _third = start_running(&lab, "a").await;
    assert_eq!(lab.engine.retrigger(failing).await.unwrap().state, State::Pending);
    assert_eq!(lab.engine.abort(failing).await.unwrap().state, State::Aborted);
}

#[tokio::test]
async fn what_waits_survives_a_crash_with_the_state_it_was_to_start_at() {
    let lab = Lab::open_with(&[STATES], &TWO_FOR_EACH_KEY.replace("limit=2", "limit=1")).await;
    let start = |path: &str| Start {
        data: json!({"key": "a", "path": path}).into(),
        start_at: Some("Second".to_owned()),
        headers: vec![("authorization".to_owned(), "Bearer of-the-client".to_owned())],
        ..Start::default()
    };
    let engine = lab.engine.clone();
    let running = start("one");
    tokio::spawn(async move { engine.start("calls-second", running).await });
    assert_eq!(lab.service.call().await.path, "/one");
    let waiting = lab.engine.start("calls-second", start("two")).await.unwrap();
    assert_eq!(waiting.state, State::Pending);
    let lab = lab.crash().await;
    let again = lab.service.call().await;
    assert_eq!(again.path, "/one");
    again.answer(json!({}));
    let call = lab.service.call().await;
    assert_eq!(call.path, "/two");
    call.answer(json!({}));
    lab.until(waiting.id, State::Completed).await;
}

#[tokio::test]
async fn limits_change_with_a_restart() {
    let limit = |limit: u32| TWO_FOR_EACH_KEY.replace("limit=2", &format!("limit={limit}"));
    let lab = Lab::open_with(&[CALLER], &limit(2)).await;
    let running: BTreeSet<_> =
        [start_running(&lab, "a").await, start_running(&lab, "a").await].iter().map(instance_of).collect();
    let waiting = [start_waiting(&lab, "a").await, start_waiting(&lab, "a").await];
    // A lower limit: what runs goes on, and of those that wait none.
    let lab = lab.crash_into(&limit(1)).await;
    let (one, two) = (lab.service.call().await, lab.service.call().await);
    assert_eq!([&one, &two].map(instance_of).into_iter().collect::<BTreeSet<_>>(), running);
    let ended = instance_of(&one);
    one.answer(json!({}));
    lab.until(ended, State::Completed).await;
    assert_eq!(lab.start("caller", json!({"key": "a"})).await.state, State::Pending);
    drop(two);
    // A higher one lets them go at the start, those first that waited longest.
    let lab = lab.crash_into(&limit(3)).await;
    let calls = [lab.service.call().await, lab.service.call().await, lab.service.call().await];
    let asked: BTreeSet<_> = calls.iter().map(instance_of).collect();
    assert!(waiting.iter().all(|id| asked.contains(id)), "{asked:?}");
    drop(calls);
    // Without the group nobody waits.
    let lab = lab.crash_into("").await;
    for _ in 0..4 {
        lab.service.call().await.answer(json!({}));
    }
    lab.until_idle().await;
    assert!(states(&lab).await.values().all(|state| *state == State::Completed));
}

fn event(id: &str, event_type: &str, extensions: &[(&str, &str)], data: Value) -> CloudEvent {
    let mut event = CloudEvent::new(id, "s", event_type);
    for (name, value) in extensions {
        event.set_extension(name, *value).unwrap();
    }
    event.data = Some(data.into());
    event
}

#[tokio::test]
async fn one_that_an_event_starts_waits_too_and_gets_the_events_that_come_for_it() {
    let properties = "rondo.concurrency.orders.workflows=ordered\nrondo.concurrency.orders.key=.tenant\nrondo.concurrency.orders.limit=1\n";
    let lab = Lab::open_with(&[ORDERED], properties).await;
    let ordered = |id: &str, order: &str| {
        event(id, "t.ordered", &[("order", order)], json!({"order": order, "tenant": "acme"}))
    };
    lab.engine.receive(&ordered("e1", "1")).await.unwrap();
    let first = lab.service.call().await;
    let Accepted::Taken { started, waiting, .. } = lab.engine.receive(&ordered("e2", "2")).await.unwrap()
    else {
        panic!("the event starts an instance");
    };
    assert_eq!(started, waiting);
    // One that correlates with it starts no other, and what comes for it is there when it waits for it.
    let second = lab.engine.receive(&ordered("e3", "2")).await.unwrap();
    assert_eq!(second, Accepted::Taken { delivered: waiting.clone(), started: vec![], waiting: vec![] });
    assert_eq!(states(&lab).await.len(), 2);
    let paid = event("p2", "t.paid", &[("order", "2")], json!({"amount": 7}));
    assert!(matches!(lab.engine.receive(&paid).await, Ok(Accepted::Kept { .. })));
    let lab = lab.crash().await;
    drop(first);
    lab.service.call().await.answer(json!({}));
    assert!(!lab.service.has_call().await, "the first waits to be paid, and has its place");
    lab.engine.receive(&event("p1", "t.paid", &[("order", "1")], json!({}))).await.unwrap();
    let call = lab.service.call().await;
    assert_eq!((instance_of(&call), &*call.path), (waiting[0], "/ask/2"));
    call.answer(json!({}));
    let view = lab.until(waiting[0], State::Completed).await;
    assert_eq!(json(&view)["paid"]["amount"], 7);
}

#[tokio::test]
async fn a_start_event_of_an_aborted_instance_that_waited_starts_no_other() {
    let properties = "rondo.concurrency.orders.workflows=ordered\nrondo.concurrency.orders.limit=1\n";
    let lab = Lab::open_with(&[ORDERED], properties).await;
    let keyed = |id: &str, key: &str| {
        event(id, "t.ordered", &[("kogitobusinesskey", key), ("order", key)], json!({"order": key}))
    };
    lab.engine.receive(&keyed("e1", "1")).await.unwrap();
    let _first = lab.service.call().await;
    let Accepted::Taken { waiting, .. } = lab.engine.receive(&keyed("e2", "2")).await.unwrap() else {
        panic!("the event starts an instance");
    };
    assert_eq!(lab.engine.abort(waiting[0]).await.unwrap().state, State::Aborted);
    lab.until_idle_but(1).await;
    assert_eq!(states(&lab).await.len(), 2);
    assert_eq!(lab.engine.store().kept_status().await.unwrap().events, 0);
}

#[tokio::test]
async fn subflows_need_no_place_and_a_successor_has_that_of_its_predecessor() {
    let properties = "rondo.concurrency.all.workflows=*\nrondo.concurrency.all.limit=1\n";
    let lab = Lab::open_with(&[CALLER, CROWD, CONTINUED, SLEEPER], properties).await;
    let _started = lab.start_aside("call-crowd", json!({"keys": [1, 2, 3], "key": "a"}));
    let calls = [lab.service.call().await, lab.service.call().await, lab.service.call().await];
    let sleeper = lab.start("sleeper", json!({})).await;
    assert_eq!(sleeper.state, State::Pending, "the start itself has the place");
    for call in calls {
        call.answer(json!({}));
    }
    lab.until_waits(sleeper.id, |wait| matches!(wait.waiting, Waiting::Sleep { .. })).await;
    let continued = lab.start("continued", json!({"key": "b"})).await;
    assert_eq!(continued.state, State::Pending);
    lab.clock.advance(Duration::from_hours(1));
    let call = lab.service.call().await;
    assert_ne!(instance_of(&call), continued.id, "the successor calls");
    let last = lab.start("caller", json!({"key": "c"})).await;
    assert_eq!(last.state, State::Pending, "the successor has the place");
    call.answer(json!({}));
    assert_eq!(instance_of(&lab.service.call().await), last.id);
}

/// Starts of random keys, answers, failures, retriggers, aborts and crashes: of one key never more than the limit are at work, and
/// everybody gets a place in the end.
#[tokio::test]
async fn whatever_happens_no_more_than_the_limit_run_and_nobody_is_forgotten() {
    for seed in 1..=6_u64 {
        play(seed).await;
    }
}

async fn play(seed: u64) {
    const KEYS: [&str; 3] = ["a", "b", "c"];
    let mut lab = Lab::open_with(&[CALLER], TWO_FOR_EACH_KEY).await;
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut calls: Vec<Call> = Vec::new();
    let mut ids: BTreeSet<Uuid> = BTreeSet::new();
    for _ in 0..120 {
        match draw(12) {
            0..=5 => {
                let key = KEYS[usize::try_from(draw(draw_weight(seed)).min(2)).unwrap()];
                let started = lab.start_aside("caller", json!({"key": key}));
                // It is stored before it is answered or calls.
                tokio::select! {
                    view = started => { ids.insert(view.unwrap().unwrap().id); }
                    call = lab.service.call() => { ids.insert(instance_of(&call)); calls.push(call); }
                }
            }
            6..=8 if !calls.is_empty() => {
                let place = usize::try_from(draw(calls.len() as u64)).unwrap();
                let call = calls.swap_remove(place);
                let (id, fails) = (instance_of(&call), draw(4) == 0);
                call.answer_with(if fails { 403 } else { 200 }, json!({}));
                lab.until(id, if fails { State::Error } else { State::Completed }).await;
            }
            9 => {
                let failed = in_state(&lab, State::Error).await;
                if let Some(id) = failed.first().copied() {
                    let engine = lab.engine.clone();
                    let asked = tokio::spawn(async move { engine.retrigger(id).await });
                    tokio::select! {
                        view = asked => assert_eq!(view.unwrap().unwrap().state, State::Pending),
                        call = lab.service.call() => calls.push(call),
                    }
                }
            }
            10 => {
                let waiting = in_state(&lab, State::Pending).await;
                if !waiting.is_empty() {
                    let place = usize::try_from(draw(waiting.len() as u64)).unwrap();
                    assert_eq!(lab.engine.abort(waiting[place]).await.unwrap().state, State::Aborted);
                }
            }
            11 => {
                lab = lab.crash().await;
                calls.clear();
            }
            _ => {}
        }
        let active = in_state(&lab, State::Active).await.len();
        assert_limit(&lab, seed).await;
        while calls.len() < active {
            calls.push(lab.service.call().await);
        }
        assert_limit(&lab, seed).await;
    }
    loop {
        let active = in_state(&lab, State::Active).await.len();
        while calls.len() < active {
            calls.push(lab.service.call().await);
        }
        let Some(call) = calls.pop() else { break };
        let id = instance_of(&call);
        call.answer(json!({}));
        lab.until(id, State::Completed).await;
    }
    let states = states(&lab).await;
    assert_eq!(
        states.keys().copied().collect::<BTreeSet<_>>(),
        ids,
        "seed {seed}: none is lost or made twice"
    );
    assert!(!states.values().any(|state| *state == State::Pending), "seed {seed}: somebody waits for ever");
}

/// Some seeds prefer the first key.
fn draw_weight(seed: u64) -> u64 {
    if seed.is_multiple_of(2) { 3 } else { 2 }
}

async fn in_state(lab: &Lab, state: State) -> Vec<Uuid> {
    states(lab).await.into_iter().filter(|(_, known)| *known == state).map(|(id, _)| id).collect()
}

async fn assert_limit(lab: &Lab, seed: u64) {
    let condition = Condition::Equal("ACTIVE".into());
    let filter = Filter::Compare { field: Field::State, condition };
    let columns = rondo_store::Columns::ALL;
    let rows = lab.engine.store().query(Query { filter, columns, ..Query::default() }).await.unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let data: Value = serde_json::from_str(&row.data).unwrap();
        *counts.entry(data["key"].to_string()).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count <= 2), "seed {seed}: {counts:?}");
}
