//! `/projects/{project}/labels`: the labels that a project defines. An issue may carry others.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::params::Params;
use super::{Paging, Refusal};
use crate::world::Shared;

/// `GET …/labels`, by name.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(project): Path<String>,
    paging: Query<Paging>,
) -> Result<Response, Refusal> {
    let world = shared.world();
    let project = world.gitlab.project(&project).ok_or_else(|| Refusal::not_found("Project Not Found"))?;
    let labels = (1..).zip(&project.labels).map(|(id, (name, color))| label(id, name, color));
    Ok(Paging::answer(&paging, labels.collect()))
}

/// `POST …/labels`: 201 with the label, 409 if the project has it.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(project): Path<String>,
    params: Params,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut world = shared.world();
    let project =
        world.gitlab.project_mut(&project).ok_or_else(|| Refusal::not_found("Project Not Found"))?;
    let (name, color) = (params.required("name")?, params.required("color")?);
    if project.labels.contains_key(&name) {
        return Err(Refusal(StatusCode::CONFLICT, json!({ "message": "Label already exists" })));
    }
    project.labels.insert(name.clone(), color.clone());
    Ok((StatusCode::CREATED, Json(label(project.labels.len(), &name, &color))))
}

fn label(id: usize, name: &str, color: &str) -> Value {
    json!({ "id": id, "name": name, "color": color, "description": null, "is_project_label": true })
}
