//! `/projects/{project}/issues`: list, create, read, update.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::model::{Gitlab, Issue};
use super::params::Params;
use super::{Paging, Refusal};
use crate::world::Shared;

/// Parameters of an update; GitLab's error names them all when a request has none of them.
const CHANGES: [&str; 6] = ["add_labels", "description", "labels", "remove_labels", "state_event", "title"];
/// GitLab's limit.
const MAX_TITLE_CHARS: usize = 255;

/// Filter of a list of issues.
#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    state: Option<String>,
    labels: Option<String>,
    search: Option<String>,
}

impl Filter {
    fn takes(&self, issue: &Issue) -> bool {
        let state = self.state.as_deref().is_none_or(|state| state == "all" || state == issue.state());
        let wanted = self.labels.as_deref().unwrap_or_default();
        let mut wanted = wanted.split(',').map(str::trim).filter(|label| !label.is_empty());
        let labels = wanted.all(|label| issue.labels.contains(label));
        let search = self.search.as_deref().unwrap_or_default().to_lowercase();
        let description = issue.description.as_deref().unwrap_or_default();
        state
            && labels
            && [&issue.title, description].iter().any(|text| text.to_lowercase().contains(&search))
    }
}

/// `GET …/issues?state=&labels=&search=`: the newest first, as GitLab sorts.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
    paging: Query<Paging>,
) -> Result<Response, Refusal> {
    let world = shared.world();
    let project = project_id(&world.gitlab, &project)?;
    let mut found: Vec<Value> = world
        .gitlab
        .issues()
        .filter(|issue| issue.project == project && filter.takes(issue))
        .map(|issue| world.gitlab.issue_json(issue, &shared.urls.gitlab))
        .collect();
    found.reverse();
    Ok(Paging::answer(&paging, found))
}

/// `POST …/issues`: 201 with the issue.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(project): Path<String>,
    params: Params,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut world = shared.world();
    let now = world.clock.now();
    let project = project_id(&world.gitlab, &project)?;
    let title = title(params.required("title")?)?;
    let labels = params.labels("labels").unwrap_or_default();
    let issue = world.gitlab.open(project, title, params.text("description"), labels, now);
    Ok((StatusCode::CREATED, Json(world.gitlab.issue_json(&issue, &shared.urls.gitlab))))
}

/// `GET …/issues/{iid}`.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path((project, iid)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let issue = issue(&world.gitlab, &project, &iid)?;
    Ok(Json(world.gitlab.issue_json(issue, &shared.urls.gitlab)))
}

/// `PUT …/issues/{iid}`: all changes, or none if one of them is wrong.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Path((project, iid)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Value>, Refusal> {
    let mut world = shared.world();
    let now = world.clock.now();
    let mut changed = issue(&world.gitlab, &project, &iid)?.clone();
    if !params.any(&CHANGES) {
        let names = CHANGES.join(", ");
        let message = format!("{names} are missing, at least one parameter must be provided");
        return Err(Refusal::error(StatusCode::BAD_REQUEST, &message));
    }

    if params.any(&["title"]) {
        changed.title = title(params.text("title").unwrap_or_default())?;
    }
    if params.any(&["description"]) {
        changed.description = params.text("description");
    }
    if let Some(labels) = params.labels("labels") {
        changed.labels = labels;
    }
    changed.labels.extend(params.labels("add_labels").unwrap_or_default());
    for label in params.labels("remove_labels").unwrap_or_default() {
        changed.labels.remove(&label);
    }
    match params.text("state_event").as_deref() {
        None => {}
        Some("close") => changed.closed = changed.closed.or(Some(now)),
        Some("reopen") => changed.closed = None,
        Some(_) => {
            return Err(Refusal::error(StatusCode::BAD_REQUEST, "state_event does not have a valid value"));
        }
    }
    changed.updated = now;

    let described = world.gitlab.issue_json(&changed, &shared.urls.gitlab);
    if let Some(issue) = world.gitlab.issue_mut(changed.project, changed.iid) {
        *issue = changed;
    }
    Ok(Json(described))
}

/// The issue that a path names.
pub(super) fn issue<'a>(gitlab: &'a Gitlab, project: &str, iid: &str) -> Result<&'a Issue, Refusal> {
    let project = project_id(gitlab, project)?;
    let iid = iid.parse().map_err(|_| Refusal::error(StatusCode::BAD_REQUEST, "issue_iid is invalid"))?;
    gitlab.issue(project, iid).ok_or_else(|| Refusal::not_found("Not found"))
}

fn project_id(gitlab: &Gitlab, reference: &str) -> Result<u64, Refusal> {
    let project = gitlab.project(reference).ok_or_else(|| Refusal::not_found("Project Not Found"))?;
    Ok(project.id)
}

fn title(title: String) -> Result<String, Refusal> {
    if title.trim().is_empty() {
        return Err(Refusal::invalid("title", "can't be blank"));
    }
    if title.chars().count() > MAX_TITLE_CHARS {
        return Err(Refusal::invalid("title", "is too long (maximum is 255 characters)"));
    }
    Ok(title)
}
