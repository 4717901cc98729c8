//! Events that go out.
//!
//! Owns: the types of the outbox, whose rows a [`Commit`](crate::Commit) appends and a sender removes. Never: looks into the content.

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxPage {
    /// Only rows behind this number.
    pub after: Option<i64>,
    /// The moment at which they are to be due, in milliseconds since 1970.
    pub now: i64,
    /// Number of rows at most.
    pub rows: usize,
    /// Bytes of content at most. The first row is there however large it is.
    pub bytes: u64,
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
    /// When the next one may be sent; 0 when one may be sent at once, `None` when the outbox is empty.
    pub next_at: Option<i64>,
}
