//! The database: one file, one thread that writes, and what several components share in it.
//!
//! ```text
//!  write ──▶ queue ──▶ writer thread ── one transaction for all work that waits ──▶ file
//!  read  ──▶ queue of short reads ──▶ readers ─┐
//!        ──▶ queue of lists ────────▶ readers ─┴── connections of their own, read only
//! ```
//!
//! Owns: the file, its lock and settings, the migrations that were applied, threads and connections. Promises: work that was answered
//! survives `kill -9`; each unit of work is all or nothing; a unit that refuses or fails leaves the others of its transaction alone; a
//! list that takes long never stands before a short read. Never: knows a table of a component.

mod damage;
mod error;
mod file_watch;
mod files;
mod health;
mod location;
mod log;
mod migrations;
mod open;
mod readers;
mod transaction;
mod work;
mod writer;

use std::{
    pin::Pin,
    sync::{Arc, mpsc},
};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

pub use error::{Answer, StoreError};
pub use files::{keep_private, private_file};
pub use location::{OpenError, file_of, folder_of};
pub use migrations::Component;
pub use transaction::Transaction;
pub use work::WorkError;

pub(crate) use damage::FileHeader;
pub(crate) use error::is_damage;
pub(crate) use files::beside;
use health::{Corruption, Health};
pub(crate) use location::Location;
pub(crate) use log::{LogReport, Pages, Recovered, check as check_log, recover as recover_log};
pub(crate) use open::{PAGE_SIZE, lock_holder, real_path};
use readers::Readers;
use writer::Job;

/// An open database, which several components can share. Clones are the same database; with the last of them its threads end, after they
/// have done what is waiting.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rondo_store::{Component, Database, ReadQueue, StoreError, WorkError};
///
/// const INBOX: Component =
///     Component { name: "inbox", migrations: &["CREATE TABLE inbox_entry (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"] };
///
/// let database = Database::open("sqlite::memory:", &[rondo_store::INSTANCES, INBOX]).await?;
/// database
///     .write(|transaction| {
///         transaction.statement("INSERT INTO inbox_entry (text) VALUES (?1)")?.execute(["hello"])?;
///         Ok::<_, WorkError<StoreError>>(())
///     })
///     .await?;
/// let count = database
///     .read(ReadQueue::Short, |connection| {
///         Ok(connection.query_row("SELECT count(*) FROM inbox_entry", [], |row| row.get::<_, i64>(0))?)
///     })
///     .await?;
/// assert_eq!(count, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Database(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    writer: mpsc::Sender<Job>,
    /// `None` in memory: only one connection sees such a database, so reads go through the queue of the writer.
    readers: Option<ReaderQueues>,
    lost: watch::Receiver<Option<StoreError>>,
    health: watch::Receiver<Result<(), StoreError>>,
    corrupt: Corruption,
}

#[derive(Debug)]
struct ReaderQueues {
    short: Readers,
    lists: Readers,
}

/// The threads that a read is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadQueue {
    /// Reads of a few rows by an index, which requests and turns wait for.
    Short,
    /// Reads that can take long.
    List,
}

impl Database {
    /// Opens the database that a URL names, and brings the tables of the components up to date. Tables of components that are not
    /// among them stay as they are.
    ///
    /// * `sqlite://PATH`: a file, relative to the working folder or, with a third slash, absolute. It is created with its parent
    ///   folder when it is not there, and belongs to one process at a time.
    /// * `sqlite::memory:`: nothing is durable; for tests.
    pub async fn open(url: &str, components: &[Component]) -> Result<Self, OpenError> {
        let location = Location::parse(url)?;
        let components = components.to_vec();
        let (writer, queue) = mpsc::channel();
        let (opened, answer) = oneshot::channel();
        let path = location.path().to_owned();
        let failed = move |problem: String| OpenError::File { path, source: problem.into() };
        // Opening is blocking work, so the thread that will write does it.
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let spawned = thread.spawn(move || match open::open(&location, &components) {
            Err(error) => drop(opened.send(Err(error))),
            Ok(open::Opened { connection, readers, threads, locks, file_watch, last_commit }) => {
                let (lost, health) = (file_watch.subscribe(), Health::new());
                let shown = (health.subscribe(), health.corruption());
                if opened.send(Ok((readers, lost, shown))).is_ok() {
                    writer::Writer::new(connection, threads, locks, file_watch, last_commit, health)
                        .run(&queue);
                }
            }
        });
        if let Err(error) = spawned {
            return Err(failed(error.to_string()));
        }
        let (readers, lost, (health, corrupt)) =
            answer.await.unwrap_or_else(|_| Err(failed("the writer thread has ended".to_owned())))?;
        let readers = readers.map(|(short, lists)| ReaderQueues { short, lists });
        Ok(Self(Arc::new(Handle { writer, readers, lost, health, corrupt })))
    }

