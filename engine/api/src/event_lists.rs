//! `/rondo/events` and `/rondo/waits`: events and waits, for a person who looks for a lost event.
//!
//! `/rondo/events?limit=&after=` answers `{kept, unwanted, outbox: {waiting, bytes, oldest, most, stuck}, channels}`. `kept` is one page: `after`
//! is the `number` of the last event on the previous page. `/rondo/waits?type=&instance=&limit=` answers `{waits}`. Moments are in milliseconds
//! since 1970.

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use rondo_runtime::{ChannelView, EventWaitView, KeptEventView, StuckEventView, UnwantedEvent};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{answers, app::App, errors::ErrorAnswer, extract::Query};

/// Rows of each list if `limit` is absent, and the highest `limit`.
const ROWS: usize = 100;
const MOST_ROWS: usize = 1000;

/// Most events of the outbox in one answer: each has the text of an error, and the first few show what is wrong.
const MOST_STUCK: usize = 100;

/// Bytes claimed for a row: its three attributes take at most 4 KiB each, and its other fields are short.
const ROW_BYTES: u64 = 13 * 1024;

/// Routes below `/rondo`.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/rondo/events", get(events)).route("/rondo/waits", get(waits))
}

#[derive(Deserialize)]
struct EventsQuery {
    limit: Option<usize>,
    after: Option<i64>,
}

#[derive(Serialize)]
struct Events {
    kept: Vec<KeptEventView>,
    unwanted: Vec<UnwantedEvent>,
    outbox: Outbox,
    channels: Vec<ChannelView>,
}

#[derive(Serialize)]
struct Outbox {
    waiting: u64,
    bytes: u64,
    /// How many events may wait.
    most: u64,
    /// When the oldest waiting event was produced.
    oldest: Option<i64>,
    stuck: Vec<StuckEventView>,
}

async fn events(
    State(app): State<App>,
    Query(EventsQuery { limit, after }): Query<EventsQuery>,
) -> Result<Response, ErrorAnswer> {
    let limit = rows(limit)?;
    let stuck_limit = limit.min(MOST_STUCK);
    let weight = (limit * 2 + stuck_limit) as u64 * ROW_BYTES;
    let mut claim = app.memory.answer();
    claim.grow(weight)?;
    let engine = &app.engine;
    let status = engine.event_status();
    let answer = Events {
        kept: engine.kept_events(after, limit).await?,
        unwanted: engine.unwanted_events(limit),
        outbox: Outbox {
            waiting: status.outbox_rows,
            bytes: status.outbox_bytes,
            most: status.max_outbox,
            oldest: status.oldest_at,
            stuck: engine.stuck_events(stuck_limit).await?,
        },
        channels: engine.channel_views(),
    };
    Ok(answers::json(&app.memory, StatusCode::OK, &answer))
}

#[derive(Deserialize)]
struct WaitsQuery {
    instance: Option<Uuid>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Waits {
    waits: Vec<EventWaitView>,
}

async fn waits(
    State(app): State<App>,
    Query(WaitsQuery { instance, event_type, limit }): Query<WaitsQuery>,
) -> Result<Response, ErrorAnswer> {
    let limit = rows(limit)?;
    let mut claim = app.memory.answer();
    claim.grow(limit as u64 * ROW_BYTES)?;
    let waits = app.engine.event_waits(instance, event_type, limit).await?;
    Ok(answers::json(&app.memory, StatusCode::OK, &Waits { waits }))
}

fn rows(limit: Option<usize>) -> Result<usize, ErrorAnswer> {
    match limit.unwrap_or(ROWS) {
        limit @ 1..=MOST_ROWS => Ok(limit),
        limit => Err(ErrorAnswer::new(
            StatusCode::BAD_REQUEST,
            format!("`limit` is {limit}; it must be between 1 and {MOST_ROWS}"),
        )),
    }
}
