//! Promises of keeping an event until an instance waits for it, and of forgetting.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    event_rows::{
        accept, accept_starting, event, event_with, insert_waiting, is_kept, is_unwanted, mail, started,
        taken, wait, waiting_for,
    },
    id, insert, instance, updating,
};
use crate::{
    AcceptError, AcceptEvent, Accepted, Commit, EventWait, Forgotten, Instance, KeptStatus, ReceivedEvent,
    State, Store,
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
    assert_eq!(store.kept_status().await.unwrap().events, 2);
    store.commit(waiting_for(instance(1), [wait(&[])])).await.unwrap();
    assert_eq!(mail(store, 1).await, ["d", "a"]);
    let row = Instance { turn: 2, ..instance(1) };
    store.commit(waiting_for(row, [wait(&[("order", Some("1"))])])).await.unwrap();
    assert!(is_kept(&store.accept_event(bounded(event("c"))).await), "there is room again");
}

/// The bytes of kept events are bounded too, and given back with the last use of an event.
pub async fn bytes_of_events_are_bounded(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[("order", Some("1"))])]).await;
    let of_size = |name: &str, size| ReceivedEvent { content: vec![b'x'; size], ..event(name) };
    let bounded = |event| AcceptEvent { max_bytes: 10, ..accept(event) };
    assert!(is_kept(&store.accept_event(bounded(of_size("a", 6))).await));
    for _ in 0..2 {
        let refused = store.accept_event(bounded(of_size("b", 5))).await;
        assert_eq!(refused, Err(AcceptError::TooManyBytes(10)));
    }
    assert!(is_kept(&store.accept_event(bounded(of_size("c", 4))).await), "up to the bound");
    let status = KeptStatus { events: 2, bytes: 10 };
    assert_eq!(store.kept_status().await, Ok(status));
    // An event that an instance takes at once is not refused, and counts until it is used.
    let wanted = ReceivedEvent { content: vec![b'x'; 7], ..event_with("d", &[("order", "1")]) };
    assert_eq!(store.accept_event(bounded(wanted)).await, taken([1]));
    assert_eq!(store.kept_status().await.unwrap().bytes, 17);
    let message = store.mailbox(id(1), None).await.unwrap()[0].number;
    store.commit(Commit { messages_consumed: vec![message], ..Commit::default() }).await.unwrap();
    assert_eq!(store.kept_status().await, Ok(status));
    store.forget_events(i64::MAX, 9).await.unwrap();
    assert_eq!(store.kept_status().await, Ok(KeptStatus::default()));
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

/// The commit with which an instance ends.
fn ending(number: u8) -> Commit {
    updating(Instance { state: State::Completed, ended_at: Some(3000), ..instance(number) })
}

/// Events that an instance did not take before it ended, and those that were kept for it, are in its mailbox.
pub async fn what_an_instance_that_ends_does_not_take_stays_in_its_mailbox(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[])]).await;
    insert_waiting(store, instance(2), [wait(&[])]).await;
    let for_other_type = ReceivedEvent {
        event_type: "denied".to_owned(),
        instance: Some(id(1).to_string()),
        ..event("kept for 1")
    };
    keep(store, for_other_type).await;
    assert_eq!(store.accept_event(accept(event("a"))).await, taken([1, 2]));
    assert_eq!(store.accept_event(accept(event("b"))).await, taken([1, 2]));
    let numbers: Vec<i64> =
        store.mailbox(id(1), None).await.unwrap().iter().map(|message| message.number).collect();
    let commit =
        Commit { messages_consumed: vec![numbers[0]], events_returned: vec![numbers[1]], ..ending(1) };
    assert_eq!(store.commit(commit).await.unwrap().mail, [id(1)]);
    assert_eq!(mail(store, 1).await, ["b", "kept for 1"]);
    assert_eq!(store.kept_status().await.unwrap().events, 0);
    // Another one has nothing of it.
    assert_eq!(store.commit(ending(2)).await.unwrap().mail, NOBODY);
}