    /// Runs a unit of work inside of the next transaction, and answers what it gave when the transaction is durable. The work is under
    /// way when the method returns; dropping the answer does not take it back.
    ///
    /// Units that wait at the same time share a transaction, yet each succeeds or fails by itself. `work` can run more than once, of which
    /// only the last time counts: when another unit of its transaction fails after it wrote something, the transaction is rolled back and
    /// the others run again. So a unit that may refuse looks at everything before it writes, which costs the others nothing. It neither
    /// begins nor ends a transaction, and changes no schema.
    pub fn write<T, E>(
        &self,
        work: impl FnMut(&mut Transaction<'_>) -> Result<T, WorkError<E>> + Send + 'static,
    ) -> Answer<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (work, answered) = work::unit(work);
        drop(self.0.writer.send(Job::Work(work)));
        // A closed queue drops the work, and its answer with it.
        Box::pin(async { answered.await.unwrap_or_else(|_| Err(StoreError::Closed.into())) })
    }

    /// Runs `read` on a connection that only reads. It sees all work that was answered before.
    pub fn read<T>(
        &self,
        queue: ReadQueue,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T>
    where
        T: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let corrupt = self.0.corrupt.clone();
        let task: readers::Task = Box::new(move |connection: &Connection| {
            let found = read(connection);
            if let Err(error @ StoreError::Corrupt(_)) = &found {
                corrupt.set(error);
            }
            // The caller may have gone away.
            let _ = answer.send(found);
        });
        match (&self.0.readers, queue) {
            (Some(readers), ReadQueue::Short) => readers.short.send(task),
            (Some(readers), ReadQueue::List) => readers.lists.send(task),
            (None, _) => drop(self.0.writer.send(Job::Read(task))),
        }
        Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }

    /// Resolves when the file is not where it was, so that nothing is written any more: [`StoreError::Lost`].
    pub fn lost(&self) -> Pin<Box<dyn Future<Output = StoreError> + Send>> {
        let mut lost = self.0.lost.clone();
        Box::pin(async move {
            let error = lost.wait_for(Option::is_some).await.ok().and_then(|error| error.clone());
            match error {
                Some(error) => error,
                // It was closed.
                None => std::future::pending().await,
            }
        })
    }

    /// Why the last transaction was not written, as far as it lies in the database and not in the work; `Ok` when it was, or when
    /// something else could be written since. The database tries by itself, and logs when writing begins to fail and when it works again.
    ///
    /// [`StoreError::Corrupt`] since a page of the file could not be read: that does not mend itself.
    pub fn health(&self) -> Result<(), StoreError> {
        self.0.corrupt.get()?;
        self.0.health.borrow().clone()
    }

    /// Writes what is waiting, and closes the file in good order. Afterwards everything is answered [`StoreError::Closed`], closing
    /// again too.
    pub fn close(&self) -> Answer<()> {
        if let Some(readers) = &self.0.readers {
            readers.short.stop();
            readers.lists.stop();
        }
        let (answer, answered) = oneshot::channel();
        drop(self.0.writer.send(Job::Close(answer)));
        Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

#[cfg(test)]
impl Database {
    /// Runs something on the connection of the writer, between two transactions.
    pub(crate) fn on_writer<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let (answer, answered) = oneshot::channel();
        let task: readers::Task = Box::new(move |connection: &Connection| {
            let _ = answer.send(run(connection).map_err(StoreError::from));
        });
        drop(self.0.writer.send(Job::Read(task)));
        Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }

    /// Resolves when writing works again.
    pub(crate) async fn recovered(&self) {
        let mut health = self.0.health.clone();
        health.wait_for(Result::is_ok).await.unwrap();
    }
}
