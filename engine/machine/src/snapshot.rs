//! The whole execution state of one instance: its data and a tree of frames.
//!
//! A frame is one path of execution: the root, a branch, an iteration, a compensation. It says which instruction it is
//! at and what it waits for. Everything that decides how an instance goes on is here, and nothing else.

use std::sync::Arc;

use rondo_expression::{MergeRules, Val};
use rondo_program::{ActionId, Pc, StateId};
use serde::{Deserialize, Serialize};

use crate::{Failure, changes};

/// A moment of the engine's clock, in milliseconds since 1970 (UTC).
pub type Millis = i64;

/// Number of a call or of a child instance, unique within the instance; with the instance's id it makes the idempotency key.
pub type CallNumber = u64;

/// Number of a visit to a state or an action, unique within the instance; ties the lines of history together.
pub type Visit = u64;

/// Number of a frame, unique within the instance.
pub type FrameId = u32;

/// The format in which snapshots are encoded. A reader refuses what it does not know.
const FORMAT: u8 = 1;

/// How an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Status {
    /// Runs or waits.
    #[default]
    #[serde(rename = "a")]
    Active,
    /// Ended.
    #[serde(rename = "c")]
    Completed,
    /// Ended from outside, or by its time limit.
    #[serde(rename = "x")]
    Aborted,
    /// Stands at an error that nothing handles; can be retried or skipped.
    #[serde(rename = "e")]
    Error,
}

/// Execution state of one instance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// How the instance is.
    #[serde(rename = "s")]
    pub status: Status,
    /// The state data. Stored apart, so that it can be searched; not part of the encoding.
    #[serde(skip)]
    pub data: Val,
    /// The data at start, which `$WORKFLOW.input` shows. Stored apart.
    #[serde(skip)]
    pub input: Val,
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) frames: Vec<Frame>,
    #[serde(rename = "n")]
    pub(crate) next_frame: FrameId,
    #[serde(rename = "k")]
    pub(crate) next_call: CallNumber,
    #[serde(rename = "v")]
    pub(crate) next_visit: Visit,
    /// How many instances stand above it: its parent, the parent's parent and so on.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    pub depth: u32,
    /// Instructions that were run since the instance last waited.
    #[serde(rename = "q", default, skip_serializing_if = "is_zero")]
    pub(crate) steps: u32,
    /// When the instance's time is over.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Millis>,
    /// Completed states that have a compensation, in the order of their completion.
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) completed: Vec<StateId>,
    /// The error that the instance stands at.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
    /// The data, while they are not what is shown: only in an encoding.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    hidden: Option<Val>,
    /// What the last call's answer said beside its result.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Val>,
}

/// The error that an instance stands at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    /// The frame that failed.
    pub frame: FrameId,
    /// Visit of the innermost state or action that failed.
    pub visit: Visit,
    /// Name of the state.
    pub state: Arc<str>,
    /// Name of what the action calls, if an action failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<str>>,
    /// What happened.
    pub failure: Failure,
}

impl Failed {
    /// The error as the Data Index shows it: what happened, and where.
    pub fn described(&self) -> String {
        self.failure.described_at(&self.state, self.action.as_deref())
    }
}

/// One path of execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    #[serde(rename = "i")]
    pub(crate) id: FrameId,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<FrameId>,
    #[serde(rename = "o", default, skip_serializing_if = "Role::is_root")]
    pub(crate) role: Role,
    #[serde(rename = "c")]
    pub(crate) pc: Pc,
    #[serde(rename = "w", default, skip_serializing_if = "Wait::is_ready")]
    pub(crate) wait: Wait,
    /// Data of its own; without, it works on its parent's, the root on the instance's.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Val>,
    /// The state that is open on this frame.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<Open<StateId>>,
    /// The action that is open on this frame.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<Open<ActionId>>,
    /// Register *focus*.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    pub(crate) focus: Option<Val>,
    /// Register *result*.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    pub(crate) result: Option<Val>,
    /// Result of the action before, where something looks at it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none", with = "nullable")]
    pub(crate) previous: Option<Val>,
    /// Variables of this frame: the iteration parameter.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) variables: Vec<(Arc<str>, Val)>,
    /// When the branch's time is over.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Millis>,
    /// A call that failed in a way that leaves open whether the service has done what it was asked. The next try is the same call.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unsettled: Option<CallNumber>,
}

/// A state or action that has been entered and not left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open<Id> {
    #[serde(rename = "i")]
    pub(crate) id: Id,
    #[serde(rename = "v")]
    pub(crate) visit: Visit,
    /// When its time is over.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Millis>,
    /// Whether it failed and an error handler leads on: there is nothing to compensate.
    #[serde(rename = "e", default, skip_serializing_if = "is_false")]
    pub(crate) failed: bool,
}

/// What a frame is to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) enum Role {
    #[default]
    Root,
    /// Branch so and so of a fork.
    #[serde(rename = "b")]
    Branch(u32),
    /// Element so and so of a loop.
    #[serde(rename = "i")]
    Iteration(u32),
    /// One compensation.
    #[serde(rename = "c")]
    Compensation,
}

