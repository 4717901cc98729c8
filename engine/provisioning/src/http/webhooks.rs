//! Webhooks and what was delivered to them.

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
    caller::{Call, Caller},
    params::Params,
};
use crate::{
    desk::{Fault, HookSecrets, Work, delivery_view, webhook_view},
    model::{Action, Principal, Webhook},
    refusal::Refusal,
    tables,
};

/// Deliveries of a list at most.
const MOST: u32 = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/webhooks", get(list).post(create))
        .route("/webhooks/{id}", get(show).delete(delete))
        .route("/webhooks/{id}/test", post(test))
        .route("/webhooks/{id}/enable", post(enable))
        .route("/webhooks/{id}/deliveries", get(deliveries))
}

/// Admins change webhooks, the owner of the pool, and who manages it.
pub(crate) fn check_manages(work: &Work<'_, '_>, id: &str) -> Result<(), Fault> {
    let person = work.person;
    let pool = tables::pools::get(work.connection, id)?;
    let is = |entry: &str| person.is(&Principal::parse(entry));
    let manages = pool.is_some_and(|pool| {
        pool.owner.as_deref().is_some_and(is) || pool.holders(Action::Manage).iter().any(|entry| is(entry))
    });
    if person.is_admin() || manages {
        return Ok(());
    }
    Err(Refusal::forbidden(format!("{} does not manage the pool `{id}`", person.reference)).into())
}

fn webhook(work: &Work<'_, '_>, id: &str) -> Result<Webhook, Fault> {
    Ok(tables::webhooks::get(work.connection, id)?.ok_or_else(|| Refusal::not_found("webhook", id))?)
}

#[derive(Deserialize)]
struct ListQuery {
    pool: Option<String>,
}

async fn list(
    State(app): State<App>,
    _caller: Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    let found = app
        .desk
        .read(move |connection| Ok(tables::webhooks::list(connection, query.pool.as_deref())?))
        .await?;
    Ok(Json(items(found.iter().map(|(id, webhook)| webhook_view(id, webhook)).collect(), None)))
}

async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        let webhook =
            tables::webhooks::get(connection, &id)?.ok_or_else(|| Refusal::not_found("webhook", &id))?;
        Ok(webhook_view(&id, &webhook))
    });
    Ok(Json(found.await?))
}

#[derive(Deserialize)]
struct NewWebhook {
    pool: String,
    url: String,
    secret: String,
    #[serde(default)]
    events: Vec<String>,
    username: Option<String>,
    password: Option<String>,
}

async fn create(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    let new: NewWebhook = call.read(&app, "createWebhook")?;
    let secrets = HookSecrets { secret: new.secret, password: new.password };
    let (pool, url, events, username) = (new.pool, new.url, new.events, new.username);
    let made = call.change.make(&app.desk, move |work| {
        check_manages(work, &pool)?;
        let webhook = Webhook {
            pool: pool.clone(),
            url: url.clone(),
            events: events.clone(),
            username: username.clone(),
            failures: 0,
            disabled_reason: None,
            created_at: work.now,
        };
        let id = work.new_webhook(&webhook, &secrets)?;
        Ok(Reply::created(webhook_view(&id, &webhook)))
    });
    made.await
}

async fn delete(State(app): State<App>, Path(id): Path<String>, call: Call) -> Result<Reply, Refusal> {
    let made = call.change.make(&app.desk, move |work| {
        check_manages(work, &webhook(work, &id)?.pool)?;
        tables::webhooks::delete(work.connection, &id)?;
        Ok(Reply::gone())
    });
    made.await
}

async fn test(State(app): State<App>, Path(id): Path<String>, call: Call) -> Result<Json<Value>, Refusal> {
    let checked = id.clone();
    let allowed = call.change.make(&app.desk, move |work| {
        check_manages(work, &webhook(work, &checked)?.pool)?;
        Ok(Reply::gone())
    });
    allowed.await?;
    Ok(Json(delivery_view(&app.desk.test_webhook(id).await?)))
}

async fn enable(State(app): State<App>, Path(id): Path<String>, call: Call) -> Result<Reply, Refusal> {
    let made = call.change.make(&app.desk, move |work| {
        check_manages(work, &webhook(work, &id)?.pool)?;
        Ok(Reply::ok(webhook_view(&id, &work.enable_webhook(&id)?)))
    });
    made.await
}

async fn deliveries(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        if tables::webhooks::get(connection, &id)?.is_none() {
            return Err(Refusal::not_found("webhook", &id).into());
        }
        Ok(tables::webhooks::deliveries(connection, &id, MOST)?)
    });
    Ok(Json(items(found.await?.iter().map(delivery_view).collect(), None)))
}
