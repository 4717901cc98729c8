//! Promises of the outbox.

use std::sync::Arc;

use super::{id, insert, instance, updating};
use crate::{Commit, Instance, OutboxPage, OutboxStatus, OutgoingEvent, Store};

fn outgoing(number: u8, channel: &str, content: &str) -> OutgoingEvent {
    let (channel, content) = (channel.to_owned(), content.as_bytes().to_vec());
    OutgoingEvent { instance: id(number), channel, content, at: 2000 + i64::from(number) }
}

async fn append(store: &Arc<dyn Store>, events: &[(u8, &str, &str)]) {
    let outbox = events.iter().map(|(number, channel, content)| outgoing(*number, channel, content));
    store.commit(Commit { outbox: outbox.collect(), ..Commit::default() }).await.unwrap();
}

const ALL: OutboxPage = OutboxPage { after: None, now: 5000, rows: 1000, bytes: u64::MAX };

/// Number and content of what may be sent.
async fn ready(store: &Arc<dyn Store>, page: OutboxPage) -> Vec<(i64, String)> {
    let rows = store.outbox(page).await.unwrap();
    rows.into_iter().map(|row| (row.number, String::from_utf8(row.content).unwrap())).collect()
}

fn contents(rows: &[(i64, String)]) -> Vec<&str> {
    rows.iter().map(|(_, content)| content.as_str()).collect()
}

/// Events are written with their turn, or not at all, and go out in their order.
pub async fn events_to_send_are_written_with_their_turn(store: &Arc<dyn Store>) {
    insert(store, [instance(1), instance(2)]).await;
    let outbox = vec![outgoing(1, "a", "first"), outgoing(1, "b", "second")];
    store.commit(Commit { outbox, ..updating(instance(1)) }).await.unwrap();
    let late = Commit { outbox: vec![outgoing(1, "a", "never")], ..updating(instance(1)) };
    store.commit(late).await.unwrap_err();
    append(store, &[(2, "a", "third")]).await;
    let rows = store.outbox(ALL).await.unwrap();
    assert_eq!(contents(&ready(store, ALL).await), ["first", "second", "third"]);
    assert_eq!((rows[0].instance, rows[0].channel.as_str(), rows[0].at), (id(1), "a", 2001));
    assert_eq!((rows[0].attempts, rows[0].next_at, rows[0].last_error.as_deref()), (0, None, None));

    let status = OutboxStatus { rows: 3, bytes: 16, oldest_at: Some(2001), next_at: Some(0) };
    assert_eq!(store.outbox_status().await, Ok(status));
    for _ in 0..2 {
        store.outbox_sent(vec![rows[0].number, rows[1].number]).await.unwrap();
    }
    let status = OutboxStatus { rows: 1, bytes: 5, oldest_at: Some(2002), next_at: Some(0) };
    assert_eq!(store.outbox_status().await, Ok(status));
    store.outbox_sent(vec![rows[2].number]).await.unwrap();
    assert_eq!(store.outbox_status().await, Ok(OutboxStatus::default()));
    append(store, &[(1, "a", "later")]).await;
    assert!(ready(store, ALL).await[0].0 > rows[2].number, "a number never comes back");
}

/// Rows and bytes of a page have a bound.
pub async fn the_outbox_comes_in_pages(store: &Arc<dyn Store>) {
    insert(store, []).await;
    append(store, &[(1, "a", "12345"), (2, "a", "12"), (3, "a", "123"), (1, "a", "1")]).await;
    let page = |after, rows, bytes| OutboxPage { after, rows, bytes, ..ALL };
    let first = ready(store, page(None, 2, 100)).await;
    assert_eq!(contents(&first), ["12345", "12"]);
    let after = Some(first[1].0);
    assert_eq!(contents(&ready(store, page(after, 2, 100)).await), ["123", "1"]);
    assert_eq!(contents(&ready(store, page(None, 9, 7)).await), ["12345", "12"]);
    assert_eq!(contents(&ready(store, page(None, 9, 1)).await), ["12345"], "the first however large it is");
    assert_eq!(ready(store, page(None, 0, 100)).await, []);
}

/// A row that failed stands before those behind it of its instance and channel, and before no others.
pub async fn a_row_that_failed_keeps_its_place(store: &Arc<dyn Store>) {
    insert(store, []).await;
    append(store, &[(1, "a", "1"), (1, "b", "2"), (2, "a", "3"), (1, "a", "4")]).await;
    let rows = ready(store, ALL).await;
    store.outbox_failed(rows[0].0, 6000, "refused".to_owned()).await.unwrap();
    store.outbox_failed(99_999, 6000, "not there".to_owned()).await.unwrap();
    append(store, &[(1, "a", "5"), (1, "b", "6")]).await;
    assert_eq!(contents(&ready(store, ALL).await), ["2", "3", "6"]);
    let at = |now| OutboxPage { now, ..ALL };
    assert_eq!(contents(&ready(store, at(5999)).await), ["2", "3", "6"]);
    let due = ready(store, at(6000)).await;
    assert_eq!(contents(&due)[..3], ["1", "2", "3"], "in the order of numbers");
    let stuck = store.stuck_outbox(9).await.unwrap();
    assert_eq!(
        (stuck.len(), stuck[0].number, stuck[0].attempts, stuck[0].next_at),
        (1, rows[0].0, 1, Some(6000))
    );
    assert_eq!((stuck[0].last_error.as_deref(), stuck[0].content.len()), (Some("refused"), 0));

    store.outbox_failed(rows[0].0, 8000, "refused again".to_owned()).await.unwrap();
    assert_eq!(store.stuck_outbox(9).await.unwrap()[0].attempts, 2);
    let others: Vec<i64> = ready(store, ALL).await.iter().map(|(number, _)| *number).collect();
    store.outbox_sent(others).await.unwrap();
    assert_eq!(ready(store, at(7999)).await, []);
    assert_eq!(store.outbox_status().await.unwrap().next_at, Some(8000));
    store.outbox_sent(vec![rows[0].0]).await.unwrap();
    let behind = ready(store, ALL).await;
    assert_eq!(contents(&behind), ["4", "5"]);
    assert_eq!(store.stuck_outbox(9).await, Ok(Vec::new()));
    // A row in the middle fails as the first does.
    store.outbox_failed(behind[1].0, 9000, "refused".to_owned()).await.unwrap();
    append(store, &[(1, "a", "7")]).await;
    assert_eq!(contents(&ready(store, ALL).await), ["4"]);
    store.outbox_sent(vec![behind[0].0]).await.unwrap();
    assert_eq!(ready(store, ALL).await, []);
    store.outbox_sent(vec![behind[1].0]).await.unwrap();
    assert_eq!(contents(&ready(store, ALL).await), ["7"]);
}

/// Whatever stood behind a failed row goes out in its order, however much it is.
pub async fn all_rows_behind_a_failed_one_go_out(store: &Arc<dyn Store>) {
    insert(store, []).await;
    let names: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let events: Vec<_> = names.iter().map(|name| (1, "a", name.as_str())).collect();
    append(store, &events[..150]).await;
    let first = ready(store, ALL).await[0].0;
    store.outbox_failed(first, 4000, "refused".to_owned()).await.unwrap();
    append(store, &events[150..]).await;
    let mut sent = Vec::new();
    loop {
        let rows = ready(store, ALL).await;
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