impl Role {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    fn is_root(&self) -> bool {
        *self == Self::Root
    }
}

/// What a frame waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub(crate) enum Wait {
    /// Nothing: it goes on in this turn.
    #[default]
    Ready,
    /// A moment.
    #[serde(rename = "t")]
    Sleep(Millis),
    /// The answer of a call.
    #[serde(rename = "c")]
    Call { n: CallNumber, a: u32 },
    /// The moment at which a failed call is made again.
    #[serde(rename = "r")]
    Retry { until: Millis, n: CallNumber, a: u32 },
    /// The end of a child instance.
    #[serde(rename = "s")]
    Child { n: CallNumber },
    /// Its branches.
    #[serde(rename = "b")]
    Branches { need: u32, ended: Vec<(u32, Val)> },
    /// Its iterations.
    #[serde(rename = "l")]
    Loop { items: Val, next: u32, live: u32, batch: u32, results: Vec<(u32, Val)> },
    /// A compensation.
    #[serde(rename = "u")]
    Compensation,
    /// Events; `got` holds those that arrived while all are wanted.
    #[serde(rename = "e")]
    Events { until: Option<Millis>, got: Vec<(Arc<str>, Val)> },
    /// Somebody who tries again or skips: it failed.
    #[serde(rename = "x")]
    Failed,
}

impl Wait {
    /// Whether something outside is under way for the frame, or will be tried again.
    pub(crate) fn is_outside(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Retry { .. } | Self::Child { .. })
    }

    fn is_ready(&self) -> bool {
        *self == Self::Ready
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An encoding cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It was written by a newer version.
    #[error("snapshot format {0} is newer than this version of Rondo can read ({FORMAT})")]
    Format(u8),
    /// It is damaged.
    #[error("snapshot is damaged")]
    Damaged(#[source] Option<serde_json::Error>),
}

impl Snapshot {
    /// An instance that has not run yet.
    pub fn new(data: Val) -> Self {
        Self { input: data.clone(), data, ..Self::default() }
    }

    /// The encoding: one byte of format version, then compact JSON. `shown` is stored beside it, and so is `input`; the data
    /// are in the encoding only where they are not what is shown, because branches are under way.
    pub fn encode(&self, shown: &Val) -> Vec<u8> {
        if self.data != *shown && self.hidden.is_none() {
            return Self { hidden: Some(self.data.clone()), ..self.clone() }.encode(shown);
        }
        let mut bytes = vec![FORMAT];
        // Writing to memory fails only for maps with keys that are no text, and there are none.
        if serde_json::to_writer(&mut bytes, self).is_err() {
            bytes.truncate(1);
        }
        bytes
    }

    /// Reads an encoding, with the parts that are stored apart.
    pub fn decode(bytes: &[u8], data: Val, input: Val) -> Result<Self, DecodeError> {
        let (format, rest) = bytes.split_first().ok_or(DecodeError::Damaged(None))?;
        if *format != FORMAT {
            return Err(DecodeError::Format(*format));
        }
        let mut snapshot: Self =
            serde_json::from_slice(rest).map_err(|error| DecodeError::Damaged(Some(error)))?;
        let data = snapshot.hidden.take().unwrap_or(data);
        Ok(Self { data, input, ..snapshot })
    }

    /// The data as they are shown: with what branches under way have changed so far. `rules` are those of the program.
    pub fn visible_data(&self, rules: MergeRules) -> Val {
        self.with_branches(None, self.data.clone(), rules)
    }

    /// Data with the changes of the branches below a frame (`None`: below none, that is of the roots).
    fn with_branches(&self, parent: Option<FrameId>, data: Val, rules: MergeRules) -> Val {
        let mut shown = data.clone();
        for frame in self.frames.iter().filter(|frame| frame.parent == parent) {
            shown = match &frame.data {
                Some(own) => changes::apply(shown, &data, &self.within(frame, own.clone(), rules), rules),
                None => self.within(frame, shown, rules),
            };
        }
        shown
    }

    /// A frame's data with what its branches, those under way and those that ended, have changed so far.
    pub(crate) fn within(&self, frame: &Frame, data: Val, rules: MergeRules) -> Val {
        let shown = self.with_branches(Some(frame.id), data.clone(), rules);
        let Wait::Branches { ended, .. } = &frame.wait else { return shown };
        ended.iter().fold(shown, |shown, (_, after)| changes::apply(shown, &data, after, rules))
    }

    /// The earliest moment at which something is due; `None` while it waits for no moment.
    pub fn wake_at(&self) -> Option<Millis> {
        if self.status != Status::Active {
            return None;
        }
        self.frames.iter().filter_map(Frame::wake_at).chain(self.deadline).min()
    }

    /// Whether a call is under way, whose answer must be waited for or asked for again after a crash.
    pub fn has_calls(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame.wait, Wait::Call { .. } | Wait::Ready))
    }

    /// Whether the instance has not run at all yet.
    pub fn is_new(&self) -> bool {
        self.next_frame == 0 && self.status == Status::Active
    }

    /// Whether some frame can go on without anything happening outside.
    pub fn needs_turn(&self) -> bool {
        self.status == Status::Active && self.frames.iter().any(|frame| frame.wait == Wait::Ready)
    }

    /// Numbers of the calls that are waited for.
    pub fn calls(&self) -> impl Iterator<Item = CallNumber> {
        self.frames.iter().filter_map(|frame| match frame.wait {
            Wait::Call { n, .. } => Some(n),
            _ => None,
        })
    }

    /// Numbers of the child instances that are waited for.
    pub fn children(&self) -> impl Iterator<Item = CallNumber> {
        self.frames.iter().filter_map(|frame| match frame.wait {
            Wait::Child { n } => Some(n),
            _ => None,
        })
    }

    /// Visits that are open: the innermost things that the instance stands in.
    pub fn open_visits(&self) -> Vec<Visit> {
        let actions = self.frames.iter().filter_map(|frame| frame.action.map(|open| open.visit));
        let states = self.frames.iter().filter_map(|frame| frame.state.map(|open| open.visit));
        states.chain(actions).collect()
    }

    pub(crate) fn index_of(&self, id: FrameId) -> Option<usize> {
        self.frames.binary_search_by_key(&id, |frame| frame.id).ok()
    }

    pub(crate) fn frame(&self, id: FrameId) -> Option<&Frame> {
        self.index_of(id).and_then(|index| self.frames.get(index))
    }

    pub(crate) fn frame_mut(&mut self, id: FrameId) -> Option<&mut Frame> {
        self.index_of(id).and_then(|index| self.frames.get_mut(index))
    }

    /// Adds a frame and gives its id.
    pub(crate) fn push_frame(&mut self, parent: Option<FrameId>, role: Role, pc: Pc) -> FrameId {
        let id = self.next_frame;
        self.next_frame += 1;
        self.frames.push(Frame {
            id,
            parent,
            role,
            pc,
            wait: Wait::Ready,
            data: None,
            state: None,
            action: None,
            focus: None,
            result: None,
            previous: None,
            variables: Vec::new(),
            deadline: None,
            unsettled: None,
        });
        id
    }

    /// Removes everything below a frame.
    pub(crate) fn remove_descendants(&mut self, id: FrameId) {
        // Children stand behind their parents, so one pass in order finds all of them.
        let mut gone = vec![id];
        self.frames.retain(|frame| match frame.parent {
            Some(parent) if gone.contains(&parent) => {
                gone.push(frame.id);
                false
            }
            _ => true,
        });
    }

    /// The data that a frame works on.
    pub(crate) fn data_of(&self, id: FrameId) -> &Val {
        match self.owner_of(id).and_then(|owner| self.frame(owner)).and_then(|frame| frame.data.as_ref()) {
            Some(data) => data,
            None => &self.data,
        }
    }

    /// Replaces the data that a frame works on.
    pub(crate) fn set_data_of(&mut self, id: FrameId, data: Val) {
        match self.owner_of(id).and_then(|owner| self.frame_mut(owner)) {
            Some(frame) => frame.data = Some(data),
            None => self.data = data,
        }
    }

    /// Takes the data that a frame works on, to be changed in place and set again.
    pub(crate) fn take_data_of(&mut self, id: FrameId) -> Val {
        match self.owner_of(id).and_then(|owner| self.frame_mut(owner)) {
            Some(frame) => frame.data.replace(Val::Null).unwrap_or_default(),
            None => std::mem::take(&mut self.data),
        }
    }

    /// The nearest frame upwards that has data of its own; `None`: the instance's are used.
    fn owner_of(&self, id: FrameId) -> Option<FrameId> {
        let mut frame = self.frame(id)?;
        loop {
            if frame.data.is_some() {
                return Some(frame.id);
            }
            frame = self.frame(frame.parent?)?;
        }
    }
}

