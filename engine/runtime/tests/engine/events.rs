//! Tests of received events: a matching wait takes an event once, or the event is kept until there is one.

use std::time::Duration;

use crate::support::{Lab, NOON, Trouble, json};
use rondo_event::CloudEvent;
use rondo_runtime::{Refusal, Start, Waiting};
use rondo_store::{Accepted, Commit, InstanceWaits, State, Update, WaitFilter, Write};
use serde_json::{Value, json};
use uuid::Uuid;

const HOUR: Duration = Duration::from_hours(1);

/// Sleeps for an hour, waits for an event, asks the service, and waits for an event again.
const WAITER: &str = r"
id: waiter
version: '1.0'
specVersion: '0.8'
functions:
- {name: ask, type: custom, operation: rest:get:SERVICE/ask}
events:
- {name: came, type: t.came, source: s}
states:
- {name: Rest, type: sleep, duration: PT1H, transition: First}
- name: First
  type: event
  onEvents:
  - eventRefs: [came]
    eventDataFilter: {toStateData: .first}
    actions: [{functionRef: ask, actionDataFilter: {useResults: false}}]
  transition: Second
- {name: Second, type: event, onEvents: [{eventRefs: [came], eventDataFilter: {toStateData: .second}}], end: true}
";

/// Waits up to an hour for the event of an order, and then for another one.
const ORDER: &str = r"
id: order
version: '1.0'
specVersion: '0.8'
events:
- {name: paid, type: t.paid, source: s, correlation: [{contextAttributeName: order, contextAttributeValue: '${ .order }'}]}
states:
- {name: Begin, type: inject, data: {}, transition: First}
- name: First
  type: event
  onEvents: [{eventRefs: [paid], eventDataFilter: {toStateData: .first}}]
  timeouts: {eventTimeout: PT1H}
  transition: Second
- {name: Second, type: event, onEvents: [{eventRefs: [paid], eventDataFilter: {toStateData: .second}}], end: true}
";

/// Ends with the event of an order.
const PAYMENT: &str = r"
id: payment
version: '1.0'
specVersion: '0.8'
events:
- {name: paid, type: t.paid, source: s, correlation: [{contextAttributeName: order, contextAttributeValue: '${ .order }'}]}
states:
- {name: Begin, type: inject, data: {}, transition: Pay}
- {name: Pay, type: event, onEvents: [{eventRefs: [paid], eventDataFilter: {toStateData: .paid}}], end: true}
";

/// An event starts it.
const STARTED: &str = r"
id: started
version: '1.0'
specVersion: '0.8'
events:
- {name: begin, type: t.begin, source: s}
states:
- {name: Begin, type: event, onEvents: [{eventRefs: [begin]}], transition: Rest}
- {name: Rest, type: sleep, duration: PT1H, end: true}
";

/// Two events of one order start it.
const PAIR: &str = r"
id: pair
version: '1.0'
specVersion: '0.8'
events:
- {name: left, type: t.left, source: s, correlation: [{contextAttributeName: order}]}
- {name: right, type: t.right, source: s, correlation: [{contextAttributeName: order}]}
states:
- {name: Both, type: event, exclusive: false, onEvents: [{eventRefs: [left, right]}], end: true}
";

fn event(id: &str, event_type: &str, extensions: &[(&str, &str)]) -> CloudEvent {
    let mut event = CloudEvent::new(id, "/test", event_type);
    for (name, value) in extensions {
        event.set_extension(name, *value).unwrap();
    }
    event.data = Some(Value::from(id).into());
    event
}

/// An event for one instance.
fn event_for(instance: Uuid, id: &str) -> CloudEvent {
    event(id, "t.came", &[("kogitoprocrefid", &instance.to_string())])
}

async fn give(lab: &Lab, event: CloudEvent) -> Accepted {
    lab.engine.receive(&event).await.unwrap()
}

fn delivered(instances: &[Uuid]) -> Accepted {
    Accepted::Taken { delivered: instances.to_vec(), started: Vec::new(), waiting: Vec::new() }
}

/// Waits until an instance waits for an event at a state.
async fn until_waits_at(lab: &Lab, id: Uuid, state: &str) {
    lab.until_waits(id, |wait| *wait.state == *state && matches!(wait.waiting, Waiting::Events { .. })).await;
}

