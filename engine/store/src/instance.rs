//! The row of an instance.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// One run of a definition, as it was last committed. Moments are milliseconds since 1970, UTC.
///
/// Texts and bytes that are called opaque are stored and given back as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instance {
    /// Id. Time-ordered ids (UUID version 7) make inserting several times faster than random ones.
    pub id: Uuid,
    /// Id of the workflow. Part of the revision: reads take it from there, and writes ignore it.
    pub workflow: String,
    /// Version of the workflow; part of the revision too.
    pub version: String,
    /// Name of the workflow; part of the revision too.
    pub name: String,
    /// Digest of the revision that it runs. Fixed by the insert.
    pub revision: String,
    /// State.
    pub state: State,
    /// Business key. Fixed by the insert.
    pub business_key: Option<String>,
    /// Reference id that the caller of the start gave. Fixed by the insert.
    pub reference_id: Option<String>,
    /// The instance that started it. Fixed by the insert.
    pub parent: Option<Uuid>,
    /// The ancestor without a parent; `None` when the instance has no parent. Fixed by the insert.
    pub root: Option<Uuid>,
    /// Id of the root's workflow. Fixed by the insert.
    pub root_workflow: Option<String>,
    /// When it started. Fixed by the insert.
    pub started_at: i64,
    /// When it completed or was aborted.
    pub ended_at: Option<i64>,
    /// When it was last committed.
    pub updated_at: i64,
    /// The next moment at which it has something to do. [`Store::due`](crate::Store::due) finds it then.
    pub wake_at: Option<i64>,
    /// Whether it has work in flight, so that it is resumed after a crash. [`Store::busy`](crate::Store::busy) finds it.
    pub busy: bool,
    /// How many turns it has taken: the fence of an [`Update`](crate::Update).
    pub turn: u64,
    /// State data: JSON text, which filters look into.
    pub data: String,
    /// The input, relative to the data; opaque.
    pub input: Option<String>,
    /// Variables beside the data: text of a JSON object, which filters look into. Fixed by the insert.
    pub extra: Option<String>,
    /// Positions in the program; opaque.
    pub frames: Vec<u8>,
    /// Request headers, encrypted by the caller; opaque.
    pub sealed: Option<Vec<u8>>,
    /// The error that it stands at: a JSON object, of which filters look at `action`, `state` and `message`. Older rows have
    /// `nodeDefinitionId` instead of the first two.
    pub error: Option<String>,
}

impl Instance {
    /// About how many bytes of memory the row takes.
    pub fn bytes(&self) -> u64 {
        let texts = [&self.workflow, &self.version, &self.name, &self.revision, &self.data];
        let optional = [
            &self.business_key,
            &self.reference_id,
            &self.root_workflow,
            &self.input,
            &self.extra,
            &self.error,
        ];
        let texts = texts.into_iter().chain(optional.into_iter().flatten()).map(String::len);
        let opaque = [self.frames.len(), self.sealed.as_ref().map_or(0, Vec::len)];
        let sum = texts.chain(opaque).fold(size_of::<Self>(), usize::saturating_add);
        u64::try_from(sum).unwrap_or(u64::MAX)
    }
}

/// State of an instance. The numbers are those of the database, and the order is that of sorted lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum State {
    /// Created, and not yet begun.
    Pending = 0,
    /// Running or waiting.
    #[default]
    Active = 1,
    /// Ended as its definition says.
    Completed = 2,
    /// Ended on request.
    Aborted = 3,
    /// Halted on request.
    Suspended = 4,
    /// Waits at an error, and can be retriggered.
    Error = 5,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Active, Self::Completed, Self::Aborted, Self::Suspended, Self::Error];

    /// The name that clients see: `ACTIVE`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Completed => "COMPLETED",
            Self::Aborted => "ABORTED",
            Self::Suspended => "SUSPENDED",
            Self::Error => "ERROR",
        }
    }

    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state: PENDING, ACTIVE, COMPLETED, ABORTED, SUSPENDED or ERROR is")]
pub struct UnknownState(pub String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}
