//! The instance store: the tables of instances in a [`Database`].
//!
//! Owns: the component [`INSTANCES`], which is its tables, and the SQL that reads and writes them. Promises: those of [`Store`]. A row
//! that is damaged fails by itself, and lists show it in error or leave it out; the log names it. Never: a transaction of its own, so that the work of
//! another component can share one with a [`Commit`].

mod commits;
mod damage_log;
mod events;
mod filter;
mod json_filter;
mod parts;
mod revisions;
mod rows;

#[cfg(test)]
mod tests;

use std::pin::Pin;

use damage_log::DamageLog;
use rusqlite::Connection;
use uuid::Uuid;

use crate::{
    AcceptError, AcceptEvent, Accepted, Answer, ChangedFingerprint, Commit, CommitError, Committed,
    Component, Database, Definition, Filter, Forgotten, History, Instance, KeptEvent, KeptStatus,
    MailboxMessage, OutboxBatch, OutboxChannel, OutboxQuery, OutboxRow, OutboxStatus, Query, ReadQueue,
    Revision, Store, StoreError, Transaction, WaitFilter, WaitingInstance, WorkError,
};

/// The tables of instances, their history, parts, messages and events, and of revisions.
pub const INSTANCES: Component = Component {
    name: "instances",
    migrations: &[
        include_str!("../../migrations/sqlite/0001_instances.sql"),
        include_str!("../../migrations/sqlite/0002_parts.sql"),
        include_str!("../../migrations/sqlite/0003_events.sql"),
        include_str!("../../migrations/sqlite/0004_outbox_channels.sql"),
        include_str!("../../migrations/sqlite/0005_taken_events.sql"),
        include_str!("../../migrations/sqlite/0006_event_bytes.sql"),
    ],
};

/// Writes a commit as part of a larger unit of work, so that both become durable together or not at all. The database has to be opened
/// with [`INSTANCES`].
///
/// A refused commit has written nothing, and the unit may go on without it. To refuse the unit too, give the error on.
pub fn commit_within<E: From<CommitError>>(
    transaction: &mut Transaction<'_>,
    commit: &Commit,
) -> Result<Committed, WorkError<E>> {
    commits::write(transaction, commit).map_err(|error| match error {
        WorkError::Refused(refusal) => WorkError::Refused(refusal.into()),
        WorkError::Sqlite(error) => WorkError::Sqlite(error),
    })
}

/// Accepts an event as part of a larger unit of work, so that both become durable together or not at all; [`Store::accept_event`] says what
/// becomes of it. The database has to be opened with [`INSTANCES`].
///
/// An event that is not accepted has written nothing, and the unit may go on without it.
pub fn accept_within(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
) -> Result<Accepted, WorkError<AcceptError>> {
    events::accept(transaction, accept)
}

/// A store in a database, which others can use too.
#[derive(Debug)]
pub(crate) struct InstanceStore {
    database: Database,
    damage: DamageLog,
}

impl InstanceStore {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, damage: DamageLog::default() }
    }

    /// Reads, and notes the damaged rows that are met.
    fn read<T: Send + 'static>(
        &self,
        queue: ReadQueue,
        read: impl FnOnce(&Connection, &DamageLog) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let damage = self.damage.clone();
        self.database.read(queue, move |connection| read(connection, &damage))
    }
}

impl Store for InstanceStore {
    fn commit(&self, commit: Commit) -> Answer<Committed, CommitError> {
        self.database.write(move |transaction| commit_within(transaction, &commit))
    }

    fn instance(&self, id: Uuid) -> Answer<Option<Instance>> {
        self.read(ReadQueue::Short, move |connection, damage| {
            let found = rows::instance(connection, id);
            if let Err(StoreError::Damaged { problem, .. }) = &found {
                damage.note("Store::instance", &id, problem);
            }
            found
        })
    }

    fn instances(&self, ids: Vec<Uuid>) -> Answer<Vec<Instance>> {
        self.read(ReadQueue::List, move |connection, damage| rows::instances(connection, damage, &ids))
    }

    fn due(&self, until: i64, after: Option<(i64, Uuid)>, limit: usize) -> Answer<Vec<(i64, Uuid)>> {
        self.read(ReadQueue::Short, move |connection, damage| {
            rows::due(connection, damage, until, after, limit)
        })
    }

    fn busy(&self, after: Option<Uuid>, limit: usize) -> Answer<Vec<Uuid>> {
        self.read(ReadQueue::Short, move |connection, damage| rows::busy(connection, damage, after, limit))
    }

