//! `/rondo/schedules`: the moments at which schedules start workflows.
//!
//! The answer: a list of `{workflow, version, schedule, timezone, next}`, where `next` are the next moments, in milliseconds since 1970. The
//! query `count` says how many moments, 5 by default and 100 at most.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
    routing::get,
};
use serde::Deserialize;

use crate::{answers, app::App, errors::ErrorAnswer};

/// Moments in the answer if `count` is absent.
const MOMENTS: usize = 5;

/// The highest `count`: enough for a calendar, and computed in well under a millisecond.
const MOST_MOMENTS: usize = 100;

/// The route `/rondo/schedules`.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/rondo/schedules", get(list))
}

#[derive(Deserialize)]
struct Parameters {
    count: Option<usize>,
}

async fn list(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, ErrorAnswer> {
    let wrong = || {
        let message = format!("`count` must be a number up to {MOST_MOMENTS}");
        ErrorAnswer::new(StatusCode::BAD_REQUEST, message)
    };
    let Query(Parameters { count }) = parameters.map_err(|_| wrong())?;
    let count = count.unwrap_or(MOMENTS);
    if count > MOST_MOMENTS {
        return Err(wrong());
    }
    let schedules = app.engine.schedules(count);
    Ok(answers::json(&app.memory, StatusCode::OK, &schedules))
}
