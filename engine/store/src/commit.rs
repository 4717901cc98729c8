//! What is written at once.

use uuid::Uuid;

use crate::{Instance, StoreError};

/// Rows that become durable together, or not at all. The default writes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// Instances. Each stands here at most once; a parent may stand before its children or after.
    pub writes: Vec<Write>,
    /// Lines of history, of instances that are there or are inserted by this commit.
    pub history: Vec<History>,
    /// Messages to put into mailboxes.
    pub messages: Vec<Message>,
    /// Numbers of messages to remove from their mailboxes. One that is not there any more is no error.
    pub messages_consumed: Vec<i64>,
}

/// A write of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// A new instance, whose revision is stored already.
    Insert(Instance),
    /// The new row of an instance that is there. What [`Instance`] calls fixed keeps the value of the insert.
    Update {
        /// The row.
        instance: Instance,
        /// [`Instance::turn`] of the row that this one was computed from.
        expected_turn: u64,
    },
}

/// What happened in one turn of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Whose.
    pub instance: Uuid,
    /// The turn, which has one line at most.
    pub turn: u64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The facts; opaque text.
    pub facts: String,
}

/// Something for the mailbox of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whose mailbox. It need not be there, nor ever be.
    pub to: Uuid,
    /// What it says; opaque.
    pub payload: Vec<u8>,
}

/// Why nothing of a commit was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The instance is not as the commit takes it to be: another turn came first. Read it and compute the turn again.
    #[error("instance {instance} {}, where the commit expects {}", .found.map_or("is not there".to_owned(), |turn| format!("is at turn {turn}")), .expected.map_or("none".to_owned(), |turn| format!("turn {turn}")))]
    Fenced {
        /// Which instance.
        instance: Uuid,
        /// The turn that the commit was computed from; `None` for an insert.
        expected: Option<u64>,
        /// The turn that it is at; `None` when it is not there.
        found: Option<u64>,
    },
    /// The revision of a new instance was never stored. Store it with [`Store::put_revisions`](crate::Store::put_revisions) first.
    #[error("instance {instance} cannot be inserted: its revision `{revision}` is not stored")]
    UnknownRevision {
        /// Which instance.
        instance: Uuid,
        /// Digest of the revision.
        revision: String,
    },
    /// The database did not take it. The same commit may be tried again; should this one have reached the disk all
    /// the same (a crash right after the failure can do that), the fence tells.
    #[error(transparent)]
    Store(#[from] StoreError),
}
