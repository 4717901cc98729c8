//! Whatever stands in a row, reading it ends in an answer, and the rows beside it are as they were.

use std::fs;

use proptest::prelude::*;

use super::Folder;
use crate::{Columns, Database, INSTANCES, Instance, PartWrite, Query, StoreError, kit, store_in};

/// Columns of the table with the types that the table lets them have.
const COLUMNS: [(&str, &str); 20] = [
    ("id", "BLOB"),
    ("revision", "INTEGER"),
    ("state", "INTEGER"),
    ("turn", "INTEGER"),
    ("busy", "INTEGER"),
    ("started_at", "INTEGER"),
    ("updated_at", "INTEGER"),
    ("ended_at", "INTEGER"),
    ("wake_at", "INTEGER"),
    ("business_key", "TEXT"),
    ("reference_id", "TEXT"),
    ("parent", "BLOB"),
    ("root", "BLOB"),
    ("root_workflow", "TEXT"),
    ("error", "TEXT"),
    ("frames", "BLOB"),
    ("sealed", "BLOB"),
    ("input", "TEXT"),
    ("extra", "TEXT"),
    ("data", "TEXT"),
];

/// Three instances, of which the first and the last must stay as they are.
fn rows() -> [Instance; 3] {
    [1, 2, 3].map(|number| Instance { busy: true, wake_at: Some(5), ..kit::instance(number) })
}

#[test]
fn a_row_with_any_content_changes_no_other() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = Folder::new();
    let (database, store) = runtime.block_on(async {
        let database = Database::open(&folder.url(), &[INSTANCES]).await.unwrap();
        let store = store_in(database.clone());
        kit::insert(&store, rows()).await;
        (database, store)
    });
    let content = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        Just(br#"{"message": 7}"#.to_vec()),
    ];
    let damage = proptest::collection::vec((0..COLUMNS.len(), content), 1..4);
    proptest!(ProptestConfig::with_cases(128), |(damage in damage)| {
        runtime.block_on(async {
            database.on_writer(move |connection| {
                for (column, bytes) in damage {
                    let (name, kind) = COLUMNS[column];
                    let update = format!("UPDATE instance SET {name} = CAST(?1 AS {kind}) WHERE number = 2");
                    // The same id twice is refused.
                    let _ = connection.execute(&update, [bytes]);
                }
                Ok(())
            }).await.unwrap();
            for number in [1, 3] {
                let found = store.instance(kit::id(number)).await.unwrap().unwrap();
                assert_eq!(found, rows()[usize::from(number) - 1]);
            }
            let found = store.instance(kit::id(2)).await;
            assert!(matches!(found, Ok(_) | Err(StoreError::Damaged { .. })), "{found:?}");
            let listed = store.query(Query { columns: Columns::ALL, ..Query::default() }).await.unwrap();
            for row in rows().iter().filter(|row| row.id != kit::id(2)) {
                assert!(listed.contains(row), "{listed:?}");
            }
            for id in [1, 3].map(kit::id) {
                assert!(store.busy(None, 9).await.unwrap().contains(&id));
                assert!(store.due(9, None, 9).await.unwrap().contains(&(5, id)));
            }
            assert_eq!(store.health(), Ok(()));
            let original = rows()[1].clone();
            database.on_writer(move |connection| {
                connection.execute("DELETE FROM instance WHERE number = 2", [])
            }).await.unwrap();
            database.on_writer(move |connection| {
                connection.execute(
                    "INSERT INTO instance (number, id, revision, state, turn, busy, started_at, updated_at, frames, data)
                     VALUES (2, ?1, 1, 1, 1, 1, 1, 1, x'', 'null')",
                    [original.id],
                )
            }).await.unwrap();
        });
    });
    runtime.block_on(store.close()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_page_that_cannot_be_read_is_an_error_and_shown_by_health() {
    let folder = Folder::new();
    let store = crate::open(&folder.url()).await.unwrap();
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    for number in 1..=40 {
        let row = Instance { data: format!(r#""{}""#, "x".repeat(3000)), ..kit::instance(number) };
        store.commit(kit::inserting([row])).await.unwrap();
    }
    store.close().await.unwrap();
    // A leaf in the middle: what a start looks at is whole.
    let mut file = fs::read(folder.file()).unwrap();
    let leaves: Vec<_> = (1..file.len() / 8192).filter(|page| file[page * 8192] == 13).collect();
    let damaged = leaves[leaves.len() / 2];
    file[damaged * 8192 + 3..][..40].fill(0xff);
    fs::write(folder.file(), file).unwrap();

    let store = crate::open(&folder.url()).await.unwrap();
    assert_eq!(store.health(), Ok(()));
    let listed = store.query(Query { columns: Columns::ALL, ..Query::default() }).await;
    assert!(matches!(listed, Err(StoreError::Corrupt(_))), "{listed:?}");
    let Err(StoreError::Corrupt(problem)) = store.health() else { panic!("nothing is shown") };
    assert!(problem.contains("malformed"), "{problem}");
    let mut missing = 0;
    for number in 1..=40 {
        match store.instance(kit::id(number)).await {
            Ok(found) => assert!(found.is_some(), "{number} is answered as if it had never been there"),
            Err(StoreError::Corrupt(_)) => missing += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!((1..10).contains(&missing), "{missing}");
    store.close().await.unwrap();
}

#[test]
fn a_file_with_any_bytes_is_refused_or_answers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = Folder::new();
    runtime.block_on(async {
        let store = crate::open(&folder.url()).await.unwrap();
        store.put_revisions(vec![kit::revision()]).await.unwrap();
        for number in 1..=40 {
            let mut commit = kit::inserting([kit::instance(number)]);
            let content = vec![number; 3000];
            commit.parts = vec![PartWrite::Put { instance: kit::id(number), key: "a".to_owned(), content }];
            store.commit(commit).await.unwrap();
        }
        store.close().await.unwrap();
    });
    let whole = fs::read(folder.file()).unwrap();
    let damage = proptest::collection::vec((0..whole.len(), any::<u8>()), 1..40);
    proptest!(ProptestConfig::with_cases(48), |(damage in damage)| {
        let mut file = whole.clone();
        for (at, byte) in damage {
            file[at] = byte;
        }
        fs::write(folder.file(), file).unwrap();
        runtime.block_on(async {
            let Ok(store) = crate::open(&folder.url()).await else { return };
            for number in 1..=40 {
                let _ = store.instance(kit::id(number)).await;
                let _ = store.parts(kit::id(number)).await;
            }
            let _ = store.query(Query { columns: Columns::ALL, ..Query::default() }).await;
            let _ = store.busy(None, 99).await;
            let _ = store.commit(kit::updating(kit::instance(5))).await;
            let _ = store.close().await;
        });
        let new = folder.path().join("new.db");
        let _ = fs::remove_file(&new);
        let _ = crate::salvage::salvage(&folder.url(), &new);
        let _ = fs::remove_file(folder.path().join("rondo.db-wal"));
        let _ = fs::remove_file(folder.path().join("rondo.db-shm"));
        let _ = fs::remove_file(folder.path().join("rondo.db.last-commit"));
    });
}
