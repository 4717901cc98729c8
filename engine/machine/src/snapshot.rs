//! The execution state of one instance: its data and a tree of frames.
//!
//! Owns: everything that decides how an instance continues, and nothing else. In memory, instructions and scopes of the program are indexes; the
//! stored form has labels instead (see `stored`).

use std::{collections::BTreeMap, sync::Arc};

use rondo_expression::{MergeRules, Val};
use rondo_program::{Failure, Pc, ScopeId, TimeLimit};
use serde::{Deserialize, Serialize};

use crate::{
    branch_merge,
    frame::{Frame, Role, Wait},
    retained_size::retained_size,
};

/// A moment of the engine's clock, in milliseconds since 1970 (UTC).
pub type Millis = i64;

/// Number of a call or child instance, unique within the instance. The instance's id and the number of a call are its idempotency key.
pub type CallNumber = u64;

/// Number of a visit to a state or an action, unique within the instance. All lines of history about a visit have its number.
pub type Visit = u64;

/// Number of a frame, unique within the instance.
pub type FrameId = u32;

/// The status of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Status {
    /// It runs or waits.
    #[default]
    #[serde(rename = "a")]
    Active,
    /// It has ended.
    #[serde(rename = "c")]
    Completed,
    /// It was ended by a request or by its time limit.
    #[serde(rename = "x")]
    Aborted,
    /// It has stopped at an error that no handler matches; a retrigger or a skip continues it.
    #[serde(rename = "e")]
    Error,
}

/// Execution state of one instance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The status of the instance.
    pub status: Status,
    /// The state data.
    pub data: Val,
    /// The data at the start: the value of `$WORKFLOW.input`.
    pub input: Val,
    /// The frames in the order of their ids, so a parent comes before its children.
    pub(crate) frames: Vec<Frame>,
    pub(crate) next_frame: FrameId,
    pub(crate) next_call: CallNumber,
    pub(crate) next_visit: Visit,
    pub(crate) next_event: u64,
    /// The values of correlated attributes that events have bound to the instance, by the name of the attribute.
    pub(crate) correlation: BTreeMap<Arc<str>, Arc<str>>,
    /// The number of its ancestors: its parent, the parent's parent and so on.
    pub depth: u32,
    /// The instances that it continues; `None`: it continues none.
    pub continuation: Option<Continuation>,
    /// Its own time limit; `None`: that of its workflow.
    pub limit: Option<TimeLimit>,
    /// The number of instructions since the instance last waited, without those of iterations. An instance that continues another one begins
    /// with the number of that one.
    pub steps: u32,
    /// When the time limit of the workflow ends.
    pub(crate) deadline: Option<Millis>,
    /// Whether the time limit of the workflow has passed, and only actions run that had begun before.
    pub(crate) is_over_time: bool,
    /// Whether somebody has asked to abort it.
    pub(crate) abort_requested: bool,
    /// The completed scopes with a compensation, in the order of their completion.
    pub(crate) completed: Vec<ScopeId>,
    /// The error at which the instance has stopped.
    pub failed: Option<FailedStep>,
    /// Status and headers of the last answer, for `$WORKFLOW`.
    pub(crate) response: Option<Val>,
    /// The loops with parts in the database, by frame.
    pub(crate) stored_loops: BTreeMap<FrameId, StoredLoop>,
    /// Whether a wait for events has begun of which the store does not know: since the last turn was written, or in a build that did not
    /// deliver events.
    pub(crate) has_unregistered_waits: bool,
    /// The stored positions that the program does not have. The instance cannot continue from them.
    pub(crate) lost: Vec<LostPosition>,
}

/// The chain of instances that continue each other, and the place of one of them in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation {
    /// Id of the first instance, as text. Who waits for the result of the chain waits for this instance.
    #[serde(rename = "i")]
    pub first: Arc<str>,
    /// How many instances are before this one, from 1.
    #[serde(rename = "n")]
    pub number: u64,
}

/// The parts of a loop that are in the database: its elements, and some of its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StoredLoop {
    /// The number of results in the database: the first ones.
    pub(crate) results: usize,
    /// Whether the loop has ended. Its frame may have begun another one since, in the same turn, which has parts of the same keys.
    pub(crate) has_ended: bool,
}

