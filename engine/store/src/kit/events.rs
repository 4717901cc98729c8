//! Promises of accepting an event: who gets it.

use std::sync::Arc;

use super::{
    event_rows::{
        AUDIT, accept, accept_starting, event, event_with, insert_waiting, is_kept, is_unwanted, mail,
        started, taken, wait, waiting_for,
    },
    id, insert, instance,
};
use crate::{
    AcceptError, AcceptEvent, Accepted, Commit, CommitError, EventWait, Instance, ReceivedEvent, State, Store,
};

/// Rule 1: all attributes are there, and the bound ones are equal.
pub async fn an_event_finds_the_instances_that_it_correlates_with(store: &Arc<dyn Store>) {
    let order = |value| wait(&[("order", Some(value))]);
    insert_waiting(store, instance(1), [order("1")]).await;
    insert_waiting(store, instance(2), [order("2")]).await;
    insert_waiting(store, instance(3), [wait(&[("line", Some("7")), ("order", Some("1"))])]).await;
    insert_waiting(store, instance(4), [wait(&[("line", None), ("order", Some("1"))])]).await;
    insert_waiting(store, instance(5), [wait(&[("line", None)])]).await;
    insert_waiting(store, instance(6), [wait(&[])]).await;
    insert_waiting(store, Instance { revision: AUDIT.to_owned(), ..instance(7) }, [order("2")]).await;
    for (attributes, expected) in [
        ([("order", "1")].as_slice(), vec![1]),
        (&[("order", "2"), ("other", "x")], vec![2, 7]),
        (&[("line", "7"), ("order", "1")], vec![1, 3, 4, 5]),
        (&[("line", ""), ("order", "1")], vec![1, 4, 5]),
        (&[("line", "7")], vec![5]),
    ] {
        let name = format!("{attributes:?}");
        let accept = accept_starting(event_with(&name, attributes), 99);
        assert_eq!(store.accept_event(accept).await, taken(expected.clone()), "{name}");
        for number in expected {
            assert_eq!(mail(store, number).await.last(), Some(&name), "{name} for {number}");
        }
    }
    assert_eq!(mail(store, 6).await, [""; 0]);
    assert_eq!(store.instance(id(99)).await, Ok(None));
}

/// Source and id, however much happens at the same time.
pub async fn an_event_is_accepted_once(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[])]).await;
    let answers: Vec<_> = (0..20).map(|_| store.accept_event(accept(event("a")))).collect();
    for (place, answer) in answers.into_iter().enumerate() {
        let expected = if place == 0 { taken([1]) } else { Ok(Accepted::Seen) };
        assert_eq!(answer.await, expected, "number {place}");
    }
    assert_eq!(mail(store, 1).await, ["a"]);
    // After it was used up too.
    let number = store.mailbox(id(1), None).await.unwrap()[0].number;
    store.commit(Commit { messages_consumed: vec![number], ..Commit::default() }).await.unwrap();
    assert_eq!(store.accept_event(accept(event("a"))).await, Ok(Accepted::Seen));
    assert_eq!(mail(store, 1).await, [""; 0]);
    let other = ReceivedEvent { source: "other".to_owned(), ..event("a") };
    assert_eq!(store.accept_event(accept(other)).await, taken([1]));
}

/// Several frames that wait are still one instance.
pub async fn an_instance_gets_an_event_once(store: &Arc<dyn Store>) {
    let frames = [0, 1, 2].map(|frame| EventWait { frame, ..wait(&[("order", Some("1"))]) });
    let other = EventWait { event: "Other".to_owned(), ..wait(&[("order", None)]) };
    insert_waiting(store, instance(1), frames.into_iter().chain([other])).await;
    assert_eq!(store.accept_event(accept(event_with("a", &[("order", "1")]))).await, taken([1]));
    assert_eq!(mail(store, 1).await, ["a"]);
}

