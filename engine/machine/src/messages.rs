//! What goes into a turn and what comes out of it.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_program::{Failure, FailureKind, LogLevel, Origin};
use serde::{Deserialize, Serialize};

use crate::{CallNumber, FrameId, Millis, Snapshot, Visit};

/// What happened to an instance.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// It starts.
    Start {
        /// Name of the state to start at; the definition's start when absent.
        at: Option<String>,
    },
    /// A call was answered. An answer to a call that nobody waits for any more changes nothing.
    Answered {
        /// The call.
        call: CallNumber,
        /// The answer; absent when it holds nothing.
        result: Option<Val>,
        /// What `$WORKFLOW` shows of it: `{statusCode, statusMessage, responseHeaders}`.
        response: Option<Val>,
    },
    /// A call failed.
    CallFailed {
        /// The call.
        call: CallNumber,
        /// How.
        failure: Failure,
    },
    /// A child instance ended.
    ChildEnded {
        /// The number under which it was started.
        call: CallNumber,
        /// Its data, or why it failed.
        outcome: Result<Val, Failure>,
    },
    /// Time has passed: everything that is due now happens.
    Tick,
    /// It is asked to end; completed states are compensated.
    Abort,
    /// The failed step is run again.
    Retrigger,
    /// It is not to go on: it stands at this error, wherever it is.
    Halt(Failure),
    /// The failed step is left out.
    Skip,
    /// The data is replaced.
    Replace(Val),
    /// The data is merged with this.
    Patch(Val),
}

/// The outcome of a turn.
#[derive(Debug)]
pub struct Turn {
    /// The state of the instance after it.
    pub snapshot: Snapshot,
    /// What must be done, after the snapshot has been made durable.
    pub effects: Vec<Effect>,
    /// What happened, in order.
    pub facts: Vec<Fact>,
    /// Whether the input meant anything to the instance. When not, nothing changed.
    pub accepted: bool,
}

/// Something that must be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Call a function; answer with [`Input::Answered`] or [`Input::CallFailed`].
    Call(CallRequest),
    /// Start an instance; answer with [`Input::ChildEnded`]. It must be stored together with the snapshot.
    StartChild(ChildRequest),
    /// Nobody waits for this child instance any more: abort it.
    CancelChild(CallNumber),
    /// Write a line to the log.
    Log(LogLine),
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRequest {
    /// Its number: with the instance's id it is the idempotency key. It stays the same once an attempt was not answered (a crash, a
    /// lost connection, a time limit), until one succeeds or somebody changes the data; as long as every attempt was answered, the
    /// next one has another.
    pub call: CallNumber,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// Name of the function in the definition.
    pub function: Arc<str>,
    /// Evaluated arguments; `None` when the action gives none.
    pub arguments: Option<Val>,
    /// What the action sees: some functions send it whole.
    pub data: Val,
    /// Evaluated `configKey` of the function.
    pub config_key: Option<String>,
    /// Name of the state, for messages.
    pub state: Arc<str>,
    /// Name of the action, for messages.
    pub action: Arc<str>,
}

/// An instance to start.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildRequest {
    /// Its number within the parent.
    pub call: CallNumber,
    /// Id of the workflow.
    pub workflow: Arc<str>,
    /// Wanted version.
    pub version: Option<Arc<str>>,
    /// Its input.
    pub data: Val,
    /// Variables that its expressions see.
    pub variables: Vec<(Arc<str>, Val)>,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// How loud.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Name of the state.
    pub state: Arc<str>,
}

/// A line of history. All facts of one turn happened at its `now`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "lowercase")]
pub enum Fact {
    /// The instance started.
    Started,
    /// A state was entered.
    Entered {
        /// Ties this line to the one that says how it was left.
        v: Visit,
        /// Name of the state.
        state: Arc<str>,
        /// `operation`, `switch`, …
        kind: Arc<str>,
    },
    /// A state or action was left in the ordinary way.
    Left {
        /// Which visit.
        v: Visit,
    },
    /// A state or action was left because an error was handled, or because nobody waits for it any more.
    Dropped {
        /// Which visit.
        v: Visit,
    },
    /// An action began.
    Action {
        /// Ties this line to the one that says how it ended.
        v: Visit,
        /// Name of the function or workflow.
        target: Arc<str>,
        /// Name of the action where it has another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Arc<str>>,
        /// Whether it calls something outside or a subflow, or is computed inside.
        kind: Arc<str>,
        /// Visit of the state it belongs to.
        within: Visit,
    },
    /// An attempt failed and will be made again.
    Retry {
        /// Visit of the action.
        v: Visit,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// When the next one is due.
        until: Millis,
        /// What happened.
        message: String,
    },
    /// An error was raised that a handler took.
    Handled {
        /// Visit of the state.
        v: Visit,
        /// What happened.
        message: String,
        /// What went wrong. Lines of the first format have none; their messages begin with a class name instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<FailureKind>,
        /// Who raised it.
        #[serde(default)]
        origin: Origin,
    },
    /// An error was raised that nothing handles.
    Failed {
        /// Visit of the innermost state or action.
        v: Visit,
        /// What happened.
        message: String,
        /// What went wrong. Lines of the first format have none; their messages begin with a class name instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<FailureKind>,
        /// Who raised it.
        #[serde(default)]
        origin: Origin,
    },
    /// The failed step is run again.
    Retriggered {
        /// The frame.
        frame: FrameId,
    },
    /// The failed step is left out.
    Skipped {
        /// Its visit.
        v: Visit,
    },
    /// The data was changed from outside.
    Changed,
    /// The instance ended.
    Completed,
    /// The instance was ended.
    Aborted,
}
