//! The errors with which the engine answers requests that it does not carry out.

use rondo_memory::NoRoom;
use rondo_store::StoreError;
use uuid::Uuid;

/// Why the engine does not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No workflow of this id is served.
    #[error("no workflow is called `{0}`")]
    UnknownWorkflow(String),
    /// There is no instance of this id, or it has ended.
    #[error("Process instance with id {0} not found")]
    UnknownInstance(Uuid),
    /// The workflow has no state of the name to start at.
    #[error("Node with id {node} not found within process {workflow}: its states are {}", .states.join(", "))]
    UnknownNode {
        /// Id of the workflow.
        workflow: String,
        /// The name that was asked for.
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
    /// A retrigger or skip of an instance that is not in error.
    #[error("Process instance with id {0} is not in error state")]
    NotInError(Uuid),
    /// A skip of a failed switch, which has no next state to go to.
    #[error(
        "the failed step of instance {0} is a switch that found no way: change the data and retrigger it"
    )]
    CannotSkip(Uuid),
    /// The data would be larger than expressions can work on. Nothing was changed.
    #[error(
        "with this change the data of instance {0} would be larger than data may be; nothing was changed"
    )]
    DataTooLarge(Uuid),
    /// A start request for a workflow that only events start.
    #[error("workflow `{0}` is started by an event, not by a request")]
    StartsByEvent(String),
    /// An event from outside that only a part of this process may send.
    #[error("events of the type `{0}` come from the desk only, not from outside")]
    OwnEvent(String),
    /// The limit of kept events is reached, so this event is not accepted. The sender must send it again later.
    #[error("{0}")]
    InboxFull(String),
    /// The limit of events that wait to be sent is reached, so no instance starts and no event is accepted. Running instances go on.
    #[error(
        "{0} events wait to be sent, and no more may (rondo.events.max-outbox): nothing is started and no event taken until some are sent"
    )]
    OutboxFull(u64),
    /// The engine is stopping.
    #[error("the engine is stopping; ask again in a moment")]
    Stopping,
    /// A defect of the engine. The instance gets an error that says so, if that could be stored; the log has the details.
    #[error("the engine met a defect while it worked on instance {0}; its log says more")]
    Defect(Uuid),
    /// The budget has no memory for the data right now. Nothing was done.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The instance is stored but cannot be read, because its row, its parts or its definition are damaged or missing. The log says so too.
    #[error("instance {instance} cannot be continued: {problem}")]
    Damaged {
        /// Id of the instance.
        instance: Uuid,
        /// What is damaged or missing.
        problem: String,
    },
    /// The database refuses a read or a commit. Nothing was done.
    #[error("the database cannot be used right now: {0}")]
    Store(String),
}

impl Refusal {
    /// The refusal for an error of the database.
    pub(crate) fn store(error: impl std::fmt::Display) -> Self {
        Self::Store(error.to_string())
    }

    /// The refusal for a failed read: [`Self::Damaged`] for a damaged instance, else [`Self::Store`].
    pub(crate) fn of_read(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { instance, problem } => Self::Damaged { instance, problem },
            error => Self::store(error),
        }
    }

    /// The refusal for an instance that cannot be read.
    pub(crate) fn damaged(instance: Uuid, problem: impl std::fmt::Display) -> Self {
        Self::Damaged { instance, problem: problem.to_string() }
    }
}