/// Rule 2: the instance that it names has it, or none.
pub async fn an_event_that_names_an_instance_goes_to_no_other(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[("order", Some("1"))])]).await;
    insert_waiting(store, instance(2), [wait(&[])]).await;
    insert_waiting(store, instance(3), []).await;
    let ended = Instance { state: State::Completed, ended_at: Some(9), ..instance(4) };
    insert_waiting(store, ended, [wait(&[])]).await;
    let naming = |name: &str, instance: String, attributes: &[(&str, &str)]| {
        let event = ReceivedEvent { instance: Some(instance), ..event_with(name, attributes) };
        store.accept_event(accept_starting(event, 99))
    };
    let to = |number| id(number).to_string();
    // An attribute that is not there is no hindrance, and one that differs is.
    assert_eq!(naming("a", to(1), &[]).await, taken([1]));
    assert!(is_kept(&naming("b", to(1), &[("order", "2")]).await));
    assert_eq!(naming("c", to(2), &[("order", "2")]).await, taken([2]));
    assert!(is_kept(&naming("d", to(3), &[]).await));
    for nobody in [to(4), to(5), "no UUID".to_owned(), String::new()] {
        let answer = naming("e", nobody.clone(), &[]).await;
        assert!(is_unwanted(&answer), "{nobody}: {answer:?}");
    }
    // What correlates comes first.
    assert_eq!(naming("f", to(3), &[("order", "1")]).await, taken([1]));
    assert_eq!(mail(store, 1).await, ["a", "f"]);
    assert_eq!(mail(store, 2).await, ["c"]);
    assert_eq!(store.instance(id(99)).await, Ok(None));

    let committed = store.commit(waiting_for(instance(3), [wait(&[])])).await.unwrap();
    assert_eq!(committed.mail, [id(3)]);
    assert_eq!(mail(store, 3).await, ["d"]);
}

/// Rule 3: the instances with its business key have it, or it starts one with this key.
pub async fn an_event_with_a_business_key_goes_to_its_instances(store: &Arc<dyn Store>) {
    let keyed = |number, key: &str| Instance { business_key: Some(key.to_owned()), ..instance(number) };
    insert_waiting(store, keyed(1, "k"), [wait(&[])]).await;
    insert_waiting(store, keyed(2, "k"), []).await;
    insert_waiting(store, keyed(3, "k"), [wait(&[("order", Some("1"))])]).await;
    insert_waiting(store, Instance { ended_at: Some(9), ..keyed(4, "k") }, []).await;
    insert_waiting(store, keyed(5, "other"), [wait(&[])]).await;
    insert_waiting(store, instance(6), [wait(&[])]).await;
    // Of a workflow that has no part in such events.
    insert_waiting(store, Instance { revision: AUDIT.to_owned(), ..keyed(7, "k") }, []).await;
    let with_key = |name: &str, key: &str, number| {
        let event =
            ReceivedEvent { business_key: Some(key.to_owned()), ..event_with(name, &[("order", "2")]) };
        accept_starting(event, number)
    };
    assert_eq!(store.accept_event(with_key("a", "k", 98)).await, taken([1]));
    assert_eq!(store.instance(id(98)).await, Ok(None));
    let kept: Vec<_> = store.kept_events(None, 9).await.unwrap().iter().map(|kept| kept.instance).collect();
    assert_eq!(kept, [Some(id(2)), Some(id(3))]);
    assert_eq!(store.accept_event(with_key("b", "new", 99)).await, started(99));
    assert_eq!(mail(store, 99).await, ["b"]);
    let committed = store.commit(waiting_for(keyed(2, "k"), [wait(&[])])).await.unwrap();
    assert_eq!((committed.mail, mail(store, 2).await), (vec![id(2)], vec!["a".to_owned()]));
    for nobody in [4, 5, 6, 7] {
        assert_eq!(mail(store, nobody).await, [""; 0], "{nobody}");
    }
}

