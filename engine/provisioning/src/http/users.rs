//! What users have linked: tokens of GitHub and of clusters.
//!
//! Promises: says that there is a token, and how flows refer to it; never shows one.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, answer::items, caller::Caller, params::Params};
use crate::{
    desk::cluster_view,
    model::{Person, Principal},
    refusal::Refusal,
    tables,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/users/{user}/clusters", get(clusters)).route("/users/{user}/tokens", get(token))
}

/// People see what they have linked themselves; flows and admins see what anybody has.
pub(super) fn check_sees(person: &Person, user: &Principal) -> Result<(), Refusal> {
    if person.is_service() || person.reference == user.to_string() {
        return Ok(());
    }
    Err(Refusal::forbidden(format!("{} may not see what {user} has linked", person.reference)))
}

async fn clusters(
    State(app): State<App>,
    Caller(person): Caller,
    Path(user): Path<String>,
) -> Result<Json<Value>, Refusal> {
    check_sees(&person, &Principal::parse(&user))?;
    let linked = app.desk.clusters_of_user(&user).await?;
    let views = app.desk.read(move |connection| {
        let views = linked
            .iter()
            .map(|cluster| Ok(cluster_view(cluster, &tables::usage::of_cluster(connection, &cluster.name)?)));
        views.collect::<Result<Vec<_>, crate::desk::Fault>>()
    });
    Ok(Json(items(views.await?, None)))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "for")]
    address: String,
}

async fn token(
    State(app): State<App>,
    Caller(person): Caller,
    Path(user): Path<String>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Value>, Refusal> {
    let principal = Principal::parse(&user);
    check_sees(&person, &principal)?;
    let Some(service) = app.desk.linkable(&wanted.address).await? else {
        return Err(Refusal::invalid_at("/for", "it is neither GitHub nor the address or name of a cluster"));
    };
    // A reference has colons between its parts, so the short name stands in it.
    let reference = principal.to_string();
    let name = reference.strip_prefix("user:").unwrap_or(&reference);
    let name = name.strip_prefix("default/").unwrap_or(name);
    if app.desk.0.settings.user_token(&user, &service.name).is_none() {
        return Err(Refusal::link_account(name, &service.name, &service.link));
    }
    let username = name.rsplit_once('/').map_or(name, |(_, name)| name);
    Ok(Json(json!({"username": username, "ref": format!("token:{name}:{}", service.name)})))
}
