//! `/projects/{project}/issues/{iid}/notes`: comments.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::issues::issue;
use super::params::Params;
use super::{Paging, Refusal};
use crate::world::Shared;

/// `GET …/notes`: the newest first, as GitLab sorts.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path((project, iid)): Path<(String, String)>,
    paging: Query<Paging>,
) -> Result<Response, Refusal> {
    let world = shared.world();
    let issue = issue(&world.gitlab, &project, &iid)?;
    Ok(Paging::answer(&paging, issue.notes.iter().rev().map(|note| note.json(issue)).collect()))
}

/// `POST …/notes`: 201 with the note.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path((project, iid)): Path<(String, String)>,
    params: Params,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut world = shared.world();
    let now = world.clock.now();
    let issue = issue(&world.gitlab, &project, &iid)?.clone();
    let body = params.required("body")?;
    if body.trim().is_empty() {
        return Err(Refusal::invalid("note", "can't be blank"));
    }
    let note = world.gitlab.comment(issue.project, issue.iid, body, now);
    let note = note.ok_or_else(|| Refusal::not_found("Not found"))?;
    Ok((StatusCode::CREATED, Json(note.json(&issue))))
}
