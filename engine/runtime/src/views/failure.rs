//! Views of the error at which an instance stands: complete, and as a summary for lists.

use rondo_machine::FailedStep;
use rondo_program::{FailureKind, Origin, sonataflow};

/// The error at which an instance stands.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureView {
    /// Kind of the failure, which decides the HTTP status of the answer to a client.
    pub kind: FailureKind,
    /// The engine, or the kind of call, that raised it.
    pub origin: Origin,
    /// Code: the HTTP status of the service that failed, as text; `TimedOut`; ….
    pub code: Option<String>,
    /// HTTP status that a service answered with.
    pub status: Option<u16>,
    /// The text for a REST client.
    pub message: String,
    /// `<class name> - <text>` with the place, as the Data Index shows it.
    pub described: String,
    /// Name of the state.
    pub state: String,
    /// Name of the function, subflow or event of the failed action; `None` if no action failed.
    pub action: Option<String>,
    /// Number of the visit that failed.
    pub visit: u64,
}

impl FailureView {
    pub(crate) fn of(failed: &FailedStep) -> Self {
        let failure = &failed.failure;
        Self {
            kind: failure.kind,
            origin: failure.origin,
            code: failure.code.as_deref().map(str::to_owned),
            status: failure.status,
            message: sonataflow::client_message(failure),
            described: sonataflow::with_class_name(failure.kind, failure.origin, &failed.message()),
            state: failed.state.to_string(),
            action: failed.action.as_ref().map(ToString::to_string),
            visit: failed.visit,
        }
    }

    /// The view for an instance that cannot be read, because its stored form is damaged.
    pub(crate) fn of_damage(problem: String) -> Self {
        Self {
            kind: FailureKind::Runtime,
            origin: Origin::default(),
            code: None,
            status: None,
            message: problem.clone(),
            described: problem,
            state: String::new(),
            action: None,
            visit: 0,
        }
    }

    /// Name of the function, subflow or event of the failed action, or of the state if no action failed.
    pub fn place(&self) -> &str {
        self.action.as_deref().unwrap_or(&self.state)
    }
}

/// The error of an instance in a list, from its row alone. Fields that older builds did not write are `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorSummary {
    /// Name of the function, subflow or event of the failed action, or of the state if no action failed.
    pub place: String,
    /// Name of the state.
    pub state: Option<String>,
    /// Name of the function, subflow or event of the failed action; `None` if no action failed.
    pub action: Option<String>,
    /// Number of the visit that failed.
    pub visit: Option<u64>,
    /// Kind of the failure.
    pub kind: Option<FailureKind>,
    /// The engine, or the kind of call, that raised it.
    pub origin: Origin,
    /// Code of the failure.
    pub code: Option<String>,
    /// HTTP status that a service answered with.
    pub status: Option<u16>,
    /// `<class name> - <text>` with the place, as the Data Index shows it.
    pub message: String,
}
