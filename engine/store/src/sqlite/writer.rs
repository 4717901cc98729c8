//! The thread that writes: everything that waits becomes one transaction.
//!
//! Promises: a commit is answered after the transaction that holds it is on the disk; a commit that cannot be written fails alone;
//! what goes into a file that is not there any more is not answered as written; an error of the disk is answered to all that were to be written,
//! and the thread goes on, and finds out by itself when the disk takes something again.

use std::{
    fs::File,
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::{apply, lookout::Lookout, readers::Task, told, transaction::Transaction, trouble::Trouble};
use crate::{Commit, CommitError, StoreError, failpoint};

/// Commits in one transaction at most: beyond, a transaction costs no less for each, and the first ones wait longer.
const BATCH: usize = 512;

/// How long it takes at most until lost files, or a disk with room again, are noticed while nothing is written.
const LOOK: Duration = Duration::from_secs(1);

/// Something for the writer to do.
pub(super) enum Job {
    Commit(Box<Commit>, Waiter),
    /// Anything that needs the connection for itself. It answers by itself.
    Task(Task),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

type Waiter = oneshot::Sender<Result<(), CommitError>>;
type Waiting = (Box<Commit>, Waiter);

pub(super) struct Writer {
    connection: Connection,
    readers: Vec<JoinHandle<()>>,
    locks: Vec<File>,
    lookout: Lookout,
    trouble: Trouble,
}

/// Why a transaction was rolled back.
enum Broken {
    /// This one commit cannot be written; the others can.
    By(usize, CommitError),
    /// Nothing can be written now.
    All(StoreError),
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        readers: Vec<JoinHandle<()>>,
        locks: Vec<File>,
        lookout: Lookout,
        trouble: Trouble,
    ) -> Self {
        Self { connection, readers, locks, lookout, trouble }
    }

    /// Works until it is told to close or the queue is dropped.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Job>) {
        let mut next = None;
        loop {
            let Some(job) = next.take().or_else(|| self.wait(queue)) else {
                if let Err(error) = self.close() {
                    tracing::error!(%error, "the database could not be closed in good order; nothing is lost");
                }
                return;
            };
            match job {
                Job::Commit(commit, waiter) => {
                    let mut batch = vec![(commit, waiter)];
                    next = gather(queue, &mut batch);
                    self.write(batch);
                }
                Job::Task(task) => task(&self.connection),
                Job::Close(waiter) => {
                    // Nobody may be listening any more, as with every answer of this thread.
                    let _ = waiter.send(self.close());
                    return;
                }
            }
        }
    }

    /// The next job; `None` when there will be none.
    fn wait(&mut self, queue: &mpsc::Receiver<Job>) -> Option<Job> {
        let mut rests = false;
        loop {
            match queue.recv_timeout(LOOK) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    // Whoever wants to know is told by the lookout.
                    let _ = self.lookout.check();
                    if self.trouble.is_there() {
                        self.probe();
                    }
                    if !rests {
                        self.rest();
                    }
                    rests = true;
                }
            }
        }
    }

    /// Finds out whether the disk takes something again. Nobody may come and ask: an engine in trouble is not sent any requests.
    fn probe(&mut self) {
        // Writing the number that is there writes its page all the same.
        let number = self.connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        let written = number.and_then(|number| self.connection.pragma_update(None, "user_version", number));
        match written {
            Ok(()) => _ = self.trouble.ends(),
            Err(error) => _ = self.trouble.begins(&told(error)),
        }
    }

    /// Gives the memory for pages back, which is needed only while much is written; the system has them at hand.
    fn rest(&self) {
        if let Err(error) = self.connection.execute_batch("PRAGMA shrink_memory") {
            tracing::debug!(%error, "the memory for pages is kept");
        }
    }

    /// Writes and answers a batch.
    fn write(&mut self, mut batch: Vec<Waiting>) {
        while !batch.is_empty() {
            let written = transaction(&self.connection, &batch)
                .and_then(|verdicts| self.lookout.check().map(|()| verdicts).map_err(Broken::All));
            match written {
                Ok(verdicts) => {
                    failpoint("commit-after");
                    self.trouble.ends();
                    for ((_, waiter), verdict) in batch.into_iter().zip(verdicts) {
                        let _ = waiter.send(verdict);
                    }
                    return;
                }
                Err(Broken::By(place, error)) => {
                    let (_, waiter) = batch.remove(place);
                    let _ = waiter.send(Err(error));
                }
                Err(Broken::All(error)) => {
                    self.trouble.begins(&error);
                    for (_, waiter) in batch {
                        let _ = waiter.send(Err(error.clone().into()));
                    }
                    return;
                }
            }
        }
    }

    /// Waits for the readers, copies the log into the file, closes the file, gives up the lock.
    fn close(self) -> Result<(), StoreError> {
        for reader in self.readers {
            // A reader that panicked has told so itself.
            let _ = reader.join();
        }
        let truncated = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = self.connection.close().map_err(|(_, error)| error);
        drop(self.locks);
        truncated.and(closed).map_err(told)
    }
}

/// Takes the commits that wait, up to the first job of another kind, which is given back.
fn gather(queue: &mpsc::Receiver<Job>, batch: &mut Vec<Waiting>) -> Option<Job> {
    while batch.len() < BATCH {
        match queue.try_recv().ok()? {
            Job::Commit(commit, waiter) => batch.push((commit, waiter)),
            other => return Some(other),
        }
    }
    None
}

/// Writes all commits in one transaction. The verdicts of those that were refused by the fence are among the answers.
fn transaction(connection: &Connection, batch: &[Waiting]) -> Result<Vec<Result<(), CommitError>>, Broken> {
    let execute = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    execute("BEGIN IMMEDIATE").map_err(|error| Broken::All(told(error)))?;
    let written = apply_all(connection, batch).and_then(|verdicts| {
        failpoint("commit-before");
        execute("COMMIT").map(|_| verdicts).map_err(|error| Broken::All(told(error)))
    });
    // Some errors have ended the transaction already.
    if written.is_err() && !connection.is_autocommit() {
        execute("ROLLBACK").map_err(|error| Broken::All(told(error)))?;
    }
    written
}

fn apply_all(connection: &Connection, batch: &[Waiting]) -> Result<Vec<Result<(), CommitError>>, Broken> {
    let mut transaction = Transaction::new(connection);
    let mut verdicts = Vec::with_capacity(batch.len());
    for (place, (commit, _)) in batch.iter().enumerate() {
        verdicts.push(match apply::commit(&mut transaction, commit) {
            Ok(verdict) => verdict,
            Err(error) if is_of_the_commit(&error) => {
                return Err(Broken::By(place, CommitError::Store(told(error))));
            }
            Err(error) => return Err(Broken::All(told(error))),
        });
    }
    Ok(verdicts)
}

/// Whether an error lies in what was to be written rather than in the database.
fn is_of_the_commit(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::ToSqlConversionFailure(_))
        || matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
        )
}
