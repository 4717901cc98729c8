//! Promises of keeping an event until an instance waits for it, and of forgetting.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    event_rows::{accept, event, event_with, insert_waiting, is_kept, mail, taken, wait, waiting_for},
    id, insert, instance, updating,
};
use crate::{
    AcceptError, AcceptEvent, Accepted, Commit, EventWait, Forgotten, Instance, ReceivedEvent, State, Store,
};

const NOBODY: [Uuid; 0] = [];

async fn keep(store: &Arc<dyn Store>, event: ReceivedEvent) {
    let (id, answer) = (event.id.clone(), store.accept_event(accept(event)).await);
    assert!(is_kept(&answer), "{id}: {answer:?}");
}

/// Which kept events a new wait matches.
pub async fn a_kept_event_goes_to_the_first_wait_that_it_matches(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    keep(store, event_with("for order 1", &[("order", "1"), ("tenant", "x")])).await;
    keep(store, ReceivedEvent { at: 1003, ..event("early") }).await;
    keep(store, ReceivedEvent { at: 1004, ..event("in time") }).await;
    keep(store, ReceivedEvent { business_key: Some("k".to_owned()), ..event("for key") }).await;
    keep(store, ReceivedEvent { instance: Some(id(1).to_string()), ..event("for 1") }).await;
    keep(store, ReceivedEvent { event_type: "denied".to_owned(), ..event("denied") }).await;
    keep(store, ReceivedEvent { source: "elsewhere".to_owned(), ..event("from elsewhere") }).await;

    let order = |value| wait(&[("order", Some(value)), ("tenant", Some("x"))]);
    assert_eq!(insert_waiting(store, instance(2), [order("2")]).await.mail, NOBODY);
    assert_eq!(insert_waiting(store, instance(3), [order("1")]).await.mail, [id(3)]);
    assert_eq!(mail(store, 3).await, ["for order 1"], "whenever it came");
    let desk = || EventWait { source: Some("desk".to_owned()), ..wait(&[]) };
    assert_eq!(insert_waiting(store, instance(4), [desk()]).await.mail, [id(4)]);
    assert_eq!(mail(store, 4).await, ["in time"], "since the instance started");
    assert_eq!(
        insert_waiting(store, Instance { started_at: 1900, ..instance(5) }, [desk()]).await.mail,
        NOBODY
    );
    let keyed = Instance { business_key: Some("k".to_owned()), ..instance(6) };
    assert_eq!(insert_waiting(store, keyed, [order("9")]).await.mail, [id(6)]);
    assert_eq!(mail(store, 6).await, ["for key"]);
    assert_eq!(store.commit(waiting_for(instance(1), [desk()])).await.unwrap().mail, [id(1)]);
    assert_eq!(mail(store, 1).await, ["early"], "the oldest comes first");
    let row = Instance { turn: 2, ..instance(1) };
    assert_eq!(store.commit(waiting_for(row, [desk()])).await.unwrap().mail, [id(1)]);
    assert_eq!(mail(store, 1).await, ["early", "for 1"]);
    let kept: Vec<_> = store.kept_events(None, 9).await.unwrap().into_iter().map(|kept| kept.id).collect();
    assert_eq!(kept, ["denied", "from elsewhere"]);
}

/// One event for each wait, the oldest first; none for two.
pub async fn each_wait_takes_one_kept_event_at_a_time(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    for name in ["a", "b", "c", "d"] {
        keep(store, event_with(name, &[("order", "1")])).await;
    }
    let bound = |frame| EventWait { frame, ..wait(&[("order", Some("1"))]) };
    store.commit(waiting_for(instance(1), [bound(0), bound(1)])).await.unwrap();
    assert_eq!(mail(store, 1).await, ["a", "b"]);
    let row = Instance { turn: 2, ..instance(1) };
    let unbound = wait(&[("order", None)]);
    let committed =
        store.commit(waiting_for(row, [bound(0), unbound, wait(&[("line", None)])])).await.unwrap();
    assert_eq!(committed.mail, [id(1)]);
    assert_eq!(mail(store, 1).await, ["a", "b", "c", "d"]);
    assert_eq!(store.kept_events(None, 9).await, Ok(Vec::new()));
    // Waits that stay as they are take nothing.
    let row = Instance { turn: 3, ..instance(1) };
    assert_eq!(store.commit(updating(row)).await.unwrap().mail, NOBODY);
    assert_eq!(mail(store, 1).await.len(), 4);
}

/// An event that comes back is kept for its instance alone, in its old place.
pub async fn a_returned_event_is_kept_for_its_instance(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[])]).await;
    for name in ["a", "b"] {
        assert_eq!(store.accept_event(accept(event(name))).await, taken([1]));
    }
    let numbers: Vec<i64> =
        store.mailbox(id(1), None).await.unwrap().iter().map(|message| message.number).collect();
    let mut commit = waiting_for(instance(1), []);
    commit.messages_consumed = vec![numbers[0]];
    commit.events_returned = vec![numbers[1], 12345];
    assert_eq!(store.commit(commit).await.unwrap().mail, NOBODY);
    assert_eq!(store.mailbox(id(1), None).await, Ok(Vec::new()));
    let kept = store.kept_events(None, 9).await.unwrap();
    assert_eq!((kept.len(), kept[0].instance, kept[0].keep_until), (1, Some(id(1)), Some(5000)));
    // Neither another instance has it, nor the same event again.
    assert_eq!(insert_waiting(store, instance(2), [wait(&[])]).await.mail, NOBODY);
    assert_eq!(store.accept_event(accept(event("b"))).await, Ok(Accepted::Seen));
    let row = Instance { turn: 2, ..instance(1) };
    assert_eq!(store.commit(waiting_for(row, [wait(&[])])).await.unwrap().mail, [id(1)]);
    assert_eq!(mail(store, 1).await, ["b"]);
}

