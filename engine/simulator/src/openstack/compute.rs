//! Nova: flavors, servers, and what can be done to them.
//!
//! Promises: a server is accepted with 202 and made later; what is wrong with the request is said at once, what goes wrong
//! later makes the server ERROR. A repeated request makes a second server.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use regex::Regex;
use serde_json::{Value, json};

use super::cloud::{Cloud, new_id};
use super::flavor::Flavor;
use super::identity::Scope;
use super::new_server::{check_ports, server_of};
use super::refusal::Refusal;
use super::server::{Status, Task, TaskKind};
use super::settings::CloudFailure;
use crate::clock::later;
use crate::world::Shared;

/// The query of a request.
type Queried = Query<BTreeMap<String, String>>;

pub(super) fn refuse(status: StatusCode, message: impl AsRef<str>) -> Refusal {
    Refusal::compute(status, message)
}

pub(super) fn bad(message: impl AsRef<str>) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, message)
}

/// The member `name` of a JSON body.
fn member(body: &[u8], name: &str) -> Result<Value, Refusal> {
    let mut body: Value =
        serde_json::from_slice(body).map_err(|error| bad(format!("Malformed request body: {error}")))?;
    match body.get_mut(name) {
        Some(member) if member.is_object() => Ok(member.take()),
        _ => Err(bad(format!("Invalid input for field/attribute {name}. '{name}' is a required property"))),
    }
}

/// `GET /flavors/detail`
pub(super) async fn flavors(_scope: Scope, Query(query): Queried) -> Json<Value> {
    let least = |name: &str| query.get(name).and_then(|value| value.parse().ok()).unwrap_or(0);
    let least_ram = least("minRam");
    let flavors = Flavor::all().filter(|flavor| flavor.ram >= least_ram).map(Flavor::view);
    Json(json!({ "flavors": flavors.collect::<Vec<_>>() }))
}

/// `GET /servers/detail`, and `GET /servers` without the details.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    uri: axum::http::Uri,
    Query(query): Queried,
) -> Result<Json<Value>, Refusal> {
    let name = query.get("name").map(|pattern| Regex::new(pattern)).transpose();
    let name = name.map_err(|_| bad("Invalid filter for field name: it is no regular expression"))?;
    let world = shared.world();
    let mine = world.cloud.servers.iter().filter(|server| {
        server.project == scope.project && name.as_ref().is_none_or(|name| name.is_match(&server.name))
    });
    let views = mine.map(|server| world.cloud.server_view(server));
    let views = views.filter(|view| query.get("status").is_none_or(|status| view["status"] == *status));
    let short = |view: Value| json!({ "id": view["id"], "name": view["name"], "links": [] });
    let is_short = !uri.path().ends_with("/detail");
    let views = views.map(|view| if is_short { short(view) } else { view });
    Ok(Json(json!({ "servers": views.collect::<Vec<_>>() })))
}

/// `POST /servers`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked = member(&body, "server")?;
    let mut world = shared.world();
    let (now, delays) = (world.clock.now(), world.delays);
    let cloud = &mut world.cloud;
    let ports = check_ports(cloud, &scope, &asked)?;
    let mut server = server_of(&asked, &scope)?;
    cloud.check_server_quota(&scope.project, server.flavor.vcpus, server.flavor.ram)?;
    server.has_no_host = !server.flavor.fits_a_host() || cloud.takes_failure(CloudFailure::NoHost);
    server.created = now;
    server.updated = now;
    server.task = Some(Task { kind: TaskKind::Build, ends: later(now, delays.server_build) });
    let id = server.id.clone();
    cloud.servers.push(server);
    for port in ports {
        cloud.network.attach(&scope.project, &port, &id, cloud.quota).inspect_err(|_| {
            cloud.servers.retain(|server| server.id != id);
            cloud.network.detach(&id);
        })?;
    }
    let address = format!("{}/v2.1/servers/{id}", shared.urls.openstack);
    let view = json!({ "server": {
        "id": id, "OS-DCF:diskConfig": "MANUAL", "adminPass": &new_id().replace('-', "")[..12],
        "security_groups": [{ "name": "default" }], "links": [{ "rel": "self", "href": address }],
    } });
    let mut response = (StatusCode::ACCEPTED, Json(view)).into_response();
    if let Ok(address) = HeaderValue::from_str(&address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    Ok(response)
}

/// The index of a server of the project.
fn find(cloud: &Cloud, scope: &Scope, id: &str) -> Result<usize, Refusal> {
    let found = cloud.servers.iter().position(|server| server.id == id && server.project == scope.project);
    found.ok_or_else(|| refuse(StatusCode::NOT_FOUND, format!("Instance {id} could not be found.")))
}

/// `GET /servers/{id}`
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let cloud = &shared.world().cloud;
    let server = &cloud.servers[find(cloud, &scope, &id)?];
    Ok(Json(json!({ "server": cloud.server_view(server) })))
}

/// `DELETE /servers/{id}`
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let mut world = shared.world();
    let (now, delays) = (world.clock.now(), world.delays);
    let index = find(&world.cloud, &scope, &id)?;
    world.cloud.delete_server(index, delays, now);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /servers/{id}/action`
pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| bad(format!("Malformed request body: {error}")))?;
    let action =
        body.as_object().filter(|members| members.len() == 1).and_then(|members| members.iter().next());
    let (action, argument) = action.ok_or_else(|| bad("There is no such action: a body has one member"))?;
    let mut world = shared.world();
    let ends = later(world.clock.now(), world.delays.server_power);
    let cloud = &mut world.cloud;
    let index = find(cloud, &scope, &id)?;
    let server = &mut cloud.servers[index];
    let (name, kind) = match action.as_str() {
        "os-stop" => ("stop", TaskKind::Stop),
        "os-start" => ("start", TaskKind::Start),
        "reboot" => ("reboot", TaskKind::Reboot),
        "resize" => {
            let flavor = argument["flavorRef"].as_str().unwrap_or_default();
            let known = Flavor::find(flavor);
            (
                "resize",
                TaskKind::Resize(known.ok_or_else(|| bad(format!("Flavor {flavor} could not be found.")))?),
            )
        }
        "confirmResize" if server.status == Status::VerifyResize => {
            server.status = Status::Active;
            return Ok(StatusCode::NO_CONTENT);
        }
        "confirmResize" => return Err(bad("Instance has not been resized.")),
        other => return Err(bad(format!("There is no such action: {other}"))),
    };
    server.begin(name, kind, ends).map_err(|why| refuse(StatusCode::CONFLICT, why))?;
    Ok(StatusCode::ACCEPTED)
}

/// `GET /servers/{id}/diagnostics`
pub(super) async fn diagnostics(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let server = &world.cloud.servers[find(&world.cloud, &scope, &id)?];
    if !server.is_running() {
        let message = format!("Cannot 'get_diagnostics' instance {id} while it is not running");
        return Err(refuse(StatusCode::CONFLICT, message));
    }
    Ok(Json(server.diagnostics(world.clock.now())))
}
