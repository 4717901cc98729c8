//! Credentials and metrics of requests.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    App,
    answer::Reply,
    caller::{Call, Caller},
};
use crate::{model::CredentialKind, refusal::Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/requests/{id}/credentials", put(make))
        .route("/requests/{id}/credentials/reveal", post(reveal))
        .route("/requests/{id}/metrics", get(metrics))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    kind: CredentialKind,
    user: Option<String>,
    #[serde(default)]
    cloud_init: Map<String, Value>,
}

async fn make(State(app): State<App>, Path(id): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    call.check_service()?;
    let Asked { kind, user, cloud_init } = call.read(&app, "makeCredentials")?;
    let made = app.desk.new_credentials(&id, kind, user, cloud_init).await?;
    call.change.make(&app.desk, move |work| Ok(Reply::ok(work.keep_credentials(&id, &made)?))).await
}

/// Not by way of a repeatable change, which would keep the answer in the database.
async fn reveal(
    State(app): State<App>,
    Path(id): Path<String>,
    Caller(person): Caller,
) -> Result<impl IntoResponse, Refusal> {
    let revealed = app.desk.reveal_credentials(&person, id).await?;
    let headers: [(HeaderName, HeaderValue); 1] =
        [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, Json(revealed)))
}

async fn metrics(
    State(app): State<App>,
    Path(id): Path<String>,
    _caller: Caller,
) -> Result<Json<Value>, Refusal> {
    app.desk.measure(&id).await.map(Json)
}
