//! `/rondo/instances/{id}`: one instance for the person who wonders what it is doing.
//!
//! The answer: `{id, workflow, version, state, start, end, error: {message, node}, retrigger, waits, history, data}`, times in
//! milliseconds since 1970. `waits` says what it waits for, since when and until when; `history` is everything that happened.

use axum::{Json, Router, extract::State, routing::get};
use rondo_expression::Val;
use rondo_runtime::{HistoryLine, InstanceDetails, WaitView};
use serde::Serialize;
use uuid::Uuid;

use crate::{app::App, errors::ErrorAnswer, extract::Path};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/rondo/instances/{id}", get(show))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: Uuid,
    workflow: String,
    version: String,
    state: &'static str,
    start: i64,
    end: Option<i64>,
    business_key: Option<String>,
    error: Option<ErrorPart>,
    retrigger: String,
    waits: Vec<WaitView>,
    history: Vec<HistoryLine>,
    data: Val,
}

#[derive(Serialize)]
struct ErrorPart {
    message: String,
    node: String,
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Answer>, ErrorAnswer> {
    let unknown = || ErrorAnswer::not_found(format!("Process instance with id {id} not found"));
    let uuid = id.parse().map_err(|_| unknown())?;
    let details = app.engine.details(uuid).await?.ok_or_else(unknown)?;
    Ok(Json(Answer::from(details)))
}

impl From<InstanceDetails> for Answer {
    fn from(details: InstanceDetails) -> Self {
        let error = details
            .failure
            .map(|failure| ErrorPart { node: failure.place().to_owned(), message: failure.message });
        Self {
            retrigger: format!(
                "/management/processes/{}/instances/{}/retrigger",
                details.workflow, details.id
            ),
            id: details.id,
            workflow: details.workflow,
            version: details.version,
            state: details.state.as_str(),
            start: details.started_at,
            end: details.ended_at,
            business_key: details.business_key,
            error,
            waits: details.waits,
            history: details.history,
            data: details.data,
        }
    }
}
