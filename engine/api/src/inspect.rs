//! `/rondo/instances/{id}`: the details of one instance.
//!
//! The answer: `{id, workflow, version, state, reason, place, start, end, error: {message, node}, retrigger, waits, history, data}`. Times are
//! milliseconds since 1970. `reason` and `place` are there while the instance waits for a place of its concurrency group. `waits` says what the instance waits for, since when and until when; `history` lists everything that happened.

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use rondo_expression::Val;
use rondo_runtime::{HistoryLine, InstanceDetails, PlaceView, WaitView};
use rondo_store::Columns;
use serde::Serialize;
use uuid::Uuid;

use crate::{answers, app::App, errors::ErrorAnswer, extract::Path, instance_lookup, json_weight};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceView>,
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

/// Bytes claimed for the history of an instance before it is read: enough for some ten thousand steps.
const HISTORY_BYTES: u64 = 4 * 1024 * 1024;

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ErrorAnswer> {
    let unknown = || ErrorAnswer::not_found(format!("Process instance with id {id} not found"));
    let uuid = id.parse().map_err(|_| unknown())?;
    let columns = Columns { data: true, frames: false };
    let (row, mut claim) = instance_lookup::row_of(&app, uuid, columns).await?.ok_or_else(unknown)?;
    claim.grow(HISTORY_BYTES + json_weight::of(&row.data))?;
    drop(row);
    let details = app.engine.details(uuid).await?.ok_or_else(unknown)?;
    let weight = details.data.memory() + details.history.len() * size_of::<HistoryLine>();
    Ok(answers::large_json(&app.memory, StatusCode::OK, Answer::from(details), weight).await)
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
            reason: details.place.as_ref().map(ToString::to_string),
            place: details.place,
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
