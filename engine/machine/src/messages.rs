//! The inputs of a turn, and its results: effects to perform and facts for the history.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_program::{Failure, FailureKind, LogLevel, Origin, TimeLimit};
use serde::{Deserialize, Serialize};

use crate::{CallNumber, FrameId, Millis, Snapshot, Visit};

/// An event that an instance reacts to.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The instance starts.
    Start {
        /// Name of the first state; `None`: the definition's start.
        at: Option<String>,
    },
    /// A service answered a call. If the instance no longer waits for this call, the answer changes nothing. The answer to a call that nobody
    /// waits for only ends the call, also if the instance has ended.
    Answered {
        /// The call.
        call: CallNumber,
        /// The body of the answer; `None` if it has no body.
        result: Option<Val>,
        /// The members of `$WORKFLOW` about the answer: `{statusCode, statusMessage, responseHeaders}`, or `{python}` of a script, whose
        /// value is `{values, state}`. Members that the answer does not have keep their values.
        response: Option<Val>,
    },
    /// A call failed, or a child instance could not be started or was aborted.
    CallFailed {
        /// The call.
        call: CallNumber,
        /// Why it failed.
        failure: Failure,
    },
    /// A child instance ended, or stopped at an error.
    ChildEnded {
        /// The number of the [`ChildRequest`].
        call: CallNumber,
        /// Its data, or the error.
        outcome: Result<Val, Failure>,
    },
    /// An event arrived. If no frame waits for it, it changes nothing.
    Event(Box<ReceivedEvent>),
    /// Time has passed: timers that are due fire.
    Tick,
    /// Compensate the completed states and abort the instance. An instance that already compensates because of such an input ends at once.
    Abort,
    /// Run the failed step again.
    Retrigger,
    /// Stop the instance where it is, at this error.
    Halt(Failure),
    /// Continue after the failed step.
    Skip,
    /// Replace the data.
    Replace(Val),
    /// Merge this into the data.
    Patch(Val),
}

/// The result of a turn.
#[derive(Debug)]
pub struct Turn {
    /// The snapshot after the turn.
    pub snapshot: Snapshot,
    /// The effects to perform, in order. Store the snapshot before performing them.
    pub effects: Vec<Effect>,
    /// The lines of history, in order.
    pub facts: Vec<Fact>,
    /// Whether the input applied to the instance. If not, nothing has changed, and there are neither effects nor facts.
    pub accepted: bool,
}

/// An effect that the caller of the machine performs.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Call a function, then give the instance [`Input::Answered`] or [`Input::CallFailed`].
    Call(CallRequest),
    /// Start a child instance, and give this instance [`Input::ChildEnded`] when it ends. Store the child in the same transaction as the
    /// snapshot.
    StartChild(ChildRequest),
    /// Abort this child instance: its parent does not wait for it any more.
    CancelChild(CallNumber),
    /// Write a line to the log.
    Log(LogLine),
    /// The instance has completed, and another one continues: start it. Store it in the same transaction as the snapshot. If somebody waits
    /// for this instance, he waits for the other one from now on.
    ContinueAs(SuccessorRequest),
    /// Publish an event. Store it in the same transaction as the snapshot, and send it afterwards.
    Publish(PublishRequest),
}

/// An event that has arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedEvent {
    /// The attribute `id`.
    pub id: Arc<str>,
    /// The attribute `type`.
    pub event_type: Arc<str>,
    /// The attribute `source`.
    pub source: Arc<str>,
    /// All attributes, by name in lower case: those above, the optional ones, the extensions.
    pub attributes: Vec<(Arc<str>, Arc<str>)>,
    /// Its data; `None` if it has none.
    pub data: Option<Val>,
    /// Whether it names the instance, or its business key.
    pub is_addressed: bool,
}

impl ReceivedEvent {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }

    /// What expressions see: its data, or its attributes with the member `data`.
    pub(crate) fn payload(&self, data_only: bool) -> Option<Val> {
        if data_only {
            return self.data.clone();
        }
        let attributes = self.attributes.iter().map(|(name, value)| (&**name, Val::text(value)));
        let mut whole = Val::object(attributes);
        if let Some(data) = &self.data {
            whole.insert("data", data.clone());
        }
        Some(whole)
    }
}

/// An event to publish.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishRequest {
    /// Its number within the instance, from 1. The id of the event is made of it, so that a turn that is computed again publishes the same.
    pub number: u64,
    /// Name of the event in the definition.
    pub event: Arc<str>,
    /// The attribute `type`.
    pub event_type: Arc<str>,
    /// The attribute `source`; `None`: that of the workflow.
    pub source: Option<Arc<str>>,
    /// The extension attributes: those that the instance is correlated by, then those of the definition.
    pub attributes: Vec<(Arc<str>, Arc<str>)>,
    /// Its data.
    pub data: Val,
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRequest {
    /// The number of the call; together with the instance's id it is the idempotency key. Once an attempt has got no answer (a crash, a lost
    /// connection, a time limit), all further attempts have its number, until one succeeds or somebody changes the data. As long as the
    /// service has answered every attempt, the next one has a new number.
    pub call: CallNumber,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Name of the function in the definition.
    pub function: Arc<str>,
    /// The evaluated arguments; `None` if the action has none.
    pub arguments: Option<Val>,
    /// The focus of the action. A `rest:` function without arguments sends it as body.
    pub data: Val,
    /// The evaluated `configKey` of the function.
    pub config_key: Option<String>,
    /// What the last script of the instance left: the member `python` of its last [`Input::Answered`].
    pub python: Option<Val>,
    /// Name of the state, for messages.
    pub state: Arc<str>,
    /// Name of the action, for messages.
    pub action: Arc<str>,
}

