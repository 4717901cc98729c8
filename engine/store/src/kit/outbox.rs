//! Promises of the outbox.

use std::sync::Arc;

use super::{id, insert, instance, updating};
use crate::{Commit, Instance, OutboxQuery, OutboxStatus, OutgoingEvent, Store};

fn outgoing(number: u8, channel: &str, content: &str) -> OutgoingEvent {
    let (channel, content) = (channel.to_owned(), content.as_bytes().to_vec());
    OutgoingEvent { instance: id(number), channel, content, at: 2000 + i64::from(number) }
}

async fn append(store: &Arc<dyn Store>, events: &[(u8, &str, &str)]) {
    let outbox = events.iter().map(|(number, channel, content)| outgoing(*number, channel, content));
    store.commit(Commit { outbox: outbox.collect(), ..Commit::default() }).await.unwrap();
}

/// All rows of channel `a` that are due at 5000.
pub(crate) fn all_to_send() -> OutboxQuery {
    OutboxQuery {
        channel: "a".to_owned(),
        now: 5000,
        instances: 1000,
        rows_of_instance: 1000,
        bytes: u64::MAX,
        ..OutboxQuery::default()
    }
}

fn at(now: i64) -> OutboxQuery {
    OutboxQuery { now, ..all_to_send() }
}

/// Number and content of what may be sent.
async fn ready(store: &Arc<dyn Store>, query: OutboxQuery) -> Vec<(i64, String)> {
    let rows = store.outbox(query).await.unwrap().rows;
    rows.into_iter().map(|row| (row.number, String::from_utf8(row.content).unwrap())).collect()
}

fn contents(rows: &[(i64, String)]) -> Vec<&str> {
    rows.iter().map(|(_, content)| content.as_str()).collect()
}

/// Events are written with their turn, or not at all, and go out in their order.
pub async fn events_to_send_are_written_with_their_turn(store: &Arc<dyn Store>) {
    insert(store, [instance(1), instance(2)]).await;
    let outbox = vec![outgoing(1, "a", "first"), outgoing(1, "a", "second")];
    store.commit(Commit { outbox, ..updating(instance(1)) }).await.unwrap();
    let late = Commit { outbox: vec![outgoing(1, "a", "never")], ..updating(instance(1)) };
    store.commit(late).await.unwrap_err();
    append(store, &[(2, "a", "third")]).await;
    let rows = store.outbox(all_to_send()).await.unwrap().rows;
    assert_eq!(contents(&ready(store, all_to_send()).await), ["first", "second", "third"]);
    assert_eq!((rows[0].instance, rows[0].channel.as_str(), rows[0].at), (id(1), "a", 2001));
    assert_eq!((rows[0].attempts, rows[0].next_at, rows[0].last_error.as_deref()), (0, None, None));

    let status = OutboxStatus { rows: 3, bytes: 16, oldest_at: Some(2001) };
    assert_eq!(store.outbox_status().await, Ok(status));
    for _ in 0..2 {
        store.outbox_sent(vec![rows[0].number, rows[1].number]).await.unwrap();
    }
    let status = OutboxStatus { rows: 1, bytes: 5, oldest_at: Some(2002) };
    assert_eq!(store.outbox_status().await, Ok(status));
    store.outbox_sent(vec![rows[2].number]).await.unwrap();
    assert_eq!(store.outbox_status().await, Ok(OutboxStatus::default()));
    append(store, &[(1, "a", "later")]).await;
    assert!(ready(store, all_to_send()).await[0].0 > rows[2].number, "a number never comes back");
}

/// Instances, their rows and the bytes of a batch have a bound, and instances that are being dealt with are left out.
pub async fn the_outbox_comes_in_batches(store: &Arc<dyn Store>) {
    insert(store, []).await;
    append(store, &[(1, "a", "12345"), (2, "a", "12"), (3, "a", "123"), (1, "a", "1"), (1, "a", "0")]).await;
    let query = |instances, rows_of_instance, bytes| OutboxQuery {
        instances,
        rows_of_instance,
        bytes,
        ..all_to_send()
    };
    for (bounds, expected) in [
        ((2, 9, 100), vec!["12345", "12"]),
        ((9, 2, 100), vec!["12345", "12", "123", "1"]),
        ((9, 1, 100), vec!["12345", "12", "123"]),
        ((9, 9, 7), vec!["12345", "12"]),
        // The first however large it is.
        ((9, 9, 1), vec!["12345"]),
        ((0, 9, 100), vec![]),
    ] {
        let (instances, rows, bytes) = bounds;
        let found = ready(store, query(instances, rows, bytes)).await;
        assert_eq!(contents(&found), expected, "{bounds:?}");
    }
    let without = OutboxQuery { without: [id(1), id(3)].into(), ..all_to_send() };
    assert_eq!(contents(&ready(store, without).await), ["12"]);
}

