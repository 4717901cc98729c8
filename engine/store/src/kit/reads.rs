//! Promises of reading, except filters.

use std::sync::Arc;

use super::{id, insert, instance, line, updating};
use crate::{
    Columns, Commit, CommitError, Committed, Direction,
    Direction::{Ascending, Descending},
    Field, Instance, Message, Query, State, Store, StoreError,
};

/// Due instances come by moment and id; the last of a page leads to the next.
pub async fn due_instances_come_in_pages(store: &Arc<dyn Store>) {
    let moments = [(1, Some(30)), (2, Some(10)), (3, None), (4, Some(10)), (5, Some(31)), (6, Some(-5))];
    insert(store, moments.map(|(number, wake_at)| Instance { wake_at, ..instance(number) })).await;
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = store.due(30, after, 2).await.unwrap();
        after = page.last().copied().or(after);
        pages.push(page.clone());
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec![(-5, id(6)), (10, id(2))], vec![(10, id(4)), (30, id(1))], vec![]]);

    // A moment that has passed, or that was put off, is forgotten with the commit that says so.
    store.commit(updating(Instance { wake_at: None, ..instance(6) })).await.unwrap();
    store.commit(updating(Instance { wake_at: Some(20), ..instance(2) })).await.unwrap();
    assert_eq!(store.due(30, None, 9).await, Ok(vec![(10, id(4)), (20, id(2)), (30, id(1))]));
}

/// Busy instances come by id; the last of a page leads to the next.
pub async fn busy_instances_come_in_pages(store: &Arc<dyn Store>) {
    insert(store, (1..=5).map(|number| Instance { busy: number != 2, ..instance(number) })).await;
    assert_eq!(store.busy(None, 3).await, Ok(vec![id(1), id(3), id(4)]));
    assert_eq!(store.busy(Some(id(4)), 3).await, Ok(vec![id(5)]));
    store.commit(updating(Instance { busy: false, ..instance(3) })).await.unwrap();
    assert_eq!(store.busy(None, 9).await, Ok(vec![id(1), id(4), id(5)]));
}