/// A child instance to start.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildRequest {
    /// Its number within the parent.
    pub call: CallNumber,
    /// Id of the workflow.
    pub workflow: Arc<str>,
    /// Version of the workflow; `None`: the newest.
    pub version: Option<Arc<str>>,
    /// Its input.
    pub data: Val,
    /// The variables of the parent, which the expressions of the child can use.
    pub variables: Vec<(Arc<str>, Val)>,
    /// Whether nobody waits for its end.
    pub is_detached: bool,
}

/// An instance that continues another one.
#[derive(Debug, Clone, PartialEq)]
pub struct SuccessorRequest {
    /// Id of the workflow.
    pub workflow: Arc<str>,
    /// Version of the workflow; `None`: the highest.
    pub version: Option<Arc<str>>,
    /// Its input.
    pub data: Val,
    /// Its time limit; `None`: that of its workflow.
    pub limit: Option<TimeLimit>,
    /// The value of [`Snapshot::steps`] at its start.
    pub steps: u32,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Name of the state.
    pub state: Arc<str>,
}

/// A line of history. All facts of a turn have the time of the turn. The serialized names are stored, so they never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "lowercase")]
pub enum Fact {
    /// The instance started.
    Started,
    /// A state was entered.
    Entered {
        /// The visit that begins.
        #[serde(rename = "v")]
        visit: Visit,
        /// Name of the state.
        state: Arc<str>,
        /// `operation`, `switch`, …
        kind: Arc<str>,
    },
    /// A state or action completed, or a state was left by an error handler.
    Left {
        /// The visit that ends.
        #[serde(rename = "v")]
        visit: Visit,
    },
    /// A state or action was dropped before it completed, because of a handled error or because its result is not needed any more.
    Dropped {
        /// The visit that ends.
        #[serde(rename = "v")]
        visit: Visit,
    },
    /// An action began.
    Action {
        /// The visit that begins.
        #[serde(rename = "v")]
        visit: Visit,
        /// Name of the function or workflow.
        target: Arc<str>,
        /// Name of the action, if it differs from the target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Arc<str>>,
        /// `call`, `subflow`, …: see [`rondo_program::ActionKind::as_str`].
        kind: Arc<str>,
        /// The visit of its state.
        within: Visit,
    },
    /// A state or action began to wait for events.
    Awaits {
        /// The visit of the innermost state or action that waits.
        #[serde(rename = "v")]
        visit: Visit,
        /// Names of the events in the definition.
        events: Vec<Arc<str>>,
    },
    /// An event that was waited for arrived.
    Event {
        /// The visit of the innermost state or action that waited.
        #[serde(rename = "v")]
        visit: Visit,
        /// Name of the event in the definition.
        event: Arc<str>,
        /// Its attribute `id`.
        id: Arc<str>,
    },
    /// An attempt of a call failed, and a further attempt is scheduled.
    Retry {
        /// The visit of the action.
        #[serde(rename = "v")]
        visit: Visit,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// When the next attempt is due.
        until: Millis,
        /// Why the attempt failed.
        message: String,
    },
    /// An error was raised, and a handler matches it.
    Handled {
        /// The visit of the state with the handler.
        #[serde(rename = "v")]
        visit: Visit,
        /// What happened, for people.
        message: String,
        /// What went wrong. Lines of the first format do not have it; their messages begin with a class name instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<FailureKind>,
        /// Who raised it.
        #[serde(default)]
        origin: Origin,
    },
    /// An error was raised, no handler matches it, and the instance stopped.
    Failed {
        /// The visit of the innermost state or action.
        #[serde(rename = "v")]
        visit: Visit,
        /// What happened, for people.
        message: String,
        /// What went wrong. Lines of the first format do not have it; their messages begin with a class name instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<FailureKind>,
        /// Who raised it.
        #[serde(default)]
        origin: Origin,
    },
    /// An action failed that nobody waits for.
    AsyncFailed {
        /// The visit of the action.
        #[serde(rename = "v")]
        visit: Visit,
        /// Name of the function or workflow.
        target: Arc<str>,
        /// What happened, for people.
        message: String,
        /// What went wrong.
        kind: FailureKind,
        /// Who raised it.
        #[serde(default)]
        origin: Origin,
    },
    /// The failed step runs again.
    Retriggered {
        /// The frame of the step.
        frame: FrameId,
        /// The visit that failed. A new visit to the same step follows; lines of earlier builds have none, and the visit went on.
        #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
        failed: Option<Visit>,
    },
    /// The failed step was skipped.
    Skipped {
        /// The visit that skips the action.
        #[serde(rename = "v")]
        visit: Visit,
        /// The visit that failed; in lines of earlier builds it is the one that skips.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<Visit>,
    },
    /// The data was changed from outside.
    Changed,
    /// The instance ends, and another one continues.
    Continued {
        /// Id of its workflow.
        workflow: Arc<str>,
        /// Version of its workflow; `None`: the highest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Arc<str>>,
    },
    /// The instance completed.
    Completed,
    /// The instance was aborted.
    Aborted,
}
