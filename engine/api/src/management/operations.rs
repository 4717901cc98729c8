//! Ending, repairing and skipping instances.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use rondo_runtime::Refusal;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    app::App,
    errors::ErrorAnswer,
    extract::Path,
    shape::{self, Below, InstanceBody},
};

/// Workflow and instance of a path.
type Place = Path<(String, String)>;

pub(super) async fn abort(
    State(app): State<App>,
    Path(place): Place,
) -> Result<Json<InstanceBody>, ErrorAnswer> {
    let id = find(&app, &place).await?.id;
    Ok(Json(app.engine.abort(id).await?.into()))
}

pub(super) async fn retrigger(State(app): State<App>, Path(place): Place) -> Result<Response, ErrorAnswer> {
    let id = find(&app, &place).await?.id;
    Ok(shape::ran(app.engine.retrigger(id).await?))
}

pub(super) async fn skip(State(app): State<App>, Path(place): Place) -> Result<Response, ErrorAnswer> {
    let id = find(&app, &place).await?.id;
    Ok(shape::ran(app.engine.skip(id).await?))
}

/// The error that an instance stands at.
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
    let view = find(&app, &place).await?;
    let failure = view.failure.filter(|_| view.state == rondo_store::State::Error);
    let failure = failure
        .ok_or_else(|| ErrorAnswer::new(StatusCode::BAD_REQUEST, Refusal::NotInError(view.id).to_string()))?;
    Ok(Json(ErrorInformation {
        failed_node_id: failure.place().to_owned(),
        id: view.id,
        message: failure.described,
    }))
}

/// The instance at a path, if it has not ended.
pub(super) async fn find(
    app: &App,
    (workflow, instance): &(String, String),
) -> Result<rondo_runtime::InstanceView, ErrorAnswer> {
    shape::unfinished(&app.engine, Below::Id(workflow), instance).await
}
