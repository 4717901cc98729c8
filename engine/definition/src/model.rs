//! The Serverless Workflow 0.8 document as types, after parsing and before lowering.
//!
//! Owns: the shape of a definition with every published shorthand already resolved (a `functionRef` given as text is a
//! [`FunctionRef`] here, `end: true` an [`End`]). Each piece that a later diagnostic may name carries its [`Pointer`]
//! into the document, from which [`crate::Source`] finds file, line and column.
//! Never: evaluates an expression or reads another file. Source: Serverless Workflow 0.8, `specification.md`.

use indexmap::IndexMap;
use serde_json::Value;

use crate::Pointer;

/// A value together with the place in the document where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// JSON pointer to it.
    pub at: Pointer,
}

/// One workflow definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// `id`, or `key` where no `id` is given. Path-safe text.
    pub id: String,
    /// Defaults to the id.
    pub name: String,
    /// Defaults to `1.0`.
    pub version: String,
    /// Free text; empty when absent.
    pub description: String,
    /// Free labels, shown by management.
    pub annotations: Vec<String>,
    /// Name of the first state; the first state of the list when the document names none.
    pub start: At<String>,
    /// `start.schedule` as it stands; not interpreted here.
    pub schedule: Option<At<Value>>,
    /// Language of the expressions.
    pub expression_lang: ExpressionLang,
    /// Schema of the data input.
    pub data_input_schema: Option<SchemaRef>,
    /// Schema of the output, from the extension `workflow-output-schema`.
    pub data_output_schema: Option<SchemaRef>,
    /// Aliases of documents, from the extension `workflow-uri-definitions`.
    pub uri_definitions: IndexMap<String, String>,
    /// `constants`, inline or read from the file they name. An object.
    pub constants: Value,
    /// Declared names of secrets.
    pub secrets: Vec<String>,
    /// Functions by name.
    pub functions: IndexMap<String, Function>,
    /// Events by name.
    pub events: IndexMap<String, Event>,
    /// Errors by name.
    pub errors: IndexMap<String, ErrorDefinition>,
    /// Retry policies by name.
    pub retries: IndexMap<String, Retry>,
    /// `auth` definitions as they stand.
    pub auth: Vec<At<Value>>,
    /// `autoRetries`.
    pub auto_retries: bool,
    /// `keepActive`.
    pub keep_active: bool,
    /// Workflow-level time limits.
    pub timeouts: Timeouts,
    /// The states in the order of the document; at least one.
    pub states: Vec<State>,
}

/// Language of the expressions of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpressionLang {
    /// jq, the default.
    #[default]
    Jq,
    /// `JSONPath`, as older Kogito examples use it.
    JsonPath,
}

/// A schema that input or output must satisfy.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaRef {
    /// Path or URI of the schema document, or the schema itself.
    pub schema: At<SchemaSource>,
    /// Whether a violation refuses the input; otherwise it is only logged. Default true.
    pub fail_on_validation_errors: bool,
}

/// Where a schema is written.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaSource {
    /// In a document of its own.
    Uri(String),
    /// In the definition.
    Inline(Value),
}

/// A function definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Unique among the functions.
    pub name: String,
    /// What kind of service it calls. Default `rest`.
    pub kind: FunctionKind,
    /// Meaning depends on the kind: `specs/a.yaml#operation`, an expression, `rest:get:/path`, `sysout:INFO`.
    pub operation: At<String>,
    /// `authRef` names a definition used to fetch the document, not for the call.
    pub auth_ref: Option<At<String>>,
    /// Free properties; `SonataFlow` reads `failOnStatusCode` and `configKey`.
    pub metadata: IndexMap<String, Value>,
    /// The function's place.
    pub at: Pointer,
}

impl Function {
    /// Whether it writes its argument `message` to the log (`sysout`, `sysout:LEVEL`).
    pub fn prints(&self) -> bool {
        let operation = self.operation.value.as_str();
        self.kind == FunctionKind::Custom && (operation == "sysout" || operation.starts_with("sysout:"))
    }
}

/// `type` of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FunctionKind {
    Rest,
    AsyncApi,
    Rpc,
    GraphQl,
    OData,
    Expression,
    Custom,
}

/// An event definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique among the events.
    pub name: String,
    /// `source`, which `SonataFlow` ignores for matching.
    pub source: Option<String>,
    /// `CloudEvents` `type`.
    pub event_type: String,
    /// `kind: produced`; otherwise consumed.
    pub produced: bool,
    /// `dataOnly`; default true.
    pub data_only: bool,
    /// Correlation attributes.
    pub correlation: Vec<Correlation>,
    /// The event's place.
    pub at: Pointer,
}

/// One entry of an event's `correlation`.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    /// Name of the context attribute.
    pub attribute: String,
    /// Wanted value: text or expression.
    pub value: Option<At<String>>,
}

/// An error definition.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorDefinition {
    /// Unique among the errors.
    pub name: String,
    /// What it is compared with.
    pub code: Option<String>,
    /// The definition's place.
    pub at: Pointer,
}

