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
    /// Its meaning depends on the kind: `specs/a.yaml#operation`, an expression, `rest:get:/path`, `sysout:INFO`.
    pub operation: At<String>,
    /// The name of the auth definition for fetching the document. The calls do not use it.
    pub auth_ref: Option<At<String>>,
    /// Free properties; `SonataFlow` reads `failOnStatusCode` and `configKey`. Empty with the rules of the specification.
    pub metadata: IndexMap<String, Value>,
    /// The function's place.
    pub at: Pointer,
}

impl Function {
    /// Whether it is a `sysout` or `sysout:LEVEL` function, which writes its argument `message` to the log.
    pub fn is_sysout(&self) -> bool {
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
    /// The value that the attribute must have: text or an expression.
    pub value: Option<At<String>>,
}

/// An error definition.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorDefinition {
    /// Unique among the errors.
    pub name: String,
    /// The code, which is compared with the code, the exception class and the text of an error.
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
    /// The number of retries, without the first call. `None`: unlimited.
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
