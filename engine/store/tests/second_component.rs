//! Another component has tables in the same database, and writes them in one transaction with an instance.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use rondo_store::{
    Commit, CommitError, Component, Database, INSTANCES, Instance, Message, OpenError, ReadQueue, Revision,
    Store, StoreError, Update, WorkError, Write, commit_within, store_in,
};
use tempfile::TempDir;
use uuid::Uuid;

/// A desk: approvals that people ask for, each of which an instance waits for.
const DESK: Component = Component {
    name: "desk",
    migrations: &["CREATE TABLE desk_approval (
        number   INTEGER PRIMARY KEY,
        instance BLOB NOT NULL,
        verdict  TEXT NOT NULL UNIQUE
    ) STRICT"],
};

/// The desk of a later version.
const LATER_DESK: Component = Component {
    name: "desk",
    migrations: &[DESK.migrations[0], "ALTER TABLE desk_approval ADD COLUMN reason TEXT"],
};

/// Why the desk does not take a verdict.
#[derive(Debug, PartialEq, thiserror::Error)]
enum DeskError {
    #[error("an empty verdict")]
    Empty,
    #[error(transparent)]
    Instance(#[from] CommitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores a verdict, and tells the instance.
fn decide(database: &Database, verdict: &'static str, commit: Commit) -> rondo_store::Answer<i64, DeskError> {
    database.write(move |transaction| {
        let number = transaction
            .statement("INSERT INTO desk_approval (instance, verdict) VALUES (?1, ?2) RETURNING number")?
            .query_row((id(1), verdict), |row| row.get(0))?;
        // Later than it should be, to show that a unit of work that has written something can still refuse.
        if verdict.is_empty() {
            return Err(WorkError::Refused(DeskError::Empty));
        }
        commit_within(transaction, &commit)?;
        Ok(number)
    })
}

fn message(text: &str) -> Commit {
    let messages = vec![Message { to: id(1), payload: text.as_bytes().to_vec() }];
    Commit { messages, ..Commit::default() }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

async fn verdicts(database: &Database) -> Vec<String> {
    let read = database.read(ReadQueue::Short, |connection| {
        let mut statement = connection.prepare("SELECT verdict FROM desk_approval ORDER BY number")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    });
    read.await.unwrap()
}

async fn payloads(store: &Arc<dyn Store>) -> Vec<String> {
    let messages = store.mailbox(id(1), None).await.unwrap();
    messages.into_iter().map(|message| String::from_utf8(message.payload).unwrap()).collect()
}

/// A database with an instance at turn 1.
async fn open(url: &str) -> (Database, Arc<dyn Store>) {
    let database = Database::open(url, &[INSTANCES, DESK]).await.unwrap();
    let store = store_in(database.clone());
    let revision =
        Revision { digest: "r".to_owned(), workflow: "approval".to_owned(), ..Revision::default() };
    store.put_revisions(vec![revision]).await.unwrap();
    let row = Instance {
        id: id(1),
        revision: "r".to_owned(),
        turn: 1,
        data: "{}".to_owned(),
        ..Instance::default()
    };
    store.commit(Commit { writes: vec![Write::Insert(row)], ..Commit::default() }).await.unwrap();
    (database, store)
}

/// A turn of the instance that was computed from another one.
fn late() -> Commit {
    let update = Update { id: id(1), expected_turn: 7, turn: 8, ..Update::default() };
    Commit { writes: vec![Write::Update(update)], ..message("late") }
}

#[tokio::test]
async fn a_row_and_a_message_are_written_together_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    for url in ["sqlite::memory:".to_owned(), format!("sqlite://{}/rondo.db", folder.path().display())] {
        let (database, store) = open(&url).await;
        // All at once, so that they share a transaction.
        let answers = [
            decide(&database, "approved", message("1")),
            // The fence of the instance refuses the row of the desk.
            decide(&database, "late", late()),
            // The desk refuses after it has written.
            decide(&database, "", message("2")),
            // The database refuses.
            decide(&database, "approved", message("3")),
            decide(&database, "denied", message("4")),
        ];
        let mut results = Vec::new();
        for answer in answers {
            results.push(answer.await);
        }
        let fenced = CommitError::Fenced { instance: id(1), expected: Some(7), found: Some(1) };
        assert_eq!(results[0], Ok(1));
        assert_eq!(results[1], Err(DeskError::Instance(fenced)));
        assert_eq!(results[2], Err(DeskError::Empty));
        assert!(matches!(results[3], Err(DeskError::Store(StoreError::Database(_)))), "{:?}", results[3]);
        assert_eq!(results[4], Ok(2), "numbers of rows that were undone are free again");
        assert_eq!(verdicts(&database).await, ["approved", "denied"]);
        assert_eq!(payloads(&store).await, ["1", "4"]);
        assert_eq!(store.health(), Ok(()));
        database.close().await.unwrap();
        assert_eq!(store.instance(id(1)).await, Err(StoreError::Closed));
        assert_eq!(decide(&database, "x", message("5")).await, Err(DeskError::Store(StoreError::Closed)));
    }
}

#[tokio::test]
async fn work_that_panics_or_is_wrong_fails_alone() {
    let (database, store) = open("sqlite::memory:").await;
    let panics = database.write(|transaction| {
        transaction
            .statement("INSERT INTO desk_approval (instance, verdict) VALUES (x'', 'undone')")?
            .execute([])?;
        if transaction.connection().is_autocommit() {
            Ok::<(), WorkError<StoreError>>(())
        } else {
            panic!("a slip")
        }
    });
    let wrong = database.write(|transaction| {
        transaction.statement("INSERT INTO nowhere VALUES (1)")?.execute([])?;
        Ok::<(), WorkError<StoreError>>(())
    });
    let right = decide(&database, "approved", message("1"));
    assert_eq!(panics.await, Err(StoreError::Database("a unit of work panicked".to_owned())));
    assert!(matches!(wrong.await, Err(StoreError::Database(_))));
    assert_eq!(right.await, Ok(1));
    assert_eq!(verdicts(&database).await, ["approved"]);
    assert_eq!((payloads(&store).await, store.health()), (vec!["1".to_owned()], Ok(())));
    let panics = database.read(ReadQueue::Short, |_| -> Result<(), StoreError> { panic!("a slip") });
    assert!(panics.await.is_err());
    assert_eq!(verdicts(&database).await, ["approved"]);
}

#[tokio::test]
async fn each_component_is_brought_up_to_date_by_itself() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}/rondo.db", folder.path().display());
    let (database, _) = open(&url).await;
    decide(&database, "approved", message("1")).await.unwrap();
    database.close().await.unwrap();

