//! Finds the instance that a path names.

use rondo_store::{Columns, Condition, Field, Filter, Instance, Query, State};
use uuid::Uuid;

use crate::{
    app::App,
    errors::ErrorAnswer,
    links::path_of,
    request_memory::Claim,
    row_reader::{self, RowsError},
};

/// How a path names a workflow.
#[derive(Clone, Copy)]
pub(crate) enum WorkflowName<'a> {
    /// By the part of its id after the last dot.
    Path(&'a str),
    /// By its whole id.
    Id(&'a str),
}

/// Id of an instance that has not ended. Finds the instance even if the file of its workflow was removed.
pub(crate) async fn find_unfinished(
    app: &App,
    workflow: WorkflowName<'_>,
    instance: &str,
) -> Result<Uuid, ErrorAnswer> {
    Ok(find_row(app, workflow, instance, Columns::default()).await?.0.id)
}

/// The row of an instance that has not ended, with the memory that it takes.
pub(crate) async fn find_row(
    app: &App,
    workflow: WorkflowName<'_>,
    instance: &str,
    columns: Columns,
) -> Result<(Instance, Claim), ErrorAnswer> {
    let (name, served) = match workflow {
        WorkflowName::Path(path) => (path, app.engine.workflow_by_path(path)),
        WorkflowName::Id(id) => (id, app.engine.workflow(id)),
    };
    let unknown = || match served {
        Some(_) => ErrorAnswer::unknown_instance(instance),
        None => ErrorAnswer::unknown_workflow(name),
    };
    let id = Uuid::parse_str(instance).map_err(|_| unknown())?;
    let (row, claim) = row_of(app, id, columns).await?.ok_or_else(unknown)?;
    let is_of_served = served.as_ref().is_some_and(|served| *served.program.id == *row.workflow);
    let has_this_name = match workflow {
        WorkflowName::Path(path) => row.workflow == path || path_of(&row.workflow) == path,
        WorkflowName::Id(id) => row.workflow == id,
    };
    let is_of_removed = has_this_name && app.engine.workflow(&row.workflow).is_none();
    if (is_of_served || is_of_removed) && !has_ended(row.state) { Ok((row, claim)) } else { Err(unknown()) }
}

/// The row of an instance, with the memory that it takes; `None` if no instance has this id.
pub(crate) async fn row_of(
    app: &App,
    id: Uuid,
    columns: Columns,
) -> Result<Option<(Instance, Claim)>, ErrorAnswer> {
    let id = Condition::Equal(id.to_string().into());
    let query =
        Query { filter: Filter::Compare { field: Field::Id, condition: id }, columns, ..Query::default() };
    let mut claim = app.memory.answer();
    let rows = row_reader::read(&app.engine, query, &mut claim, app.memory.most_of_answer()).await?;
    Ok(rows.into_iter().next().map(|row| (row, claim)))
}

/// Whether an instance has ended. An instance in error has not, since it can be retriggered.
pub(crate) fn has_ended(state: State) -> bool {
    matches!(state, State::Completed | State::Aborted)
}

impl From<RowsError> for ErrorAnswer {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::NoMemory(error) => error.into(),
            RowsError::Store(error) => rondo_runtime::Refusal::Store(error.to_string()).into(),
            // The rows need more memory than an answer can ever claim, so trying again would not help.
            RowsError::TooLarge(_) => {
                Self::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
        }
    }
}
