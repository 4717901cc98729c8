//! The REST resource of a workflow: start, list, show, change and end its instances.
//!
//! Source: `SonataFlow`'s generated resource (`RestResourceQuarkusTemplate`). The path of a workflow is the part of its id after the last dot;
//! `POST` cannot start a workflow whose first state waits for an event.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rondo_runtime::{Deployed, Start};
use rondo_store::Columns;
use uuid::Uuid;

use crate::{
    answers::{self, ChunkWriter},
    app::App,
    auth::Identity,
    errors::ErrorAnswer,
    extract::{Path, Query},
    input::{self, Input},
    instance_answer, instance_list,
    instance_lookup::{self, WorkflowName},
    links, management, pages,
    receive::Received,
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
    let Input { data, extra, share } = input::input(&headers, body).await?;
    // If there are several, the first counts, as in `SonataFlow`.
    let business_key = query.into_iter().find(|(name, _)| name == "businessKey").map(|(_, value)| value);
    let start = Start {
        data,
        extra,
        business_key,
        reference_id: text(&headers, "x-kogito-referenceid"),
        start_at: text(&headers, "x-kogito-startfromnode"),
        headers: all(&headers),
        identity: identity.map(|Extension(Identity(name))| name),
        memory: Some(share),
    };
    let view = app.engine.start(&workflow.program.id, start).await?;
    let location = format!("{}/{}", links::endpoint(&app.engine, &workflow.program.id), view.id);
    let mut answer = instance_answer::result(&app.memory, StatusCode::CREATED, view).await;
    if answer.status() == StatusCode::CREATED
        && let Ok(location) = HeaderValue::try_from(location)
    {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(answer)
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
    instance_list::unfinished(&app, &workflow.program.id).await
}

async fn show(
    State(app): State<App>,
    Path((path, instance)): Path<(String, String)>,
) -> Result<Response, ErrorAnswer> {
    let columns = Columns { data: true, frames: false };
    let (row, _claim) =
        instance_lookup::find_row(&app, WorkflowName::Path(&path), &instance, columns).await?;
    let place = app.engine.place_of(&row).await?;
    let mut writer = ChunkWriter::new(&app.memory);
    match instance_answer::write_row(&mut writer, &row, place.as_ref()) {
        Ok(()) => Ok((answers::JSON, writer.into_body()).into_response()),
        Err(error) => Err(writer.refusal(&error)),
    }
}

async fn abort(
    State(app): State<App>,
    Path((path, instance)): Path<(String, String)>,
) -> Result<Response, ErrorAnswer> {
    let id = instance_lookup::find_unfinished(&app, WorkflowName::Path(&path), &instance).await?;
    let view = app.engine.abort(id).await?;
    Ok(instance_answer::instance(&app.memory, StatusCode::OK, view).await)
}

async fn replace(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: Received,
) -> Result<Response, ErrorAnswer> {
    let (id, Input { data, share: _share, .. }) = change(&app, path, &headers, body).await?;
    let view = app.engine.replace(id, data).await?;
    Ok(instance_answer::instance(&app.memory, StatusCode::OK, view).await)
}

async fn patch(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: Received,
) -> Result<Response, ErrorAnswer> {
    let (id, Input { data, share: _share, .. }) = change(&app, path, &headers, body).await?;
    let view = app.engine.patch(id, data).await?;
    Ok(instance_answer::instance(&app.memory, StatusCode::OK, view).await)
}

/// The instance to change, and its new data.
async fn change(
    app: &App,
    (path, instance): (String, String),
    headers: &HeaderMap,
    body: Received,
) -> Result<(Uuid, Input), ErrorAnswer> {
    let input = input::input(headers, body).await?;
    let id = instance_lookup::find_unfinished(app, WorkflowName::Path(&path), &instance).await?;
    Ok((id, input))
}

async fn tasks(
    State(app): State<App>,
    Path((path, instance)): Path<(String, String)>,
) -> Result<Response, ErrorAnswer> {
    let id = instance_lookup::find_unfinished(&app, WorkflowName::Path(&path), &instance).await?;
    Ok(answers::json(&app.memory, StatusCode::OK, &management::work_items(&app.engine, id).await?))
}

/// The input schema. `SonataFlow` has this path too but answers 400, since it looks for a file that exists for BPMN only.
async fn schema(State(app): State<App>, Path(path): Path<String>) -> Result<Response, ErrorAnswer> {
    let workflow = find(&app, &path)?;
    match &workflow.input_schema {
        Some(schema) => Ok(answers::json(&app.memory, StatusCode::OK, &schema.document)),
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

/// All headers. HTTP ignores the case of their names, and the library delivers them in lower case.
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