impl Frame {
    /// Every value that it holds.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Val> {
        let registers = [&self.data, &self.focus, &self.result, &self.previous].into_iter().flatten();
        let variables = self.variables.iter().map(|(_, value)| value);
        let (items, numbered, named): (_, &[(u32, Val)], &[(Arc<str>, Val)]) = match &self.wait {
            Wait::Loop { items, results, .. } => (Some(items), results, &[]),
            Wait::Branches { ended, .. } => (None, ended, &[]),
            Wait::Events { got, .. } => (None, &[], got),
            _ => (None, &[], &[]),
        };
        let waiting = numbered.iter().map(|(_, value)| value).chain(named.iter().map(|(_, value)| value));
        registers.chain(variables).chain(items).chain(waiting)
    }

    fn wake_at(&self) -> Option<Millis> {
        let wait = match self.wait {
            Wait::Sleep(until) | Wait::Retry { until, .. } => Some(until),
            Wait::Events { until, .. } => until,
            _ => None,
        };
        let limits = self.state.and_then(|open| open.deadline).into_iter();
        limits.chain(self.deadline).chain(self.action.and_then(|open| open.deadline)).chain(wait).min()
    }
}

/// An optional value whose null is not the same as its absence.
mod nullable {
    use rondo_expression::Val;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Val>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Val>, D::Error> {
        Val::deserialize(deserializer).map(Some)
    }
}
