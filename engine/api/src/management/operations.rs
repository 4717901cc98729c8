//! Operations on an instance: show its state, abort it, retrigger it, skip its failed node, and show its error.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use rondo_runtime::{PlaceView, Refusal};
use rondo_store::Columns;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    app::App,
    errors::ErrorAnswer,
    extract::Path,
    instance_answer,
    instance_lookup::{self, WorkflowName},
};

/// The workflow and the instance that a path names.
type Place = Path<(String, String)>;

/// The state of an instance, and why it waits if its concurrency group has no place for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StateInformation {
    id: Uuid,
    process_id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceView>,
}

pub(super) async fn show(
    State(app): State<App>,
    Path(place): Place,
) -> Result<Json<StateInformation>, ErrorAnswer> {
    let (workflow, instance) = &place;
    let named = WorkflowName::Id(workflow);
    let (row, _claim) = instance_lookup::find_row(&app, named, instance, Columns::default()).await?;
    let place = app.engine.place_of(&row).await?;
    let reason = place.as_ref().map(ToString::to_string);
    Ok(Json(StateInformation {
        id: row.id,
        process_id: row.workflow,
        state: row.state.as_str(),
        reason,
        place,
    }))
}

pub(super) async fn abort(State(app): State<App>, Path(place): Place) -> Result<Response, ErrorAnswer> {
    let view = app.engine.abort(find(&app, &place).await?).await?;
    Ok(instance_answer::instance(&app.memory, StatusCode::OK, view).await)
}

pub(super) async fn retrigger(State(app): State<App>, Path(place): Place) -> Result<Response, ErrorAnswer> {
    let view = app.engine.retrigger(find(&app, &place).await?).await?;
    Ok(instance_answer::result(&app.memory, StatusCode::OK, view).await)
}

pub(super) async fn skip(State(app): State<App>, Path(place): Place) -> Result<Response, ErrorAnswer> {
    let view = app.engine.skip(find(&app, &place).await?).await?;
    Ok(instance_answer::result(&app.memory, StatusCode::OK, view).await)
}

/// The error of an instance in error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorInformation {
    failed_node_id: String,
    id: Uuid,
    message: String,
}

pub(super) async fn error(
    State(app): State<App>,
    Path(place): Place,
) -> Result<Json<ErrorInformation>, ErrorAnswer> {
    let (workflow, instance) = &place;
    let named = WorkflowName::Id(workflow);
    let (row, _claim) = instance_lookup::find_row(&app, named, instance, Columns::default()).await?;
    let error = app.engine.error_of(&row).filter(|_| row.state == rondo_store::State::Error);
    let error = error
        .ok_or_else(|| ErrorAnswer::new(StatusCode::BAD_REQUEST, Refusal::NotInError(row.id).to_string()))?;
    Ok(Json(ErrorInformation { failed_node_id: error.place, id: row.id, message: error.message }))
}

/// Id of the instance at a path, if it has not ended.
pub(super) async fn find(app: &App, (workflow, instance): &(String, String)) -> Result<Uuid, ErrorAnswer> {
    instance_lookup::find_unfinished(app, WorkflowName::Id(workflow), instance).await
}
