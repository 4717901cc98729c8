//! Namespaces of users, as flows make them.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    App,
    answer::{Reply, items},
    caller::{Call, Caller},
    params::Params,
    users::check_sees,
};
use crate::{
    model::{Namespace, NamespaceState, Principal},
    refusal::Refusal,
    tables,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/tenants/{user}/namespaces", get(list).put(put).delete(delete))
}

fn view(namespace: &Namespace) -> Value {
    serde_json::to_value(namespace).unwrap_or_default()
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "type")]
    kind: Option<String>,
    space: Option<String>,
}

async fn list(
    State(app): State<App>,
    Caller(person): Caller,
    Path(user): Path<String>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Value>, Refusal> {
    let user = Principal::parse(&user);
    check_sees(&person, &user)?;
    let found =
        app.desk.read(move |connection| Ok(tables::namespaces::of_user(connection, &user.to_string())?));
    let listed = found.await?.into_iter().filter(|one| {
        wanted.kind.as_ref().is_none_or(|kind| *kind == one.kind)
            && (wanted.space.is_none() || wanted.space == one.space)
    });
    Ok(Json(items(listed.map(|one| view(&one)).collect(), None)))
}

#[derive(Deserialize)]
struct NewNamespace {
    #[serde(rename = "type")]
    kind: String,
    space: Option<String>,
    environment: Option<String>,
    cluster: String,
    name: Option<String>,
    profile: Option<String>,
    state: NamespaceState,
    version: Option<String>,
}

async fn put(State(app): State<App>, Path(user): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    call.check_service()?;
    let NewNamespace { kind, space, environment, cluster, name, profile, state, version } =
        call.read(&app, "putNamespace")?;
    let user = Principal::parse(&user).to_string();
    let new = Namespace {
        user,
        name: name.clone().unwrap_or_default(),
        kind,
        cluster,
        space: space.filter(|space| !space.is_empty()),
        environment: environment.filter(|environment| !environment.is_empty()),
        profile,
        state,
        version,
    };
    let made = call.change.make(&app.desk, move |work| {
        let wanted = name.as_deref().filter(|name| !name.is_empty());
        Ok(Reply::ok(view(&work.put_namespace(new.clone(), wanted)?)))
    });
    made.await
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn delete(
    State(app): State<App>,
    Path(user): Path<String>,
    Params(named): Params<Named>,
    call: Call,
) -> Result<Reply, Refusal> {
    call.check_service()?;
    let user = Principal::parse(&user).to_string();
    let made = call.change.make(&app.desk, move |work| {
        // What is not there is gone.
        tables::namespaces::delete(work.connection, &user, &named.name)?;
        Ok(Reply::gone())
    });
    made.await
}
