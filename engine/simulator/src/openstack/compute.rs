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
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value, json};

use super::cloud::{Cloud, new_id};
use super::flavor::Flavor;
use super::identity::Scope;
use super::image;
use super::refusal::Refusal;
use super::server::{BootVolume, Server, Status, Task, TaskKind};
use super::settings::CloudFailure;
use super::volume;
use crate::clock::later;
use crate::world::Shared;

/// Longest `user_data`, in characters of base64.
const MOST_USER_DATA: usize = 65_535;

/// The microversion that has `volume_type` in a block device mapping.
const VOLUME_TYPE_SINCE: (u32, u32) = (2, 67);

type Query_ = Query<BTreeMap<String, String>>;

fn refuse(status: StatusCode, message: impl AsRef<str>) -> Refusal {
    Refusal::compute(status, message)
}

fn bad(message: impl AsRef<str>) -> Refusal {
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
pub(super) async fn flavors(_scope: Scope, Query(query): Query_) -> Json<Value> {
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
    Query(query): Query_,
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

/// Where a new server is attached.
pub(super) enum Attachment {
    /// A port that is there.
    Port(String),
    /// A port that Nova makes in this network, and deletes.
    Network(String),
}

/// The networks of a new server, if they exist and its ports are free.
fn check_ports(cloud: &Cloud, scope: &Scope, asked: &Value) -> Result<Vec<Attachment>, Refusal> {
    let networks = match &asked["networks"] {
        Value::Array(networks) => networks,
        Value::String(none) if none == "none" => return Ok(Vec::new()),
        _ => return Err(bad("Invalid input for field/attribute server. 'networks' is a required property")),
    };
    let attachment = |network: &Value| match (network["port"].as_str(), network["uuid"].as_str()) {
        (Some(port), _) => match cloud.network.port_device(&scope.project, port) {
            None => Err(bad(format!("Port {port} could not be found."))),
            Some(device) if !device.is_empty() => {
                Err(refuse(StatusCode::CONFLICT, format!("Port {port} is still in use.")))
            }
            Some(_) => Ok(Attachment::Port(port.to_owned())),
        },
        (None, Some(network)) if cloud.network.has_network(&scope.project, network) => {
            Ok(Attachment::Network(network.to_owned()))
        }
        (None, Some(network)) => Err(bad(format!("Network {network} could not be found."))),
        (None, None) => Err(bad("Invalid input for field/attribute networks. Either 'port' or 'uuid'")),
    };
    networks.iter().map(attachment).collect()
}

/// The server that a body describes, as far as it needs nothing else to be known.
fn server_of(asked: &Value, scope: &Scope) -> Result<Server, Refusal> {
    let name = asked["name"].as_str().filter(|name| !name.is_empty() && name.len() <= 255);
    let name = name.ok_or_else(|| bad("Invalid input for field/attribute name."))?;
    let flavor = asked["flavorRef"].as_str().unwrap_or_default();
    let known = Flavor::find(flavor);
    let flavor = known.ok_or_else(|| bad(format!("Flavor {flavor} could not be found.")))?;
    let metadata = match &asked["metadata"] {
        Value::Null => json!({}),
        Value::Object(members) if members.values().all(|value| value.as_str().is_some_and(|text| text.len() <= 255)) => {
            asked["metadata"].clone()
        }
        _ => return Err(bad("Invalid input for field/attribute metadata.")),
    };
    if let Some(data) = asked["user_data"].as_str()
        && (data.len() > MOST_USER_DATA || STANDARD.decode(data).is_err())
    {
        return Err(bad("Invalid input for field/attribute user_data. It is no base64, or longer than 65535 characters"));
    }
    let devices = asked["block_device_mapping_v2"].as_array().map(Vec::as_slice).unwrap_or_default();
    let boot_volume = devices.iter().find(|device| device["boot_index"] == 0).map(|device| boot_volume(device, scope));
    let boot_volume = boot_volume.transpose()?;
    let image = match (&boot_volume, asked["imageRef"].as_str().unwrap_or_default()) {
        (Some(_), "") => json!(""),
        (_, id) if image::is_known(id) => json!({ "id": id, "links": [] }),
        (None, "") => return Err(bad("Invalid input: neither an image nor a volume to boot from is given")),
        (_, id) => return Err(bad(format!("Image {id} could not be found."))),
    };
    Ok(Server {
        id: new_id(),
        project: scope.project.clone(),
        name: name.to_owned(),
        metadata,
        image,
        flavor,
        boot_volume,
        volumes: Vec::new(),
        status: Status::Build,
        task: None,
        fault: None,
        has_no_host: false,
        created: jiff::Timestamp::UNIX_EPOCH,
        updated: jiff::Timestamp::UNIX_EPOCH,
    })
}

/// The volume to boot from, which Nova makes of an image.
fn boot_volume(device: &Value, scope: &Scope) -> Result<BootVolume, Refusal> {
    if (&device["source_type"], &device["destination_type"]) != (&json!("image"), &json!("volume")) {
        return Err(bad("Block Device Mapping is Invalid: only an image to a volume is simulated"));
    }
    let image = device["uuid"].as_str().unwrap_or_default();
    if !image::is_known(image) {
        return Err(bad(format!("Image {image} could not be found.")));
    }
    let size = device["volume_size"].as_u64().filter(|size| *size > 0);
    let size = size.ok_or_else(|| bad("Block Device Mapping is Invalid: failed to get volume size"))?;
    let volume_type = match device["volume_type"].as_str() {
        None => volume::DEFAULT_TYPE,
        Some(_) if scope.microversion < VOLUME_TYPE_SINCE => {
            return Err(bad(
                "Invalid input for field/attribute 0. Additional properties are not allowed ('volume_type' was unexpected)",
            ));
        }
        Some(name) if volume::is_type(name) => name,
        Some(name) => return Err(bad(format!("Volume type {name} could not be found."))),
    };
    let delete_on_termination = device["delete_on_termination"].as_bool().unwrap_or(false);
    Ok(BootVolume { size, volume_type: volume_type.to_owned(), delete_on_termination })
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
    let action = body.as_object().filter(|members| members.len() == 1).and_then(|members| members.iter().next());
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
            ("resize", TaskKind::Resize(known.ok_or_else(|| bad(format!("Flavor {flavor} could not be found.")))?))
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
