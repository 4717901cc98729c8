//! Units of work, which the writer knows only by what came of them.

use tokio::sync::oneshot;

use super::{StoreError, Transaction};

/// Why a unit of work writes nothing.
#[derive(Debug)]
pub enum WorkError<E> {
    /// The work refuses: this is its answer.
    Refused(E),
    /// A statement failed. When the reason lies in the database, all work of the transaction is answered so.
    Sqlite(rusqlite::Error),
}

impl<E> From<rusqlite::Error> for WorkError<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Something to do inside of the open transaction.
pub(super) trait Work: Send {
    /// Does it, and keeps the answer.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Outcome;

    /// Gives the answer that was kept, or an error when the transaction was not written.
    fn answer(self: Box<Self>, written: Result<(), StoreError>);
}

/// What came of a unit of work.
pub(super) enum Outcome {
    Done,
    /// It refused, and an answer is kept.
    Refused,
    /// A statement failed.
    Failed(rusqlite::Error),
}

/// Makes a unit of work of a closure, and the receiver of its answer.
pub(super) fn unit<T, E, F>(work: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnMut(&mut Transaction<'_>) -> Result<T, WorkError<E>> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    (Box::new(Unit { work, result: None, answer }), answered)
}

struct Unit<T, E, F> {
    work: F,
    /// Of the last time that the work ran.
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Work for Unit<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnMut(&mut Transaction<'_>) -> Result<T, WorkError<E>> + Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Outcome {
        let (result, outcome) = match (self.work)(transaction) {
            Ok(value) => (Some(Ok(value)), Outcome::Done),
            Err(WorkError::Refused(refusal)) => (Some(Err(refusal)), Outcome::Refused),
            Err(WorkError::Sqlite(error)) => (None, Outcome::Failed(error)),
        };
        self.result = result;
        outcome
    }

    fn answer(self: Box<Self>, written: Result<(), StoreError>) {
        let Self { result, answer, .. } = *self;
        let result = match (written, result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Database("the work has not run".to_owned()).into()),
            (Err(error), _) => Err(error.into()),
        };
        // The caller may have gone away.
        let _ = answer.send(result);
    }
}
