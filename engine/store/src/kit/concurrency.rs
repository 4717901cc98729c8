//! Promises of concurrency groups.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    event_rows::{accept, event, mail},
    id, insert, inserting, instance, updating,
};
use crate::{
    AcceptEvent, Accepted, Commit, CommitError, Committed, ConcurrencyGroup, EventStart, EventWait, Instance,
    PlaceRequest, PlaceTransfer, ReceivedEvent, State, Store, Update, WaitingForPlace, Write,
};

const GROUP: &str = "tenants";

/// Stores the group with a limit. Returns who was let go by that.
async fn limit(store: &Arc<dyn Store>, limit: u32) -> Vec<Uuid> {
    let group = ConcurrencyGroup { name: GROUP.to_owned(), limit };
    store.put_concurrency_groups(vec![group]).await.unwrap()
}

fn place(number: u8, key: &str) -> PlaceRequest {
    PlaceRequest { instance: id(number), group: GROUP.to_owned(), key: key.to_owned() }
}

/// Inserts an instance that needs a place.
async fn start(store: &Arc<dyn Store>, number: u8, key: &str) -> Committed {
    let row = Instance { busy: true, wake_at: Some(7), ..instance(number) };
    let commit = Commit { places: vec![place(number, key)], ..inserting([row]) };
    store.commit(commit).await.unwrap()
}

/// The commit that brings an instance into a state.
async fn into_state(store: &Arc<dyn Store>, number: u8, state: State) -> Commit {
    let row = store.instance(id(number)).await.unwrap().unwrap();
    let ended = matches!(state, State::Completed | State::Aborted);
    updating(Instance { state, busy: false, ended_at: ended.then_some(9), ..row })
}

async fn bring(store: &Arc<dyn Store>, number: u8, state: State) -> Result<Committed, CommitError> {
    store.commit(into_state(store, number, state).await).await
}

async fn state(store: &Arc<dyn Store>, number: u8) -> State {
    store.instance(id(number)).await.unwrap().unwrap().state
}

fn admitted(numbers: impl IntoIterator<Item = u8>) -> Committed {
    Committed { admitted: numbers.into_iter().map(id).collect(), ..Committed::default() }
}

fn held_back(number: u8) -> Committed {
    Committed { waiting: vec![id(number)], ..Committed::default() }
}

/// A key has its own places, whatever others wait for.
pub async fn of_one_key_no_more_run_than_the_limit(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 2).await;
    for number in [1, 2] {
        assert_eq!(start(store, number, "a").await, Committed::default());
    }
    for number in [3, 4] {
        assert_eq!(start(store, number, "a").await, held_back(number));
    }
    assert_eq!(start(store, 5, "b").await, Committed::default());
    let waiting = store.instance(id(3)).await.unwrap().unwrap();
    let row = Instance { state: State::Pending, ..instance(3) };
    assert_eq!(waiting, row, "neither busy nor due");
    let explained = WaitingForPlace {
        instance: id(3),
        group: GROUP.to_owned(),
        key: "a".to_owned(),
        limit: Some(2),
        running: 2,
        waiting: 2,
    };
    let asked = vec![id(1), id(3), id(5), id(99)];
    assert_eq!(store.waiting_for_place(asked).await, Ok(vec![explained]));
    assert_eq!(bring(store, 5, State::Completed).await, Ok(Committed::default()), "it is not their key");
    assert_eq!(bring(store, 1, State::Completed).await, Ok(admitted([3])));
    let let_go = Instance { state: State::Active, busy: true, turn: 2, ..instance(3) };
    assert_eq!(store.instance(id(3)).await, Ok(Some(let_go)));
    assert_eq!(store.busy(None, 9).await, Ok(vec![id(2), id(3)]));
}

