//! Pools, and who may do what in them.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    App,
    answer::{Reply, items},
    caller::{Call, Caller, check_admin},
};
use crate::{
    desk::pool_view,
    model::{Action, Authorization, Pool},
    refusal::Refusal,
    tables,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/pools", get(list))
        .route("/pools/{pool}", get(show).put(put))
        .route("/pools/{pool}/authorize", post(authorize))
}

async fn list(State(app): State<App>, _caller: Caller) -> Result<Json<Value>, Refusal> {
    let pools = app.desk.read(|connection| {
        let all = tables::pools::all(connection)?.into_iter();
        let views: Result<Vec<_>, _> = all
            .map(|(id, pool)| {
                Ok::<_, crate::desk::Fault>(pool_view(&id, &pool, &tables::usage::of_pool(connection, &id)?))
            })
            .collect();
        views
    });
    Ok(Json(items(pools.await?, None)))
}

async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let pool = app.desk.read(move |connection| {
        let pool = tables::pools::get(connection, &id)?.ok_or_else(|| Refusal::not_found("pool", &id))?;
        Ok(pool_view(&id, &pool, &tables::usage::of_pool(connection, &id)?))
    });
    Ok(Json(pool.await?))
}

async fn put(State(app): State<App>, Path(id): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    check_admin(&call.change.person, "only an admin changes a pool")?;
    if id.contains(char::is_control) {
        return Err(Refusal::invalid_at("/pool", "the name of a pool has no control characters"));
    }
    let pool: Pool = call.read(&app, "putPool")?;
    let made = call.change.make(&app.desk, move |work| {
        tables::pools::put(work.connection, &id, &pool)?;
        Ok(Reply::ok(pool_view(&id, &pool, &tables::usage::of_pool(work.connection, &id)?)))
    });
    made.await
}

#[derive(Deserialize)]
struct Question {
    user: String,
    action: Action,
}

async fn authorize(
    State(app): State<App>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Json<Authorization>, Refusal> {
    let question: Question = call.read(&app, "authorize")?;
    let person = app.desk.0.settings.person(&question.user);
    let answer = app.desk.read(move |connection| {
        let pool = tables::pools::get(connection, &id)?.ok_or_else(|| Refusal::not_found("pool", &id))?;
        Ok(pool.authorize(&id, &person, question.action))
    });
    Ok(Json(answer.await?))
}
