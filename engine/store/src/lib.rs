//! What is durable: rows of instances, their history and messages, and the definitions that they run.
//!
//! Owns: the database and its schema. Promises: what [`Store::commit`] has answered survives `kill -9`; a commit is all or
//! nothing, and is refused when the instance has moved on since the commit was computed. Never: interprets a row. What an instance
//! waits for, and what its frames mean, is known elsewhere.
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
mod definition;
mod failpoint;
mod instance;
#[cfg(any(test, feature = "kit"))]
pub mod kit;
mod location;
mod query;
mod sqlite;
mod store;

use std::sync::Arc;

pub use commit::{Change, Commit, CommitError, History, Message, PartWrite, Update, Write};
pub use definition::{ChangedFingerprint, Definition, Revision};
pub use failpoint::{failpoint, failpoint_of};
pub use instance::{Instance, State, UnknownState};
pub use location::{OpenError, file_of, folder_of};
pub use query::{Columns, Condition, Direction, Field, Filter, Query};
pub use serde_json::Value;
pub use store::{Answer, Store, StoreError};

/// Opens the database that a URL names, and brings its schema up to date.
///
/// * `sqlite://PATH`: a file, relative to the working folder or, with a third slash, absolute. It is created with its parent
///   folder when it is not there, and belongs to one process at a time.
/// * `sqlite::memory:`: nothing is durable; for tests.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let location = location::Location::parse(url)?;
    Ok(Arc::new(sqlite::Sqlite::open(location).await?))
}