/// Also if a place is free for a moment: whoever comes goes behind those that wait.
pub async fn who_waits_longest_goes_first(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 1).await;
    for number in 1..=4 {
        start(store, number, "a").await;
    }
    // One that is aborted while it waits leaves the line, and no place becomes free by that.
    assert_eq!(bring(store, 3, State::Aborted).await, Ok(Committed::default()));
    assert_eq!(bring(store, 1, State::Aborted).await, Ok(admitted([2])));
    assert_eq!(start(store, 5, "a").await, held_back(5));
    assert_eq!(bring(store, 2, State::Completed).await, Ok(admitted([4])));
    assert_eq!(bring(store, 4, State::Completed).await, Ok(admitted([5])));
    assert_eq!(bring(store, 5, State::Completed).await, Ok(Committed::default()));
    assert_eq!(start(store, 6, "a").await, Committed::default());
}

/// An end once only, also of an instance that stood at an error.
pub async fn an_end_and_an_error_give_the_place_back(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 1).await;
    for number in 1..=4 {
        start(store, number, "a").await;
    }
    assert_eq!(bring(store, 1, State::Error).await, Ok(admitted([2])));
    assert_eq!(bring(store, 1, State::Completed).await, Ok(Committed::default()));
    assert_eq!(bring(store, 2, State::Active).await, Ok(Committed::default()), "it goes on");
    assert_eq!(bring(store, 2, State::Completed).await, Ok(admitted([3])));
}

/// A refused commit writes nothing; one that waits goes before those that started later.
pub async fn going_on_from_an_error_needs_a_place(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 1).await;
    start(store, 1, "a").await;
    assert_eq!(bring(store, 1, State::Error).await, Ok(Committed::default()));
    assert_eq!(bring(store, 1, State::Active).await, Ok(Committed::default()), "there is a place");
    bring(store, 1, State::Error).await.unwrap();
    for number in [2, 3] {
        start(store, number, "a").await;
    }
    let refused = Err(CommitError::NoPlace { instance: id(1) });
    assert_eq!(bring(store, 1, State::Active).await, refused);
    assert_eq!(state(store, 1).await, State::Error);
    assert_eq!(bring(store, 1, State::Pending).await, Ok(Committed::default()));
    assert_eq!(bring(store, 2, State::Completed).await, Ok(admitted([1])));
    assert_eq!(bring(store, 1, State::Error).await, Ok(admitted([3])));
    bring(store, 3, State::Completed).await.unwrap();
    assert_eq!(bring(store, 1, State::Pending).await, Ok(admitted([1])), "a place became free meanwhile");
}

/// It counts, so that nobody else starts until it has ended.
pub async fn a_compensation_waits_for_no_place(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 1).await;
    start(store, 1, "a").await;
    bring(store, 1, State::Error).await.unwrap();
    for number in [2, 3] {
        start(store, number, "a").await;
    }
    let mut commit = into_state(store, 1, State::Active).await;
    for write in &mut commit.writes {
        if let Write::Update(update) = write {
            *update = Update { needs_no_place: true, ..update.clone() };
        }
    }
    assert_eq!(store.commit(commit).await, Ok(Committed::default()));
    assert_eq!(bring(store, 2, State::Completed).await, Ok(Committed::default()), "one still runs");
    assert_eq!(bring(store, 1, State::Aborted).await, Ok(admitted([3])));
}

/// What runs goes on under a lower limit; a higher one, or none, lets go what waits.
pub async fn limits_can_be_changed(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 2).await;
    for number in 1..=9 {
        start(store, number, "a").await;
    }
    assert_eq!(limit(store, 1).await, [] as [Uuid; 0]);
    assert_eq!(bring(store, 1, State::Completed).await, Ok(Committed::default()), "one still runs");
    assert_eq!(bring(store, 2, State::Completed).await, Ok(admitted([3])));
    assert_eq!(limit(store, 3).await, [id(4), id(5)]);
    let other = ConcurrencyGroup { name: "others".to_owned(), limit: 1 };
    assert_eq!(store.put_concurrency_groups(vec![other]).await, Ok((6..=9).map(id).collect()));
    assert_eq!(start(store, 10, "a").await, Committed::default(), "the group has no limit");
    limit(store, 7).await;
    assert_eq!(start(store, 11, "a").await, held_back(11), "those of before count");
}

