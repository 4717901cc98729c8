//! The instance store: the tables of instances in a [`Database`].
//!
//! Owns: the component [`INSTANCES`], which is its tables, and the SQL that reads and writes them. Promises: those of [`Store`]. A row
//! that is damaged fails by itself: it is left out of lists, which the log says. Never: a transaction of its own, so that the work of
//! another component can share one with a [`Commit`].

mod commits;
mod filter;
mod json_filter;
mod parts;
mod revisions;
mod rows;

#[cfg(test)]
mod tests;

use std::pin::Pin;

use uuid::Uuid;

use crate::{
    Answer, ChangedFingerprint, Commit, CommitError, Component, Database, Definition, Filter, History,
    Instance, Query, ReadQueue, Revision, Store, StoreError, Transaction, WorkError,
};

/// The tables of instances, their history, parts and messages, and of revisions.
pub const INSTANCES: Component = Component {
    name: "instances",
    migrations: &[
        include_str!("../../migrations/sqlite/0001_instances.sql"),
        include_str!("../../migrations/sqlite/0002_parts.sql"),
    ],
};

/// Writes a commit as part of a larger unit of work, so that both become durable together or not at all. The database has to be opened
/// with [`INSTANCES`].
///
/// A refused commit has written nothing, and the unit may go on without it. To refuse the unit too, give the error on.
pub fn commit_within<E: From<CommitError>>(
    transaction: &mut Transaction<'_>,
    commit: &Commit,
) -> Result<(), WorkError<E>> {
    commits::write(transaction, commit).map_err(|error| match error {
        WorkError::Refused(refusal) => WorkError::Refused(refusal.into()),
        WorkError::Sqlite(error) => WorkError::Sqlite(error),
    })
}

/// A store in a database, which others can use too.
#[derive(Debug)]
pub(crate) struct InstanceStore {
    database: Database,
}

impl InstanceStore {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }
}

impl Store for InstanceStore {
    fn commit(&self, commit: Commit) -> Answer<(), CommitError> {
        self.database.write(move |transaction| commit_within(transaction, &commit))
    }

    fn instance(&self, id: Uuid) -> Answer<Option<Instance>> {
        self.database.read(ReadQueue::Short, move |connection| rows::instance(connection, id))
    }

    fn instances(&self, ids: Vec<Uuid>) -> Answer<Vec<Instance>> {
        self.database.read(ReadQueue::List, move |connection| rows::instances(connection, &ids))
    }

    fn due(&self, until: i64, after: Option<(i64, Uuid)>, limit: usize) -> Answer<Vec<(i64, Uuid)>> {
        self.database.read(ReadQueue::Short, move |connection| rows::due(connection, until, after, limit))
    }

    fn busy(&self, after: Option<Uuid>, limit: usize) -> Answer<Vec<Uuid>> {
        self.database.read(ReadQueue::Short, move |connection| rows::busy(connection, after, limit))
    }

    fn history(&self, id: Uuid) -> Answer<Vec<History>> {
        self.database.read(ReadQueue::Short, move |connection| rows::history(connection, id))
    }

    fn parts(&self, id: Uuid) -> Answer<Vec<(String, Vec<u8>)>> {
        self.database.read(ReadQueue::Short, move |connection| parts::read(connection, id))
    }

    fn children(&self, id: Uuid) -> Answer<Vec<Uuid>> {
        self.database.read(ReadQueue::Short, move |connection| rows::children(connection, id))
    }

    fn mailbox(&self, id: Uuid) -> Answer<Vec<(i64, Vec<u8>)>> {
        self.database.read(ReadQueue::Short, move |connection| rows::mailbox(connection, id))
    }

    fn mailboxes(&self) -> Answer<Vec<Uuid>> {
        self.database.read(ReadQueue::List, rows::mailboxes)
    }

    fn query(&self, query: Query) -> Answer<Vec<Instance>> {
        self.database.read(ReadQueue::List, move |connection| rows::query(connection, &query))
    }

    fn count(&self, filter: Filter) -> Answer<u64> {
        self.database.read(ReadQueue::List, move |connection| rows::count(connection, &filter))
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

    fn close(&self) -> Answer<()> {
        self.database.close()
    }
}
