//! What a body says about a new server, and whether Nova accepts it.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cloud::{Cloud, new_id};
use super::compute::{bad, refuse};
use super::flavor::Flavor;
use super::identity::Scope;
use super::image;
use super::refusal::Refusal;
use super::server::{BootVolume, Server, Status};
use super::volume;

/// Longest `user_data`, in characters of base64.
const MOST_USER_DATA: usize = 65_535;

/// The microversion that has `volume_type` in a block device mapping.
const VOLUME_TYPE_SINCE: (u32, u32) = (2, 67);

/// Where a new server is attached.
pub(super) enum Attachment {
    /// A port that is there.
    Port(String),
    /// A port that Nova makes in this network, and deletes.
    Network(String),
}

/// The networks of a new server, if they exist and its ports are free.
pub(super) fn check_ports(cloud: &Cloud, scope: &Scope, asked: &Value) -> Result<Vec<Attachment>, Refusal> {
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
pub(super) fn server_of(asked: &Value, scope: &Scope) -> Result<Server, Refusal> {
    let name = asked["name"].as_str().filter(|name| !name.is_empty() && name.len() <= 255);
    let name = name.ok_or_else(|| bad("Invalid input for field/attribute name."))?;
    let flavor = asked["flavorRef"].as_str().unwrap_or_default();
    let known = Flavor::find(flavor);
    let flavor = known.ok_or_else(|| bad(format!("Flavor {flavor} could not be found.")))?;
    let metadata = match &asked["metadata"] {
        Value::Null => json!({}),
        Value::Object(members)
            if members.values().all(|value| value.as_str().is_some_and(|text| text.len() <= 255)) =>
        {
            asked["metadata"].clone()
        }
        _ => return Err(bad("Invalid input for field/attribute metadata.")),
    };
    if let Some(data) = asked["user_data"].as_str()
        && (data.len() > MOST_USER_DATA || STANDARD.decode(data).is_err())
    {
        return Err(bad(
            "Invalid input for field/attribute user_data. It is no base64, or longer than 65535 characters",
        ));
    }
    let devices = asked["block_device_mapping_v2"].as_array().map(Vec::as_slice).unwrap_or_default();
    let boot_volume =
        devices.iter().find(|device| device["boot_index"] == 0).map(|device| boot_volume(device, scope));
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
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
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
