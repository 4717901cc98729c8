//! Definitions that states refer to by name: functions, events, errors, retries.

use indexmap::IndexMap;
use serde_json::Value;

use super::At;
use crate::Pointer;

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
