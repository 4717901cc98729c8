//! What holds while a part of a program runs: error handlers, retries, a time limit, compensation.
//!
//! A state, an action and a branch are scopes, and so is what another dialect calls a try. The machine keeps a stack of those that are
//! open on each frame and looks through it from the inside out; which construct a scope came from does not matter there, except
//! for history and messages.

use std::{sync::Arc, time::Duration};

use crate::{ErrorMatch, Pc};

/// Index into [`crate::Program::scopes`]. It is not stored: another build may number the scopes otherwise, so their names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId(pub u32);

/// What the machine knows of a scope beside the instructions in it.
#[derive(Debug)]
pub struct Scope {
    /// The construct that it came from.
    pub kind: ScopeKind,
    /// Its first instruction, whose label is the scope's too: `Ask`, `Ask/getPet`.
    pub entry: Pc,
    /// Error handlers in the order they are tried.
    pub handlers: Vec<Handler>,
    /// What to do when a call in it fails. Few scopes have one, so it stands apart.
    pub retry: Option<Box<RetryPolicy>>,
    /// How long it may be open, from when it was entered; for a scope with a retry policy, how long each attempt may take.
    pub timeout: Option<Duration>,
    /// First instruction of the state that undoes what was done in it.
    pub compensation: Option<Pc>,
}

/// The construct that a scope came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeKind {
    /// A state.
    State {
        /// Its name in the document.
        name: Arc<str>,
        /// What kind of state it is.
        kind: StateKind,
    },
    /// An action.
    Action {
        /// Its own name, else that of what it calls.
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

/// What kind of state it is (spec-0.8, "State definitions").
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
    /// The word that the specification writes into `type`.
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
    /// The word by which history knows it.
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
    /// The errors it takes.
    pub errors: Vec<ErrorMatch>,
    /// Where the path goes on.
    pub then: Pc,
}

/// When and how often a failed call is made again.
#[derive(Debug)]
pub struct RetryPolicy {
    /// Wait before the first retry.
    pub delay: Duration,
    /// Longest wait.
    pub max_delay: Option<Duration>,
    /// Added to the wait each time.
    pub increment: Duration,
    /// The wait is multiplied by this each time.
    pub multiplier: f64,
    /// Retries, the first attempt not counted. `None`: unlimited.
    pub max_attempts: Option<u32>,
    /// Random part of the wait.
    pub jitter: Option<Jitter>,
    /// Only these errors are retried; `None`: all.
    pub only: Option<Vec<ErrorMatch>>,
    /// These are not.
    pub except: Vec<ErrorMatch>,
}

/// Random part of a wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jitter {
    /// Up to this fraction of the wait, up or down.
    Fraction(f64),
    /// Up to this long, up or down.
    Span(Duration),
}
