//! Cinder: volumes, those that Nova makes and those of one's own.
//!
//! Promises: a volume in use cannot be deleted; one that Nova made has no name and no metadata, as in reality.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cloud::new_id;
use super::identity::Scope;
use super::image;
use super::refusal::Refusal;
use super::server::{BootVolume, Server};
use crate::clock::later;
use crate::world::Shared;

/// The types of volumes; the first is the default.
const TYPES: [&str; 3] = [DEFAULT_TYPE, "nvme", "ssd"];

/// The type of a volume for which none is asked.
pub(super) const DEFAULT_TYPE: &str = "standard";

/// Whether there is such a type of volumes.
pub(super) fn is_type(name: &str) -> bool {
    TYPES.contains(&name)
}

/// All volumes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Volumes(Vec<Volume>);

#[derive(Debug)]
struct Volume {
    id: String,
    project: String,
    name: String,
    size: u64,
    /// Its volume type.
    kind: String,
    bootable: bool,
    metadata: Value,
    /// The server that has it.
    server: Option<String>,
    /// When it is gone.
    gone: Option<Timestamp>,
}

impl Volume {
    fn view(&self) -> Value {
        let status = match (&self.server, self.gone) {
            (_, Some(_)) => "deleting",
            (Some(_), None) => "in-use",
            (None, None) => "available",
        };
        let attachment =
            |server: &String| json!({ "server_id": server, "device": "/dev/vda", "volume_id": self.id });
        json!({
            "id": self.id, "name": self.name, "status": status, "size": self.size,
            "bootable": self.bootable.to_string(), "volume_type": self.kind,
            "attachments": self.server.iter().map(attachment).collect::<Vec<_>>(), "metadata": self.metadata,
        })
    }
}

impl Volumes {
    /// Number and size in GiB of the volumes of a project.
    pub(super) fn usage(&self, project: &str) -> (u64, u64) {
        let mine = self.0.iter().filter(|volume| volume.project == project);
        mine.fold((0, 0), |(count, size), volume| (count + 1, size + volume.size))
    }

    /// The volume that Nova makes for a server.
    pub(super) fn create_for(&mut self, server: &Server, boot: &BootVolume) -> String {
        let id = new_id();
        self.0.push(Volume {
            id: id.clone(),
            project: server.project.clone(),
            name: String::new(),
            size: boot.size,
            kind: boot.volume_type.clone(),
            bootable: true,
            metadata: json!({}),
            server: Some(server.id.clone()),
            gone: None,
        });
        id
    }

    /// Its server is gone; with it the volume, if it `goes`.
    pub(super) fn detach(&mut self, id: &str, goes: bool) {
        if goes {
            self.0.retain(|volume| volume.id != id);
        } else if let Some(volume) = self.0.iter_mut().find(|volume| volume.id == id) {
            volume.server = None;
        }
    }

    /// Forgets those whose deletion has ended.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.0.retain(|volume| volume.gone.is_none_or(|gone| now < gone));
    }

    pub(super) fn describe(&self) -> Vec<Value> {
        self.0.iter().map(Volume::view).collect()
    }

    fn find(&mut self, scope: &Scope, project: &str, id: &str) -> Result<&mut Volume, Refusal> {
        check_project(scope, project)?;
        let found = self.0.iter_mut().find(|volume| volume.id == id && volume.project == scope.project);
        found.ok_or_else(|| {
            Refusal::compute(StatusCode::NOT_FOUND, format!("Volume {id} could not be found."))
        })
    }
}

/// The project in the path must be that of the token.
fn check_project(scope: &Scope, project: &str) -> Result<(), Refusal> {
    if scope.project == project {
        Ok(())
    } else {
        Err(Refusal::compute(
            StatusCode::BAD_REQUEST,
            "Malformed request url: another project than the token's",
        ))
    }
}

/// `GET /v3/{project}/volumes/detail`
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(project): Path<String>,
) -> Result<Json<Value>, Refusal> {
    check_project(&scope, &project)?;
    let world = shared.world();
    let mine = world.cloud.volumes.0.iter().filter(|volume| volume.project == project);
    Ok(Json(json!({ "volumes": mine.map(Volume::view).collect::<Vec<_>>() })))
}

/// `POST /v3/{project}/volumes`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path(project): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    check_project(&scope, &project)?;
    let bad = |message: String| Refusal::compute(StatusCode::BAD_REQUEST, message);
    let body: Value = serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))?;
    let asked = &body["volume"];
    let size = asked["size"].as_u64().filter(|size| *size > 0);
    let size = size.ok_or_else(|| bad("Invalid input for field/attribute size.".to_owned()))?;
    let volume_type = asked["volume_type"].as_str().unwrap_or(DEFAULT_TYPE);
    if !is_type(volume_type) {
        let message = format!("Volume type with name {volume_type} could not be found.");
        return Err(Refusal::compute(StatusCode::NOT_FOUND, message));
    }
    let image = asked["imageRef"].as_str();
    if image.is_some_and(|image| !image::is_known(image)) {
        return Err(bad("Invalid image identifier or unable to access requested image.".to_owned()));
    }
    let mut world = shared.world();
    world.cloud.check_volume_quota(&project, size).map_err(|message| Refusal::over_limit(&message))?;
    let volume = Volume {
        id: new_id(),
        project,
        name: asked["name"].as_str().unwrap_or_default().to_owned(),
        size,
        kind: volume_type.to_owned(),
        bootable: image.is_some(),
        metadata: if asked["metadata"].is_object() { asked["metadata"].clone() } else { json!({}) },
        server: None,
        gone: None,
    };
    let mut view = volume.view();
    view["status"] = "creating".into();
    world.cloud.volumes.0.push(volume);
    Ok((StatusCode::ACCEPTED, Json(json!({ "volume": view }))).into_response())
}

/// `GET /v3/{project}/volumes/{id}`
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((project, id)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let mut world = shared.world();
    let volume = world.cloud.volumes.find(&scope, &project, &id)?;
    Ok(Json(json!({ "volume": volume.view() })))
}

/// `DELETE /v3/{project}/volumes/{id}`
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((project, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut world = shared.world();
    let gone = later(world.clock.now(), world.delays.server_deletion);
    let volume = world.cloud.volumes.find(&scope, &project, &id)?;
    if volume.server.is_some() {
        let message = "Invalid volume: Volume status must be available or error or error_restoring or \
                       error_extending or error_managing and must not be migrating, attached, belong to a group, \
                       have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.";
        return Err(Refusal::compute(StatusCode::BAD_REQUEST, message));
    }
    volume.gone.get_or_insert(gone);
    Ok(StatusCode::ACCEPTED)
}
