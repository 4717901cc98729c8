//! GitLab, REST API version 4: projects, issues, notes and labels.
//!
//! As on GitLab, parameters can be in the query, in a JSON body or in a form. Never: users, groups or permissions;
//! every token holder is `self-service-bot`. Source: <https://docs.gitlab.com/api/rest/>.

mod issues;
mod labels;
mod model;
mod notes;
mod params;
mod projects;
mod quick_actions;

use std::sync::Arc;

use axum::extract::Query;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use model::Gitlab;
pub use model::{Decision, Issue, Note, UnknownIssue};

use crate::world::Shared;

/// The API below `/api`.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v4/projects", get(projects::list))
        .route("/api/v4/projects/{project}", get(projects::read))
        .route("/api/v4/projects/{project}/labels", get(labels::list).post(labels::create))
        .route("/api/v4/projects/{project}/issues", get(issues::list).post(issues::create))
        .route("/api/v4/projects/{project}/issues/{iid}", get(issues::read).put(issues::update))
        .route("/api/v4/projects/{project}/issues/{iid}/notes", get(notes::list).post(notes::create))
        .route("/api/{*rest}", any(async || Refusal::error(StatusCode::NOT_FOUND, "404 Not Found")))
}

/// `{"message": "401 Unauthorized"}`.
pub(crate) fn refusal_body(status: StatusCode, message: &str) -> Value {
    json!({ "message": format!("{} {message}", status.as_u16()) })
}

/// A request that GitLab does not carry out.
#[derive(Debug)]
struct Refusal(StatusCode, Value);

impl Refusal {
    /// GitLab's answer for something that is not there: `{"message": "404 Project Not Found"}`.
    fn not_found(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, refusal_body(StatusCode::NOT_FOUND, what))
    }

    /// The error of GitLab's parameter check: `{"error": "title is missing"}`.
    fn error(status: StatusCode, message: &str) -> Self {
        Self(status, json!({ "error": message }))
    }

    /// The error of GitLab's models: `{"message": {"title": ["can't be blank"]}}`.
    fn invalid(field: &str, problem: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, json!({ "message": { field: [problem] } }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize)]
struct Paging {
    page: Option<usize>,
    per_page: Option<usize>,
}

impl Paging {
    /// The wanted page of `items`, with GitLab's headers about the others.
    fn answer(Query(paging): &Query<Self>, items: Vec<Value>) -> Response {
        let size = paging.per_page.unwrap_or(20).clamp(1, 100);
        let page = paging.page.unwrap_or(1).max(1);
        let total = items.len();
        let pages = total.div_ceil(size).max(1);
        let skipped = (page - 1).saturating_mul(size);
        let items: Vec<Value> = items.into_iter().skip(skipped).take(size).collect();

        let mut response = Json(items).into_response();
        let next = if page < pages { (page + 1).to_string() } else { String::new() };
        let previous = if page > 1 { (page - 1).to_string() } else { String::new() };
        for (name, value) in [
            ("x-total", total.to_string()),
            ("x-total-pages", pages.to_string()),
            ("x-per-page", size.to_string()),
            ("x-page", page.to_string()),
            ("x-next-page", next),
            ("x-prev-page", previous),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
