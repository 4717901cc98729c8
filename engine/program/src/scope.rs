//! Scopes: the parts of a program that have error handlers, retries, a time limit or a compensation.
//!
//! A state, an action and a branch are scopes; so is a `try` of another dialect. Each frame of the machine has a stack of its open scopes, and
//! an error searches it from the innermost scope to the outermost. The machine treats all kinds of scopes alike, except in history and
//! messages.

use std::{sync::Arc, time::Duration};

use crate::{ErrorMatch, Pc};

/// Index into [`crate::Program::scopes`]. Snapshots store the labels of scopes instead, because another build may number the scopes in
/// another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId(pub u32);

/// The properties of a scope; its instructions are in the program.
#[derive(Debug)]
pub struct Scope {
    /// The construct that it came from.
    pub kind: ScopeKind,
    /// Its first instruction. The label of this instruction is also the label of the scope: `Ask`, `Ask/getPet`.
    pub entry: Pc,
    /// Error handlers, in the order in which they are compared with an error.
    pub handlers: Vec<Handler>,
    /// The policy for failed calls in the scope. It is boxed because few scopes have one.
    pub retry: Option<Box<RetryPolicy>>,
    /// The time limit, from the entry of the scope; if the scope has a retry policy, from the start of each attempt.
    pub timeout: Option<Duration>,
    /// The time limit of one execution: it begins anew with each retry of an action in the scope (spec-0.8, `stateExecTimeout.single`).
    pub single: Option<Duration>,
    /// First instruction of the state that undoes the work of this scope.
    pub compensation: Option<Pc>,
}

/// The construct that a scope came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeKind {
    /// A state.
    State {
        /// Its name in the document.
        name: Arc<str>,
        /// The type of the state.
        kind: StateKind,
    },
    /// An action.
    Action {
        /// Its own name, else the name of its function, event or workflow.
        name: Arc<str>,
        /// Name of the function, event or workflow that it calls.
        target: Arc<str>,
        /// What it does.
        kind: ActionKind,
    },
    /// A branch of a parallel state.
    Branch {
        /// Its name in the document.
        name: Arc<str>,
    },
}

/// The type of a state (spec-0.8, "State definitions").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StateKind {
    Operation,
    Switch,
    Inject,
    Sleep,
    Parallel,
    ForEach,
    Event,
    Callback,
}

impl StateKind {
    /// The value of `type` in the specification.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Switch => "switch",
            Self::Inject => "inject",
            Self::Sleep => "sleep",
            Self::Parallel => "parallel",
            Self::ForEach => "foreach",
            Self::Event => "event",
            Self::Callback => "callback",
        }
    }
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// Calls a service.
    Call,
    /// Runs another workflow.
    Subflow,
    /// Publishes an event, and perhaps waits for another.
    Event,
    /// Writes to the log.
    Log,
    /// Evaluates an expression.
    Compute,
}

impl ActionKind {
    /// The word for it in the history, which is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Subflow => "subflow",
            Self::Event => "event",
            Self::Log => "log",
            Self::Compute => "compute",
        }
    }
}

/// An error handler of a scope.
#[derive(Debug)]
pub struct Handler {
    /// The errors that it handles.
    pub errors: Vec<ErrorMatch>,
    /// Where the path continues after such an error.
    pub then: Pc,
}

/// When and how often a failed call is retried (spec-0.8, "Defining retries").
#[derive(Debug)]
pub struct RetryPolicy {
    /// The delay before the first retry.
    pub delay: Duration,
    /// The longest delay.
    pub max_delay: Option<Duration>,
    /// Added to the delay for each further retry.
    pub increment: Duration,
    /// The delay is multiplied by this for each further retry.
    pub multiplier: f64,
    /// The number of retries, without the first attempt. `None`: unlimited.
    pub max_attempts: Option<u32>,
    /// The random part of the delay.
    pub jitter: Option<Jitter>,
    /// Only these errors are retried; `None`: all errors.
    pub only: Option<Vec<ErrorMatch>>,
    /// These errors are not retried.
    pub except: Vec<ErrorMatch>,
}

/// The random part of a delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jitter {
    /// The delay changes by at most this fraction of it, up or down.
    Fraction(f64),
    /// The delay changes by at most this time, up or down.
    Span(Duration),
}
