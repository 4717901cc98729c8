//! The handlers of Neutron's paths, which are alike for all kinds of objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Kind, is_visible};
use crate::openstack::identity::Scope;
use crate::openstack::refusal::Refusal;
use crate::openstack::settings::CloudFailure;
use crate::world::Shared;

fn kind_of(path: &str) -> Result<Kind, Refusal> {
    let unknown =
        || Refusal::network(StatusCode::NOT_FOUND, "HTTPNotFound", "The resource could not be found.");
    Kind::parse(path).ok_or_else(unknown)
}

/// A body as JSON, and its member `member`.
fn asked(body: &[u8], member: Option<&str>) -> Result<Value, Refusal> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::network_input(format!("Request body is not valid JSON: {error}")))?;
    let asked = match member {
        None => body,
        Some(member) => body.get(member).cloned().unwrap_or_default(),
    };
    if asked.is_object() { Ok(asked) } else { Err(Refusal::network_input("Resource body required")) }
}

/// `GET /v2.0/{kind}`; every member can be a filter.
pub(in crate::openstack) async fn list(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(kind): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let kind = kind_of(&kind)?;
    let mut world = shared.world();
    let network = &mut world.cloud.network;
    network.ensure_default_group(&scope.project);
    let visible = network.all(kind).iter().filter(|object| is_visible(object, &scope.project));
    let views = visible.map(|object| network.view(kind, object)).filter(|view| {
        let is = |(member, wanted): (&String, &String)| match &view[member] {
            Value::String(text) => text == wanted,
            Value::Null => ["fields", "limit"].contains(&member.as_str()),
            // `True` is as good as `true`.
            other => other.to_string().eq_ignore_ascii_case(wanted),
        };
        query.iter().all(is)
    });
    let views: Vec<Value> = views.collect();
    Ok(Json(json!({ format!("{}s", kind.member()): views })))
}

/// `POST /v2.0/{kind}`
pub(in crate::openstack) async fn create(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(kind): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = kind_of(&kind)?;
    let asked = asked(&body, Some(kind.member()))?;
    let project = scope.project.as_str();
    let mut world = shared.world();
    let cloud = &mut world.cloud;
    let quota = cloud.quota;
    cloud.network.ensure_default_group(project);
    cloud.network.check_quota(kind, project, quota)?;
    let is_empty = kind == Kind::Floating && cloud.takes_failure(CloudFailure::PoolEmpty);
    let network = &mut cloud.network;
    let made = match kind {
        Kind::Network => network.create_network(project, &asked),
        Kind::Subnet => network.create_subnet(project, &asked)?,
        Kind::Port => network.create_port(project, &asked)?,
        Kind::Router => network.create_router(project, &asked)?,
        Kind::Group => network.create_group(project, &asked)?,
        Kind::Rule => network.create_rule(project, &asked)?,
        Kind::Floating => network.create_floating(project, &asked, is_empty)?,
    };
    let view = json!({ kind.member(): network.view(kind, &made) });
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// `GET /v2.0/{kind}/{id}`
pub(in crate::openstack) async fn read(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let kind = kind_of(&kind)?;
    let world = shared.world();
    let network = &world.cloud.network;
    let object = network.find(kind, &scope.project, &id)?;
    Ok(Json(json!({ kind.member(): network.view(kind, object) })))
}

/// `PUT /v2.0/{kind}/{id}`: names and descriptions of all kinds, groups of a port, the port of a floating IP.
pub(in crate::openstack) async fn update(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((kind, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let kind = kind_of(&kind)?;
    let asked = asked(&body, Some(kind.member()))?;
    let mut world = shared.world();
    let network = &mut world.cloud.network;
    if kind == Kind::Port && !asked["security_groups"].is_null() {
        let groups = network.groups_of(&scope.project, &asked)?;
        network.find_mut(kind, &scope.project, &id)?["security_groups"] = groups;
    }
    if kind == Kind::Floating && asked.get("port_id").is_some() {
        network.associate(&scope.project, &id, &asked["port_id"])?;
    }
    let object = network.find_mut(kind, &scope.project, &id)?;
    for member in ["name", "description"] {
        if asked[member].is_string() {
            object[member] = asked[member].clone();
        }
    }
    let object = network.find(kind, &scope.project, &id)?;
    Ok(Json(json!({ kind.member(): network.view(kind, object) })))
}

/// `DELETE /v2.0/{kind}/{id}`
pub(in crate::openstack) async fn delete(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((kind, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let kind = kind_of(&kind)?;
    let mut world = shared.world();
    let network = &mut world.cloud.network;
    network.find_mut(kind, &scope.project, &id)?;
    match kind {
        Kind::Network => network.remove_network(&id)?,
        Kind::Subnet => network.remove_subnet(&id)?,
        Kind::Port => network.remove_port(&id)?,
        Kind::Router => network.check_router_is_unused(&id)?,
        Kind::Group => network.remove_group(&id)?,
        Kind::Rule | Kind::Floating => {}
    }
    network.all_mut(kind).retain(|object| object["id"] != *id);
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /v2.0/routers/{id}/{action}`: `add_router_interface` or `remove_router_interface`.
pub(in crate::openstack) async fn act_on_router(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked = asked(&body, None)?;
    let mut world = shared.world();
    let network = &mut world.cloud.network;
    network.find_mut(Kind::Router, &scope.project, &id)?;
    match action.as_str() {
        "add_router_interface" => network.add_interface(&scope.project, &id, &asked),
        "remove_router_interface" => network.remove_interface(&scope.project, &id, &asked),
        _ => kind_of("").map(|_| Value::Null),
    }
    .map(Json)
}
