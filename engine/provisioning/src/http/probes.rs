//! Probes of what was made.

use axum::{Json, Router, extract::State, routing::post};

use super::{App, caller::Call};
use crate::{
    desk::{Probe, Probed},
    refusal::Refusal,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/probes", post(probe))
}

async fn probe(State(app): State<App>, mut call: Call) -> Result<Json<Probed>, Refusal> {
    call.check_service()?;
    let probe: Probe = call.read(&app, "probe")?;
    probe.check().map_err(|(place, fault)| Refusal::invalid_at(place, fault))?;
    Ok(Json(app.desk.probe(&probe).await))
}
