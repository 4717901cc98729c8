//! Databases of earlier versions go on.

use rusqlite::Connection;

use super::Folder;
use crate::{
    Change, Columns, Commit, Condition, Field, Filter, Instance, MailboxMessage, Message, PartWrite, Query,
    State, Update, Write, kit,
};

/// A folder with a database that only the first migration has made, and what that version wrote into it.
fn version_1() -> Folder {
    let folder = Folder::new();
    let file = Connection::open(folder.file()).unwrap();
    file.execute_batch("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL").unwrap();
    file.execute_batch(include_str!("../../../migrations/sqlite/0001_instances.sql")).unwrap();
    file.execute_batch(include_str!("version_1.sql")).unwrap();
    folder
}

/// The instances of `version_1.sql`.
fn instances() -> [Instance; 3] {
    let asleep = Instance {
        wake_at: Some(5000),
        business_key: Some("order 7".to_owned()),
        frames: vec![1, 2],
        ..kit::instance(1)
    };
    let large = Instance {
        turn: 4,
        busy: true,
        frames: vec![3],
        input: Some(format!(r#"{{"input":"{}"}}"#, "y".repeat(100_000))),
        data: format!(r#"{{"n":2,"text":"{}"}}"#, "x".repeat(200_000)),
        ..kit::instance(2)
    };
    let ended = Instance {
        state: State::Completed,
        turn: 2,
        updated_at: 1009,
        ended_at: Some(1009),
        parent: Some(kit::id(1)),
        root: Some(kit::id(1)),
        root_workflow: Some("approval".to_owned()),
        ..kit::instance(3)
    };
    [asleep, large, ended]
}

#[tokio::test]
async fn a_database_of_version_1_keeps_what_is_in_it() {
    let folder = version_1();
    // The second time there is nothing left to do.
    for _ in 0..2 {
        let store = crate::open(&folder.url()).await.unwrap();
        let everything = Query { columns: Columns::ALL, ..Query::default() };
        assert_eq!(store.query(everything).await, Ok(instances().to_vec()));
        for instance in instances() {
            assert_eq!(store.instance(instance.id).await, Ok(Some(instance.clone())));
            assert_eq!(store.parts(instance.id).await, Ok(Vec::new()));
        }
        assert_eq!(store.due(9999, None, 9).await, Ok(vec![(5000, kit::id(1))]));
        assert_eq!(store.busy(None, 9).await, Ok(vec![kit::id(2)]));
        assert_eq!(store.children(kit::id(1)).await, Ok(vec![kit::id(3)]));
        assert_eq!(store.history(kit::id(3)).await.unwrap().len(), 2);
        let message = MailboxMessage { number: 41, payload: vec![0xff], event: None };
        assert_eq!(store.mailbox(kit::id(1), None).await, Ok(vec![message]));
        let revision = store.revision(kit::REVISION).await.unwrap().unwrap();
        assert_eq!((revision.fingerprint, revision.bundle.len()), (None, 1));
        let condition = Condition::Like("xx*".to_owned());
        let path = vec!["workflowdata".to_owned(), "text".to_owned()];
        assert_eq!(store.count(Filter::Json { path, condition }).await, Ok(1));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn instances_of_version_1_go_on() {
    let folder = version_1();
    let [asleep, large, _] = instances();
    let store = crate::open(&folder.url()).await.unwrap();
    let fingerprint = Some("f".to_owned());
    let changed =
        store.put_revisions(vec![crate::Revision { fingerprint, ..kit::revision() }]).await.unwrap();
    assert_eq!(changed.len(), 1);
    let mut expected = [asleep, large];
    // A turn that keeps the data, one that changes them, and one that keeps them again.
    for data in [Change::Keep, Change::Set("[".to_owned() + &"7,".repeat(5000) + "7]"), Change::Keep] {
        for row in &mut expected {
            let update = Update { data: data.clone(), ..Update::of_row(row.clone(), row.turn) };
            let update = Update { turn: row.turn + 1, frames: vec![9; row.frames.len() + 1], ..update };
            row.frames.clone_from(&update.frames);
            row.turn += 1;
            if let Change::Set(data) = &data {
                row.data.clone_from(data);
            }
            let key = format!("loop/{}", row.turn);
            let parts = vec![PartWrite::Put { instance: row.id, key, content: vec![1; 1000] }];
            let writes = vec![Write::Update(update)];
            store.commit(Commit { writes, parts, ..Commit::default() }).await.unwrap();
        }
    }
    store.commit(kit::inserting([kit::instance(4)])).await.unwrap();
    let message = Message { to: kit::id(1), payload: Vec::new() };
    store.commit(Commit { messages: vec![message], ..Commit::default() }).await.unwrap();
    store.close().await.unwrap();

    let store = crate::open(&folder.url()).await.unwrap();
    for row in expected {
        assert_eq!(store.instance(row.id).await, Ok(Some(row.clone())));
        assert_eq!(store.parts(row.id).await.unwrap().len(), 3);
    }
    let order = vec![(Field::Id, crate::Direction::Ascending)];
    let ids: Vec<_> =
        store.query(Query { order, ..Query::default() }).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(ids, [1, 2, 3, 4].map(kit::id));
    let numbers: Vec<i64> =
        store.mailbox(kit::id(1), None).await.unwrap().iter().map(|message| message.number).collect();
    assert_eq!(numbers, [41, 42]);
    store.close().await.unwrap();
}

/// An instance that waits for events had no rows of waits, so it has a turn in which it writes them.
#[tokio::test]
async fn instances_that_wait_for_events_are_due() {
    let folder = version_1();
    let file = Connection::open(folder.file()).unwrap();
    // Waits; waits with a timeout; has ended; waits for something else, and says so in text that has the same letters.
    file.execute_batch(
        r#"INSERT INTO instance (number, id, revision, state, turn, busy, started_at, updated_at, wake_at, frames, data) VALUES
            (4, x'019ab20e2c0070008000000000000004', 1, 1, 1, 0, 1004, 1004, NULL, CAST('1[{"e":[0]}]' AS BLOB), '{}'),
            (5, x'019ab20e2c0070008000000000000005', 1, 1, 1, 0, 1005, 1005, 7000, CAST('1[0,{"e":[0,1]}]' AS BLOB), '{}'),
            (6, x'019ab20e2c0070008000000000000006', 1, 2, 1, 0, 1006, 1006, NULL, CAST('1[{"e":[0]}]' AS BLOB), '{}'),
            (7, x'019ab20e2c0070008000000000000007', 1, 1, 1, 0, 1007, 1007, 6000, CAST('1[{"c":0}]e[' AS BLOB), '{}')"#,
    )
    .unwrap();
    drop(file);
    for _ in 0..2 {
        let store = crate::open(&folder.url()).await.unwrap();
        let due = vec![(1, kit::id(4)), (1, kit::id(5)), (5000, kit::id(1)), (6000, kit::id(7))];
        assert_eq!(store.due(9999, None, 9).await, Ok(due));
        store.close().await.unwrap();
    }
}