/// Lines of history come by turn, in whatever order they were written.
pub async fn history_is_in_the_order_of_turns(store: &Arc<dyn Store>) {
    insert(store, [instance(1), instance(2)]).await;
    let lines = [line(1, 2, "[2]"), line(1, 1, r#"["ä"]"#), line(2, 1, "[]")];
    store.commit(Commit { history: lines.to_vec(), ..Commit::default() }).await.unwrap();
    let mut commit = updating(Instance { turn: 2, ..updated(&instance(1)) });
    store.commit(updating(instance(1))).await.unwrap();
    commit.history = vec![line(1, 3, "[3]")];
    store.commit(commit).await.unwrap();
    assert_eq!(
        store.history(id(1)).await,
        Ok(vec![line(1, 1, r#"["ä"]"#), line(1, 2, "[2]"), line(1, 3, "[3]")])
    );
    assert_eq!(store.history(id(3)).await, Ok(Vec::new()));
    let unknown = store.commit(Commit { history: vec![line(3, 1, "[]")], ..Commit::default() }).await;
    assert_eq!(unknown, Err(CommitError::Fenced { instance: id(3), expected: Some(1), found: None }));
}

fn updated(row: &Instance) -> Instance {
    Instance { turn: row.turn + 1, ..row.clone() }
}

/// Children are found by their parent, grandchildren are not.
pub async fn children_are_found(store: &Arc<dyn Store>) {
    let family = [(1, None), (4, Some(1)), (2, Some(1)), (3, Some(2))];
    insert(store, family.map(|(number, parent)| Instance { parent: parent.map(id), ..instance(number) }))
        .await;
    assert_eq!(store.children(id(1)).await, Ok(vec![id(2), id(4)]));
    assert_eq!(store.children(id(3)).await, Ok(Vec::new()));
}

/// A message stays until the commit that consumes it, and its number is never given to another.
pub async fn a_message_is_there_until_it_is_consumed(store: &Arc<dyn Store>) {
    let message = |number, payload: &[u8]| Message { to: id(number), payload: payload.to_vec() };
    let messages = vec![message(2, b"a"), message(1, b"b"), message(2, b"")];
    store.commit(Commit { messages, ..Commit::default() }).await.unwrap();
    let mailbox = store.mailbox(id(2), None).await.unwrap();
    let payloads: Vec<&[u8]> = mailbox.iter().map(|message| message.payload.as_slice()).collect();
    assert_eq!(payloads, [b"a".as_slice(), b""]);
    assert_eq!(store.mailboxes().await, Ok(vec![id(1), id(2)]));

    let numbers: Vec<i64> = mailbox.iter().map(|message| message.number).collect();
    for _ in 0..2 {
        let commit = Commit { messages_consumed: numbers.clone(), ..Commit::default() };
        assert_eq!(store.commit(commit).await, Ok(Committed::default()), "consuming again is no error");
    }
    assert_eq!(store.mailboxes().await, Ok(vec![id(1)]));
    store.commit(Commit { messages: vec![message(2, b"c")], ..Commit::default() }).await.unwrap();
    let later = store.mailbox(id(2), None).await.unwrap();
    assert!(later.iter().all(|message| !numbers.contains(&message.number)), "{later:?} after {numbers:?}");
}

/// A mailbox is read in pages, which end by the number of messages and by their bytes.
pub async fn a_mailbox_is_read_in_pages(store: &Arc<dyn Store>) {
    let message = |bytes: usize| Message { to: id(1), payload: vec![b'x'; bytes] };
    let messages = (0..70).map(|_| message(1)).chain([message(12 << 20), message(12 << 20), message(1)]);
    store.commit(Commit { messages: messages.collect(), ..Commit::default() }).await.unwrap();
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = store.mailbox(id(1), after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        pages.push(page.len());
    }
    assert_eq!(pages, [64, 8, 1]);
}

/// Order and pages of a list.
pub async fn lists_are_sorted_and_cut(store: &Arc<dyn Store>) {
    let row = |number, business_key: Option<&str>, state| Instance {
        business_key: business_key.map(str::to_owned),
        state,
        error: business_key.map(|key| format!(r#"{{"message":"{key}"}}"#)),
        ..instance(number)
    };
    let rows = [
        row(3, Some("b"), State::Error),
        row(1, None, State::Active),
        row(4, Some("a"), State::Active),
        row(2, Some("b"), State::Completed),
    ];
    insert(store, rows).await;
    let list = async |order: &[(Field, Direction)], limit, offset| {
        let query = Query { order: order.to_vec(), limit, offset, ..Query::default() };
        let rows = store.query(query).await.unwrap();
        rows.iter().map(|row| row.id.as_bytes()[15]).collect::<Vec<u8>>()
    };
    assert_eq!(list(&[], None, 0).await, [3, 1, 4, 2], "in the order of insertion");
    assert_eq!(list(&[(Field::StartedAt, Descending)], None, 0).await, [4, 3, 2, 1]);
    assert_eq!(list(&[(Field::BusinessKey, Ascending)], None, 0).await, [4, 3, 2, 1]);
    assert_eq!(list(&[(Field::BusinessKey, Descending)], None, 0).await, [1, 3, 2, 4]);
    assert_eq!(list(&[(Field::ErrorMessage, Ascending)], None, 0).await, [4, 3, 2, 1]);
    assert_eq!(
        list(&[(Field::State, Ascending), (Field::StartedAt, Descending)], None, 0).await,
        [4, 1, 2, 3]
    );
    assert_eq!(list(&[(Field::Workflow, Ascending), (Field::Id, Ascending)], None, 0).await, [1, 2, 3, 4]);
    assert_eq!(list(&[(Field::Id, Ascending)], Some(2), 1).await, [2, 3]);
    assert_eq!(list(&[(Field::Id, Ascending)], None, 3).await, [4]);
    assert_eq!(list(&[(Field::Id, Ascending)], Some(0), 0).await, Vec::<u8>::new());
    assert_eq!(list(&[(Field::Id, Ascending)], Some(u64::MAX), u64::MAX).await, Vec::<u8>::new());
}

/// Columns that a query does not ask for are empty.
pub async fn columns_that_are_not_wanted_are_empty(store: &Arc<dyn Store>) {
    let full = Instance {
        input: Some("{}".to_owned()),
        extra: Some("{}".to_owned()),
        frames: vec![1],
        sealed: Some(vec![2]),
        ..instance(1)
    };
    insert(store, [full.clone()]).await;
    let without_data = Instance { data: String::new(), input: None, extra: None, ..full.clone() };
    let without_frames = Instance { frames: Vec::new(), sealed: None, ..full.clone() };
    let neither = Instance { frames: Vec::new(), sealed: None, ..without_data.clone() };
    for (columns, row) in [
        (Columns::ALL, full),
        (Columns { data: false, frames: true }, without_data),
        (Columns { data: true, frames: false }, without_frames),
        (Columns::default(), neither),
    ] {
        let found = store.query(Query { columns, ..Query::default() }).await;
        assert_eq!(found, Ok(vec![row]), "{columns:?}");
    }
}

/// A list that grows too large ends with an error.
pub async fn a_list_has_a_bound_in_bytes(store: &Arc<dyn Store>) {
    insert(store, [1, 2, 3].map(instance)).await;
    let rows = store.query(Query::default()).await.unwrap();
    let two: u64 = rows.iter().take(2).map(Instance::bytes).sum();
    let query = |max_bytes, limit| Query { limit, max_bytes, ..Query::default() };
    for (max_bytes, limit, expected) in [
        (Some(two), Some(2), Ok(2)),
        (Some(two), None, Err(StoreError::TooLarge(two))),
        (Some(0), None, Err(StoreError::TooLarge(0))),
        (Some(0), Some(0), Ok(0)),
        (None, None, Ok(3)),
    ] {
        let found = store.query(query(max_bytes, limit)).await.map(|rows| rows.len());
        assert_eq!(found, expected, "{max_bytes:?} {limit:?}");
    }
}
