//! Private cloud products: what flows do with them, and the callback of provisioners.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    App,
    answer::Reply,
    caller::{Call, Caller},
};
use crate::{
    desk::{NewProduct, product_view},
    model::{Callback, Person},
    refusal::Refusal,
    tables,
};

/// The path of the callback that provisioners were built for.
const CALLBACK: &str = "/api/v1/private-cloud/products/{plate}/provision";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/products/plates", post(reserve))
        .route("/products/{plate}", get(show).put(write))
        .route("/products/{plate}/lock", put(lock).delete(unlock))
        .route("/products/{plate}/usage", get(usage))
        .route("/products/{plate}/deletion-check", get(check_deletion))
        .route("/products/{plate}/provision", post(provisioned))
        .route("/products/{plate}/resend", post(resend))
}

/// The callback at its own path, which is not below that of the desk.
pub(super) fn callback_routes() -> Router<App> {
    Router::new().route(CALLBACK, post(provisioned))
}

/// Flows write products, and admins.
fn check_writes(person: &Person) -> Result<(), Refusal> {
    check_roles(person, &["service"], "products are written by flows and by admins")
}

fn check_roles(person: &Person, roles: &[&str], refusal: &str) -> Result<(), Refusal> {
    if person.is_admin() || roles.iter().any(|role| person.has_role(role)) {
        return Ok(());
    }
    Err(Refusal::forbidden(format!("{refusal}; {} has no such role", person.reference)))
}

#[derive(Deserialize)]
struct Reserved {
    request: Option<String>,
}

async fn reserve(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    check_writes(&call.change.person)?;
    let Reserved { request } = call.read(&app, "reservePlate")?;
    let made = call.change.make(&app.desk, move |work| {
        Ok(Reply::created(json!({"licencePlate": work.reserve_plate(request.as_deref())?})))
    });
    made.await
}

async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(plate): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let (clock, now) = (app.desk.0.clock, crate::desk::Clock::now());
    let found = app.desk.read(move |connection| {
        let product = tables::products::get(connection, &plate)?;
        let product = product.ok_or_else(|| Refusal::not_found("product", &plate))?;
        let lock = tables::products::lock(connection, &plate)?;
        Ok(product_view(&plate, &product, lock.as_ref(), clock, now))
    });
    Ok(Json(found.await?))
}

async fn write(State(app): State<App>, Path(plate): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    check_writes(&call.change.person)?;
    let new: NewProduct = call.read(&app, "putProduct")?;
    let made = call.change.make(&app.desk, move |work| {
        work.put_product(&plate, &new)?;
        Ok(Reply::ok(work.show_product(&plate)?))
    });
    made.await
}

#[derive(Deserialize)]
struct Locking {
    request: String,
    awaits: Option<Vec<String>>,
}

async fn lock(State(app): State<App>, Path(plate): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    check_writes(&call.change.person)?;
    let Locking { request, awaits } = call.read(&app, "lockProduct")?;
    let made = call.change.make(&app.desk, move |work| {
        Ok(Reply::ok(work.lock_product(&plate, &request, awaits.as_deref())?))
    });
    made.await
}

#[derive(Deserialize)]
struct Unlocking {
    request: String,
}

async fn unlock(
    State(app): State<App>,
    Path(plate): Path<String>,
    Query(unlocking): Query<Unlocking>,
    call: Call,
) -> Result<Reply, Refusal> {
    check_writes(&call.change.person)?;
    let made = call.change.make(&app.desk, move |work| {
        work.unlock_product(&plate, &unlocking.request)?;
        Ok(Reply::gone())
    });
    made.await
}

/// Who may have a cluster asked.
const ASKERS: &[&str] = &["service", "reviewer", "private-admin"];

async fn usage(
    State(app): State<App>,
    Caller(person): Caller,
    Path(plate): Path<String>,
) -> Result<Json<Value>, Refusal> {
    check_roles(&person, ASKERS, "what a product uses is for flows and reviewers")?;
    Ok(Json(app.desk.product_usage(&plate).await?))
}

async fn check_deletion(
    State(app): State<App>,
    Caller(person): Caller,
    Path(plate): Path<String>,
) -> Result<Json<Value>, Refusal> {
    check_roles(&person, ASKERS, "what is in a product is for flows and reviewers")?;
    Ok(Json(app.desk.check_deletion(&plate).await?))
}

async fn provisioned(
    State(app): State<App>,
    Path(plate): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    check_roles(
        &call.change.person,
        &["private-admin"],
        "only a provisioner calls back (role `private-admin`)",
    )?;
    let callback: Callback = call.read(&app, "productProvisioned")?;
    call.change.make(&app.desk, move |work| Ok(Reply::ok(work.hear_provisioner(&plate, &callback)?))).await
}

async fn resend(State(app): State<App>, Path(plate): Path<String>, call: Call) -> Result<Reply, Refusal> {
    check_roles(&call.change.person, &["reviewer"], "a reviewer has a message sent again")?;
    call.change.make(&app.desk, move |work| Ok(Reply::accepted(work.ask_to_resend(&plate)?))).await
}
