//! What is written at once.

use uuid::Uuid;

use crate::{Instance, InstanceWaits, OutgoingEvent, PlaceRequest, PlaceTransfer, State, StoreError};

/// Rows that become durable together, or not at all. The default writes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// Instances. Each stands here at most once; a parent may stand before its children or after.
    pub writes: Vec<Write>,
    /// Changes to parts of the instances in `writes`, carried out in this order.
    pub parts: Vec<PartWrite>,
    /// Lines of history, of instances that are stored or are inserted by this commit.
    pub history: Vec<History>,
    /// Messages to put into mailboxes.
    pub messages: Vec<Message>,
    /// Numbers of messages to remove from their mailboxes. A number that is not there any more is no error.
    pub messages_consumed: Vec<i64>,
    /// Numbers of messages whose event the instance did not take: the message is removed, and the event is kept for this instance until its
    /// [`keep_until`](crate::ReceivedEvent::keep_until). A message without an event is consumed; one of an instance that ends with this
    /// commit stays where it is.
    pub events_returned: Vec<i64>,
    /// What instances in `writes` wait for, each instance at most once, in place of what they waited for. The others wait for the same as
    /// before; those that end wait for nothing.
    pub waits: Vec<InstanceWaits>,
    /// Events to send.
    pub outbox: Vec<OutgoingEvent>,
    /// Instances that are inserted and need a place of a concurrency group; each at most once.
    pub places: Vec<PlaceRequest>,
    /// Places that go to other instances instead of becoming free.
    pub place_transfers: Vec<PlaceTransfer>,
}

/// What a commit has brought about beyond its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// Instances with new waits for which an event was kept, and instances that have ended and did not take events that they had or that
    /// were kept for them. They have them in their mailbox now; [`Store::redirect_event`](crate::Store::redirect_event) gives the latter
    /// away.
    pub mail: Vec<Uuid>,
    /// Those of [`Commit::places`] that wait for a place: they are stored in state PENDING, and not busy, whatever their rows say.
    pub waiting: Vec<Uuid>,
    /// Instances that waited and have a place now. They are stored in state ACTIVE, and busy, and nobody works on them yet.
    pub admitted: Vec<Uuid>,
}

/// A write of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "a commit holds few writes, and a box for each costs more than the room"
)]
pub enum Write {
    /// A new instance, whose revision is stored already.
    Insert(Instance),
    /// The next turn of an instance that is stored.
    Update(Update),
}

impl Write {
    /// Id of the instance.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Insert(instance) => instance.id,
            Self::Update(update) => update.id,
        }
    }

    /// [`Instance::turn`] after the write.
    pub fn turn(&self) -> u64 {
        match self {
            Self::Insert(instance) => instance.turn,
            Self::Update(update) => update.turn,
        }
    }

    /// Whether the instance has ended with this write.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Self::Insert(instance) => instance.ended_at.is_some(),
            Self::Update(update) => update.ended_at.is_some(),
        }
    }
}

/// The columns of an instance that a turn may change; [`Instance`] says what they mean. The others keep the value of the insert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// Id of the instance.
    pub id: Uuid,
    /// The turn of the stored row that this one was computed from. The commit is refused when the row is at another one.
    pub expected_turn: u64,
    /// The turn that is written.
    pub turn: u64,
    /// State.
    pub state: State,
    /// End. An instance that has one loses its parts with the commit.
    pub ended_at: Option<i64>,
    /// Moment of the commit.
    pub updated_at: i64,
    /// Next moment at which there is something to do.
    pub wake_at: Option<i64>,
    /// Whether work is in flight.
    pub busy: bool,
    /// Position.
    pub frames: Vec<u8>,
    /// Encrypted request headers.
    pub sealed: Option<Vec<u8>>,
    /// Error.
    pub error: Option<String>,
    /// State data.
    pub data: Change<String>,
    /// Input.
    pub input: Change<Option<String>>,
    /// Whether it does not wait for a place of its concurrency group when it goes on from an error, though none is free: for an instance
    /// that is compensated.
    pub needs_no_place: bool,
}

impl Update {
    /// An update that writes every column of `instance` that may change, its data and input included.
    pub fn of_row(instance: Instance, expected_turn: u64) -> Self {
        Self {
            id: instance.id,
            expected_turn,
            turn: instance.turn,
            state: instance.state,
            ended_at: instance.ended_at,
            updated_at: instance.updated_at,
            wake_at: instance.wake_at,
            busy: instance.busy,
            frames: instance.frames,
            sealed: instance.sealed,
            error: instance.error,
            data: Change::Set(instance.data),
            input: Change::Set(instance.input),
            needs_no_place: false,
        }
    }
}

/// The new value of a column that can be large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is, and costs no write however large it is.
    #[default]
    Keep,
    /// It becomes this.
    Set(T),
}

/// A change to the parts of one instance.
///
/// Parts are rows for what grows with an instance, so that a turn writes only what it changed. They share the fence of the instance:
/// a commit that changes parts also writes the row of their instance. An instance that ends loses all of its parts with the same commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartWrite {
    /// Stores a part, in place of the one of the same key if there is one.
    Put {
        /// Id of the instance.
        instance: Uuid,
        /// Key, unique in the instance.
        key: String,
        /// Content; opaque.
        content: Vec<u8>,
    },
    /// Removes a part. A key that is not there is no error.
    Remove {
        /// Id of the instance.
        instance: Uuid,
        /// Key of the part.
        key: String,
    },
    /// Removes all parts whose key begins with a prefix; with the empty prefix, all parts.
    RemovePrefix {
        /// Id of the instance.
        instance: Uuid,
        /// Beginning of the keys, such as `loop/7/`.
        prefix: String,
    },
}

impl PartWrite {
    /// Id of the instance.
    pub fn instance(&self) -> Uuid {
        match self {
            Self::Put { instance, .. }
            | Self::Remove { instance, .. }
            | Self::RemovePrefix { instance, .. } => *instance,
        }
    }
}

/// What happened in one turn of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Id of the instance.
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
    /// Id of the instance that the mailbox belongs to. It need not be stored, nor ever be.
    pub to: Uuid,
    /// Content; opaque.
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
    /// The commit changes parts of an instance whose row it does not write, so that no fence protects them.
    #[error("parts of instance {instance} cannot be written by a commit that does not write its row")]
    PartsWithoutRow {
        /// Which instance.
        instance: Uuid,
    },
    /// The commit says what an instance waits for whose row it does not write, so that no fence protects that.
    #[error("waits of instance {instance} cannot be written by a commit that does not write its row")]
    WaitsWithoutRow {
        /// Which instance.
        instance: Uuid,
    },
    /// The instance would go on from an error, and its concurrency group has no place for it. An update to PENDING makes it wait for one.
    #[error("instance {instance} cannot go on now: its concurrency group has no place for it")]
    NoPlace {
        /// Which instance.
        instance: Uuid,
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
