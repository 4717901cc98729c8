//! Health in the form of `MicroProfile` Health: `{"status": "UP", "checks": […]}`, 503 when a check is down.
//!
//! Promises: an answer reads memory only, and waits neither for the database nor for instances. A full memory budget does not count as down,
//! because a restart would empty no queue; a check shows its use as data.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{app::App, damaged_rows};

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
    /// Data of the check, shown with its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

async fn all(State(app): State<App>) -> Response {
    answer(vec![alive(), database(&app), requests(&app), memory(&app), connections(&app), events(&app)])
}

/// The process is alive if it answers. An unreachable database is no reason to restart the process.
async fn live() -> Response {
    answer(vec![alive()])
}

async fn ready(State(app): State<App>) -> Response {
    answer(vec![database(&app), requests(&app)])
}

/// The server listens only after the workflows are loaded, so any answer means started.
async fn started() -> Response {
    answer(vec![check("Workflows are loaded", true)])
}

fn alive() -> Check {
    check("Process", true)
}

fn requests(app: &App) -> Check {
    check("Requests are taken", app.engine.is_ready())
}

/// Down if the database cannot be read or the last write failed: on a full disk, reads still succeed. Damaged instances are only counted: each
/// halts alone, and the engine can still take requests.
fn database(app: &App) -> Check {
    let mut data = Map::new();
    let problem = match app.engine.store().health() {
        Ok(()) if app.database.gives() => None,
        Ok(()) => Some("it does not give what is asked for".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    let up = problem.is_none();
    if let Some(problem) = problem {
        data.insert("problem".to_owned(), problem.into());
    }
    match damaged_rows::count(app) {
        0 => {}
        count => {
            data.insert("damagedInstances".to_owned(), count.into());
        }
    }
    let data = (!data.is_empty()).then_some(Value::Object(data));
    Check { data, ..check("Database", up) }
}

fn memory(app: &App) -> Check {
    let memory = app.engine.memory();
    let data = json!({ "usedBytes": memory.used(), "totalBytes": memory.total() });
    Check { data: Some(data), ..check("Memory", true) }
}

fn connections(app: &App) -> Check {
    let data = json!({ "open": app.connections.count(), "most": app.connections.most() });
    Check { data: Some(data), ..check("Connections", true) }
}

/// Events that wait to be sent or are kept. An unreachable sink does not count as down, because a restart of the engine does not bring the sink
/// back.
fn events(app: &App) -> Check {
    let status = app.engine.event_status();
    let oldest = status.oldest_age(app.engine.now()).map(|age| age.as_secs());
    let data = json!({
        "outboxRows": status.outbox_rows, "mostOutboxRows": status.max_outbox, "oldestSeconds": oldest,
        "kept": status.kept, "mostKept": status.max_kept,
        "keptBytes": status.kept_bytes, "mostKeptBytes": status.max_kept_bytes,
    });
    Check { data: Some(data), ..check("Events", true) }
}

fn check(name: &'static str, up: bool) -> Check {
    Check { name, status: if up { "UP" } else { "DOWN" }, data: None }
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
