//! Health in the form of `MicroProfile` Health: `{"status": "UP", "checks": […]}`, 503 when a check is down.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;

/// Routes below `/q/health`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/q/health", get(all))
        .route("/q/health/live", get(live))
        .route("/q/health/ready", get(ready))
        .route("/q/health/started", get(started))
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    status: &'static str,
    /// What there is to know beside the status.
    #[serde(skip_serializing_if = "Value::is_null")]
    data: Value,
}

async fn all(State(app): State<App>) -> Response {
    answer(vec![alive(), database(&app).await, requests(&app)])
}

/// The process is alive when it answers. An unreachable database is no reason to restart it.
async fn live() -> Response {
    answer(vec![alive()])
}

async fn ready(State(app): State<App>) -> Response {
    answer(vec![database(&app).await, requests(&app)])
}

/// The listener is opened when the folder has been loaded.
async fn started() -> Response {
    answer(vec![check("Workflows are loaded", true)])
}

fn alive() -> Check {
    check("Process", true)
}

fn requests(app: &App) -> Check {
    check("Requests are taken", app.engine.is_ready())
}

/// Whether the database can be read and the last write succeeded: on a full disk reads succeed all the same. A damaged instance stands
/// still by itself, and is no reason to send requests elsewhere.
async fn database(app: &App) -> Check {
    let store = app.engine.store();
    let problem = match store.health() {
        Ok(()) => store.instance(Uuid::nil()).await.err(),
        Err(error) => Some(error),
    };
    let mut check = check("Database", problem.is_none());
    if let Some(problem) = problem {
        check.data["problem"] = problem.to_string().into();
    }
    match store.damaged_instances() {
        0 => {}
        count => check.data["damagedInstances"] = count.into(),
    }
    check
}

fn check(name: &'static str, up: bool) -> Check {
    Check { name, status: if up { "UP" } else { "DOWN" }, data: Value::Null }
}

fn answer(checks: Vec<Check>) -> Response {
    #[derive(Serialize)]
    struct Body {
        status: &'static str,
        checks: Vec<Check>,
    }
    let up = checks.iter().all(|check| check.status == "UP");
    let status = if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Body { status: if up { "UP" } else { "DOWN" }, checks };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
