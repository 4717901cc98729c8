//! The stored form of a snapshot, format 2: a head, and parts for what grows with a loop.
//!
//! Promises: positions and scopes are stored as labels, so a build whose lowering has other indexes continues at the same places. If the
//! program does not have a label, the snapshot has a [lost position](Snapshot::lost_position); it never continues at another place. The
//! elements and results of a loop are rows of their own, so a turn writes only what it has changed.
//!
//! The head is one byte with the format version, followed by compact JSON. A part is a key and the JSON of a value:
//!
//! ```text
//! loop/<frame>/items      the elements
//! loop/<frame>/<index>    the result of one element; the index has ten digits
//! ```

mod fields;
mod frame;
mod parts;

use std::{collections::BTreeMap, sync::Arc};

use rondo_expression::Val;
use rondo_program::{Instruction, Program, ScopeId, TimeLimit};
use serde::{Deserialize, Serialize};

use crate::{
    CallNumber, Continuation, FailedStep, FrameId, Millis, Snapshot, Status, Visit, format1,
    frame::{Role, Wait},
};
pub(crate) use fields::nullable;
use fields::{StoredLimit, is_false, is_zero};
pub(crate) use frame::can_stand_at;
use frame::{StoredFrame, encode_frame};

/// The format that this build writes. It reads this format and older ones.
const FORMAT: u8 = 2;

/// The stored form of a snapshot: the head, and the changes of the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The head, which replaces the one in the database.
    pub head: Vec<u8>,
    /// The parts that were added, and those that are not needed any more, since the last encoding.
    pub parts: Vec<PartChange>,
}

/// A change of the parts of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartChange {
    /// A new part. A part never changes.
    Put {
        /// Its key, unique in the instance.
        key: String,
        /// The JSON of its value.
        content: Vec<u8>,
    },
    /// All parts with this prefix are not needed any more.
    Remove {
        /// The prefix of their keys.
        prefix: String,
    },
}

/// A snapshot cannot be written, because JSON cannot represent one of its values.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot cannot be written: {0}")]
pub struct EncodeError(#[from] serde_json::Error);

/// A snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It has the format of a newer build. Start that build, or a newer one.
    #[error("snapshot format {0} is newer than this version of Rondo can read ({FORMAT})")]
    Format(u8),
    /// The head is damaged.
    #[error("snapshot is damaged{}", .0.as_ref().map(|error| format!(": {error}")).unwrap_or_default())]
    Damaged(#[source] Option<serde_json::Error>),
    /// It is JSON of the right form, but no instance can stand so.
    #[error("snapshot is damaged: {0}")]
    Unsound(&'static str),
    /// The part with this key is missing or damaged.
    #[error("the part `{0}` of the snapshot is missing or damaged")]
    Part(String),
}

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(rename = "s")]
    status: Status,
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    frames: Vec<StoredFrame>,
    #[serde(rename = "n")]
    next_frame: FrameId,
    #[serde(rename = "k")]
    next_call: CallNumber,
    #[serde(rename = "v")]
    next_visit: Visit,
    #[serde(rename = "p", default, skip_serializing_if = "is_zero")]
    next_event: u64,
    #[serde(rename = "a", default, skip_serializing_if = "BTreeMap::is_empty")]
    correlation: BTreeMap<Arc<str>, Arc<str>>,
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    depth: u32,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    continuation: Option<Continuation>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    limit: Option<StoredLimit>,
    #[serde(rename = "q", default, skip_serializing_if = "is_zero")]
    steps: u32,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Millis>,
    #[serde(rename = "o", default, skip_serializing_if = "is_false")]
    is_over_time: bool,
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    abort_requested: bool,
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    completed: Vec<Arc<str>>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    failed: Option<FailedStep>,
    /// The data, if it differs from the visible data because branches are running.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    hidden: Option<Val>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    response: Option<Val>,
}

impl Snapshot {
    /// The stored form. The caller stores `visible_data` (of [`Snapshot::visible_data`]) and `input` in columns of their own; the head contains
    /// the data only if it differs from the visible data, because branches are running.
    ///
    /// Marks the returned parts as stored: if storing them fails, read the snapshot from the database again.
    pub fn encode(&mut self, program: &Program, visible_data: &Val) -> Result<Encoded, EncodeError> {
        let head = Head {
            status: self.status,
            frames: self.frames.iter().map(|frame| encode_frame(program, frame)).collect(),
            next_frame: self.next_frame,
            next_call: self.next_call,
            next_visit: self.next_visit,
            next_event: self.next_event,
            correlation: self.correlation.clone(),
            depth: self.depth,
            continuation: self.continuation.clone(),
            limit: self.limit.map(StoredLimit::from),
            steps: self.steps,
            deadline: self.deadline,
            is_over_time: self.is_over_time,
            abort_requested: self.abort_requested,
            completed: self.completed.iter().map(|id| program.scope_label(*id).into()).collect(),
            failed: self.failed.clone(),
            hidden: (self.data != *visible_data).then(|| self.data.clone()),
            response: self.response.clone(),
        };
        let mut bytes = vec![FORMAT];
        serde_json::to_writer(&mut bytes, &head)?;
        Ok(Encoded { head: bytes, parts: self.changed_parts() })
    }

