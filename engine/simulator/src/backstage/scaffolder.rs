//! `/api/scaffolder/v2/tasks`: start, list, read, follow and cancel runs of software templates.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Asked, Refusal};
use crate::options::NAMESPACE_TEMPLATE;
use crate::world::Shared;

/// The body of a start.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    template_ref: String,
    #[serde(default)]
    values: Map<String, Value>,
}

/// Filter of a list of tasks.
#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    status: Option<String>,
}

/// Events after this one are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    after: Option<u64>,
}

/// `POST …/tasks {templateRef, values}`: 201 `{id}`; 404 for an unknown template; 400 `{errors}` for wrong values.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    asked: Asked,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let start: Start = serde_json::from_slice(&body)
        .map_err(|error| asked.refuse(StatusCode::BAD_REQUEST, &format!("Malformed request: {error}")))?;
    let template = normalized(&start.template_ref);
    if template != NAMESPACE_TEMPLATE {
        let message = format!("Template {template} not found");
        return Err(asked.refuse(StatusCode::NOT_FOUND, &message));
    }
    let errors = problems(&start.values);
    if !errors.is_empty() {
        return Err(Refusal(StatusCode::BAD_REQUEST, json!({ "errors": errors })));
    }
    let mut world = shared.world();
    let (now, takes) = (world.clock.now(), world.delays.template);
    let id = world.backstage.launch(template, start.values, takes, now);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

/// `GET …/tasks?status=`: the newest first.
pub(super) async fn list(State(shared): State<Arc<Shared>>, Query(filter): Query<Filter>) -> Json<Value> {
    let world = shared.world();
    let tasks = world.backstage.tasks().iter().rev();
    let found: Vec<Value> = tasks
        .filter(|task| filter.status.as_deref().is_none_or(|status| status == task.status()))
        .map(super::model::Task::json)
        .collect();
    Json(json!({ "totalTasks": found.len(), "tasks": found }))
}

/// `GET …/tasks/{id}`.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let task = world.backstage.task(&id).ok_or_else(|| unknown(&asked, &id))?;
    Ok(Json(task.json()))
}

/// `GET …/tasks/{id}/events?after=`.
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(After { after }): Query<After>,
    asked: Asked,
) -> Result<Json<Vec<Value>>, Refusal> {
    let world = shared.world();
    let task = world.backstage.task(&id).ok_or_else(|| unknown(&asked, &id))?;
    let mut events = task.events();
    events.retain(|event| event["id"].as_u64() > after);
    Ok(Json(events))
}

/// `POST …/tasks/{id}/cancel`: `{status}`, which is not `cancelled` if the task had ended before.
pub(super) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let mut world = shared.world();
    let now = world.clock.now();
    let status = world.backstage.cancel(&id, now).ok_or_else(|| unknown(&asked, &id))?;
    Ok(Json(json!({ "status": status })))
}

fn unknown(asked: &Asked, id: &str) -> Refusal {
    asked.refuse(StatusCode::NOT_FOUND, &format!("No task with id '{id}' found"))
}

/// An entity reference with the parts that may be left out, in lower case.
fn normalized(reference: &str) -> String {
    let reference = reference.to_lowercase();
    let (kind, rest) = reference.split_once(':').unwrap_or(("template", &reference));
    let (namespace, name) = rest.split_once('/').unwrap_or(("default", rest));
    format!("{kind}:{namespace}/{name}")
}

/// Errors in the values of the namespace template, in the form of the scaffolder's JSON Schema check.
fn problems(values: &Map<String, Value>) -> Vec<Value> {
    let problem = |path: &[&str], name: &str, message: String| {
        let property = std::iter::once("instance").chain(path.iter().copied()).collect::<Vec<_>>().join(".");
        json!({ "path": path, "property": property, "name": name, "stack": format!("{property} {message}"), "message": message })
    };
    let mut problems = Vec::new();
    for name in ["namespace", "component_id"] {
        if values.get(name).is_some_and(|value| !value.is_string()) {
            problems.push(problem(&[name], "type", "is not of a type(s) string".into()));
        }
    }
    if !values.contains_key("namespace") && !values.contains_key("component_id") {
        problems.push(problem(&[], "required", "requires property \"namespace\"".into()));
    }
    let sizes = ["small", "medium", "large"];
    if let Some(size) = values.get("size")
        && !sizes.iter().any(|known| size == known)
    {
        problems.push(problem(&["size"], "enum", format!("is not one of enum values: {}", sizes.join(","))));
    }
    problems
}
