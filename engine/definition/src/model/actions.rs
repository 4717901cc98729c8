//! Actions: what they call, and the filters and retries of the call.

use serde_json::Value;

use super::{At, ProduceEvent};
use crate::Pointer;

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
    /// The property that probably is meant as `arguments`, where those are absent: its name and place.
    pub renamed_arguments: Option<At<String>>,
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