    fn history(&self, id: Uuid) -> Answer<Vec<History>> {
        self.read(ReadQueue::Short, move |connection, damage| rows::history(connection, damage, id))
    }

    fn parts(&self, id: Uuid) -> Answer<Vec<(String, Vec<u8>)>> {
        self.database.read(ReadQueue::Short, move |connection| parts::read(connection, id))
    }

    fn children(&self, id: Uuid) -> Answer<Vec<Uuid>> {
        self.read(ReadQueue::Short, move |connection, damage| rows::children(connection, damage, id))
    }

    fn mailbox(&self, id: Uuid, after: Option<i64>) -> Answer<Vec<MailboxMessage>> {
        self.database.read(ReadQueue::Short, move |connection| rows::mailbox(connection, id, after))
    }

    fn mailboxes(&self) -> Answer<Vec<Uuid>> {
        self.read(ReadQueue::List, rows::mailboxes)
    }

    fn query(&self, query: Query) -> Answer<Vec<Instance>> {
        self.read(ReadQueue::List, move |connection, damage| rows::query(connection, damage, &query))
    }

    fn count(&self, filter: Filter) -> Answer<u64> {
        self.database.read(ReadQueue::List, move |connection| rows::count(connection, &filter))
    }

    fn accept_event(&self, accept: AcceptEvent) -> Answer<Accepted, AcceptError> {
        self.database.write(move |transaction| events::accept(transaction, &accept))
    }

    fn redirect_event(&self, message: i64, accept: AcceptEvent) -> Answer<Accepted, AcceptError> {
        self.database.write(move |transaction| events::redirect(transaction, message, &accept))
    }

    fn forget_events(&self, now: i64, limit: usize) -> Answer<Forgotten> {
        self.database.write(move |transaction| events::forget(transaction, now, limit))
    }

    fn waits(&self, filter: WaitFilter, limit: usize) -> Answer<Vec<WaitingInstance>> {
        self.read(ReadQueue::List, move |connection, damage| {
            events::list_waits(connection, damage, &filter, limit)
        })
    }

    fn kept_events(&self, after: Option<i64>, limit: usize) -> Answer<Vec<KeptEvent>> {
        self.read(ReadQueue::List, move |connection, damage| {
            events::list_kept(connection, damage, after, limit)
        })
    }

    fn outbox(&self, query: OutboxQuery) -> Answer<OutboxBatch> {
        self.read(ReadQueue::Short, move |connection, damage| events::batch(connection, damage, &query))
    }

    fn outbox_channels(&self) -> Answer<Vec<OutboxChannel>> {
        self.database.read(ReadQueue::Short, events::channels)
    }

    fn outbox_sent(&self, numbers: Vec<i64>) -> Answer<()> {
        self.database.write(move |transaction| events::sent(transaction, &numbers))
    }

    fn outbox_failed(&self, number: i64, next_at: i64, error: String) -> Answer<()> {
        self.database.write(move |transaction| events::failed(transaction, number, next_at, &error))
    }

    fn kept_status(&self) -> Answer<KeptStatus> {
        self.database.read(ReadQueue::Short, events::kept_status)
    }

    fn outbox_status(&self) -> Answer<OutboxStatus> {
        self.database.read(ReadQueue::Short, events::status)
    }

    fn stuck_outbox(&self, limit: usize) -> Answer<Vec<OutboxRow>> {
        self.read(ReadQueue::List, move |connection, damage| events::stuck(connection, damage, limit))
    }

    fn put_revisions(&self, revisions: Vec<Revision>) -> Answer<Vec<ChangedFingerprint>> {
        self.database.write(move |transaction| revisions::put(transaction, &revisions))
    }

    fn revision(&self, digest: &str) -> Answer<Option<Revision>> {
        let digest = digest.to_owned();
        self.database.read(ReadQueue::Short, move |connection| revisions::revision(connection, &digest))
    }

    fn definitions(&self) -> Answer<Vec<Definition>> {
        self.database.read(ReadQueue::List, revisions::definitions)
    }

    fn lost(&self) -> Pin<Box<dyn Future<Output = StoreError> + Send>> {
        self.database.lost()
    }

    fn health(&self) -> Result<(), StoreError> {
        self.database.health()
    }

    fn damaged_instances(&self) -> u64 {
        self.damage.count()
    }

    fn note_damaged(&self, instance: Uuid, problem: &str) {
        self.damage.note("its snapshot", &instance, &problem);
    }

    fn close(&self) -> Answer<()> {
        self.database.close()
    }
}