/// Or it would put the instance back among those that wait.
pub async fn a_turn_computed_while_the_instance_waited_is_refused(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 1).await;
    for number in [1, 2] {
        start(store, number, "a").await;
    }
    let late = into_state(store, 2, State::Pending).await;
    bring(store, 1, State::Completed).await.unwrap();
    let found = Err(CommitError::Fenced { instance: id(2), expected: Some(1), found: Some(2) });
    assert_eq!(store.commit(late).await, found);
}

/// It does not wait for one, and the place is taken for as long as the chain lives.
pub async fn a_successor_has_the_place_of_the_one_that_it_continues(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 1).await;
    for number in [1, 2] {
        start(store, number, "a").await;
    }
    let mut commit = into_state(store, 1, State::Completed).await;
    commit.writes.insert(0, Write::Insert(instance(3)));
    commit.place_transfers.push(PlaceTransfer { from: id(1), to: id(3) });
    assert_eq!(store.commit(commit).await, Ok(Committed::default()));
    assert_eq!(state(store, 3).await, State::Active);
    assert_eq!(bring(store, 3, State::Completed).await, Ok(admitted([2])));
    // Without a place there is nothing to give.
    insert(store, [instance(4)]).await;
    let mut commit = into_state(store, 4, State::Completed).await;
    commit.writes.push(Write::Insert(instance(5)));
    commit.place_transfers.push(PlaceTransfer { from: id(4), to: id(5) });
    assert_eq!(store.commit(commit).await, Ok(Committed::default()));
}

/// An event for its business key starts no second instance, and one that correlates with it is in its mailbox.
pub async fn an_instance_that_waits_for_a_place_keeps_its_events(store: &Arc<dyn Store>) {
    insert(store, []).await;
    limit(store, 1).await;
    start(store, 1, "a").await;
    let starting = |event: ReceivedEvent, number: u8| {
        let row =
            Instance { turn: 0, busy: true, business_key: event.business_key.clone(), ..instance(number) };
        let claim = EventWait {
            event: "approval".to_owned(),
            event_type: "approved".to_owned(),
            correlation: vec![("order".to_owned(), Some(number.to_string()))],
            ..EventWait::default()
        };
        let workflow = "approval".to_owned();
        let waits = if event.attributes.is_empty() { Vec::new() } else { vec![claim] };
        let start = EventStart { workflow, row, place: Some(place(number, "a")), waits, set: None };
        AcceptEvent { starts: vec![start], ..accept(event) }
    };
    let waits = |number| {
        Ok(Accepted::Taken { delivered: Vec::new(), started: vec![id(number)], waiting: vec![id(number)] })
    };
    let keyed = |name| ReceivedEvent { business_key: Some("order 7".to_owned()), ..event(name) };
    assert_eq!(store.accept_event(starting(keyed("k1"), 2)).await, waits(2));
    assert_eq!(state(store, 2).await, State::Pending);
    let second = store.accept_event(starting(keyed("k2"), 3)).await;
    assert!(matches!(second, Ok(Accepted::Kept { .. })), "{second:?}");
    let correlated = |name, order: &str| ReceivedEvent {
        attributes: vec![("order".to_owned(), order.to_owned())],
        ..event(name)
    };
    assert_eq!(store.accept_event(starting(correlated("c1", "4"), 4)).await, waits(4));
    let second = store.accept_event(starting(correlated("c2", "4"), 5)).await;
    assert_eq!(
        second,
        Ok(Accepted::Taken { delivered: vec![id(4)], started: Vec::new(), waiting: Vec::new() })
    );
    assert_eq!(mail(store, 4).await, ["c1", "c2"]);
    assert_eq!(store.mailboxes().await, Ok(vec![]), "nobody reads them before they have a place");
    // The events of one that is aborted meanwhile start no other.
    let aborted = bring(store, 2, State::Aborted).await.unwrap();
    assert_eq!(aborted.admitted, [] as [Uuid; 0]);
    assert_eq!(mail(store, 2).await, ["k1", "k2"], "they are given away, but for the one that started it");
}