/// A retry policy. Durations are ISO 8601 texts, checked when parsed.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Retry {
    pub name: String,
    pub delay: Option<At<String>>,
    pub max_delay: Option<At<String>>,
    pub increment: Option<At<String>>,
    pub multiplier: Option<f64>,
    /// How many retries, the first call not counted. `None`: unlimited.
    pub max_attempts: Option<u32>,
    pub jitter: Option<Jitter>,
    pub at: Pointer,
}

/// `jitter` of a retry policy.
#[derive(Debug, Clone, PartialEq)]
pub enum Jitter {
    /// Fraction of the delay, 0 to 1.
    Fraction(f64),
    /// Duration, ISO 8601.
    Duration(At<String>),
}

/// Time limits; which of them may stand where is checked when parsed. ISO 8601 durations, or expressions for events.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct Timeouts {
    pub workflow_exec: Option<WorkflowExecTimeout>,
    pub state_exec: Option<StateExecTimeout>,
    pub action_exec: Option<At<String>>,
    pub branch_exec: Option<At<String>>,
    pub event: Option<At<String>>,
}

/// `workflowExecTimeout`.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowExecTimeout {
    /// ISO 8601.
    pub duration: At<String>,
    /// Whether a running action is cut off.
    pub interrupt: bool,
    /// State that runs before the instance ends.
    pub run_before: Option<At<String>>,
}

/// `stateExecTimeout`.
#[derive(Debug, Clone, PartialEq)]
pub struct StateExecTimeout {
    /// Bound of one execution.
    pub single: Option<At<String>>,
    /// Bound including retries.
    pub total: Option<At<String>>,
}

/// One state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Unique among the states.
    pub name: String,
    /// What the state does.
    pub kind: StateKind,
    /// `stateDataFilter.input` and `.output`.
    pub filter: StateDataFilter,
    /// Where it goes next. `None` only for a switch and for states used for compensation.
    pub next: Option<Next>,
    /// Error handlers in order.
    pub on_errors: Vec<OnError>,
    /// Time limits of the state.
    pub timeouts: Timeouts,
    /// Name of the state that undoes this one.
    pub compensated_by: Option<At<String>>,
    /// Whether this state only runs as a compensation.
    pub used_for_compensation: bool,
    /// Free properties; `SonataFlow` reads `errorMessage` of an end state.
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
    /// Compensate completed states first.
    pub compensate: bool,
    /// Events to publish before.
    pub produce_events: Vec<ProduceEvent>,
}

/// `end`.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// Ends the whole instance, other paths included.
    pub terminate: bool,
    /// Compensate completed states first.
    pub compensate: bool,
    /// Events to publish before.
    pub produce_events: Vec<ProduceEvent>,
    /// Workflow that goes on instead; as it stands.
    pub continue_as: Option<At<Value>>,
    /// The place of the `end`.
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
    /// Where it goes.
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

/// When a parallel state is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    /// All branches ended.
    AllOf,
    /// So many ended: a number or an expression, as text.
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

/// How the elements of a foreach state follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopMode {
    /// All at the same time, or as many as `batchSize` says.
    Parallel,
    /// One after the other.
    Sequential,
    /// As in `SonataFlow`'s one thread: the calls of one come after those of the other, but one that sleeps does not hold up the others.
    /// The default, unless there is a `batchSize` or `rondo.compat` is `spec`.
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
    pub action: Box<Action>,
    pub event_ref: At<String>,
    pub filter: EventDataFilter,
}

/// One action.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Action {
    pub name: Option<String>,
    pub kind: ActionKind,
    pub condition: Option<At<String>>,
    /// ISO 8601 duration.
    pub sleep_before: Option<At<String>>,
    /// ISO 8601 duration.
    pub sleep_after: Option<At<String>>,
    pub filter: ActionDataFilter,
    pub retry_ref: Option<At<String>>,
    pub retryable_errors: Vec<At<String>>,
    pub non_retryable_errors: Vec<At<String>>,
    pub at: Pointer,
}

/// `actionDataFilter`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ActionDataFilter {
    pub from_state_data: Option<At<String>>,
    pub results: Option<At<String>>,
    pub to_state_data: Option<At<String>>,
    /// Default true.
    pub use_results: bool,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ActionKind {
    Function(FunctionRef),
    Event(EventRef),
    SubFlow(SubFlowRef),
}

/// `functionRef`.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionRef {
    /// Name of the function.
    pub name: At<String>,
    /// Arguments: absent, an object, or one expression as text.
    pub arguments: Option<At<Value>>,
    /// GraphQL selection.
    pub selection_set: Option<At<String>>,
    /// `invoke: async`.
    pub invoke_async: bool,
}

/// `eventRef` of an action.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct EventRef {
    pub trigger: ProduceEvent,
    pub result: Option<At<String>>,
    pub result_timeout: Option<At<String>>,
    pub invoke_async: bool,
}

/// `subFlowRef`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct SubFlowRef {
    pub workflow_id: At<String>,
    pub version: Option<String>,
    pub invoke_async: bool,
    /// `onParentComplete: continue`; default terminate.
    pub continue_after_parent: bool,
}
