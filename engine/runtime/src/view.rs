//! What the engine shows of an instance, and why it refuses what it is asked.

use rondo_expression::Val;
use rondo_machine::Failed;
use rondo_program::{FailureKind, Origin, sonataflow};
use rondo_store::State;
use uuid::Uuid;

/// An instance at one moment.
#[derive(Debug, Clone)]
pub struct View {
    /// Its id.
    pub id: Uuid,
    /// Id of its workflow.
    pub workflow: String,
    /// How it is.
    pub state: State,
    /// Its data.
    pub data: Val,
    /// The error that it stands at.
    pub failure: Option<FailureView>,
}

/// The error that an instance stands at.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureView {
    /// Kind of the failure; decides the status of an answer.
    pub kind: FailureKind,
    /// Who raised it.
    pub origin: Origin,
    /// HTTP status that a service answered with.
    pub status: Option<u16>,
    /// Code: the HTTP status of the service that failed, as text; `TimedOut`; ….
    pub code: Option<String>,
    /// The text for a REST client.
    pub message: String,
    /// `<class name> - <text>` with the place, as the Data Index shows it.
    pub described: String,
    /// Name of the state or, when an action failed, of what it calls.
    pub node: String,
    /// Name of the state.
    pub state: String,
    /// Number of the visit that failed; the node instance.
    pub visit: u64,
}

impl FailureView {
    pub(crate) fn of(failed: &Failed) -> Self {
        let failure = &failed.failure;
        Self {
            kind: failure.kind,
            origin: failure.origin,
            status: failure.status,
            code: failure.code.as_deref().map(str::to_owned),
            message: sonataflow::client_message(failure),
            described: sonataflow::described(failure.kind, failure.origin, &failed.message()),
            node: failed.action.as_ref().unwrap_or(&failed.state).to_string(),
            state: failed.state.to_string(),
            visit: failed.visit,
        }
    }
}

/// Characters of a business key at most. Every outgoing call carries it in a header.
pub const MAX_BUSINESS_KEY: usize = 1000;

/// How to start an instance.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// State data.
    pub data: Val,
    /// Further variables beside the data: an object, or null.
    pub extra: Val,
    /// Business key: up to [`MAX_BUSINESS_KEY`] characters, none of them a control character.
    pub business_key: Option<String>,
    /// Reference id (`X-KOGITO-ReferenceId`).
    pub reference_id: Option<String>,
    /// Name of the state to start at instead of the definition's (`X-KOGITO-StartFromNode`); it must be there.
    pub start_at: Option<String>,
    /// Headers of the request, names as sent. Kept with the instance, sealed.
    pub headers: Vec<(String, String)>,
}

impl Start {
    /// That the business key can be the value of a header.
    pub(crate) fn check_business_key(&self) -> Result<(), Refusal> {
        let Some(key) = &self.business_key else { return Ok(()) };
        if let Some(at) = key.chars().position(char::is_control) {
            let problem =
                format!("has a control character at place {}, and calls carry it in a header", at + 1);
            return Err(Refusal::BusinessKey(problem));
        }
        let length = key.chars().count();
        if length > MAX_BUSINESS_KEY {
            let problem = format!("has {length} characters; {MAX_BUSINESS_KEY} are allowed");
            return Err(Refusal::BusinessKey(problem));
        }
        Ok(())
    }
}

/// Why the engine does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No workflow of this id is served.
    #[error("no workflow is called `{0}`")]
    UnknownWorkflow(String),
    /// No such instance, or it has ended.
    #[error("Process instance with id {0} not found")]
    UnknownInstance(Uuid),
    /// The state to start at is not there.
    #[error("Node with id {node} not found within process {workflow}: its states are {}", .states.join(", "))]
    UnknownNode {
        /// Id of the workflow.
        workflow: String,
        /// What was asked for.
        node: String,
        /// Names of the states.
        states: Vec<String>,
    },
    /// The input breaks the schema. The text names each violation.
    #[error("{0}")]
    InvalidInput(String),
    /// The business key cannot be sent on with calls. The text says why.
    #[error("the business key {0}")]
    BusinessKey(String),
    /// Only an instance in error can be retried or skipped.
    #[error("Process instance with id {0} is not in error state")]
    NotInError(Uuid),
    /// The failed step cannot be skipped.
    #[error(
        "the failed step of instance {0} is a switch that found no way: change the data and retrigger it"
    )]
    CannotSkip(Uuid),
    /// The workflow starts by an event only.
    #[error("workflow `{0}` is started by an event, not by a request")]
    StartsByEvent(String),
    /// The engine is stopping.
    #[error("the engine is stopping; ask again in a moment")]
    Stopping,
    /// The database does not take or give what is asked. Nothing was done.
    #[error("the database cannot be used right now: {0}")]
    Store(String),
}
