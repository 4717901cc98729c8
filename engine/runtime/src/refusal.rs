//! Why the engine does not do what it is asked.

use rondo_memory::NoRoom;
use rondo_store::StoreError;
use uuid::Uuid;

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
    /// The data would be larger than expressions can work on. Nothing was changed.
    #[error(
        "with this change the data of instance {0} would be larger than data may be; nothing was changed"
    )]
    DataTooLarge(Uuid),
    /// The workflow starts by an event only.
    #[error("workflow `{0}` is started by an event, not by a request")]
    StartsByEvent(String),
    /// As many events are kept as may be, so that no more is accepted. The sender sends it again later.
    #[error("{0}")]
    InboxFull(String),
    /// As many events wait to be sent as may, so that nothing begins that would make more. What is under way goes on.
    #[error(
        "{0} events wait to be sent, and no more may (rondo.events.max-outbox): nothing is started and no event taken until some are sent"
    )]
    OutboxFull(u64),
    /// The engine is stopping.
    #[error("the engine is stopping; ask again in a moment")]
    Stopping,
    /// A defect of the engine. The instance stands at an error that says so, unless the log tells of something else.
    #[error("the engine met a defect while it worked on instance {0}; its log says more")]
    Defect(Uuid),
    /// There is no memory for the data right now. Nothing was done.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The instance is stored, and cannot be read: its row, its parts or its definition are damaged or missing. The log says so too.
    #[error("instance {instance} cannot be continued: {problem}")]
    Damaged {
        /// Which instance.
        instance: Uuid,
        /// What is wrong.
        problem: String,
    },
    /// The database does not take or give what is asked. Nothing was done.
    #[error("the database cannot be used right now: {0}")]
    Store(String),
}

impl Refusal {
    /// The database cannot be used.
    pub(crate) fn store(error: impl std::fmt::Display) -> Self {
        Self::Store(error.to_string())
    }

    /// Why an instance was not read: because of itself, or of the database.
    pub(crate) fn of_read(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { instance, problem } => Self::Damaged { instance, problem },
            error => Self::store(error),
        }
    }

    /// An instance cannot be read.
    pub(crate) fn damaged(instance: Uuid, problem: impl std::fmt::Display) -> Self {
        Self::Damaged { instance, problem: problem.to_string() }
    }
}