/// A channel has its own rows, and the list of channels says when the first of each is due.
pub async fn each_channel_has_its_own_rows(store: &Arc<dyn Store>) {
    insert(store, []).await;
    let channels = async || {
        let channels = store.outbox_channels().await.unwrap();
        channels.into_iter().map(|channel| (channel.name, channel.next_at)).collect::<Vec<_>>()
    };
    assert_eq!(channels().await, []);
    append(store, &[(1, "b", "1"), (1, "a", "2"), (2, "b", "3"), (1, "c", "4")]).await;
    let of = |channel: &str| OutboxQuery { channel: channel.to_owned(), ..all_to_send() };
    let first = ready(store, of("b")).await;
    assert_eq!(contents(&first), ["1", "3"]);
    assert_eq!(contents(&ready(store, of("a")).await), ["2"]);
    assert_eq!(ready(store, of("d")).await, []);
    for (number, _) in first {
        store.outbox_failed(number, 6000 + number, "refused".to_owned()).await.unwrap();
    }
    let expected = [("a", 0), ("b", 6001), ("c", 0)].map(|(name, at)| (name.to_owned(), at));
    assert_eq!(channels().await, expected);
    let batch = store.outbox(of("b")).await.unwrap();
    assert_eq!((batch.rows.len(), batch.next_at), (0, Some(6001)));
    assert_eq!(store.outbox(of("a")).await.unwrap().next_at, None);
    let due = OutboxQuery { now: 6001, ..of("b") };
    assert_eq!(store.outbox(due).await.unwrap().next_at, Some(6003));
}

/// Rows that failed before leave room for new ones.
pub async fn rows_that_failed_take_half_of_a_batch(store: &Arc<dyn Store>) {
    insert(store, []).await;
    append(store, &[(1, "a", "1"), (2, "a", "2"), (3, "a", "3")]).await;
    for (number, _) in ready(store, all_to_send()).await {
        store.outbox_failed(number, 4000, "refused".to_owned()).await.unwrap();
    }
    append(store, &[(4, "a", "4"), (5, "a", "5"), (6, "a", "6")]).await;
    let few = OutboxQuery { instances: 4, ..all_to_send() };
    assert_eq!(contents(&ready(store, few).await), ["1", "2", "4", "5"]);
}

/// A row that failed stands before those behind it of its instance and channel, and before no others.
pub async fn a_row_that_failed_keeps_its_place(store: &Arc<dyn Store>) {
    insert(store, []).await;
    append(store, &[(1, "a", "1"), (1, "b", "2"), (2, "a", "3"), (1, "a", "4")]).await;
    let rows = ready(store, all_to_send()).await;
    store.outbox_failed(rows[0].0, 6000, "refused".to_owned()).await.unwrap();
    store.outbox_failed(99_999, 6000, "not there".to_owned()).await.unwrap();
    append(store, &[(1, "a", "5"), (1, "b", "6")]).await;
    assert_eq!(contents(&ready(store, all_to_send()).await), ["3"]);
    let other = OutboxQuery { channel: "b".to_owned(), ..all_to_send() };
    assert_eq!(contents(&ready(store, other).await), ["2", "6"]);
    assert_eq!(contents(&ready(store, at(5999)).await), ["3"]);
    assert_eq!(contents(&ready(store, at(6000)).await), ["1", "3"], "in the order of numbers");
    let stuck = store.stuck_outbox(9).await.unwrap();
    assert_eq!(
        (stuck.len(), stuck[0].number, stuck[0].attempts, stuck[0].next_at),
        (1, rows[0].0, 1, Some(6000))
    );
    assert_eq!((stuck[0].last_error.as_deref(), stuck[0].content.len()), (Some("refused"), 0));

    store.outbox_failed(rows[0].0, 8000, "refused again".to_owned()).await.unwrap();
    assert_eq!(store.stuck_outbox(9).await.unwrap()[0].attempts, 2);
    let others: Vec<i64> = ready(store, all_to_send()).await.iter().map(|(number, _)| *number).collect();
    store.outbox_sent(others).await.unwrap();
    assert_eq!(ready(store, at(7999)).await, []);
    store.outbox_sent(vec![rows[0].0]).await.unwrap();
    let behind = ready(store, all_to_send()).await;
    assert_eq!(contents(&behind), ["4", "5"]);
    assert_eq!(store.stuck_outbox(9).await, Ok(Vec::new()));
    // A row in the middle fails as the first does.
    store.outbox_failed(behind[1].0, 9000, "refused".to_owned()).await.unwrap();
    append(store, &[(1, "a", "7")]).await;
    assert_eq!(contents(&ready(store, all_to_send()).await), ["4"]);
    store.outbox_sent(vec![behind[0].0]).await.unwrap();
    assert_eq!(ready(store, all_to_send()).await, []);
    store.outbox_sent(vec![behind[1].0]).await.unwrap();
    assert_eq!(contents(&ready(store, all_to_send()).await), ["7"]);
}

/// Whatever stood behind a failed row goes out in its order, however much it is.
pub async fn all_rows_behind_a_failed_one_go_out(store: &Arc<dyn Store>) {
    insert(store, []).await;
    let names: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let events: Vec<_> = names.iter().map(|name| (1, "a", name.as_str())).collect();
    append(store, &events[..150]).await;
    let first = ready(store, all_to_send()).await[0].0;
    store.outbox_failed(first, 4000, "refused".to_owned()).await.unwrap();
    append(store, &events[150..]).await;
    let mut sent = Vec::new();
    loop {
        let rows = ready(store, all_to_send()).await;
        if rows.is_empty() {
            break;
        }
        store.outbox_sent(rows.iter().map(|(number, _)| *number).collect()).await.unwrap();
        sent.extend(rows.into_iter().map(|(_, content)| content));
    }
    assert_eq!(sent, names);
    let row = Instance { turn: 1, ..instance(1) };
    assert_eq!(store.instance(row.id).await, Ok(None), "an event needs no row of its instance");
}
