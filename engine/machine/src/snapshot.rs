//! The whole execution state of one instance: its data and a tree of frames.
//!
//! A frame is one path of execution: the root, a branch, an iteration, a compensation. It says which instruction it is
//! at, which scopes are open on it and what it waits for. Everything that decides how an instance goes on is here, and nothing
//! else. In memory it refers to instructions and scopes of the program by index; what is stored names them (see `stored`).

use std::{collections::BTreeMap, sync::Arc};

use rondo_expression::{MergeRules, Val};
use rondo_program::{Failure, Pc, ScopeId};
use serde::{Deserialize, Serialize};

use crate::{branch_merge, held::held_by};

/// A moment of the engine's clock, in milliseconds since 1970 (UTC).
pub type Millis = i64;

/// Number of a call or of a child instance, unique within the instance; with the instance's id it makes the idempotency key.
pub type CallNumber = u64;

/// Number of a visit to a state or an action, unique within the instance; ties the lines of history together.
pub type Visit = u64;

/// Number of a frame, unique within the instance.
pub type FrameId = u32;

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
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// How the instance is.
    pub status: Status,
    /// The state data.
    pub data: Val,
    /// The data at start, which `$WORKFLOW.input` shows.
    pub input: Val,
    pub(crate) frames: Vec<Frame>,
    pub(crate) next_frame: FrameId,
    pub(crate) next_call: CallNumber,
    pub(crate) next_visit: Visit,
    /// How many instances stand above it: its parent, the parent's parent and so on.
    pub depth: u32,
    /// Instructions that were run since the instance last waited.
    pub(crate) steps: u32,
    /// When the instance's time is over.
    pub(crate) deadline: Option<Millis>,
    /// Completed scopes that have a compensation, in the order of their completion.
    pub(crate) completed: Vec<ScopeId>,
    /// The error that the instance stands at.
    pub failed: Option<Failed>,
    /// What the last call's answer said beside its result.
    pub(crate) response: Option<Val>,
    /// Which loops have parts in the database, and how much of each.
    pub(crate) stored_loops: BTreeMap<FrameId, StoredLoop>,
    /// Positions in the stored form that the program does not have: the instance cannot go on from there.
    pub(crate) lost: Vec<Lost>,
}

/// How much of a loop stands in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StoredLoop {
    /// Results from the first on.
    pub(crate) results: usize,
}

/// A frame whose stored position the program does not have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lost {
    pub(crate) frame: FrameId,
    /// The label where it stood.
    pub(crate) label: Arc<str>,
}

/// The position of a frame whose stored one the program does not have. No program has so many instructions.
pub(crate) const NOWHERE: Pc = Pc::MAX;

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
    /// What happened, and where, for people.
    pub fn message(&self) -> String {
        self.failure.message_at(&self.state, self.action.as_deref())
    }
}

/// One path of execution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) id: FrameId,
    pub(crate) parent: Option<FrameId>,
    pub(crate) role: Role,
    pub(crate) pc: Pc,
    pub(crate) wait: Wait,
    /// Data of its own; without, it works on its parent's, the root on the instance's.
    pub(crate) data: Option<Val>,
    /// The scopes that are open on it, the innermost last.
    pub(crate) scopes: Vec<OpenScope>,
    /// Register *focus*.
    pub(crate) focus: Option<Val>,
    /// Register *result*.
    pub(crate) result: Option<Val>,
    /// Result of the action before, where something looks at it.
    pub(crate) previous: Option<Val>,
    /// Variables of this frame: the iteration parameter.
    pub(crate) variables: Vec<(Arc<str>, Val)>,
    /// A call that failed in a way that leaves open whether the service has done what it was asked. The next try is the same call.
    pub(crate) unsettled: Option<CallNumber>,
}

/// A scope that has been entered and not left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OpenScope {
    pub(crate) id: ScopeId,
    /// The visit that history knows it by; 0 for a scope that history does not show.
    pub(crate) visit: Visit,
    /// When its time is over.
    pub(crate) deadline: Option<Millis>,
    /// Whether it failed and an error handler leads on: there is nothing to compensate.
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
    /// Number of the branch, if it is one.
    pub(crate) fn branch(self) -> Option<u32> {
        match self {
            Self::Branch(index) => Some(index),
            _ => None,
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    pub(crate) fn is_root(&self) -> bool {
        *self == Self::Root
    }
}

/// What a frame waits for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Wait {
    /// Nothing: it goes on in this turn.
    #[default]
    Ready,
    /// A moment. The frame stands at the sleep and goes on behind it.
    Sleep(Millis),
    /// The answer of a call.
    Call { call: CallNumber, attempt: u32 },
    /// The moment at which a failed call is made again.
    Retry { until: Millis, call: CallNumber, attempt: u32 },
    /// The end of a child instance.
    Child { call: CallNumber },
    /// Its branches.
    Branches { need: u32, ended: Vec<(u32, Val)> },
    /// Its iterations.
    Loop { items: Val, next: u32, live: u32, batch: u32, results: Vec<(u32, Val)> },
    /// A compensation.
    Compensation,
    /// Events; `arrived` holds those that came while all are wanted.
    Events { until: Option<Millis>, arrived: Vec<(Arc<str>, Val)> },
    /// Somebody who tries again or skips: it failed.
    Failed,
}

