//! What several faces show of an instance or a workflow.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use rondo_expression::Val;
use rondo_runtime::{Deployed, Engine, View};
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

impl From<View> for InstanceBody {
    fn from(view: View) -> Self {
        Self::new(view.id, view.data)
    }
}

/// The answer to an operation that ran an instance: its data, or the error that it stands at now.
pub(crate) fn ran(view: View) -> Response {
    match failure(&view) {
        Some(answer) => answer.into_response(),
        None => Json(InstanceBody::from(view)).into_response(),
    }
}

/// The error that an instance stands at.
pub(crate) fn failure(view: &View) -> Option<ErrorAnswer> {
    let failure = view.failure.as_ref().filter(|_| view.state == State::Error)?;
    Some(ErrorAnswer::failed(view.id, failure))
}

/// Whether an instance has ended. One in error has not.
pub(crate) fn has_ended(state: State) -> bool {
    matches!(state, State::Completed | State::Aborted)
}

/// The part of a workflow's id after its last dot, by which it is reached.
pub(crate) fn path_of(workflow: &str) -> &str {
    workflow.rsplit('.').next().unwrap_or(workflow)
}

/// Where a workflow is started.
pub(crate) fn endpoint(engine: &Engine, workflow: &str) -> String {
    format!("{}/{}", engine.service_url(), path_of(workflow))
}

/// Name of a workflow's file within the served folder.
pub(crate) fn file_name(deployed: &Deployed) -> String {
    deployed.outline.path.to_string()
}

/// An instance of this workflow that has not ended.
pub(crate) async fn living(engine: &Engine, workflow: &str, instance: &str) -> Result<View, ErrorAnswer> {
    let unknown = || ErrorAnswer::unknown_instance(instance);
    let id = Uuid::parse_str(instance).map_err(|_| unknown())?;
    let view = engine.instance(id).await?.ok_or_else(unknown)?;
    if view.workflow == workflow && !has_ended(view.state) { Ok(view) } else { Err(unknown()) }
}