    // Without the desk its tables stay as they are.
    let store = rondo_store::open(&url).await.unwrap();
    assert_eq!(payloads(&store).await, ["1"]);
    store.close().await.unwrap();

    let database = Database::open(&url, &[LATER_DESK, INSTANCES]).await.unwrap();
    assert_eq!(verdicts(&database).await, ["approved"]);
    let reasons = database.read(ReadQueue::List, |connection| {
        Ok(connection
            .query_row("SELECT count(*) FROM desk_approval WHERE reason IS NULL", [], |row| row.get(0))?)
    });
    assert_eq!(reasons.await, Ok(1));
    database.close().await.unwrap();

    let Err(OpenError::Newer { schema, found, known, .. }) = Database::open(&url, &[INSTANCES, DESK]).await
    else {
        panic!("an older desk opens the tables of a newer one")
    };
    assert_eq!((schema.as_str(), found, known), ("desk", 2, 1));
    Database::open(&url, &[INSTANCES, LATER_DESK]).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_migration_that_fails_changes_nothing() {
    const BROKEN: Component =
        Component { name: "desk", migrations: &[DESK.migrations[0], "CREATE TABLE desk_approval (again)"] };
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}/rondo.db", folder.path().display());
    let failed = Database::open(&url, &[INSTANCES, BROKEN]).await;
    assert!(matches!(failed, Err(OpenError::File { .. })), "{failed:?}");
    let (database, _) = open(&url).await;
    assert_eq!(verdicts(&database).await, Vec::<String>::new());
    database.close().await.unwrap();
}
