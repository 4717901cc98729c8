//! The thread that writes: all work that waits becomes one transaction.
//!
//! Promises: work is answered after the transaction that holds it is on the disk; work that fails, fails alone; what goes into a file
//! that is not there any more is not answered as written; an error of the disk is answered to all that were to be written, and the thread
//! goes on, and finds out by itself when the disk takes something again. Of a transaction whose sync failed nothing stays in the log.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    StoreError, Transaction,
    error::{is_database_failure, is_failed_sync},
    file_watch::FileWatch,
    health::Health,
    log::LastCommitWriter,
    readers::Task,
    work::{Outcome, Work},
};
use crate::failpoint;

/// Units of work in one transaction at most: beyond, a transaction costs no less for each, and the first ones wait longer.
const BATCH: usize = 512;

/// How long it takes at most until lost files, or a disk with room again, are noticed while nothing is written.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Why nothing is written while the log cannot be cut.
const UNSYNCED: &str =
    "a sync of the log failed, and its end cannot be removed: what is written now might not be on the disk";

/// Something for the writer to do.
pub(super) enum Job {
    Work(Box<dyn Work>),
    /// A read of a database in memory. It answers by itself.
    Read(Task),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

pub(super) struct Writer {
    connection: Connection,
    readers: Vec<JoinHandle<()>>,
    locks: Vec<File>,
    file_watch: FileWatch,
    last_commit: Option<LastCommitWriter>,
    health: Health,
    /// Whether the log may end in a transaction whose sync failed.
    is_unsynced: bool,
}

/// Why a transaction was rolled back.
enum Rollback {
    /// Because of the unit at this place, with the error that it is answered; without one it has refused, and has an answer. The
    /// others can be written.
    Unit(usize, Option<StoreError>),
    /// Nothing can be written now.
    All(StoreError),
    /// The transaction was written, and its sync failed.
    Unsynced(StoreError),
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        readers: Vec<JoinHandle<()>>,
        locks: Vec<File>,
        file_watch: FileWatch,
        last_commit: Option<LastCommitWriter>,
        health: Health,
    ) -> Self {
        Self { connection, readers, locks, file_watch, last_commit, health, is_unsynced: false }
    }

    /// Works until it is asked to close or the queue is dropped.
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
                Job::Work(work) => {
                    let mut batch = vec![work];
                    next = gather(queue, &mut batch);
                    self.write(batch);
                }
                Job::Read(task) => super::readers::run_task(&self.connection, task),
                Job::Close(waiter) => {
                    // The caller may have gone away.
                    let _ = waiter.send(self.close());
                    return;
                }
            }
        }
    }

    /// The next job; `None` when there will be none.
    fn wait(&mut self, queue: &mpsc::Receiver<Job>) -> Option<Job> {
        let mut has_shrunk = false;
        loop {
            match queue.recv_timeout(CHECK_INTERVAL) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    // The watch itself tells its subscribers.
                    let _ = self.file_watch.check();
                    if !self.health.is_good() {
                        self.probe();
                    }
                    // Another program may have copied the log into the database.
                    self.update_last_commit();
                    if !has_shrunk {
                        self.shrink_memory();
                    }
                    has_shrunk = true;
                }
            }
        }
    }

    /// Finds out whether the disk takes something again. No work may come that would: an unhealthy engine is sent no requests.
    fn probe(&mut self) {
        if self.is_unsynced {
            self.forget_unsynced();
        }
        if self.is_unsynced {
            return;
        }
        // Writing the number that is there writes its page all the same.
        let number = self.connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        let written = number.and_then(|number| self.connection.pragma_update(None, "user_version", number));
        match written {
            Ok(()) => _ = self.health.set_good(),
            Err(error) => {
                if is_failed_sync(&error) {
                    self.forget_unsynced();
                }
                _ = self.health.set_bad(&error.into());
            }
        }
    }

    /// Notes how far the log reaches.
    fn update_last_commit(&mut self) {
        if let Some(last_commit) = &mut self.last_commit {
            last_commit.update();
        }
    }

    /// Gives the memory for pages back, which is needed only while much is written; the system has them at hand.
    fn shrink_memory(&self) {
        if let Err(error) = self.connection.execute_batch("PRAGMA shrink_memory") {
            tracing::debug!(%error, "the memory for pages is kept");
        }
    }

    /// Writes and answers a batch.
    fn write(&mut self, mut batch: Vec<Box<dyn Work>>) {
        while !batch.is_empty() {
            if self.is_unsynced {
                self.forget_unsynced();
            }
            if self.is_unsynced {
                return self.refuse(&mut batch, &StoreError::Database(UNSYNCED.to_owned()));
            }
            let written = run_transaction(&self.connection, &mut batch)
                .and_then(|failpoints| self.file_watch.check().map(|()| failpoints).map_err(Rollback::All));
            match written {
                Ok(has_failpoints) => {
                    self.update_last_commit();
                    if has_failpoints {
                        failpoint("commit-after");
                    }
                    self.health.set_good();
                    batch.drain(..).for_each(|work| work.answer(Ok(())));
                }
                Err(Rollback::Unit(place, error)) => batch.remove(place).answer(error.map_or(Ok(()), Err)),
                Err(Rollback::All(error)) => self.refuse(&mut batch, &error),
                Err(Rollback::Unsynced(error)) => {
                    self.forget_unsynced();
                    self.refuse(&mut batch, &error);
                }
            }
        }
    }

    /// Answers that nothing can be written.
    fn refuse(&mut self, batch: &mut Vec<Box<dyn Work>>, error: &StoreError) {
        self.health.set_bad(error);
        batch.drain(..).for_each(|work| work.answer(Err(error.clone())));
    }

    /// Removes what a failed sync left. SQLite writes the next transaction in its place and syncs that; but a start that comes before would
    /// take it for committed. Until the cut itself is synced nothing is written, for the next sync may succeed without these pages.
    fn forget_unsynced(&mut self) {
        let Some(last_commit) = &self.last_commit else { return };
        self.is_unsynced = match last_commit.cut_log() {
            Ok(()) => false,
            Err(error) => {
                tracing::debug!(%error, "the log cannot be cut behind the last transaction that was synced; trying again");
                true
            }
        };
    }

    /// Waits for the readers, copies the log into the file, closes the file, gives up the lock.
    fn close(mut self) -> Result<(), StoreError> {
        for reader in self.readers {
            // A panic of a reader is in the log already.
            let _ = reader.join();
        }
        if let Some(last_commit) = &mut self.last_commit {
            last_commit.clear();
        }
        let truncated = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = self.connection.close().map_err(|(_, error)| error);
        drop(self.last_commit);
        drop(self.locks);
        Ok(truncated.and(closed)?)
    }
}