#[tokio::test]
async fn an_event_that_comes_before_the_wait_is_kept_and_taken_when_the_wait_begins() {
    let lab = Lab::open(&[WAITER]).await;
    let id = lab.start("waiter", json!({})).await.id;
    assert!(matches!(give(&lab, event_for(id, "a")).await, Accepted::Kept { .. }));
    assert_eq!(give(&lab, event_for(id, "a")).await, Accepted::Seen);
    let lab = lab.crash().await;
    lab.clock.advance(HOUR);
    lab.service.call().await.answer(json!({}));
    until_waits_at(&lab, id, "Second").await;
    assert_eq!(json(&lab.engine.instance(id).await.unwrap().unwrap()), json!({"first": "a"}));
    assert_eq!(give(&lab, event_for(id, "b")).await, delivered(&[id]));
    assert_eq!(json(&lab.until(id, State::Completed).await), json!({"first": "a", "second": "b"}));
}

#[tokio::test]
async fn of_two_events_for_one_wait_the_second_is_kept_for_the_next_wait() {
    let lab = Lab::open(&[WAITER]).await;
    let id = lab.start("waiter", json!({})).await.id;
    lab.clock.advance(HOUR);
    until_waits_at(&lab, id, "First").await;
    lab.until_idle().await;
    // The first commit fails, so the second event comes while the wait is still open, and is delivered to it too.
    lab.store.fail_next([Trouble::Refuses]);
    assert_eq!(give(&lab, event_for(id, "a")).await, delivered(&[id]));
    assert_eq!(give(&lab, event_for(id, "b")).await, delivered(&[id]));
    let asked = loop {
        tokio::select! {
            asked = lab.service.call() => break asked,
            // Ends the pause after which the engine repeats the commit.
            () = tokio::task::yield_now() => lab.clock.advance(Duration::from_millis(1)),
        }
    };
    let kept = loop {
        let kept = lab.engine.store().kept_events(None, 10).await.unwrap();
        if !kept.is_empty() {
            break kept;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((kept.len(), kept[0].id.as_str(), kept[0].instance), (1, "b", Some(id)));
    asked.answer(json!({}));
    assert_eq!(json(&lab.until(id, State::Completed).await), json!({"first": "a", "second": "b"}));
    assert!(lab.engine.store().kept_events(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_business_key_addresses_the_instances_that_have_it() {
    let lab = Lab::open(&[ORDER]).await;
    let mut ids = Vec::new();
    for key in ["one", "two"] {
        let start =
            Start { business_key: Some(key.into()), data: json!({"order": 0}).into(), ..Start::default() };
        ids.push(lab.engine.start("order", start).await.unwrap().id);
    }
    let for_two = |id: &str| event(id, "t.paid", &[("kogitobusinesskey", "two")]);
    assert_eq!(give(&lab, for_two("a")).await, delivered(&[ids[1]]));
    until_waits_at(&lab, ids[1], "Second").await;
    assert_eq!(give(&lab, for_two("b")).await, delivered(&[ids[1]]));
    assert_eq!(
        json(&lab.until(ids[1], State::Completed).await),
        json!({"order": 0, "first": "a", "second": "b"})
    );
    until_waits_at(&lab, ids[0], "First").await;
}

#[tokio::test]
async fn a_correlated_event_goes_to_the_instance_of_its_value_and_is_kept_for_one_that_comes_later() {
    let lab = Lab::open(&[ORDER]).await;
    let seven = lab.start("order", json!({"order": 7})).await.id;
    let eight = lab.start("order", json!({"order": 8})).await.id;
    let of = |id: &str, order: &str| event(id, "t.paid", &[("order", order)]);
    assert_eq!(give(&lab, of("a", "8")).await, delivered(&[eight]));
    until_waits_at(&lab, eight, "Second").await;
    until_waits_at(&lab, seven, "First").await;
    for id in ["b", "c"] {
        assert!(matches!(give(&lab, of(id, "9")).await, Accepted::Kept { .. }));
    }
    let nine = lab.start("order", json!({"order": 9})).await.id;
    // Each of the two waits takes one kept event, the older event first.
    assert_eq!(
        json(&lab.until(nine, State::Completed).await),
        json!({"order": 9, "first": "b", "second": "c"})
    );
    until_waits_at(&lab, seven, "First").await;
}

#[tokio::test]
async fn an_event_that_comes_twice_starts_one_instance() {
    let lab = Lab::open(&[STARTED]).await;
    let Accepted::Taken { delivered, started, .. } = give(&lab, event("a", "t.begin", &[])).await else {
        panic!("it starts an instance")
    };
    let ([], [id]) = (&delivered[..], &started[..]) else {
        panic!("one instance: {delivered:?} {started:?}")
    };
    assert_eq!(give(&lab, event("a", "t.begin", &[])).await, Accepted::Seen);
    lab.until_waits(*id, |wait| matches!(wait.waiting, Waiting::Sleep { .. })).await;
    let lab = lab.crash().await;
    assert_eq!(give(&lab, event("a", "t.begin", &[])).await, Accepted::Seen);
    let all = lab.engine.store().count(rondo_store::Filter::And(Vec::new())).await.unwrap();
    assert_eq!(all, 1);
}

#[tokio::test]
async fn events_that_start_an_instance_together_wait_for_each_other_by_their_correlation() {
    let lab = Lab::open(&[PAIR]).await;
    let of = |id: &str, side: &str, order: &str| event(id, side, &[("order", order)]);
    assert_eq!(give(&lab, of("a", "t.left", "7")).await, Accepted::Collected);
    assert_eq!(give(&lab, of("b", "t.right", "8")).await, Accepted::Collected);
    let lab = lab.crash().await;
    let Accepted::Taken { started, .. } = give(&lab, of("c", "t.right", "7")).await else {
        panic!("the two events of order 7 start an instance")
    };
    let [id] = started[..] else { panic!("one instance: {started:?}") };
    lab.until(id, State::Completed).await;
    let kept = lab.engine.store().kept_events(None, 10).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn an_instance_of_a_build_that_delivered_no_events_says_what_it_waits_for() {
    let lab = Lab::open(&[WAITER]).await;
    let id = lab.start("waiter", json!({})).await.id;
    lab.clock.advance(HOUR);
    until_waits_at(&lab, id, "First").await;
    lab.until_idle().await;
    let store = lab.engine.store();
    let row = store.instance(id).await.unwrap().unwrap();
    let frames = String::from_utf8(row.frames.clone()).unwrap();
    let old = frames.replace(r#"{"v":[null,[],[]]}"#, r#"{"e":[null,[]]}"#);
    assert_ne!(frames, old);
    // The row as the migration of an older database leaves it.
    let turn = row.turn;
    let update =
        Update { turn: turn + 1, wake_at: Some(1), frames: old.into_bytes(), ..Update::of_row(row, turn) };
    let waits = vec![InstanceWaits { instance: id, waits: Vec::new() }];
    store.commit(Commit { writes: vec![Write::Update(update)], waits, ..Commit::default() }).await.unwrap();
    let lab = lab.crash().await;
    let mut commits = lab.store.commits();
    while lab.engine.store().waits(WaitFilter::default(), 10).await.unwrap().is_empty() {
        commits.changed().await.unwrap();
    }
    assert_eq!(give(&lab, event_for(id, "a")).await, delivered(&[id]));
    lab.service.call().await.answer(json!({}));
    until_waits_at(&lab, id, "Second").await;
}

#[tokio::test]
async fn an_event_at_the_moment_at_which_its_wait_ends_is_taken_by_this_wait_or_by_the_next() {
    for is_first in [true, false] {
        let lab = Lab::open(&[ORDER]).await;
        let id = lab.start("order", json!({"order": 7})).await.id;
        lab.until_idle().await;
        let paid = |id: &str| event(id, "t.paid", &[("order", "7")]);
        if is_first {
            // The event arrives while the time limit of the wait passes.
            let event = paid("a");
            let (accepted, ()) = tokio::join!(lab.engine.receive(&event), async { lab.clock.advance(HOUR) });
            assert_eq!(accepted.unwrap(), delivered(&[id]));
        } else {
            lab.clock.advance(HOUR);
            until_waits_at(&lab, id, "Second").await;
            assert_eq!(give(&lab, paid("a")).await, delivered(&[id]));
        }
        // Either the event was in time, and the second wait takes the next event, or it was late, and the second wait takes it.
        while lab.engine.instance(id).await.unwrap().unwrap().state == State::Active {
            if json(&lab.engine.instance(id).await.unwrap().unwrap())["first"] == "a" {
                give(&lab, paid("b")).await;
            }
            tokio::task::yield_now().await;
        }
        let ended = json(&lab.until(id, State::Completed).await);
        let in_time = json!({"order": 7, "first": "a", "second": "b"});
        let late = json!({"order": 7, "second": "a"});
        assert!(ended == late || is_first && ended == in_time, "{ended}");
    }
}

/// Gives two events to an instance that the first one ends.
async fn end_with_the_first_of(lab: &Lab, events: impl Fn(Uuid) -> [CloudEvent; 2]) -> Uuid {
    let id = lab.start("payment", json!({"order": 7})).await.id;
    until_waits_at(lab, id, "Pay").await;
    lab.until_idle().await;
    // The first commit fails, so the second event comes while the wait is still open, and is delivered to it too.
    lab.store.fail_next([Trouble::Refuses]);
    for event in events(id) {
        assert_eq!(give(lab, event).await, delivered(&[id]));
    }
    while lab.engine.instance(id).await.unwrap().unwrap().state != State::Completed {
        // Ends the pause after which the engine repeats the commit.
        lab.clock.advance(Duration::from_millis(1));
        tokio::task::yield_now().await;
    }
    id
}

#[tokio::test]
async fn an_event_whose_instance_has_ended_with_the_one_before_is_kept_for_the_next_instance() {
    let lab = Lab::open(&[PAYMENT]).await;
    let paid = |id| event(id, "t.paid", &[("order", "7")]);
    let first = end_with_the_first_of(&lab, |_| [paid("a"), paid("b")]).await;
    while !lab.engine.store().mailbox(first, None).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let kept = lab.engine.store().kept_events(None, 10).await.unwrap();
    assert_eq!(kept.iter().map(|kept| (kept.id.as_str(), kept.instance)).collect::<Vec<_>>(), [("b", None)]);
    let second = lab.start("payment", json!({"order": 7})).await.id;
    assert_eq!(json(&lab.until(second, State::Completed).await), json!({"order": 7, "paid": "b"}));
    assert_eq!(give(&lab, paid("b")).await, Accepted::Seen);
}

#[tokio::test]
async fn an_event_that_names_an_instance_which_has_ended_with_the_one_before_is_unwanted() {
    let lab = Lab::open(&[PAYMENT]).await;
    let named = |name, id: Uuid| event(name, "t.paid", &[("kogitoprocrefid", &id.to_string())]);
    end_with_the_first_of(&lab, |id| [named("a", id), named("b", id)]).await;
    let unwanted = loop {
        if let Some(unwanted) = lab.engine.unwanted_events(10).pop() {
            break unwanted;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(unwanted.id, "b");
    assert!(unwanted.reason.contains("has ended"), "{}", unwanted.reason);
}

#[tokio::test]
async fn events_that_would_take_too_many_bytes_are_not_kept() {
    let lab = Lab::open_with(&[WAITER], "rondo.events.max-kept-bytes=400\n").await;
    let large = |id| event(id, "t.came", &[("note", &"x".repeat(200))]);
    assert!(matches!(give(&lab, large("a")).await, Accepted::Kept { .. }));
    let full = lab.engine.receive(&large("b")).await;
    assert!(matches!(&full, Err(Refusal::InboxFull(reason)) if reason.contains("400 bytes")), "{full:?}");
    let status = lab.engine.event_status();
    assert_eq!((status.kept, status.max_kept_bytes), (1, 400));
    assert!((200..400).contains(&status.kept_bytes), "{status:?}");
}

#[tokio::test]
async fn events_whose_time_is_over_are_forgotten() {
    let properties = "rondo.events.keep=1000\nrondo.events.remember=5000\nrondo.events.max-kept=1\n";
    let lab = Lab::open_with(&[WAITER], properties).await;
    let early = event("a", "t.came", &[]);
    assert!(matches!(give(&lab, early.clone()).await, Accepted::Kept { .. }));
    // One more event exceeds the limit. It is refused, so its sender may send it again.
    let full = lab.engine.receive(&event("b", "t.came", &[])).await;
    assert!(matches!(full, Err(Refusal::InboxFull(_))), "{full:?}");
    let unknown = give(&lab, event("c", "t.unknown", &[])).await;
    assert!(matches!(unknown, Accepted::Unwanted { .. }), "{unknown:?}");
    assert_eq!(lab.engine.unwanted_events(10)[0].id, "c");
    assert_eq!(give(&lab, early.clone()).await, Accepted::Seen);
    lab.clock.until_asleep(NOON + 10_000).await;
    lab.clock.advance(Duration::from_secs(10));
    while give(&lab, early.clone()).await == Accepted::Seen {
        tokio::task::yield_now().await;
    }
    let kept = lab.engine.store().kept_events(None, 10).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.at).collect::<Vec<_>>(), [NOON + 10_000], "kept anew");
}
