//! `/management/processes`: the workflows, their sources, and the operations that repair or end an instance.
//!
//! Promises: information about a workflow costs no database access (the Orchestrator plugin asks for each workflow every five seconds); every
//! answer but a source text is JSON, errors included (`SonataFlow`'s errors are plain text, which the plugin does not show). Source:
//! `SonataFlow`'s `BaseProcessInstanceManagementResource` and `SourceFilesResource`.

mod operations;
mod waiting;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use rondo_runtime::{Deployed, kogito};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use waiting::work_items;

use crate::{
    answers,
    app::App,
    errors::ErrorAnswer,
    extract::{Path, Query},
};

/// Routes below `/management/processes`.
pub(crate) fn routes() -> Router<App> {
    let instance = "/management/processes/{workflow}/instances/{instance}";
    let below = |path: &str| format!("{instance}/{path}");
    Router::new()
        .route("/management/processes", get(list))
        .route("/management/processes/sources", get(file))
        .route("/management/processes/{workflow}", get(show))
        .route("/management/processes/{workflow}/", get(show))
        .route("/management/processes/{workflow}/nodes", get(definition_nodes))
        .route("/management/processes/{workflow}/source", get(source))
        .route("/management/processes/{workflow}/sources", get(sources))
        .route(instance, get(operations::show).delete(operations::abort))
        .route(&below("error"), get(operations::error))
        .route(&below("retrigger"), post(operations::retrigger))
        .route(&below("skip"), post(operations::skip))
        .route(&below("nodeInstances"), get(waiting::node_instances))
        .route(&below("timers"), get(waiting::timers))
}

async fn list(State(app): State<App>) -> Json<Vec<String>> {
    Json(app.engine.highest_workflows().iter().map(|workflow| workflow.program.id.to_string()).collect())
}

/// A workflow as the Orchestrator plugin reads it. Members without a value are left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Information<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_schema: Option<&'a Value>,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    annotations: &'a [String],
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<&'a Value>,
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ErrorAnswer> {
    let deployed = find(&app, &id)?;
    let (program, outline) = (&deployed.program, &deployed.outline);
    let information = Information {
        input_schema: deployed.input_schema.as_ref().map(|schema| &schema.document),
        name: &program.name,
        description: &outline.description,
        annotations: &outline.annotations,
        id: &program.id,
        kind: "SW",
        version: &program.version,
        output_schema: deployed.output_schema.as_ref().map(|schema| &schema.document),
    };
    Ok(answers::json(&app.memory, StatusCode::OK, &information))
}

async fn definition_nodes(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ErrorAnswer> {
    let deployed = find(&app, &id)?;
    Ok(answers::json(&app.memory, StatusCode::OK, &kogito::nodes(&deployed.outline)))
}

async fn source(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ErrorAnswer> {
    let deployed = find(&app, &id)?;
    let label = [(header::CONTENT_TYPE, "text/plain;charset=UTF-8")];
    Ok((label, source_text(&deployed)).into_response())
}

async fn sources(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ErrorAnswer> {
    let deployed = find(&app, &id)?;
    Ok(Json(json!([{ "uri": &*deployed.outline.path }])))
}

/// The source text of a workflow, not copied.
fn source_text(deployed: &Deployed) -> Bytes {
    struct Text(Arc<str>);
    impl AsRef<[u8]> for Text {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }
    Bytes::from_owner(Text(Arc::clone(&deployed.outline.text)))
}

#[derive(Deserialize)]
struct FileQuery {
    uri: String,
}

/// A workflow's file by its name. Only workflow files are served, because other files of the folder may hold secrets.
async fn file(State(app): State<App>, Query(query): Query<FileQuery>) -> Result<Response, ErrorAnswer> {
    let workflows = app.engine.workflows();
    let found = workflows.iter().find(|deployed| *deployed.outline.path == *query.uri);
    let deployed =
        found.ok_or_else(|| ErrorAnswer::not_found(format!("no workflow file is called {}", query.uri)))?;
    let label = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((label, source_text(deployed)).into_response())
}

/// The workflow with this whole id.
fn find(app: &App, id: &str) -> Result<Arc<Deployed>, ErrorAnswer> {
    app.engine.workflow(id).ok_or_else(|| ErrorAnswer::unknown_workflow(id))
}
