//! Events that go out.
//!
//! Owns: the types of the outbox, whose rows a [`Commit`](crate::Commit) appends and a sender removes. Never: looks into the content.

use std::collections::BTreeSet;

use uuid::Uuid;

/// An event to send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutgoingEvent {
    /// The instance that produced it. Events of one instance to one channel are sent in their order.
    pub instance: Uuid,
    /// Name of the channel.
    pub channel: String,
    /// Content; opaque.
    pub content: Vec<u8>,
    /// When it was produced, in milliseconds since 1970.
    pub at: i64,
}

/// Which rows of the outbox to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboxQuery {
    /// Name of the channel whose rows are read.
    pub channel: String,
    /// Instances whose rows are left out, because some of them are being sent.
    pub without: BTreeSet<Uuid>,
    /// The moment at which the rows are to be due, in milliseconds since 1970.
    pub now: i64,
    /// Number of instances at most.
    pub instances: usize,
    /// Number of rows of one instance at most.
    pub rows_of_instance: usize,
    /// Bytes of content at most. The first row is there however large it is.
    pub bytes: u64,
}

/// Rows of a channel that may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboxBatch {
    /// In the order of their numbers.
    pub rows: Vec<OutboxRow>,
    /// When the next row of the channel is due that is not due yet.
    pub next_at: Option<i64>,
}

/// A channel with rows that are not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxChannel {
    /// Its name.
    pub name: String,
    /// When the first of its rows may be sent; 0 when one has not been tried yet.
    pub next_at: i64,
}

/// An event that is not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Number, which is never used again; later ones are higher.
    pub number: i64,
    /// [`OutgoingEvent::instance`].
    pub instance: Uuid,
    /// [`OutgoingEvent::channel`].
    pub channel: String,
    /// [`OutgoingEvent::content`]; empty in lists for views.
    pub content: Vec<u8>,
    /// [`OutgoingEvent::at`].
    pub at: i64,
    /// How often sending it has failed.
    pub attempts: u32,
    /// When it is tried again; `None` before the first failure.
    pub next_at: Option<i64>,
    /// Why sending it failed the last time.
    pub last_error: Option<String>,
}

/// How much the outbox holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxStatus {
    /// Number of rows.
    pub rows: u64,
    /// Bytes of their contents.
    pub bytes: u64,
    /// When the oldest of them was produced.
    pub oldest_at: Option<i64>,
}
