//! Events that come in: what is received, what instances wait for, and what an event that nobody waits for becomes.
//!
//! Owns: the types of [`Store::accept_event`](crate::Store::accept_event) and of waits in a [`Commit`](crate::Commit). Never: looks into the
//! content of an event.

use uuid::Uuid;

use crate::{CommitError, Instance, PlaceRequest, StoreError};

/// An event as it was received. Names of attributes are lower case; moments are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceivedEvent {
    /// Id, unique together with [`ReceivedEvent::source`].
    pub id: String,
    /// Source.
    pub source: String,
    /// Type.
    pub event_type: String,
    /// When it was received.
    pub at: i64,
    /// The instance that it is for (`kogitoprocrefid`), as it was given. A text that is no UUID is the id of no instance.
    pub instance: Option<String>,
    /// The business key of the instances that it is for (`kogitobusinesskey`).
    pub business_key: Option<String>,
    /// Name and value of the context attributes that can correlate, sorted by name, each name once.
    pub attributes: Vec<(String, String)>,
    /// The whole event; opaque.
    pub content: Vec<u8>,
    /// Until then another event of the same source and id is not accepted.
    pub forget_at: i64,
    /// Until then it is kept if nobody waits for it.
    pub keep_until: i64,
}

/// An event that an instance waits for. An instance has one for each event of each frame that waits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventWait {
    /// The frame that waits.
    pub frame: u32,
    /// Name of the event in the definition.
    pub event: String,
    /// Type of the event.
    pub event_type: String,
    /// Source of the event, if only one will do.
    pub source: Option<String>,
    /// Attributes by which the event finds the instance, sorted by name, each name once. An attribute with a value is bound: the event must
    /// have this value. One without is not bound yet: the event must have it, with any value.
    pub correlation: Vec<(String, Option<String>)>,
    /// When the wait began.
    pub since: i64,
    /// When it ends without an event.
    pub until: Option<i64>,
}

/// All that an instance waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceWaits {
    /// Id of the instance.
    pub instance: Uuid,
    /// Its waits, in place of those that are stored.
    pub waits: Vec<EventWait>,
}

/// An event to accept, with what it can start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AcceptEvent {
    /// The event.
    pub event: ReceivedEvent,
    /// What it starts, if no instance takes it; at most one for each workflow.
    pub starts: Vec<EventStart>,
    /// Ids of the served workflows that consume events of this type and source, wherever in their definition. Without any, and without a
    /// wait for the type, the event is unwanted.
    pub consumers: Vec<String>,
    /// How many events are kept at most, those of incomplete [`StartSet`]s included.
    pub max_kept: u64,
    /// Bytes of all events that the database holds, above which no event is kept; see [`KeptStatus::bytes`].
    pub max_bytes: u64,
}

/// A workflow that an event starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventStart {
    /// Id of the workflow.
    pub workflow: String,
    /// The new instance.
    pub row: Instance,
    /// The events that start it together; `None` when this one is enough.
    pub set: Option<StartSet>,
    /// The place of a concurrency group that the instance needs.
    pub place: Option<PlaceRequest>,
    /// What it is found by while it waits for that place.
    pub waits: Vec<EventWait>,
}

/// Several events that start an instance together. It starts when there is an event of the same key for each name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StartSet {
    /// Names in the definition of all events that are needed.
    pub names: Vec<String>,
    /// Those names that this event is. Never empty.
    pub satisfies: Vec<String>,
    /// What the events of one set have in common: the values of their correlation attributes, in a form that the caller chooses.
    pub key: String,
    /// Until then this event waits for the others; `None` means forever.
    pub expires_at: Option<i64>,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// An event of the same source and id was accepted before. Nothing was written.
    Seen,
    /// Instances have it.
    Taken {
        /// Instances that have it in their mailbox, each once.
        delivered: Vec<Uuid>,
        /// Instances that it started, which have it in their mailbox too.
        started: Vec<Uuid>,
        /// Those of `started` that wait for a place of their concurrency group; see [`Committed::waiting`](crate::Committed::waiting).
        waiting: Vec<Uuid>,
    },
    /// It waits for the other events of its set.
    Collected,
    /// It waits for an instance that will want it.
    Kept {
        /// Why no instance has it, as a sentence without a full stop.
        reason: String,
    },
    /// Nobody will ever want it. Nothing was written.
    Unwanted {
        /// Why, as a sentence without a full stop.
        reason: String,
    },
}

/// Why an event was not accepted. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// It would have to be kept, and as many as may be are kept already. It may be sent again later.
    #[error("{0} events are kept for instances that do not wait for them yet, and no more may be")]
    Full(u64),
    /// It would have to be kept, and the events that the database holds have as many bytes as they may have. It may be sent again later.
    #[error(
        "with this event, those that wait in the database for their instances would have more than {0} bytes, and no more may be kept"
    )]
    TooManyBytes(u64),
    /// The instance that it starts cannot be inserted.
    #[error("the event cannot start an instance: {0}")]
    Start(#[source] CommitError),
    /// The database did not take it. The same event may be sent again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An event in the mailbox of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredEvent {
    /// Number of the event in the database.
    pub number: i64,
    /// [`ReceivedEvent::content`].
    pub content: Vec<u8>,
}

/// A message in the mailbox of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxMessage {
    /// Number, which is never used again.
    pub number: i64,
    /// Content of a [`Message`](crate::Message); empty when it is an event.
    pub payload: Vec<u8>,
    /// The event, if it is one.
    pub event: Option<DeliveredEvent>,
}

/// An event that is kept, with what it is kept for. One that several instances may want is kept for each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Number of the kept row; later ones are higher.
    pub number: i64,
    /// [`ReceivedEvent::id`].
    pub id: String,
    /// [`ReceivedEvent::source`].
    pub source: String,
    /// [`ReceivedEvent::event_type`].
    pub event_type: String,
    /// When it was received.
    pub at: i64,
    /// Until then it is kept; `None` means forever.
    pub keep_until: Option<i64>,
    /// The only instance that it is kept for.
    pub instance: Option<Uuid>,
    /// The business key of the instance that it is kept for.
    pub business_key: Option<String>,
    /// The workflow that it starts together with others, and the name of the event there.
    pub start: Option<(String, String)>,
}

/// How many events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptStatus {
    /// Events that are kept, each as often as [`Store::kept_events`](crate::Store::kept_events) lists it.
    pub events: u64,
    /// Bytes of the events that are kept, or that an instance has in its mailbox. One that several have counts once.
    pub bytes: u64,
}

/// What [`Store::forget_events`](crate::Store::forget_events) has removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Kept events that nobody wanted in time, the earliest first.
    pub expired_kept: Vec<KeptEvent>,
    /// How many events are not recognised any more.
    pub removed: u64,
}

/// Which waits to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitFilter {
    /// Only those of this instance.
    pub instance: Option<Uuid>,
    /// Only those for this type.
    pub event_type: Option<String>,
}

/// A wait with the instance that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingInstance {
    /// Id of the instance.
    pub instance: Uuid,
    /// Id of its workflow.
    pub workflow: String,
    /// What it waits for.
    pub wait: EventWait,
}
