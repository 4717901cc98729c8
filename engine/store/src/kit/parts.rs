//! Promises of parts.

use std::sync::Arc;

use super::{id, insert, inserting, instance, updating};
use crate::{Commit, CommitError, Instance, PartWrite, Store, Update, Write};

fn put(number: u8, key: &str, content: &[u8]) -> PartWrite {
    PartWrite::Put { instance: id(number), key: key.to_owned(), content: content.to_vec() }
}

fn remove(number: u8, key: &str) -> PartWrite {
    PartWrite::Remove { instance: id(number), key: key.to_owned() }
}

fn remove_prefix(number: u8, prefix: &str) -> PartWrite {
    PartWrite::RemovePrefix { instance: id(number), prefix: prefix.to_owned() }
}

/// Brings the instance of a number to its next turn, together with changes to parts.
async fn turn(store: &Arc<dyn Store>, number: u8, parts: Vec<PartWrite>) {
    let row = store.instance(id(number)).await.unwrap().unwrap();
    store.commit(Commit { parts, ..updating(row) }).await.unwrap();
}

async fn keys(store: &Arc<dyn Store>, number: u8) -> Vec<String> {
    store.parts(id(number)).await.unwrap().into_iter().map(|(key, _)| key).collect()
}

/// Every instance has parts of its own, which come back as they were written.
pub async fn parts_come_back_in_the_order_of_their_keys(store: &Arc<dyn Store>) {
    let large: Vec<u8> = (0..2_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let mut commit = inserting([instance(1), instance(2)]);
    commit.parts = vec![
        put(1, "loop/7/9", b"nine"),
        put(1, "ä", &large),
        put(2, "loop/7/9", b"of another"),
        put(1, "", b""),
        put(1, "loop/7/10", b"\xff\x00"),
    ];
    store.put_revisions(vec![super::revision()]).await.unwrap();
    store.commit(commit).await.unwrap();
    let of = |key: &str, content: &[u8]| (key.to_owned(), content.to_vec());
    assert_eq!(
        store.parts(id(1)).await,
        Ok(vec![of("", b""), of("loop/7/10", b"\xff\x00"), of("loop/7/9", b"nine"), of("ä", &large)])
    );
    assert_eq!(store.parts(id(2)).await, Ok(vec![of("loop/7/9", b"of another")]));
    assert_eq!(store.parts(id(3)).await, Ok(Vec::new()));

    turn(store, 1, vec![put(1, "ä", b"small")]).await;
    assert_eq!(store.parts(id(1)).await.unwrap().last(), Some(&of("ä", b"small")));
}

/// Every character of a prefix stands for itself.
pub async fn parts_are_removed_by_key_and_by_prefix(store: &Arc<dyn Store>) {
    let all =
        ["a%", "a%b", "ab", "loop/6/1", "loop/7", "loop/7/", "loop/7/1", "loop/7/\u{10ffff}x", "loop/70/1"];
    for (writes, left) in [
        (vec![remove(1, "loop/7"), remove(1, "nowhere")], vec![0, 1, 2, 3, 5, 6, 7, 8]),
        (vec![remove_prefix(1, "loop/7/")], vec![0, 1, 2, 3, 4, 8]),
        (vec![remove_prefix(1, "loop/7/\u{10ffff}")], vec![0, 1, 2, 3, 4, 5, 6, 8]),
        (vec![remove_prefix(1, "loop/7")], vec![0, 1, 2, 3]),
        (vec![remove_prefix(1, "a%")], vec![2, 3, 4, 5, 6, 7, 8]),
        (vec![remove_prefix(1, "nowhere")], vec![0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (vec![remove_prefix(1, "")], vec![]),
    ] {
        let case = format!("{writes:?}");
        if store.instance(id(1)).await.unwrap().is_none() {
            insert(store, [instance(1), instance(2)]).await;
            turn(store, 2, all.iter().map(|key| put(2, key, b"")).collect()).await;
        }
        turn(store, 1, all.iter().map(|key| put(1, key, b"")).collect()).await;
        turn(store, 1, writes).await;
        let left: Vec<&str> = left.into_iter().map(|place: usize| all[place]).collect();
        assert_eq!(keys(store, 1).await, left, "{case}");
        assert_eq!(keys(store, 2).await, all, "{case}");
    }
}

/// The changes of a commit are carried out in their order.
pub async fn parts_are_written_in_their_order(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    let writes = vec![
        put(1, "x/1", b"old"),
        put(1, "x/2", b""),
        remove_prefix(1, "x/"),
        put(1, "x/1", b"new"),
        put(1, "y", b""),
        remove(1, "y"),
    ];
    turn(store, 1, writes).await;
    assert_eq!(store.parts(id(1)).await, Ok(vec![("x/1".to_owned(), b"new".to_vec())]));
}

/// Parts share the fence of their instance, so its row is written by the same commit.
pub async fn parts_need_the_row_of_their_instance(store: &Arc<dyn Store>) {
    insert(store, [instance(1), instance(2)]).await;
    for number in [2, 3] {
        let parts = vec![put(1, "a", b""), put(number, "a", b"")];
        let refused = store.commit(Commit { parts, ..updating(instance(1)) }).await;
        assert_eq!(refused, Err(CommitError::PartsWithoutRow { instance: id(number) }));
    }
    let late = updating(Instance { turn: 7, ..instance(1) });
    let refused = store.commit(Commit { parts: vec![put(1, "a", b"")], ..late }).await;
    assert!(matches!(refused, Err(CommitError::Fenced { .. })), "{refused:?}");
    let unknown = Commit { parts: vec![put(3, "a", b"")], ..updating(instance(3)) };
    let refused = store.commit(unknown).await;
    assert!(matches!(refused, Err(CommitError::Fenced { found: None, .. })), "{refused:?}");
    for number in [1, 2, 3] {
        assert_eq!(store.parts(id(number)).await, Ok(Vec::new()), "instance {number}");
    }
    assert_eq!(store.instance(id(1)).await, Ok(Some(instance(1))));
}

/// The commit that ends an instance removes its parts, those too that it writes itself.
pub async fn an_instance_that_ends_has_no_parts(store: &Arc<dyn Store>) {
    insert(store, [instance(1), instance(2)]).await;
    turn(store, 1, vec![put(1, "a", b""), put(1, "b", b"")]).await;
    turn(store, 2, vec![put(2, "a", b"")]).await;
    let row = store.instance(id(1)).await.unwrap().unwrap();
    let (expected_turn, ended_at) = (row.turn, Some(9));
    let ended = Instance { turn: expected_turn + 1, ended_at, ..row };
    let mut commit = inserting([Instance { ended_at, ..instance(3) }, instance(4)]);
    commit.writes.push(Write::Update(Update::of_row(ended, expected_turn)));
    commit.parts = vec![put(1, "c", b""), put(3, "c", b""), put(4, "c", b"")];
    store.commit(commit).await.unwrap();
    assert_eq!(keys(store, 1).await, Vec::<String>::new());
    assert_eq!(keys(store, 2).await, ["a"]);
    assert_eq!(keys(store, 3).await, Vec::<String>::new());
    assert_eq!(keys(store, 4).await, ["c"]);
}