/// Kept events are bounded, and what is refused leaves nothing behind.
pub async fn a_full_store_refuses_events_that_it_would_keep(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[("order", Some("1"))])]).await;
    let bounded = |event| AcceptEvent { max_kept: 2, ..accept(event) };
    for name in ["a", "b"] {
        assert!(is_kept(&store.accept_event(bounded(event(name))).await));
    }
    for _ in 0..2 {
        assert_eq!(store.accept_event(bounded(event("c"))).await, Err(AcceptError::Full(2)));
    }
    assert_eq!(store.accept_event(bounded(event_with("d", &[("order", "1")]))).await, taken([1]));
    assert_eq!(store.kept_events(None, 9).await.unwrap().len(), 2);
    assert_eq!(store.kept_count().await, Ok(2));
    store.commit(waiting_for(instance(1), [wait(&[])])).await.unwrap();
    assert_eq!(mail(store, 1).await, ["d", "a"]);
    let row = Instance { turn: 2, ..instance(1) };
    store.commit(waiting_for(row, [wait(&[("order", Some("1"))])])).await.unwrap();
    assert!(is_kept(&store.accept_event(bounded(event("c"))).await), "there is room again");
}

/// What is due goes, a bounded number at a time; what is needed stays.
pub async fn events_are_forgotten_when_nobody_needs_them(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[("order", Some("1"))])]).await;
    let lasting = |name: &str, keep_until| ReceivedEvent { keep_until, ..event(name) };
    keep(store, lasting("second", 4000)).await;
    keep(store, lasting("first", 3000)).await;
    keep(store, lasting("third", 5000)).await;
    assert_eq!(store.accept_event(accept(event_with("taken", &[("order", "1")]))).await, taken([1]));
    let forget = async |now, limit| {
        let Forgotten { expired_kept, removed } = store.forget_events(now, limit).await.unwrap();
        (expired_kept.into_iter().map(|kept| kept.id).collect::<Vec<_>>(), removed)
    };
    assert_eq!(forget(2999, 9).await, (vec![], 0));
    assert_eq!(forget(4000, 1).await, (vec!["first".to_owned()], 0));
    assert_eq!(forget(4000, 9).await, (vec!["second".to_owned()], 0));
    assert_eq!(store.accept_event(accept(event("first"))).await, Ok(Accepted::Seen));
    // Nobody needs these two, and the others are kept, or in a mailbox.
    assert_eq!(forget(9000, 1).await, (vec!["third".to_owned()], 1));
    assert_eq!(forget(9000, 9).await, (vec![], 2));
    assert_eq!(mail(store, 1).await, ["taken"]);
    let again = || ReceivedEvent { at: 9000, keep_until: 9999, forget_at: 9999, ..event("taken") };
    assert_eq!(store.accept_event(accept(again())).await, Ok(Accepted::Seen));
    let number = store.mailbox(id(1), None).await.unwrap()[0].number;
    for _ in 0..2 {
        let commit = Commit { messages_consumed: vec![number], ..Commit::default() };
        store.commit(commit).await.unwrap();
    }
    assert_eq!(forget(9000, 9).await, (vec![], 1));
    assert!(is_kept(&store.accept_event(accept(again())).await), "it is not recognised any more");
}

/// An event that many have is there for each until the last has used it.
pub async fn an_event_is_there_until_the_last_has_used_it(store: &Arc<dyn Store>) {
    for number in 1..=3 {
        insert_waiting(store, instance(number), [wait(&[])]).await;
    }
    assert_eq!(store.accept_event(accept(event("a"))).await, taken([1, 2, 3]));
    for number in 1..=3 {
        assert_eq!(store.forget_events(99_999, 9).await, Ok(Forgotten::default()));
        let messages = store.mailbox(id(number), None).await.unwrap();
        assert_eq!(mail(store, number).await, ["a"]);
        let ended = Instance { state: State::Completed, ended_at: Some(9), ..instance(number) };
        let messages_consumed = vec![messages[0].number];
        store.commit(Commit { messages_consumed, ..updating(ended) }).await.unwrap();
    }
    assert_eq!(store.forget_events(99_999, 9).await.unwrap().removed, 1);
}

/// Kept events come in pages.
pub async fn kept_events_come_in_pages(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    for name in ["a", "b", "c"] {
        keep(store, ReceivedEvent { business_key: Some("k".to_owned()), ..event(name) }).await;
    }
    let first = store.kept_events(None, 2).await.unwrap();
    let second = store.kept_events(Some(first[1].number), 2).await.unwrap();
    let names: Vec<_> = first.iter().chain(&second).map(|kept| kept.id.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!((first[0].business_key.as_deref(), first[0].at), (Some("k"), 2000));
}