/// Rule 4: it starts what it starts, and all that wait without correlation have it.
pub async fn an_event_without_an_address_goes_to_all_that_wait_without_correlation(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[])]).await;
    insert_waiting(store, instance(2), [wait(&[])]).await;
    insert_waiting(store, Instance { revision: AUDIT.to_owned(), ..instance(3) }, [wait(&[])]).await;
    insert_waiting(store, instance(4), [wait(&[("order", None)])]).await;
    let answer = store.accept_event(accept_starting(event("a"), 9)).await;
    let delivered = vec![id(1), id(2), id(3)];
    assert_eq!(answer, Ok(Accepted::Taken { delivered, started: vec![id(9)], waiting: Vec::new() }));
    for number in [1, 2, 3, 9] {
        assert_eq!(mail(store, number).await, ["a"], "{number}");
    }
    // Each workflow for itself: this one correlates in the first workflow, and goes to all in the second.
    let answer = store.accept_event(accept_starting(event_with("b", &[("order", "1")]), 10)).await;
    assert_eq!(answer, taken([3, 4]));
    assert_eq!(mail(store, 1).await, ["a"]);
}

/// A source in the definition is a condition, by every rule.
pub async fn a_wait_for_a_source_takes_no_other(store: &Arc<dyn Store>) {
    let from = |wait: EventWait| EventWait { source: Some("desk".to_owned()), ..wait };
    insert_waiting(store, instance(1), [from(wait(&[("order", Some("1"))]))]).await;
    insert_waiting(store, instance(2), [from(wait(&[]))]).await;
    let keyed = Instance { business_key: Some("k".to_owned()), ..instance(3) };
    insert_waiting(store, keyed, [from(wait(&[]))]).await;
    let events = [
        (event_with("a", &[("order", "1")]), vec![1]),
        (event("b"), vec![2, 3]),
        (ReceivedEvent { instance: Some(id(2).to_string()), ..event("c") }, vec![2]),
        (ReceivedEvent { business_key: Some("k".to_owned()), ..event("d") }, vec![3]),
    ];
    for (event, expected) in events {
        let other = ReceivedEvent { source: "elsewhere".to_owned(), ..event.clone() };
        let answer = store.accept_event(accept(other)).await;
        assert!(is_kept(&answer), "{}: {answer:?}", event.id);
        assert_eq!(store.accept_event(accept(event)).await, taken(expected));
    }
}

/// Nothing is stored of an event that nobody will ever want.
pub async fn an_event_that_nobody_wants_is_not_stored(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    let unknown = AcceptEvent { consumers: Vec::new(), ..accept(event("a")) };
    for _ in 0..2 {
        let answer = store.accept_event(unknown.clone()).await;
        assert!(is_unwanted(&answer), "{answer:?}");
    }
    assert_eq!(store.kept_events(None, 9).await, Ok(Vec::new()));
    // A wait for the type makes it wanted, though no workflow that is served does.
    insert_waiting(store, instance(2), [wait(&[("order", Some("1"))])]).await;
    assert!(is_kept(&store.accept_event(unknown.clone()).await));
    store.commit(waiting_for(instance(2), [])).await.unwrap();
    let later = AcceptEvent { event: event("b"), ..unknown };
    assert!(is_unwanted(&store.accept_event(later).await));
}

/// An instance that cannot be inserted refuses its event, and everything with it.
pub async fn an_event_whose_instance_cannot_start_is_refused(store: &Arc<dyn Store>) {
    insert_waiting(store, instance(1), [wait(&[])]).await;
    let answers = [
        store.accept_event(accept_starting(event("a"), 1)),
        store.accept_event(accept(event("b"))),
        store.accept_event({
            let mut accept = accept_starting(event("a"), 2);
            "never stored".clone_into(&mut accept.starts[0].row.revision);
            accept
        }),
    ];
    let [taken_id, fine, no_revision] = answers;
    let fenced = CommitError::Fenced { instance: id(1), expected: None, found: Some(1) };
    assert_eq!(taken_id.await, Err(AcceptError::Start(fenced)));
    assert_eq!(fine.await, taken([1]));
    let unknown = CommitError::UnknownRevision { instance: id(2), revision: "never stored".to_owned() };
    assert_eq!(no_revision.await, Err(AcceptError::Start(unknown)));
    assert_eq!(mail(store, 1).await, ["b"]);
    // It was not seen, so it may be sent again.
    assert_eq!(store.accept_event(accept(event("a"))).await, taken([1]));
}
