//! Parts of instances and workflows that several interfaces show.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use rondo_expression::Val;
use rondo_runtime::{Deployed, Engine, InstanceView};
use rondo_store::State;
use serde::Serialize;
use uuid::Uuid;

use crate::errors::ErrorAnswer;

/// An instance as REST shows it.
#[derive(Debug, Serialize)]
pub(crate) struct InstanceBody {
    id: Uuid,
    workflowdata: Val,
}

impl InstanceBody {
    pub(crate) fn new(id: Uuid, data: Val) -> Self {
        Self { id, workflowdata: data }
    }
}

impl From<InstanceView> for InstanceBody {
    fn from(view: InstanceView) -> Self {
        Self::new(view.id, view.data)
    }
}

/// The answer to an operation that ran an instance: its data, or its error.
pub(crate) fn ran(view: InstanceView) -> Response {
    match failure(&view) {
        Some(answer) => answer.into_response(),
        None => Json(InstanceBody::from(view)).into_response(),
    }
}

/// The error of an instance that is in error.
pub(crate) fn failure(view: &InstanceView) -> Option<ErrorAnswer> {
    let failure = view.failure.as_ref().filter(|_| view.state == State::Error)?;
    Some(ErrorAnswer::failed(view.id, failure))
}

/// Whether an instance has ended. An instance in error has not, since it can be retriggered.
pub(crate) fn has_ended(state: State) -> bool {
    matches!(state, State::Completed | State::Aborted)
}

/// The path of a workflow: the part of its id after the last dot.
pub(crate) fn path_of(workflow: &str) -> &str {
    workflow.rsplit('.').next().unwrap_or(workflow)
}

/// The address at which a workflow is started.
pub(crate) fn endpoint(engine: &Engine, workflow: &str) -> String {
    format!("{}/{}", engine.service_url(), path_of(workflow))
}

/// Name of a workflow's file within the served folder.
pub(crate) fn file_name(deployed: &Deployed) -> String {
    deployed.outline.path.to_string()
}

/// How a request names a workflow.
#[derive(Clone, Copy)]
pub(crate) enum Below<'a> {
    /// By its path.
    Path(&'a str),
    /// By its whole id.
    Id(&'a str),
}

/// An instance of a workflow that has not ended. It is found also when the file of its workflow was removed.
pub(crate) async fn unfinished(
    engine: &Engine,
    below: Below<'_>,
    instance: &str,
) -> Result<InstanceView, ErrorAnswer> {
    let (name, served) = match below {
        Below::Path(path) => (path, engine.workflow_by_path(path)),
        Below::Id(id) => (id, engine.workflow(id)),
    };
    let unknown = || match served {
        Some(_) => ErrorAnswer::unknown_instance(instance),
        None => ErrorAnswer::unknown_workflow(name),
    };
    let id = Uuid::parse_str(instance).map_err(|_| unknown())?;
    let view = engine.instance(id).await?.ok_or_else(unknown)?;
    let workflow = view.workflow.as_str();
    let is_of_served = served.as_ref().is_some_and(|served| *served.program.id == *workflow);
    let has_this_name = match below {
        Below::Path(path) => workflow == path || path_of(workflow) == path,
        Below::Id(id) => workflow == id,
    };
    let is_of_gone = has_this_name && engine.workflow(workflow).is_none();
    if (is_of_served || is_of_gone) && !has_ended(view.state) { Ok(view) } else { Err(unknown()) }
}
