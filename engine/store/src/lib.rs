//! What is durable: rows of instances, their history, parts and messages, the events that they wait for and send, and the definitions
//! that they run.
//!
//! Owns: the database file, and the tables of instances in it. Promises: what [`Store::commit`] has answered survives `kill -9`; a commit
//! is all or nothing, and is refused when the instance has moved on since the commit was computed. Never: interprets a row. What an
//! instance waits for, and what its frames mean, is known elsewhere.
//!
//! Two layers: a [`Database`] is the file, its writer and its migrations, and knows no table; the instance store is one [`Component`] with
//! tables in it. Another component can have tables in the same file, and write them in one transaction with a commit ([`commit_within`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use rondo_store::{Filter, Query};
//!
//! let store = rondo_store::open("sqlite://rondo.db").await?;
//! let instances = store.query(Query { filter: Filter::all(), limit: Some(20), ..Query::default() }).await?;
//! # Ok(())
//! # }
//! ```

mod commit;
mod database;
mod definition;
mod event;
mod failpoint;
mod instance;
mod instances;
#[cfg(any(test, feature = "kit"))]
pub mod kit;
mod outbox;
mod query;
pub mod salvage;
mod store;

use std::sync::Arc;

pub use commit::{Change, Commit, CommitError, Committed, History, Message, PartWrite, Update, Write};
pub use database::{
    Answer, Component, Database, OpenError, ReadQueue, StoreError, Transaction, WorkError, file_of,
    folder_of, keep_private, private_file,
};
pub use definition::{ChangedFingerprint, Definition, Revision};
pub use event::{
    AcceptError, AcceptEvent, Accepted, DeliveredEvent, EventStart, EventWait, Forgotten, InstanceWaits,
    KeptEvent, KeptStatus, MailboxMessage, ReceivedEvent, StartSet, WaitFilter, WaitingInstance,
};
pub use failpoint::{failpoint, failpoint_of};
pub use instance::{Instance, State, UnknownState};
pub use instances::{INSTANCES, accept_within, commit_within};
pub use outbox::{OutboxBatch, OutboxChannel, OutboxQuery, OutboxRow, OutboxStatus, OutgoingEvent};
pub use query::{Columns, Condition, Direction, Field, Filter, Query};
pub use rusqlite;
pub use serde_json::Value;
pub use store::Store;

/// Opens the database that a URL names, for instances alone; [`Database::open`] says what a URL can be.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    Ok(store_in(Database::open(url, &[INSTANCES]).await?))
}

/// The store of instances in a database that was opened with [`INSTANCES`], and that others can use too. Closing one closes both.
pub fn store_in(database: Database) -> Arc<dyn Store> {
    Arc::new(instances::InstanceStore::new(database))
}
