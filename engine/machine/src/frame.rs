//! Frames: the paths of execution of an instance.
//!
//! A frame is the root path, a branch, an iteration of a loop, or a compensation. It has a position in the program, a stack of open scopes,
//! registers, and the thing that it waits for.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_program::{Pc, ScopeId};
use serde::{Deserialize, Serialize};

use crate::{CallNumber, FrameId, Millis, Visit};

/// One path of execution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) id: FrameId,
    pub(crate) parent: Option<FrameId>,
    pub(crate) role: Role,
    pub(crate) pc: Pc,
    pub(crate) wait: Wait,
    /// Its own data. Without it the frame works on the data of its parent, the root on the data of the instance.
    pub(crate) data: Option<Val>,
    /// The open scopes, the innermost last.
    pub(crate) scopes: Vec<OpenScope>,
    /// The register *focus*: the part of the data that the current action uses.
    pub(crate) focus: Option<Val>,
    /// The register *result*: the result of the current action.
    pub(crate) result: Option<Val>,
    /// The result of the previous action, if something needs it.
    pub(crate) previous: Option<Val>,
    /// The error that a handler led here with, as `$WORKFLOW.error` shows it.
    pub(crate) error: Option<Val>,
    /// The payloads of events that arrived together and were not used yet.
    pub(crate) events: Vec<(Arc<str>, Val)>,
    /// The variables of this frame: the iteration parameter; all that an action saw which nobody waits for.
    pub(crate) variables: Vec<(Arc<str>, Val)>,
    /// A failed call that the service may have processed: it got no answer, or none that settles it. The next attempt has the same number.
    pub(crate) call_in_doubt: Option<CallNumber>,
}

/// A scope that has been entered and not left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OpenScope {
    pub(crate) id: ScopeId,
    /// Its visit in the history; 0 for a branch, which the history does not show.
    pub(crate) visit: Visit,
    /// When its time limit ends.
    pub(crate) deadline: Option<Millis>,
    /// When the time limit of one execution ends.
    pub(crate) single_deadline: Option<Millis>,
    /// Whether one of its error handlers was used: then it is not compensated.
    pub(crate) failed: bool,
}

/// The value that an attribute of an awaited event must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequiredAttribute {
    /// Name of the event in the definition.
    #[serde(rename = "e")]
    pub(crate) event: Arc<str>,
    #[serde(rename = "a")]
    pub(crate) attribute: Arc<str>,
    #[serde(rename = "v")]
    pub(crate) value: Arc<str>,
}

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) enum Role {
    #[default]
    Root,
    /// A branch of a fork, with its index.
    #[serde(rename = "b")]
    Branch(u32),
    /// An iteration of a loop, with the index of its element.
    #[serde(rename = "i")]
    Iteration(u32),
    /// A compensation of one scope.
    #[serde(rename = "c")]
    Compensation,
    /// An action that nobody waits for. It only notices what becomes of it.
    #[serde(rename = "d")]
    Detached,
}

impl Role {
    /// The index, if it is a branch.
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
    /// Nothing: it can run.
    #[default]
    Ready,
    /// The end of a sleep. The frame stays at the sleep instruction until then.
    Sleep(Millis),
    /// The answer to a call.
    Call { call: CallNumber, attempt: u32 },
    /// The time of the next attempt of a failed call or subflow.
    Retry { until: Millis, call: CallNumber, attempt: u32 },
    /// The end of a child instance. `attempt` counts those that were started for the same action, from 1.
    Child { call: CallNumber, attempt: u32 },
    /// Its branches: `required` of them must end. `ended` has the index and the data of those that have.
    Branches { required: u32, ended: Vec<(u32, Val)> },
    /// Its iterations: `next` is the index of the next element, `running` the number of iterations that have not ended, `batch` the size of a batch.
    /// `results` has the index and the result of each element with a result.
    Loop { items: Val, next: u32, running: u32, batch: u32, results: Vec<(u32, Val)> },
    /// A compensation.
    Compensation,
    /// Events; `arrived` has the events so far, if all of several events are required. `required` has the values of correlated attributes that
    /// the definition demanded when the wait began.
    Events { until: Option<Millis>, arrived: Vec<(Arc<str>, Val)>, required: Vec<RequiredAttribute> },
    /// A retrigger or a skip, because its instruction failed.
    Failed,
    /// The end of the actions that still run after the time limit of the workflow: it has given up itself.
    GivenUp,
}

impl Wait {
    /// The time at which the wait ends at the latest; `None` if no time ends it.
    pub(crate) fn until(&self) -> Option<Millis> {
        match self {
            Self::Sleep(until) | Self::Retry { until, .. } => Some(*until),
            Self::Events { until, .. } => *until,
            _ => None,
        }
    }

    /// Whether the frame waits for a call, for its next attempt, or for a child instance.
    pub(crate) fn is_external(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Retry { .. } | Self::Child { .. })
    }
}

impl Frame {
    /// The visits of the open scopes, the innermost last. An action that nobody waits for has none: it was left when it began.
    pub(crate) fn open_visits(&self) -> impl Iterator<Item = Visit> {
        let open: &[OpenScope] = if self.is_detached() { &[] } else { &self.scopes };
        open.iter().map(|open| open.visit).filter(|visit| *visit != 0)
    }

    /// Whether nobody waits for it.
    pub(crate) fn is_detached(&self) -> bool {
        self.role == Role::Detached
    }

    /// All values that it retains.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Val> {
        let registers = [&self.data, &self.focus, &self.result, &self.previous, &self.error];
        let registers = registers.into_iter().flatten();
        let variables = self.variables.iter().chain(&self.events).map(|(_, value)| value);
        let (items, numbered, named): (_, &[(u32, Val)], &[(Arc<str>, Val)]) = match &self.wait {
            Wait::Loop { items, results, .. } => (Some(items), results, &[]),
            Wait::Branches { ended, .. } => (None, ended, &[]),
            Wait::Events { arrived, .. } => (None, &[], arrived),
            _ => (None, &[], &[]),
        };
        let waiting = numbered.iter().map(|(_, value)| value).chain(named.iter().map(|(_, value)| value));
        registers.chain(variables).chain(items).chain(waiting)
    }

    /// The earliest time of its timers: the end of its wait and the time limits of its open scopes.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        let limits = self.scopes.iter().flat_map(|open| [open.deadline, open.single_deadline]).flatten();
        limits.chain(self.wait.until()).min()
    }
}
