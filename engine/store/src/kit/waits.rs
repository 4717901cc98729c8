//! Promises of what instances wait for.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    event_rows::{accept, event, event_with, insert_waiting, taken, wait, waiting_for},
    id, instance, updating,
};
use crate::{Commit, CommitError, EventWait, Instance, InstanceWaits, State, Store, WaitFilter};

/// What an instance waits for is what its last commit with waits says, until it ends.
pub async fn waits_are_those_of_the_last_commit(store: &Arc<dyn Store>) {
    let waits = [
        EventWait { frame: 3, until: Some(7), source: Some("desk".to_owned()), ..wait(&[]) },
        wait(&[("line", None), ("order", Some("ä \"1\""))]),
        EventWait { event_type: "denied".to_owned(), ..wait(&[("order", Some(""))]) },
    ];
    insert_waiting(store, instance(1), waits.clone()).await;
    insert_waiting(store, instance(2), [wait(&[])]).await;
    let listed = async |filter: WaitFilter| {
        let found = store.waits(filter, 99).await.unwrap();
        found.into_iter().map(|found| (found.instance, found.wait)).collect::<Vec<_>>()
    };
    let of = |number: u8| WaitFilter { instance: Some(id(number)), event_type: None };
    let of_type = WaitFilter { instance: None, event_type: Some("approved".to_owned()) };
    let expected: Vec<(Uuid, EventWait)> = waits.iter().map(|wait| (id(1), wait.clone())).collect();
    assert_eq!(listed(of(1)).await, expected);
    assert_eq!(listed(WaitFilter::default()).await.len(), 4);
    assert_eq!(store.waits(WaitFilter::default(), 2).await.unwrap().len(), 2);
    assert_eq!(listed(of_type.clone()).await.len(), 3);
    let both = WaitFilter { instance: Some(id(1)), event_type: Some("denied".to_owned()) };
    assert_eq!(listed(both).await, expected[2..]);

    // A turn without waits keeps them; one of another instance too; one with waits replaces them.
    store.commit(updating(instance(1))).await.unwrap();
    assert_eq!(listed(of(1)).await, expected);
    let row = Instance { turn: 2, ..instance(1) };
    store.commit(waiting_for(row, [wait(&[])])).await.unwrap();
    assert_eq!(listed(of(1)).await, [(id(1), wait(&[]))]);
    assert_eq!(
        store.accept_event(accept(event_with("a", &[("line", "x"), ("order", "ä \"1\"")]))).await,
        taken([1, 2])
    );

    // A late turn changes nothing, nor does one of another instance.
    let late = store.commit(waiting_for(instance(1), [])).await;
    assert!(matches!(late, Err(CommitError::Fenced { .. })), "{late:?}");
    let waits = vec![InstanceWaits { instance: id(1), waits: Vec::new() }];
    let stray = store.commit(Commit { waits, ..updating(instance(2)) }).await;
    assert_eq!(stray, Err(CommitError::WaitsWithoutRow { instance: id(1) }));
    assert_eq!(listed(of(1)).await.len(), 1);

    let ended = Instance { turn: 3, state: State::Completed, ended_at: Some(9), ..instance(1) };
    store.commit(waiting_for(ended, [wait(&[])])).await.unwrap();
    assert_eq!(listed(of(1)).await, []);
    assert_eq!(store.accept_event(accept(event("b"))).await, taken([2]));
}
