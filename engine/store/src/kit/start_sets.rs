//! Promises of starting an instance by several events.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    event_rows::{accept, accept_starting, event, insert_waiting, mail, started, wait},
    id, insert, instance,
};
use crate::{AcceptError, AcceptEvent, Accepted, EventStart, StartSet, Store};

const NOBODY: [Uuid; 0] = [];

/// The event `name`, which is the event A, B or both of a set.
fn of_set(name: &str, satisfies: &[&str], key: &str, number: u8) -> AcceptEvent {
    let names = ["A", "B"].map(str::to_owned).to_vec();
    let satisfies = satisfies.iter().map(|name| (*name).to_owned()).collect();
    let set = StartSet { names, satisfies, key: key.to_owned(), expires_at: Some(4000) };
    let starts = vec![EventStart {
        workflow: "approval".to_owned(),
        row: instance(number),
        set: Some(set),
        ..EventStart::default()
    }];
    AcceptEvent { starts, ..accept(event(name)) }
}

/// The oldest events of one key, one for each name.
pub async fn several_events_start_an_instance_together(store: &Arc<dyn Store>) {
    insert(store, []).await;
    for (name, key) in [("a1", "x"), ("a2", "x"), ("a3", "y")] {
        assert_eq!(store.accept_event(of_set(name, &["A"], key, 99)).await, Ok(Accepted::Collected));
    }
    assert_eq!(store.accept_event(of_set("a1", &["A"], "x", 99)).await, Ok(Accepted::Seen));
    assert_eq!(store.kept_events(None, 9).await.unwrap().len(), 3);
    assert_eq!(store.accept_event(of_set("b1", &["B"], "x", 1)).await, started(1));
    assert_eq!(mail(store, 1).await, ["a1", "b1"], "in the order in which they came");
    assert_eq!(store.accept_event(of_set("b2", &["B"], "z", 99)).await, Ok(Accepted::Collected));
    assert_eq!(store.accept_event(of_set("b3", &["B"], "x", 2)).await, started(2));
    assert_eq!(mail(store, 2).await, ["a2", "b3"]);
    // One that is both is enough by itself, and none is used twice.
    assert_eq!(store.accept_event(of_set("ab1", &["A", "B"], "w", 3)).await, started(3));
    assert_eq!(mail(store, 3).await, ["ab1"]);
    assert_eq!(store.accept_event(of_set("ab2", &["A", "B"], "y", 4)).await, started(4));
    assert_eq!(mail(store, 4).await, ["a3", "ab2"]);
    let kept: Vec<_> = store.kept_events(None, 9).await.unwrap().into_iter().map(|kept| kept.id).collect();
    assert_eq!(kept, ["b2"]);
    assert_eq!(store.instance(id(99)).await, Ok(None));
    // A wait does not take what is collected, and a start by one event does not either.
    assert_eq!(insert_waiting(store, instance(5), [wait(&[])]).await.mail, NOBODY);
    assert!(matches!(store.accept_event(accept_starting(event("c"), 6)).await, Ok(Accepted::Taken { .. })));
    assert_eq!(mail(store, 6).await, ["c"]);
}

/// An event waits for the others of its set for its time only.
pub async fn a_set_forgets_events_whose_time_is_over(store: &Arc<dyn Store>) {
    insert(store, []).await;
    assert_eq!(store.accept_event(of_set("a1", &["A"], "x", 99)).await, Ok(Accepted::Collected));
    let mut late = of_set("b1", &["B"], "x", 99);
    late.event.at = 4000;
    late.starts[0].set.as_mut().unwrap().expires_at = None;
    assert_eq!(store.accept_event(late).await, Ok(Accepted::Collected));
    let expired = store.forget_events(4000, 9).await.unwrap().expired_kept;
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].start, Some(("approval".to_owned(), "A".to_owned())));
    assert_eq!(store.forget_events(i64::MAX - 1, 9).await.unwrap().expired_kept, []);
    let mut again = of_set("a2", &["A"], "x", 1);
    again.event.at = 4001;
    assert_eq!(store.accept_event(again).await, started(1));
    assert_eq!(mail(store, 1).await, ["b1", "a2"]);
    // Collected events count as kept ones.
    let full = AcceptEvent { max_kept: 0, ..of_set("a3", &["A"], "x", 99) };
    assert_eq!(store.accept_event(full).await, Err(AcceptError::Full(0)));
}
