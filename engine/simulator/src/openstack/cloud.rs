//! All that exists in the simulated cloud, and what time makes of it.
//!
//! Promises: a server that is built has its volume, and its ports and floating IPs are ACTIVE with it; one that is gone
//! has taken along what Nova made for it, and nothing that somebody else made; quotas count per project.

use std::collections::BTreeMap;

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::identity::Identity;
use super::network::Network;
use super::object_store::Containers;
use super::refusal::Refusal;
use super::server::{Fault, Server, Status, TaskKind};
use super::settings::{CloudFailure, CloudOptions, Quota};
use super::volume::Volumes;
use crate::options::Delays;

/// The state of all services.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(super) identity: Identity,
    pub(super) servers: Vec<Server>,
    pub(super) volumes: Volumes,
    pub(super) network: Network,
    pub(super) containers: Containers,
    pub(super) quota: Quota,
    failures: BTreeMap<CloudFailure, u32>,
}

impl Cloud {
    pub(crate) fn new(options: &CloudOptions) -> Self {
        Self {
            identity: Identity::default(),
            servers: Vec::new(),
            volumes: Volumes::default(),
            network: Network::new(options.floating_addresses),
            containers: Containers::new(),
            quota: options.quota,
            failures: BTreeMap::new(),
        }
    }

    /// Makes the cloud fail so the next `times` times.
    pub(crate) fn fail(&mut self, failure: CloudFailure, times: u32) {
        self.failures.insert(failure, times);
    }

    /// Changes the members of the quota that are given; the error says which is none.
    pub(crate) fn set_quota(&mut self, changes: &Value) -> Result<(), String> {
        let mut quota = json!(self.quota);
        for (name, value) in changes.as_object().ok_or("a quota is a JSON object")? {
            quota[name] = value.clone();
        }
        self.quota = serde_json::from_value(quota).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Whether it must fail so now; uses one of the times up.
    pub(super) fn takes_failure(&mut self, failure: CloudFailure) -> bool {
        match self.failures.get_mut(&failure) {
            Some(times) if *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }

    /// How many volumes of the project there are and what they would be with one more; the error is Cinder's.
    pub(super) fn check_volume_quota(&mut self, project: &str, size: u64) -> Result<(), String> {
        let (count, used) = self.volumes.usage(project);
        let Quota { volumes, gigabytes, .. } = self.quota;
        if self.takes_failure(CloudFailure::VolumeQuota) || count >= volumes {
            Err(format!(
                "VolumeLimitExceeded: Maximum number of volumes allowed ({volumes}) exceeded for quota 'volumes'."
            ))
        } else if used + size > gigabytes {
            Err(format!(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. \
                 Requested {size}G, quota is {gigabytes}G and {used}G has been consumed."
            ))
        } else {
            Ok(())
        }
    }

    /// Does what only needs time: ends tasks of servers and volumes.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        let mut gone = Vec::new();
        for index in 0..self.servers.len() {
            let Some(task) = self.servers[index].task.filter(|task| task.ends <= now) else { continue };
            let server = &mut self.servers[index];
            server.task = None;
            server.updated = task.ends;
            match task.kind {
                TaskKind::Build => self.finish_build(index, task.ends),
                TaskKind::Stop => server.status = Status::Shutoff,
                TaskKind::Start | TaskKind::Reboot => server.status = Status::Active,
                TaskKind::Resize(flavor) => {
                    server.flavor = flavor;
                    server.status = Status::VerifyResize;
                }
                TaskKind::Delete => gone.push(server.id.clone()),
            }
            let server = &self.servers[index];
            self.network.set_active(&server.id, server.is_running());
        }
        for id in gone {
            self.remove_server(&id);
        }
        self.volumes.settle(now);
    }

    fn finish_build(&mut self, index: usize, at: Timestamp) {
        let server = self.servers[index].clone();
        let outcome = match &server.boot_volume {
            _ if server.has_no_host => Err("No valid host was found. ".to_owned()),
            None => Ok(None),
            Some(volume) => {
                let checked = self.check_volume_quota(&server.project, volume.size);
                let made = |()| self.volumes.create_for(&server, volume);
                let aborted = |why| format!("Build of instance {} aborted: {why}", server.id);
                checked.map(made).map(Some).map_err(aborted)
            }
        };
        let server = &mut self.servers[index];
        match outcome {
            Ok(volume) => {
                let goes = server.boot_volume.as_ref().is_some_and(|volume| volume.delete_on_termination);
                server.volumes.extend(volume.map(|id| (id, goes)));
                server.status = Status::Active;
            }
            Err(message) => {
                server.status = Status::Error;
                server.fault = Some(Fault { at, message });
            }
        }
    }

    fn remove_server(&mut self, id: &str) {
        let Some(index) = self.servers.iter().position(|server| server.id == id) else { return };
        let server = self.servers.remove(index);
        self.network.detach(id);
        for (volume, goes) in &server.volumes {
            self.volumes.detach(volume, *goes);
        }
    }

    /// Gives a server some time to be deleted; at once if that takes none.
    pub(super) fn delete_server(&mut self, index: usize, delays: Delays, now: Timestamp) {
        let ends = crate::clock::later(now, delays.server_deletion);
        let server = &mut self.servers[index];
        // A second deletion changes nothing.
        if !server.task.is_some_and(|task| task.kind == TaskKind::Delete) {
            server.task = Some(super::server::Task { kind: TaskKind::Delete, ends });
        }
    }

    /// Whether a running server has this floating IP.
    pub(crate) fn answers_on(&self, address: Ipv4Addr) -> bool {
        let device = self.network.device_of_floating(&address.to_string());
        device.is_some_and(|device| {
            self.servers.iter().any(|server| server.id == device && server.is_running())
        })
    }

    /// Nova's form of a server.
    pub(super) fn server_view(&self, server: &Server) -> Value {
        server.view(self.network.addresses_of(&server.id))
    }

    /// Refuses a server that would be more than the project may have.
    pub(super) fn check_server_quota(&self, project: &str, cores: u64, ram: u64) -> Result<(), Refusal> {
        let mine = || self.servers.iter().filter(|server| server.project == project);
        let instances = mine().count() as u64;
        let used_cores = mine().map(|server| server.flavor.vcpus).sum();
        let used_ram = mine().map(|server| server.flavor.ram).sum();
        for (what, asked, used, limit) in [
            ("instances", 1, instances, self.quota.instances),
            ("cores", cores, used_cores, self.quota.cores),
            ("ram", ram, used_ram, self.quota.ram),
        ] {
            let used: u64 = used;
            if used + asked > limit {
                let message = format!(
                    "Quota exceeded for {what}: Requested {asked}, but already used {used} of {limit} {what}"
                );
                return Err(Refusal::compute(axum::http::StatusCode::FORBIDDEN, message));
            }
        }
        Ok(())
    }

    /// All that people and workflows made, for people and tests.
    pub(crate) fn describe(&self) -> Value {
        json!({
            "servers": self.servers.iter().map(|server| self.server_view(server)).collect::<Vec<_>>(),
            "volumes": self.volumes.describe(),
            "containers": self.containers.keys().map(|(_, name)| name).collect::<Vec<_>>(),
            "network": self.network.describe(),
        })
    }
}

/// A new id, as OpenStack makes them.
pub(super) fn new_id() -> String {
    Uuid::new_v4().to_string()
}
