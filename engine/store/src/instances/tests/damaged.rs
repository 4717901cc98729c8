//! A damaged row fails by itself.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
};

use serde_json::json;

use super::Folder;
use crate::{
    Columns, CommitError, Condition, Database, Direction, Field, Filter, History, INSTANCES, Instance,
    Message, PartWrite, Query, Store, StoreError, kit, store_in,
};

/// All that was logged in this process.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
});

/// Held by a test that damages rows, since each is named in the log of all.
static LOG_USER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines about damage since they were last taken.
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| line.contains("is damaged")).map(str::to_owned).collect()
    }
}

/// Three instances that are busy and due and have a parent, of which the second is damaged by a statement.
async fn damaged_by(sql: &'static str) -> (Folder, Arc<dyn Store>) {
    let folder = Folder::new();
    let database = Database::open(&folder.url(), &[INSTANCES]).await.unwrap();
    let store = store_in(database.clone());
    let rows = [1, 2, 3].map(|number| Instance {
        busy: true,
        wake_at: Some(i64::from(number)),
        parent: Some(kit::id(9)),
        error: Some(format!(r#"{{"message":"no {number}"}}"#)),
        ..kit::instance(number)
    });
    kit::insert(&store, rows).await;
    database.on_writer(|connection| connection.execute_batch(sql)).await.unwrap();
    (folder, store)
}

fn numbers(rows: &[Instance]) -> Vec<u8> {
    rows.iter().map(|row| row.id.as_bytes()[15]).collect()
}

#[tokio::test]
async fn a_damaged_row_is_shown_in_error_and_named_once() {
    let _alone = LOG_USER.lock().await;
    let _ = LOG.take();
    for (sql, problem) in [
        ("UPDATE instance SET state = 77 WHERE number = 2", "77 is the number of no state"),
        ("UPDATE instance SET turn = -5 WHERE number = 2", "Integer -5 out of range"),
        ("UPDATE instance SET revision = 99 WHERE number = 2", "Invalid column type Null"),
        ("UPDATE instance SET parent = x'01' WHERE number = 2", "Conversion error"),
        ("UPDATE instance SET error = CAST(x'22ff22' AS TEXT) WHERE number = 2", "utf-8"),
        ("UPDATE instance SET data = CAST(x'22ff22' AS TEXT) WHERE number = 2", "utf-8"),
        ("UPDATE instance SET data = '' WHERE number = 2", "Invalid column type Blob"),
        ("UPDATE instance SET data = '{\"a\": [1, 2' WHERE number = 2", "the data are not JSON"),
        (
            "UPDATE instance SET frames = CAST('x' AS BLOB), data = CAST(zeroblob(9) AS TEXT) WHERE number = 2",
            "the data are not JSON",
        ),
        ("UPDATE instance SET input = '' WHERE number = 2", "Invalid column type Blob"),
    ] {
        let (_folder, store) = damaged_by(sql).await;
        let Err(StoreError::Damaged { instance, problem: found }) = store.instance(kit::id(2)).await else {
            panic!("{sql} does not fail")
        };
        assert!(instance == kit::id(2) && found.contains(problem), "{sql}: {found}");
        let everything = Query { columns: Columns::ALL, ..Query::default() };
        let rows = store.query(everything).await.unwrap();
        assert_eq!(numbers(&rows), [1, 2, 3], "{sql}");
        let shown = &rows[1];
        assert_eq!((shown.state, shown.data.as_str()), (crate::State::Error, "null"), "{sql}");
        assert!(
            shown.error.as_ref().unwrap().contains("is damaged in the database"),
            "{sql}: {:?}",
            shown.error
        );
        let several = store.instances(vec![kit::id(3), kit::id(2), kit::id(1)]).await.unwrap();
        assert_eq!(numbers(&several), [3, 1], "{sql}");
        let lines = LOG.take();
        assert!(matches!(&lines[..], [line] if line.contains(&kit::id(2).to_string())), "{sql}: {lines:?}");
        assert_eq!(store.damaged_instances(), 1);
        let filter = Filter::Json {
            path: ["workflowdata", "n"].map(str::to_owned).to_vec(),
            condition: Condition::In(vec![json!(1), json!(3)]),
        };
        let order = vec![(Field::ErrorMessage, Direction::Descending)];
        let found = store.query(Query { filter, order, ..Query::default() }).await.unwrap();
        assert_eq!(numbers(&found), [3, 1], "{sql}");
        // A caller that takes instances up finds the damaged one too, and fails with it alone.
        assert_eq!(store.busy(None, 9).await, Ok([1, 2, 3].map(kit::id).to_vec()), "{sql}");
        assert_eq!(store.due(9, None, 9).await.unwrap().len(), 3, "{sql}");
        store.commit(kit::updating(store.instance(kit::id(1)).await.unwrap().unwrap())).await.unwrap();
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_left_out_of_lists() {
    let _alone = LOG_USER.lock().await;
    let _ = LOG.take();
    let (_folder, store) = damaged_by("UPDATE instance SET id = x'0000' WHERE number = 2").await;
    assert_eq!(store.busy(None, 2).await, Ok([1, 3].map(kit::id).to_vec()));
    assert_eq!(store.due(9, None, 2).await, Ok(vec![(1, kit::id(1)), (3, kit::id(3))]));
    assert_eq!(store.children(kit::id(9)).await, Ok([1, 3].map(kit::id).to_vec()));
    assert_eq!(numbers(&store.query(Query::default()).await.unwrap()), [1, 3]);
    let lines = LOG.take();
    assert!(matches!(&lines[..], [line] if line.contains("instance in row 2")), "{lines:?}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn damage_beside_the_row_is_of_its_instance() {
    let _alone = LOG_USER.lock().await;
    let _ = LOG.take();
    let (folder, store) = damaged_by("DELETE FROM mailbox").await;
    let part = |key: &str| PartWrite::Put { instance: kit::id(2), key: key.to_owned(), content: Vec::new() };
    let mut commit = kit::updating(store.instance(kit::id(2)).await.unwrap().unwrap());
    commit.parts = vec![part("a"), part("b")];
    commit.history =
        [1, 2].map(|turn| History { instance: kit::id(2), turn, at: 1, facts: "[]".to_owned() }).to_vec();
    commit.messages = [1, 2].map(|number| Message { to: kit::id(number), payload: Vec::new() }).to_vec();
    store.commit(commit).await.unwrap();
    store.close().await.unwrap();
    let file = rusqlite::Connection::open(folder.file()).unwrap();
    file.execute_batch(
        "UPDATE history SET facts = CAST(x'ff' AS TEXT) WHERE turn = 1;
         UPDATE part SET key = CAST(x'ff' AS TEXT) WHERE key = 'b';
         UPDATE mailbox SET recipient = x'01' WHERE number = 1",
    )
    .unwrap();
    drop(file);
    let store = crate::open(&folder.url()).await.unwrap();
    assert_eq!(store.history(kit::id(2)).await.unwrap().len(), 1);
    let lines = LOG.take();
    assert!(matches!(&lines[..], [line] if line.contains(&kit::id(2).to_string())), "{lines:?}");
    let parts = store.parts(kit::id(2)).await;
    assert!(
        matches!(parts, Err(StoreError::Damaged { instance, .. }) if instance == kit::id(2)),
        "{parts:?}"
    );
    assert_eq!(store.mailboxes().await, Ok(vec![kit::id(2)]));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_text_that_is_no_json_stops_no_list() {
    let _alone = LOG_USER.lock().await;
    for sql in [
        "UPDATE instance SET data = '{not json' WHERE number = 2",
        "UPDATE instance SET data = 'x', extra = 'not json' WHERE number = 2",
        "UPDATE instance SET error = 'not json' WHERE number = 2",
    ] {
        let (_folder, store) = damaged_by(sql).await;
        let path = |name: &str| ["workflowdata", name].map(str::to_owned).to_vec();
        let number = |operand| Filter::Json { path: path("n"), condition: Condition::Equal(json!(operand)) };
        let extra = Filter::Json { path: vec!["a".to_owned()], condition: Condition::IsNull(true) };
        let message = |text: &str| Filter::Compare {
            field: Field::ErrorMessage,
            condition: Condition::Equal(text.into()),
        };
        let order = vec![(Field::ErrorMessage, Direction::Descending)];
        for (filter, expected) in [
            (number(1), vec![1]),
            (Filter::Not(Box::new(number(1))), vec![2, 3]),
            (extra, vec![1, 2, 3]),
            (message("no 3"), vec![3]),
        ] {
            let listed =
                store.query(Query { filter: filter.clone(), order: order.clone(), ..Query::default() });
            let mut listed = numbers(&listed.await.unwrap());
            listed.sort_unstable();
            assert_eq!(listed, expected, "{filter:?} after {sql}");
            assert_eq!(store.count(filter).await, Ok(expected.len() as u64), "{sql}");
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_turn_of_a_damaged_row_fails_alone() {
    let _alone = LOG_USER.lock().await;
    let (_folder, store) = damaged_by("UPDATE instance SET turn = -5 WHERE number = 2").await;
    let answers = [1, 2, 3].map(|number| store.commit(kit::updating(kit::instance(number))));
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await);
    }
    let Err(CommitError::Store(StoreError::Damaged { instance, .. })) = &results[1] else {
        panic!("{results:?}")
    };
    assert_eq!(*instance, kit::id(2));
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    assert_eq!(store.health(), Ok(()));
    store.close().await.unwrap();
}
