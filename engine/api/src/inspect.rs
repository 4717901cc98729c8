//! `/rondo/instances/{id}`: one instance for the person who wonders what it is doing.
//!
//! The answer: `{id, workflow, version, state, start, end, error: {message, node}, retrigger, waits, history, data}`, times in
//! milliseconds since 1970. `waits` says what it waits for, since when and until when; `history` is everything that happened.

use std::collections::HashMap;

use axum::{Json, Router, extract::State, routing::get};
use rondo_runtime::{HistoryLine, Refusal};
use serde_json::{Value, json};

use crate::{app::App, errors::ErrorAnswer, extract::Path};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/rondo/instances/{id}", get(show))
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ErrorAnswer> {
    let unknown = || ErrorAnswer::not_found(format!("Process instance with id {id} not found"));
    let uuid = id.parse().map_err(|_| unknown())?;
    let engine = &app.engine;
    let row = engine.store().instance(uuid).await.map_err(|error| Refusal::Store(error.to_string()))?;
    let row = row.ok_or_else(unknown)?;
    let view = engine.instance(uuid).await?.ok_or_else(unknown)?;
    let history = engine.history(uuid).await?;
    let latest = latest(&history);
    let waits: Vec<Value> = engine
        .outlook(uuid)
        .await?
        .into_iter()
        .map(|outlook| {
            let mut wait = serde_json::to_value(&outlook).unwrap_or_default();
            wait["since"] = json!(latest.get(&outlook.visit));
            wait
        })
        .collect();
    let error =
        view.failure.as_ref().map(|failure| json!({"message": failure.message, "node": failure.node}));
    Ok(Json(json!({
        "id": row.id,
        "workflow": row.workflow,
        "version": row.version,
        "state": row.state.as_str(),
        "start": row.started_at,
        "end": row.ended_at,
        "businessKey": row.business_key,
        "error": error,
        "retrigger": format!("/management/processes/{}/instances/{}/retrigger", row.workflow, row.id),
        "waits": waits,
        "history": history,
        "data": view.data,
    })))
}

/// When the last thing of each visit happened: that is since when it waits.
fn latest(history: &[HistoryLine]) -> HashMap<u64, i64> {
    use rondo_runtime::Fact;
    let moment = |line: &HistoryLine| match &line.fact {
        Fact::Entered { v, .. } | Fact::Action { v, .. } | Fact::Retry { v, .. } | Fact::Failed { v, .. } => {
            Some((*v, line.at))
        }
        _ => None,
    };
    // Of several of one visit the last stays.
    history.iter().filter_map(moment).collect()
}