/// A frame whose stored position the program does not have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LostPosition {
    pub(crate) frame: FrameId,
    /// The label of the position.
    pub(crate) label: Arc<str>,
}

/// The position of a frame with a lost position. No program has this many instructions.
pub(crate) const UNKNOWN_POSITION: Pc = Pc::MAX;

/// The error at which an instance has stopped, and the step that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedStep {
    /// The frame that failed.
    pub frame: FrameId,
    /// The visit of the innermost state or action that failed.
    pub visit: Visit,
    /// Name of the state.
    pub state: Arc<str>,
    /// Name of the function or workflow that the action calls, if an action failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<str>>,
    /// The error.
    pub failure: Failure,
}

impl FailedStep {
    /// What happened and where, for people.
    pub fn message(&self) -> String {
        self.failure.message_at(&self.state, self.action.as_deref())
    }
}

impl Snapshot {
    /// The snapshot of an instance that has not run yet, with its input as data.
    pub fn new(data: Val) -> Self {
        Self { input: data.clone(), data, ..Self::default() }
    }

    /// The data for views: with the changes of running branches so far. `rules`: the merge rules of the program.
    pub fn visible_data(&self, rules: MergeRules) -> Val {
        self.with_changes_below(None, self.data.clone(), rules)
    }

    /// The data of a frame with the changes of its branches so far, both of those that run and of those that have ended.
    pub(crate) fn with_branch_changes(&self, frame: &Frame, data: Val, rules: MergeRules) -> Val {
        self.with_changes_below(Some(frame), data, rules)
    }

    /// `data` with the changes of the branches below a frame so far, in the order of the branches; below none, with those of the root frames.
    fn with_changes_below(&self, frame: Option<&Frame>, data: Val, rules: MergeRules) -> Val {
        let parent = frame.map(|frame| frame.id);
        let mut shown = data.clone();
        let mut branches: Vec<(u32, Val)> = match frame.map(|frame| &frame.wait) {
            Some(Wait::Branches { ended, .. }) => ended.clone(),
            _ => Vec::new(),
        };
        for child in self.frames.iter().filter(|child| child.parent == parent) {
            match (child.role, &child.data) {
                (Role::Branch(index), Some(own)) => {
                    branches.push((index, self.with_changes_below(Some(child), own.clone(), rules)));
                }
                // The data of an element of a loop end with the element.
                (_, Some(_)) => {}
                (_, None) => shown = self.with_changes_below(Some(child), shown, rules),
            }
        }
        branches.sort_by_key(|(index, _)| *index);
        let changed = branches.iter();
        changed.fold(shown, |shown, (_, after)| branch_merge::apply_changes(shown, &data, after, rules))
    }

    /// The approximate memory of its values, in bytes. A shared value counts once for each holder, so data that is still the input counts twice;
    /// the surplus covers the JSON text that exists while the snapshot is written.
    pub fn memory(&self) -> usize {
        self.data.memory() + self.input.memory() + retained_size(self).memory
    }

    /// The time of the earliest timer; `None` if no timer is set or the instance is not active.
    pub fn wake_at(&self) -> Option<Millis> {
        if self.status != Status::Active {
            return None;
        }
        self.frames.iter().filter_map(Frame::wake_at).chain(self.deadline).min()
    }

    /// Whether some frame waits for a call or can run. After a crash such an instance must be continued at once.
    pub fn has_work_in_flight(&self) -> bool {
        let frames = self.frames.iter().filter(|frame| !frame.is_detached());
        frames.into_iter().any(|frame| matches!(frame.wait, Wait::Call { .. } | Wait::Ready))
    }

    /// Whether a call is in flight that nobody waits for. After a crash it must be made again, also if the instance has ended.
    pub fn has_detached_calls(&self) -> bool {
        self.detached_calls().next().is_some()
    }

    /// The numbers of the calls in flight that nobody waits for.
    pub fn detached_calls(&self) -> impl Iterator<Item = CallNumber> {
        self.frames.iter().filter(|frame| frame.is_detached()).filter_map(|frame| match frame.wait {
            Wait::Call { call, .. } => Some(call),
            _ => None,
        })
    }