    /// The stored form with all parts, for a database that has none of them.
    pub fn encode_whole(&self, program: &Program, visible_data: &Val) -> Result<Encoded, EncodeError> {
        let mut whole = self.clone();
        whole.stored_loops.clear();
        whole.encode(program, visible_data)
    }

    /// Reads the stored form: the head and all parts, with the visible data and the input from their own columns.
    pub fn decode(
        program: &Program,
        head: &[u8],
        parts: &[(String, Vec<u8>)],
        data: Val,
        input: Val,
    ) -> Result<Self, DecodeError> {
        let (format, rest) = head.split_first().ok_or(DecodeError::Damaged(None))?;
        let damaged = |error| DecodeError::Damaged(Some(error));
        let snapshot = match *format {
            1 => format1::decode(program, rest, data, input).map_err(damaged)?,
            FORMAT => {
                Self::from_head(program, serde_json::from_slice(rest).map_err(damaged)?, parts, data, input)?
            }
            newer => return Err(DecodeError::Format(newer)),
        };
        match snapshot.unsoundness() {
            Some(what) => Err(DecodeError::Unsound(what)),
            None => Ok(snapshot),
        }
    }

    /// Reads only the error at which an instance has stopped; `None` without one, or if the head cannot be read.
    pub fn decode_failed_step(head: &[u8]) -> Option<FailedStep> {
        #[derive(Deserialize)]
        struct FailedOnly {
            #[serde(rename = "e", default)]
            failed: Option<FailedStep>,
        }
        let (_, rest) = head.split_first()?;
        serde_json::from_slice::<FailedOnly>(rest).ok()?.failed
    }

    fn from_head(
        program: &Program,
        head: Head,
        parts: &[(String, Vec<u8>)],
        data: Val,
        input: Val,
    ) -> Result<Self, DecodeError> {
        let Head {
            status,
            next_frame,
            next_call,
            next_visit,
            next_event,
            correlation,
            depth,
            continuation,
            limit,
            steps,
            deadline,
            is_over_time,
            abort_requested,
            failed,
            hidden,
            response,
            ..
        } = head;
        let mut snapshot = Self {
            status,
            data: hidden.unwrap_or(data),
            input,
            next_frame,
            next_call,
            next_visit,
            next_event,
            correlation,
            depth,
            continuation,
            limit: limit.map(TimeLimit::from),
            steps,
            deadline,
            is_over_time,
            abort_requested,
            failed,
            response,
            ..Self::default()
        };
        // A scope that this build does not have cannot be compensated. This does not happen for states: the instance keeps its document.
        snapshot.completed =
            head.completed.iter().filter_map(|label| program.scope_labelled(label)).collect();
        for frame in head.frames {
            snapshot.add_frame(program, frame, parts)?;
        }
        snapshot.restore_loop_variables(program);
        Ok(snapshot)
    }

    /// Sets the iteration parameter of each iteration to its element. It is not stored, because the loop has all elements.
    pub(crate) fn restore_loop_variables(&mut self, program: &Program) {
        for position in 0..self.frames.len() {
            let Some(frame) = self.frames.get(position) else { continue };
            let (Role::Iteration(index), Some(parent)) = (frame.role, frame.parent) else { continue };
            let Some(parent) = self.frame(parent) else { continue };
            let (Wait::Loop { items, .. }, Some(Instruction::ForEach(each))) =
                (&parent.wait, program.instruction(parent.pc))
            else {
                continue;
            };
            let item = items.elements().get(index as usize).cloned().unwrap_or_default();
            let variable = (Arc::clone(&each.parameter), item);
            if let Some(frame) = self.frames.get_mut(position) {
                frame.variables = vec![variable];
            }
        }
    }
}

/// The innermost scope around a label that the program has.
pub(crate) fn innermost_known_scope(program: &Program, label: &str) -> Option<ScopeId> {
    let mut paths =
        std::iter::successors(Some(label), |label| label.rsplit_once('/').map(|(outer, _)| outer));
    paths.find_map(|label| program.scope_labelled(label))
}
