//! The Serverless Workflow 0.8 document as types, after parsing and before lowering.
//!
//! Owns: the shape of a definition, with all short forms resolved: a `functionRef` given as text is a [`FunctionRef`], `end: true` is an [`End`].
//! Each part that a later diagnostic may name has its [`Pointer`], from which [`crate::Source`] finds line and column. Never: evaluates an
//! expression or reads another file. Source: Serverless Workflow 0.8, `specification.md`.

mod actions;
mod definitions;
mod states;

use indexmap::IndexMap;
use serde_json::Value;

use crate::Pointer;
pub use actions::*;
pub use definitions::*;
pub use states::*;

/// A value with its place in the document.
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
    /// `start.schedule`, if it is valid.
    pub schedule: Option<Schedule>,
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
    /// The names of the declared secrets.
    pub secrets: Vec<String>,
    /// Functions by name.
    pub functions: IndexMap<String, Function>,
    /// Events by name.
    pub events: IndexMap<String, Event>,
    /// Errors by name.
    pub errors: IndexMap<String, ErrorDefinition>,
    /// Retry policies by name.
    pub retries: IndexMap<String, Retry>,
    /// The `auth` definitions as written.
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

/// When instances start by themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// JSON pointer to `schedule`.
    pub at: Pointer,
    /// How the moments are given.
    pub timing: ScheduleTiming,
    /// Name of the time zone; UTC when absent.
    pub timezone: Option<At<String>>,
}

/// How the moments of a schedule are given.
#[derive(Debug, Clone, PartialEq)]
pub enum ScheduleTiming {
    /// `interval`: a repeating interval, or a start and an end.
    Interval(At<String>),
    /// `cron`.
    Cron {
        /// The expression.
        expression: At<String>,
        /// `validUntil`: a date with time.
        valid_until: Option<At<String>>,
    },
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

/// Time limits, as ISO 8601 durations; the time limit for events may be an expression. The reader checks which of them are allowed at a place.
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
    /// Whether running actions are interrupted.
    pub interrupt: bool,
    /// State that runs before the instance ends.
    pub run_before: Option<At<String>>,
}

/// `stateExecTimeout`.
#[derive(Debug, Clone, PartialEq)]
pub struct StateExecTimeout {
    /// The time limit of one execution.
    pub single: Option<At<String>>,
    /// The time limit with all retries.
    pub total: Option<At<String>>,
}