    /// Whether a call or a child instance is one that nobody waits for.
    pub fn is_detached(&self, call: CallNumber) -> bool {
        let is_it = |wait: &Wait| matches!(wait, Wait::Call { call: own, .. } | Wait::Child { call: own, .. } if *own == call);
        self.frames.iter().any(|frame| frame.is_detached() && is_it(&frame.wait))
    }

    /// Whether it was asked to abort and still compensates.
    pub fn is_aborting(&self) -> bool {
        self.abort_requested && matches!(self.status, Status::Active | Status::Error)
    }

    /// Whether the instance has not started yet.
    pub fn is_new(&self) -> bool {
        self.next_frame == 0 && self.status == Status::Active
    }

    /// Whether the instance has started, whatever has become of it.
    pub fn has_started(&self) -> bool {
        self.next_frame > 0
    }

    /// Whether a wait for events has begun of which the store does not know yet, also if it is like one that the store knows: each wait
    /// takes another one of the events that are kept.
    pub fn has_unregistered_waits(&self) -> bool {
        self.has_unregistered_waits
    }

    /// Some or all of what it waits for is known to the store now.
    pub fn waits_are_registered(&mut self) {
        self.has_unregistered_waits = false;
    }

    /// Whether some frame can run, so that the caller must run another turn.
    pub fn needs_turn(&self) -> bool {
        self.status == Status::Active && self.frames.iter().any(|frame| frame.wait == Wait::Ready)
    }

    /// The numbers of the calls in flight, also of those that nobody waits for.
    pub fn calls(&self) -> impl Iterator<Item = CallNumber> {
        self.frames.iter().filter_map(|frame| match frame.wait {
            Wait::Call { call, .. } => Some(call),
            _ => None,
        })
    }

    /// The numbers of the child instances that have not ended, also of those that nobody waits for.
    pub fn children(&self) -> impl Iterator<Item = CallNumber> {
        self.frames.iter().filter_map(|frame| match frame.wait {
            Wait::Child { call, .. } => Some(call),
            _ => None,
        })
    }

    /// The visits of all open scopes.
    pub(crate) fn open_visits(&self) -> Vec<Visit> {
        self.frames.iter().flat_map(Frame::open_visits).collect()
    }

    /// The error of an instance that was stored at a position that the program does not have; `None` if the program has all positions. Give it
    /// to the instance as [`crate::Input::Halt`] before any other input.
    pub fn lost_position(&self) -> Option<Failure> {
        let LostPosition { label, .. } = self.lost.first()?;
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

    /// Adds a frame that is ready to run, and returns its id.
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
            error: None,
            events: Vec::new(),
            variables: Vec::new(),
            call_in_doubt: None,
        });
        id
    }

    /// The data that a frame works on.
    pub(crate) fn data_of(&self, id: FrameId) -> &Val {
        match self.data_owner(id).and_then(|owner| self.frame(owner)).and_then(|frame| frame.data.as_ref()) {
            Some(data) => data,
            None => &self.data,
        }
    }

    /// Replaces the data that a frame works on.
    pub(crate) fn set_data_of(&mut self, id: FrameId, data: Val) {
        match self.data_owner(id).and_then(|owner| self.frame_mut(owner)) {
            Some(frame) => frame.data = Some(data),
            None => self.data = data,
        }
    }

    /// Takes the data that a frame works on, so that it can be changed in place. The caller sets it again.
    pub(crate) fn take_data_of(&mut self, id: FrameId) -> Val {
        match self.data_owner(id).and_then(|owner| self.frame_mut(owner)) {
            Some(frame) => frame.data.replace(Val::Null).unwrap_or_default(),
            None => std::mem::take(&mut self.data),
        }
    }

    /// The frame that owns the data on which a frame works: itself or its nearest ancestor with data. `None`: the instance owns it.
    fn data_owner(&self, id: FrameId) -> Option<FrameId> {
        let mut frame = self.frame(id)?;
        loop {
            if frame.data.is_some() {
                return Some(frame.id);
            }
            frame = self.frame(frame.parent?)?;
        }
    }
}
