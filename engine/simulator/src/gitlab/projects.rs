//! `/projects`: search and read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{Paging, Refusal};
use crate::world::Shared;

/// Filter of a list of projects.
#[derive(Debug, Deserialize)]
pub(super) struct Search {
    search: Option<String>,
}

/// `GET /projects?search=`: projects whose name has the text in it, whatever its case.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(Search { search }): Query<Search>,
    paging: Query<Paging>,
) -> Response {
    let search = search.unwrap_or_default().to_lowercase();
    let world = shared.world();
    let found =
        world.gitlab.projects().iter().filter(|project| project.name().to_lowercase().contains(&search));
    Paging::answer(&paging, found.map(|project| project.json(&shared.urls.gitlab)).collect())
}

/// `GET /projects/{id or path}`.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(project): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let project = world.gitlab.project(&project).ok_or_else(|| Refusal::not_found("Project Not Found"))?;
    Ok(Json(project.json(&shared.urls.gitlab)))
}
