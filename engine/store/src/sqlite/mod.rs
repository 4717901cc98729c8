//! The store in a file of SQLite.
//!
//! ```text
//!  commit ───▶ queue ──▶ writer thread ── one transaction for all that wait ──▶ file
//!  instance, due, history… ──▶ queue ──▶ point readers ──┐
//!  query, count, definitions ──▶ queue ──▶ list readers ─┴── connections of their own, read only
//! ```
//!
//! A list that takes long never stands before a turn: it has its own threads. In memory there is one connection only, so
//! reads go through the writer's queue.

mod apply;
mod filter;
mod lookout;
mod open;
mod parts;
mod readers;
mod revisions;
mod rows;
mod transaction;
mod trouble;
mod writer;

#[cfg(test)]
mod tests;

use std::{pin::Pin, sync::mpsc};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::{
    Answer, ChangedFingerprint, Commit, CommitError, Definition, Filter, History, Instance, OpenError, Query,
    Revision, Store, StoreError, location::Location,
};
use readers::Readers;
use trouble::Trouble;
use writer::Job;

/// A database of SQLite. Dropping it ends its threads after they have done what is waiting.
#[derive(Debug)]
pub(crate) struct Sqlite {
    writer: mpsc::Sender<Job>,
    readers: Option<Both>,
    lost: watch::Receiver<Option<StoreError>>,
    trouble: watch::Receiver<Option<StoreError>>,
}

#[derive(Debug)]
struct Both {
    points: Readers,
    lists: Readers,
}

/// Who reads.
#[derive(Debug, Clone, Copy)]
enum Lane {
    Point,
    List,
}

impl Sqlite {
    pub(crate) async fn open(location: Location) -> Result<Self, OpenError> {
        let (writer, queue) = mpsc::channel();
        let (opened, answer) = oneshot::channel();
        let path = location.path().to_owned();
        let failed = move |problem: String| OpenError::File { path, source: problem.into() };
        // Opening is blocking work, so it is done by the thread that will write.
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let spawned = thread.spawn(move || match open::open(&location) {
            Err(error) => drop(opened.send(Err(error))),
            Ok(database) => {
                let (lost, trouble) = (database.lookout.subscribe(), Trouble::new());
                if opened.send(Ok((database.readers, lost, trouble.subscribe()))).is_ok() {
                    let (connection, threads) = (database.connection, database.threads);
                    let (locks, lookout) = (database.locks, database.lookout);
                    writer::Writer::new(connection, threads, locks, lookout, trouble).run(&queue);
                }
            }
        });
        if let Err(error) = spawned {
            return Err(failed(error.to_string()));
        }
        let (readers, lost, trouble) =
            answer.await.unwrap_or_else(|_| Err(failed("the writer thread has ended".to_owned())))?;
        let readers = readers.map(|(points, lists)| Both { points, lists });
        Ok(Self { writer, readers, lost, trouble })
    }

    /// Runs `read` on a reading connection.
    fn read<T, F>(&self, lane: Lane, read: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let task = Box::new(move |connection: &Connection| {
            // Whoever asked may have gone away.
            let _ = answer.send(read(connection).map_err(told));
        });
        // A closed queue drops the task, and its answer with it: the receiver then tells.
        match (&self.readers, lane) {
            (Some(readers), Lane::Point) => readers.points.send(task),
            (Some(readers), Lane::List) => readers.lists.send(task),
            (None, _) => drop(self.writer.send(Job::Task(task))),
        }
        Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }

    /// Runs `write` on the writing connection, between two transactions.
    fn write<T, F>(&self, write: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let task = Box::new(move |connection: &Connection| {
            let _ = answer.send(write(connection).map_err(told));
        });
        drop(self.writer.send(Job::Task(task)));
        Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

impl Store for Sqlite {
    fn commit(&self, commit: Commit) -> Answer<(), CommitError> {
        let (answer, answered) = oneshot::channel();
        drop(self.writer.send(Job::Commit(Box::new(commit), answer)));
        Box::pin(async { answered.await.unwrap_or(Err(CommitError::Store(StoreError::Closed))) })
    }

    fn instance(&self, id: Uuid) -> Answer<Option<Instance>> {
        self.read(Lane::Point, move |connection| rows::instance(connection, id))
    }

    fn instances(&self, ids: Vec<Uuid>) -> Answer<Vec<Instance>> {
        self.read(Lane::List, move |connection| {
            let found = ids.into_iter().filter_map(|id| rows::instance(connection, id).transpose());
            found.collect()
        })
    }

    fn due(&self, until: i64, after: Option<(i64, Uuid)>, limit: usize) -> Answer<Vec<(i64, Uuid)>> {
        self.read(Lane::Point, move |connection| rows::due(connection, until, after, limit))
    }

    fn busy(&self, after: Option<Uuid>, limit: usize) -> Answer<Vec<Uuid>> {
        self.read(Lane::Point, move |connection| rows::busy(connection, after, limit))
    }

    fn history(&self, id: Uuid) -> Answer<Vec<History>> {
        self.read(Lane::Point, move |connection| rows::history(connection, id))
    }

    fn parts(&self, id: Uuid) -> Answer<Vec<(String, Vec<u8>)>> {
        self.read(Lane::Point, move |connection| parts::parts(connection, id))
    }

    fn children(&self, id: Uuid) -> Answer<Vec<Uuid>> {
        self.read(Lane::Point, move |connection| rows::children(connection, id))
    }

    fn mailbox(&self, id: Uuid) -> Answer<Vec<(i64, Vec<u8>)>> {
        self.read(Lane::Point, move |connection| rows::mailbox(connection, id))
    }

    fn mailboxes(&self) -> Answer<Vec<Uuid>> {
        self.read(Lane::List, rows::mailboxes)
    }

    fn query(&self, query: Query) -> Answer<Vec<Instance>> {
        let most = query.max_bytes.unwrap_or(u64::MAX);
        let rows = self.read(Lane::List, move |connection| rows::query(connection, &query));
        Box::pin(async move { rows.await?.ok_or(StoreError::TooLarge(most)) })
    }

    fn count(&self, filter: Filter) -> Answer<u64> {
        self.read(Lane::List, move |connection| rows::count(connection, &filter))
    }

    fn put_revisions(&self, revisions: Vec<Revision>) -> Answer<Vec<ChangedFingerprint>> {
        self.write(move |connection| revisions::put(connection, &revisions))
    }

    fn revision(&self, digest: &str) -> Answer<Option<Revision>> {
        let digest = digest.to_owned();
        self.read(Lane::Point, move |connection| revisions::revision(connection, &digest))
    }

    fn definitions(&self) -> Answer<Vec<Definition>> {
        self.read(Lane::List, revisions::definitions)
    }

    fn lost(&self) -> Pin<Box<dyn Future<Output = StoreError> + Send>> {
        let mut lost = self.lost.clone();
        Box::pin(async move {
            let error = lost.wait_for(Option::is_some).await.ok().and_then(|error| error.clone());
            match error {
                Some(error) => error,
                // It was closed.
                None => std::future::pending().await,
            }
        })
    }

    fn trouble(&self) -> Option<StoreError> {
        self.trouble.borrow().clone()
    }

    fn close(&self) -> Answer<()> {
        if let Some(readers) = &self.readers {
            readers.points.stop();
            readers.lists.stop();
        }
        let (answer, answered) = oneshot::channel();
        drop(self.writer.send(Job::Close(answer)));
        Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

/// What SQLite says, in the words of the trait.
fn told(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full,
        _ => StoreError::Database(error.to_string()),
    }
}