impl Wait {
    /// The moment that is waited for, at the latest.
    pub(crate) fn until(&self) -> Option<Millis> {
        match self {
            Self::Sleep(until) | Self::Retry { until, .. } => Some(*until),
            Self::Events { until, .. } => *until,
            _ => None,
        }
    }

    /// Whether something outside is under way for the frame, or will be tried again.
    pub(crate) fn is_outside(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Retry { .. } | Self::Child { .. })
    }
}

impl Snapshot {
    /// An instance that has not run yet.
    pub fn new(data: Val) -> Self {
        Self { input: data.clone(), data, ..Self::default() }
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
                Some(own) => {
                    branch_merge::apply(shown, &data, &self.within(frame, own.clone(), rules), rules)
                }
                None => self.within(frame, shown, rules),
            };
        }
        shown
    }

    /// A frame's data with what its branches, those under way and those that ended, have changed so far.
    pub(crate) fn within(&self, frame: &Frame, data: Val, rules: MergeRules) -> Val {
        let shown = self.with_branches(Some(frame.id), data.clone(), rules);
        let Wait::Branches { ended, .. } = &frame.wait else { return shown };
        ended.iter().fold(shown, |shown, (_, after)| branch_merge::apply(shown, &data, after, rules))
    }

    /// Bytes of memory that its values take, roughly. What is shared counts at each place, so data that are still the input count twice; that
    /// is room for their text while they are written.
    pub fn memory(&self) -> usize {
        self.data.memory() + self.input.memory() + held_by(self).memory
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
            Wait::Call { call, .. } => Some(call),
            _ => None,
        })
    }

    /// Numbers of the child instances that are waited for.
    pub fn children(&self) -> impl Iterator<Item = CallNumber> {
        self.frames.iter().filter_map(|frame| match frame.wait {
            Wait::Child { call } => Some(call),
            _ => None,
        })
    }

    /// Visits that are open: the innermost things that the instance stands in.
    pub fn open_visits(&self) -> Vec<Visit> {
        self.frames.iter().flat_map(Frame::open_visits).collect()
    }

    /// Why the instance cannot go on: it was stored at a position that the program does not have. It is to be given to it as
    /// [`crate::Input::Halt`] before anything else.
    pub fn lost_position(&self) -> Option<Failure> {
        let Lost { label, .. } = self.lost.first()?;
        let construct = label.rsplit_once('/').map_or(&**label, |(construct, _)| construct);
        Some(Failure::runtime(format!(
            "this version of Rondo has no position `{label}` in this workflow, and that is where the instance stood, so it does not go \
             on by itself: a retrigger runs `{construct}` again from its beginning, as far as it is there"
        )))
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
            scopes: Vec::new(),
            focus: None,
            result: None,
            previous: None,
            variables: Vec::new(),
            unsettled: None,
        });
        id
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
    /// Visits of the scopes that are open on it, the innermost last.
    pub(crate) fn open_visits(&self) -> impl Iterator<Item = Visit> {
        self.scopes.iter().map(|open| open.visit).filter(|visit| *visit != 0)
    }

    /// Every value that it holds.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Val> {
        let registers = [&self.data, &self.focus, &self.result, &self.previous].into_iter().flatten();
        let variables = self.variables.iter().map(|(_, value)| value);
        let (items, numbered, named): (_, &[(u32, Val)], &[(Arc<str>, Val)]) = match &self.wait {
            Wait::Loop { items, results, .. } => (Some(items), results, &[]),
            Wait::Branches { ended, .. } => (None, ended, &[]),
            Wait::Events { arrived, .. } => (None, &[], arrived),
            _ => (None, &[], &[]),
        };
        let waiting = numbered.iter().map(|(_, value)| value).chain(named.iter().map(|(_, value)| value));
        registers.chain(variables).chain(items).chain(waiting)
    }

    fn wake_at(&self) -> Option<Millis> {
        self.scopes.iter().filter_map(|open| open.deadline).chain(self.wait.until()).min()
    }
}
