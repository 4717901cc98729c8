//! States, their transitions and ends.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Action, At, Timeouts, WorkflowExecTimeout};
use crate::Pointer;

/// One state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Unique among the states.
    pub name: String,
    /// What the state does.
    pub kind: StateKind,
    /// `stateDataFilter.input` and `.output`.
    pub filter: StateDataFilter,
    /// Its transition or end. `None` only for a switch and for states that are used for compensation.
    pub next: Option<Next>,
    /// Error handlers in order.
    pub on_errors: Vec<OnError>,
    /// Time limits of the state.
    pub timeouts: Timeouts,
    /// Name of the state that undoes this one.
    pub compensated_by: Option<At<String>>,
    /// Whether this state only runs as a compensation.
    pub used_for_compensation: bool,
    /// Free properties; `SonataFlow` reads `errorMessage` of an end state. Empty with the rules of the specification.
    pub metadata: IndexMap<String, Value>,
    /// The state's place.
    pub at: Pointer,
}

/// `stateDataFilter`.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct StateDataFilter {
    pub input: Option<At<String>>,
    pub output: Option<At<String>>,
}

/// `transition` or `end`.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// To another state.
    Transition(Transition),
    /// The path ends.
    End(End),
}

/// `transition`.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Name of the next state.
    pub next_state: At<String>,
    /// Whether the completed states are compensated before.
    pub compensate: bool,
    /// Events to publish before.
    pub produce_events: Vec<ProduceEvent>,
}

/// `end`.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// Whether the whole instance ends, with all other paths.
    pub terminate: bool,
    /// Whether the completed states are compensated before.
    pub compensate: bool,
    /// Events to publish before.
    pub produce_events: Vec<ProduceEvent>,
    /// The workflow that continues instead.
    pub continue_as: Option<Box<ContinueAs>>,
    /// The place of the `end`.
    pub at: Pointer,
}

/// `continueAs` of an `end`.
#[derive(Debug, Clone, PartialEq)]
pub struct ContinueAs {
    /// Id of the workflow that continues.
    pub workflow_id: String,
    /// Its version; absent: the highest.
    pub version: Option<String>,
    /// Its input: an expression or an object with expressions; default the state data.
    pub data: Option<At<Value>>,
    /// The time limit of the new instance instead of that of its workflow.
    pub workflow_exec: Option<WorkflowExecTimeout>,
    /// The place of the `continueAs`.
    pub at: Pointer,
}

/// One entry of `produceEvents`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProduceEvent {
    /// Name of the event definition.
    pub event_ref: At<String>,
    /// Data: an expression or an object with expressions; default the state data.
    pub data: Option<At<Value>>,
    /// Extension attributes; texts may be expressions.
    pub context_attributes: IndexMap<String, At<Value>>,
}

/// One entry of `onErrors`.
#[derive(Debug, Clone, PartialEq)]
pub struct OnError {
    /// Names of error definitions, one or more.
    pub errors: Vec<At<String>>,
    /// The transition or end after such an error.
    pub next: Next,
    /// The entry's place.
    pub at: Pointer,
}

/// What a state does.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum StateKind {
    Operation { actions: Vec<Action>, parallel: bool },
    Switch(Switch),
    Inject { data: At<Value> },
    Sleep { duration: At<String> },
    Parallel { branches: Vec<Branch>, completion: Completion },
    ForEach(ForEach),
    Event(EventState),
    Callback(Callback),
}

/// A switch on data or on events.
#[derive(Debug, Clone, PartialEq)]
pub struct Switch {
    /// The conditions in order, all of one kind.
    pub conditions: SwitchConditions,
    /// `defaultCondition`.
    pub default: Option<Next>,
}

/// Conditions of a switch.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum SwitchConditions {
    Data(Vec<DataCondition>),
    Events(Vec<EventCondition>),
}

/// One entry of `dataConditions`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct DataCondition {
    pub name: Option<String>,
    pub condition: At<String>,
    pub next: Next,
}

/// One entry of `eventConditions`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct EventCondition {
    pub name: Option<String>,
    pub event_ref: At<String>,
    pub filter: EventDataFilter,
    pub next: Next,
}

/// `eventDataFilter`.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDataFilter {
    /// Whether the payload is merged at all. Default true.
    pub use_data: bool,
    /// Selects from the payload.
    pub data: Option<At<String>>,
    /// Where it is merged.
    pub to_state_data: Option<At<String>>,
}

/// One branch of a parallel state.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Branch {
    pub name: String,
    pub actions: Vec<Action>,
    pub timeouts: Timeouts,
    pub at: Pointer,
}

/// When a parallel state completes.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    /// When all branches have ended.
    AllOf,
    /// When this many branches have ended: a number or an expression, as text.
    AtLeast(At<String>),
}

/// A foreach state.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ForEach {
    pub input_collection: At<String>,
    pub output_collection: Option<At<String>>,
    /// Default `item`.
    pub iteration_param: String,
    pub batch_size: Option<At<String>>,
    pub mode: LoopMode,
    pub actions: Vec<Action>,
}

/// Which elements of a foreach state run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopMode {
    /// All elements, or as many as `batchSize` says.
    Parallel,
    /// One after the other.
    Sequential,
    /// As in one thread of `SonataFlow`: an element does not start while the one before it waits for a call, but it does while that one sleeps.
    /// This is the default, unless there is a `batchSize` or `rondo.compat` is `spec`.
    OneThread,
}

/// An event state.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct EventState {
    pub exclusive: bool,
    pub on_events: Vec<OnEvents>,
}

/// One entry of `onEvents`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct OnEvents {
    pub event_refs: Vec<At<String>>,
    pub parallel_actions: bool,
    pub filter: EventDataFilter,
    pub actions: Vec<Action>,
}

/// A callback state.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Callback {
    /// Absent in a state that only waits, which `SonataFlow` accepts.
    pub action: Option<Box<Action>>,
    pub event_ref: At<String>,
    pub filter: EventDataFilter,
}