/// Takes the work that waits, up to the first job of another kind, which is given back.
fn gather(queue: &mpsc::Receiver<Job>, batch: &mut Vec<Box<dyn Work>>) -> Option<Job> {
    while batch.len() < BATCH {
        match queue.try_recv().ok()? {
            Job::Work(work) => batch.push(work),
            other => return Some(other),
        }
    }
    None
}

/// Runs all work in one transaction. Returns whether it has failpoints.
fn run_transaction(connection: &Connection, batch: &mut [Box<dyn Work>]) -> Result<bool, Rollback> {
    let execute = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    execute("BEGIN IMMEDIATE").map_err(|error| Rollback::All(error.into()))?;
    let written = run_all(connection, batch).and_then(|has_failpoints| {
        if has_failpoints {
            failpoint("commit-before");
        }
        execute("COMMIT").map(|_| has_failpoints).map_err(|error| match is_failed_sync(&error) {
            true => Rollback::Unsynced(error.into()),
            false => Rollback::All(error.into()),
        })
    });
    // Some errors have ended the transaction already.
    if written.is_err() && !connection.is_autocommit() {
        execute("ROLLBACK").map_err(|error| Rollback::All(error.into()))?;
    }
    written
}

fn run_all(connection: &Connection, batch: &mut [Box<dyn Work>]) -> Result<bool, Rollback> {
    let mut transaction = Transaction::new(connection);
    for (place, work) in batch.iter_mut().enumerate() {
        let before = connection.total_changes();
        let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut transaction)));
        match outcome {
            Ok(Outcome::Done) => {}
            // It has written nothing, so there is nothing to undo.
            Ok(Outcome::Refused) if connection.total_changes() == before => {}
            Ok(Outcome::Refused) => return Err(Rollback::Unit(place, None)),
            Ok(Outcome::Failed(error)) if is_database_failure(&error) => {
                return Err(Rollback::All(error.into()));
            }
            Ok(Outcome::Failed(error)) => return Err(Rollback::Unit(place, Some(error.into()))),
            Err(_) => {
                let error = StoreError::Database("a unit of work panicked".to_owned());
                return Err(Rollback::Unit(place, Some(error)));
            }
        }
    }
    Ok(transaction.has_failpoints())
}