/// An event in the mailbox of an instance that has ended goes where it would go if it came now, unless somebody has used it.
pub async fn an_event_of_an_instance_that_has_ended_goes_where_it_would_go_now(store: &Arc<dyn Store>) {
    let order = || wait(&[("order", Some("1"))]);
    let keyed = || accept(event_with("a", &[("order", "1")]));
    insert_waiting(store, instance(1), [order()]).await;
    assert_eq!(store.accept_event(keyed()).await, taken([1]));
    let message_of = async |number| store.mailbox(id(number), None).await.unwrap()[0].number;
    let first = message_of(1).await;
    store.commit(ending(1)).await.unwrap();
    // Nobody waits for it: it is kept, for as long as it was to be kept when it came.
    let later = ReceivedEvent { at: 4000, keep_until: 9999, ..event_with("a", &[("order", "1")]) };
    let no_room = AcceptEvent { max_kept: 0, max_bytes: 0, ..accept(later) };
    assert!(is_kept(&store.redirect_event(first, no_room).await));
    assert_eq!(mail(store, 1).await, [""; 0]);
    assert_eq!(store.redirect_event(first, keyed()).await, Ok(Accepted::Seen), "it is given away once");
    let kept = store.kept_events(None, 9).await.unwrap();
    assert_eq!((kept.len(), kept[0].at, kept[0].keep_until), (1, 2000, Some(5000)));
    insert_waiting(store, instance(2), [order()]).await;
    assert_eq!(mail(store, 2).await, ["a"]);

    // Somebody waits for it now.
    let second = message_of(2).await;
    store.commit(ending(2)).await.unwrap();
    insert_waiting(store, instance(3), [order()]).await;
    assert_eq!(store.redirect_event(second, keyed()).await, taken([3]));
    assert_eq!((mail(store, 2).await.len(), mail(store, 3).await), (0, vec!["a".to_owned()]));

    // It starts an instance, which has used it by that.
    let third = message_of(3).await;
    store.commit(ending(3)).await.unwrap();
    let starting = accept_starting(event_with("a", &[("order", "1")]), 4);
    assert_eq!(store.redirect_event(third, starting.clone()).await, started(4));
    let fourth = message_of(4).await;
    store.commit(ending(4)).await.unwrap();
    assert_eq!(store.redirect_event(fourth, starting).await, Ok(Accepted::Seen));
    assert_eq!(mail(store, 4).await, [""; 0]);
    assert_eq!(store.kept_status().await, Ok(KeptStatus::default()));

    // What others have, or have used, is theirs.
    for number in [5, 6] {
        insert_waiting(store, instance(number), [wait(&[])]).await;
    }
    assert_eq!(store.accept_event(accept(event("both"))).await, taken([5, 6]));
    let (fifth, sixth) = (message_of(5).await, message_of(6).await);
    store.commit(Commit { messages_consumed: vec![fifth], ..waiting_for(instance(5), []) }).await.unwrap();
    store.commit(ending(6)).await.unwrap();
    assert_eq!(store.redirect_event(sixth, accept(event("both"))).await, Ok(Accepted::Seen));
    assert_eq!(store.kept_status().await, Ok(KeptStatus::default()));

    // Nobody can want it any more.
    insert_waiting(store, instance(7), [wait(&[])]).await;
    let named = || accept(ReceivedEvent { instance: Some(id(7).to_string()), ..event("named") });
    assert_eq!(store.accept_event(named()).await, taken([7]));
    let seventh = message_of(7).await;
    store.commit(ending(7)).await.unwrap();
    assert!(is_unwanted(&store.redirect_event(seventh, named()).await));
    assert_eq!(mail(store, 7).await, [""; 0]);
    assert_eq!(store.accept_event(named()).await, Ok(Accepted::Seen), "it is recognised");
}
