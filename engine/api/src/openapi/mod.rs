//! `/q/openapi`: the workflow REST interface as an `OpenAPI` document; YAML, or JSON by `Accept` or `?format=json`.

mod document;
mod schemas;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use crate::{app::App, errors::ErrorAnswer, extract::Query};
use document::{Described, document};

/// The route `/q/openapi`.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/q/openapi", get(show))
}

#[derive(Deserialize)]
struct Format {
    format: Option<String>,
}

async fn show(State(app): State<App>, Query(query): Query<Format>, headers: HeaderMap) -> Response {
    let workflows = app.engine.highest_workflows();
    let described: Vec<Described<'_>> = workflows
        .iter()
        .map(|workflow| Described {
            id: &workflow.program.id,
            description: &workflow.outline.description,
            input: workflow.input_schema.as_ref().map(|schema| &schema.document),
            output: workflow.output_schema.as_ref().map(|schema| &schema.document),
            starts_by_event: workflow.outline.starts_by_event,
        })
        .collect();
    let document = document(app.engine.service_url(), &described);
    if wants_json(query.format.as_deref(), &headers) {
        return Json(document).into_response();
    }
    match serde_yaml::to_string(&document) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/yaml;charset=UTF-8")], text).into_response(),
        Err(error) => {
            let message = format!("the document cannot be written as YAML: {error}; ask for JSON");
            ErrorAnswer::new(StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
    }
}

fn wants_json(format: Option<&str>, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    match format {
        Some(format) => format.eq_ignore_ascii_case("json"),
        None => accept.contains("application/json"),
    }
}
