//! One server of Nova: where it stands, and what time makes of it.
//!
//! ```text
//!  BUILD ──▶ ACTIVE ⇄ SHUTOFF        every state ──delete──▶ gone
//!    └─────▶ ERROR with a fault      ACTIVE, SHUTOFF ──resize──▶ VERIFY_RESIZE ──confirm──▶ ACTIVE
//! ```
//!
//! Pure: no clock here. A task that takes time is a [`Task`] with the moment of its end.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::flavor::Flavor;
use crate::clock::seconds;

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) name: String,
    pub(super) metadata: Value,
    /// Image when it boots from a local disk; an empty text when it boots from a volume.
    pub(super) image: Value,
    pub(super) flavor: &'static Flavor,
    /// The volume that Nova makes for it.
    pub(super) boot_volume: Option<BootVolume>,
    /// Volumes attached: id, and whether it goes with the server.
    pub(super) volumes: Vec<(String, bool)>,
    pub(super) status: Status,
    pub(super) task: Option<Task>,
    pub(super) fault: Option<Fault>,
    /// The scheduler will find no host.
    pub(super) has_no_host: bool,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

/// The volume to make of an image.
#[derive(Clone, Debug)]
pub(super) struct BootVolume {
    /// In GiB.
    pub(super) size: u64,
    pub(super) volume_type: String,
    pub(super) delete_on_termination: bool,
}

/// Where a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Build,
    Active,
    Shutoff,
    VerifyResize,
    Error,
}

/// What is being done to a server, until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) kind: TaskKind,
    pub(super) ends: Timestamp,
}

/// What is being done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskKind {
    Build,
    Stop,
    Start,
    Reboot,
    Resize(&'static Flavor),
    Delete,
}

/// Why a server is in ERROR.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) at: Timestamp,
    pub(super) message: String,
}

/// Nova's names of a status: `status`, `vm_state`, `power_state`.
impl Status {
    fn names(self) -> (&'static str, &'static str, u8) {
        match self {
            Self::Build => ("BUILD", "building", 0),
            Self::Active => ("ACTIVE", "active", 1),
            Self::Shutoff => ("SHUTOFF", "stopped", 4),
            Self::VerifyResize => ("VERIFY_RESIZE", "resized", 1),
            Self::Error => ("ERROR", "error", 0),
        }
    }
}

impl TaskKind {
    fn name(self) -> &'static str {
        match self {
            Self::Build => "scheduling",
            Self::Stop => "powering-off",
            Self::Start => "powering-on",
            Self::Reboot => "rebooting",
            Self::Resize(_) => "resize_prep",
            Self::Delete => "deleting",
        }
    }
}

impl Server {
    /// Whether it runs and answers on its addresses.
    pub(super) fn is_running(&self) -> bool {
        let shuts_down = self.task.is_some_and(|task| matches!(task.kind, TaskKind::Delete | TaskKind::Stop));
        matches!(self.status, Status::Active | Status::VerifyResize) && !shuts_down
    }

    /// Begins an action; the text says why it cannot: `Cannot 'stop' instance …`.
    pub(super) fn begin(&mut self, action: &str, kind: TaskKind, ends: Timestamp) -> Result<(), String> {
        let while_in = |what: &str, value: &str| {
            Err(format!("Cannot '{action}' instance {} while it is in {what} {value}", self.id))
        };
        if let Some(task) = &self.task {
            return while_in("task_state", task.kind.name());
        }
        let allowed: &[Status] = match kind {
            TaskKind::Stop => &[Status::Active, Status::Error],
            TaskKind::Start => &[Status::Shutoff],
            TaskKind::Reboot => &[Status::Active, Status::Shutoff, Status::Error],
            TaskKind::Resize(_) => &[Status::Active, Status::Shutoff],
            TaskKind::Build | TaskKind::Delete => &[],
        };
        if !allowed.contains(&self.status) {
            return while_in("vm_state", self.status.names().1);
        }
        self.task = Some(Task { kind, ends });
        Ok(())
    }

    /// Nova's form of it. `addresses` are those of its ports, by network.
    pub(super) fn view(&self, addresses: Value) -> Value {
        let (status, vm_state, power_state) = self.status.names();
        let volumes =
            self.volumes.iter().map(|(id, goes)| json!({ "id": id, "delete_on_termination": goes }));
        let mut view = json!({
            "id": self.id, "name": self.name, "status": status, "tenant_id": self.project, "user_id": "u1",
            "metadata": self.metadata, "image": self.image, "flavor": self.flavor.embedded_view(),
            "addresses": addresses, "created": seconds(self.created), "updated": seconds(self.updated),
            "OS-EXT-STS:vm_state": vm_state, "OS-EXT-STS:task_state": self.task.map(|task| task.kind.name()),
            "OS-EXT-STS:power_state": power_state,
            "os-extended-volumes:volumes_attached": volumes.collect::<Vec<_>>(),
            "progress": 0, "hostId": if self.status == Status::Build || self.has_no_host { "" } else { "2091634b" },
        });
        if let Some(fault) = &self.fault {
            view["fault"] = json!({ "code": 500, "created": seconds(fault.at), "message": fault.message });
        }
        view
    }

    /// The numbers of `GET …/diagnostics`, which grow with the time since it was created.
    pub(super) fn diagnostics(&self, now: Timestamp) -> Value {
        let uptime = now.duration_since(self.updated).as_secs().max(0);
        let cpus = (0..self.flavor.vcpus)
            .map(|id| json!({ "id": id, "time": uptime * 100_000_000, "utilisation": 10 }));
        json!({
            "state": "running", "driver": "libvirt", "hypervisor": "kvm", "hypervisor_os": "linux", "uptime": uptime,
            "num_cpus": self.flavor.vcpus, "cpu_details": cpus.collect::<Vec<_>>(),
            "memory_details": { "maximum": self.flavor.ram / 1024, "used": self.flavor.ram / 2048 },
            "num_nics": 1, "nic_details": [{ "rx_octets": uptime * 1000, "tx_octets": uptime * 500 }],
            "num_disks": 1, "disk_details": [{ "read_bytes": uptime * 4096, "write_bytes": uptime * 8192 }],
        })
    }
}
