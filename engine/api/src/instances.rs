//! The REST face of a workflow: start, list, look at, change and end its instances.
//!
//! Source: `SonataFlow`'s generated resource (`RestResourceQuarkusTemplate`). A workflow is reached by the part of its id
//! after the last dot; one whose first state waits for an event cannot be started by `POST`.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rondo_expression::Val;
use rondo_runtime::{Deployed, Refusal, Start};
use rondo_store::StoreError;
use uuid::Uuid;

use crate::{
    app::App,
    auth::Identity,
    body::{self, Received},
    errors::ErrorAnswer,
    extract::{Path, Query},
    graphql, management, pages,
    shape::{self, Below, InstanceBody},
};

/// Routes below `/{workflow}`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/{workflow}", get(list).post(start))
        .route("/{workflow}/schema", get(schema))
        .route("/{workflow}/{instance}", get(show).put(replace).patch(patch).delete(abort))
        .route("/{workflow}/{instance}/tasks", get(tasks))
}

async fn start(
    State(app): State<App>,
    Path(path): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    identity: Option<Extension<Identity>>,
    body: Received,
) -> Result<Response, ErrorAnswer> {
    let workflow = find(&app, &path)?;
    if workflow.outline.starts_by_event {
        let message = format!("workflow `{}` is started by an event, not by a request", workflow.program.id);
        return Err(ErrorAnswer::new(StatusCode::METHOD_NOT_ALLOWED, message));
    }
    let input = body::input(&headers, body)?;
    // Of several the first counts, as for `SonataFlow`.
    let business_key = query.into_iter().find(|(name, _)| name == "businessKey").map(|(_, value)| value);
    let start = Start {
        data: input.data,
        extra: input.extra,
        business_key,
        reference_id: text(&headers, "x-kogito-referenceid"),
        start_at: text(&headers, "x-kogito-startfromnode"),
        headers: all(&headers),
        identity: identity.map(|Extension(Identity(name))| name),
        memory: None,
    };
    let view = app.engine.start(&workflow.program.id, start).await?;
    if let Some(failed) = shape::failure(&view) {
        return Err(failed);
    }
    let location = format!("{}/{}", shape::endpoint(&app.engine, &workflow.program.id), view.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(InstanceBody::from(view))).into_response())
}

async fn list(
    State(app): State<App>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ErrorAnswer> {
    let workflow = find(&app, &path)?;
    if names_html(&headers) {
        return Ok(pages::workflow(&app, &workflow));
    }
    let most = app.settings.max_graphql_bytes;
    let rows = graphql::unfinished(&app.engine, &workflow.program.id, app.settings.max_listed, most).await;
    let rows = rows.map_err(|error| match error {
        StoreError::TooLarge(bytes) => ErrorAnswer::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!(
                "the list would be larger than {bytes} bytes; ask /graphql for parts of it with `pagination`"
            ),
        ),
        error => Refusal::Store(error.to_string()).into(),
    })?;
    let bodies: Vec<_> = rows
        .into_iter()
        .map(|row| InstanceBody::new(row.id, serde_json::from_str(&row.data).unwrap_or_default()))
        .collect();
    Ok(Json(bodies).into_response())
}

async fn show(
    State(app): State<App>,
    Path((path, instance)): Path<(String, String)>,
) -> Result<Json<InstanceBody>, ErrorAnswer> {
    let view = shape::unfinished(&app.engine, Below::Path(&path), &instance).await?;
    Ok(Json(view.into()))
}

async fn abort(
    State(app): State<App>,
    Path((path, instance)): Path<(String, String)>,
) -> Result<Json<InstanceBody>, ErrorAnswer> {
    let view = shape::unfinished(&app.engine, Below::Path(&path), &instance).await?;
    Ok(Json(app.engine.abort(view.id).await?.into()))
}

async fn replace(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: Received,
) -> Result<Json<InstanceBody>, ErrorAnswer> {
    let (id, data) = change(&app, path, &headers, body).await?;
    Ok(Json(app.engine.replace(id, data).await?.into()))
}

async fn patch(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: Received,
) -> Result<Json<InstanceBody>, ErrorAnswer> {
    let (id, data) = change(&app, path, &headers, body).await?;
    Ok(Json(app.engine.patch(id, data).await?.into()))
}

/// Which instance is to be changed, and the data for it.
async fn change(
    app: &App,
    (path, instance): (String, String),
    headers: &HeaderMap,
    body: Received,
) -> Result<(Uuid, Val), ErrorAnswer> {
    let input = body::input(headers, body)?;
    let view = shape::unfinished(&app.engine, Below::Path(&path), &instance).await?;
    Ok((view.id, input.data))
}

async fn tasks(
    State(app): State<App>,
    Path((path, instance)): Path<(String, String)>,
) -> Result<Response, ErrorAnswer> {
    let view = shape::unfinished(&app.engine, Below::Path(&path), &instance).await?;
    Ok(Json(management::work_items(&app.engine, view.id).await?).into_response())
}

/// The input schema. `SonataFlow` has the path too but answers 400, since it looks for a file that is made for BPMN only.
async fn schema(State(app): State<App>, Path(path): Path<String>) -> Result<Response, ErrorAnswer> {
    let workflow = find(&app, &path)?;
    match &workflow.input_schema {
        Some(schema) => Ok(Json(&schema.document).into_response()),
        None => {
            Err(ErrorAnswer::not_found(format!("workflow `{}` has no input schema", workflow.program.id)))
        }
    }
}

fn find(app: &App, path: &str) -> Result<Arc<Deployed>, ErrorAnswer> {
    app.engine.workflow_by_path(path).ok_or_else(|| ErrorAnswer::unknown_workflow(path))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Every header. HTTP's names have no case; they come in small letters.
fn all(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    headers.iter().map(pair).collect()
}

/// Whether a client asks for HTML by name; a wildcard means JSON.
fn names_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|accept| {
        let accept = accept.to_str().unwrap_or_default();
        accept.split(',').any(|range| range.split(';').next().is_some_and(|kind| kind.trim() == "text/html"))
    })
}
