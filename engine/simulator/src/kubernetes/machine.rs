//! The progress of a virtual machine, as its specification and the time determine it.
//!
//! Promises: `Provisioning` → `Starting` → `Running`, each after its delay; `Stopped` when it is not wanted to run; a
//! machine with more memory than any node has stays `ErrorUnschedulable`, as on a real cluster. Pure: no clock here.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::INSTANCES;
use crate::clock::{later, seconds};

/// The memory of the largest simulated node, in GiB.
const NODE_MEMORY_GIB: u64 = 256;

/// The part of a virtual machine's state that is not in its object.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// Counts the machines of the cluster, for addresses.
    number: u64,
    provisioned: Timestamp,
    /// When it was last started; absent: it is stopped.
    started: Option<Timestamp>,
    /// From start to running.
    starting: Duration,
}

/// The progress of a machine; its names are those of `printableStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Stopped,
    Provisioning,
    Starting,
    Running,
    Unschedulable,
}

impl Machine {
    pub(super) fn new(number: u64, provisioned: Timestamp, starting: Duration) -> Self {
        Self { number, provisioned, started: None, starting }
    }

    /// Starts or stops the machine as the specification demands. `Manual` leaves it as it is.
    pub(super) fn follow(&mut self, spec: &Value, now: Timestamp) {
        match (spec["running"].as_bool(), spec["runStrategy"].as_str()) {
            (Some(true), _) | (_, Some("Always" | "RerunOnFailure" | "Once")) => self.start(now),
            (Some(false), _) | (_, Some("Halted")) => self.stop(),
            _ => {}
        }
    }

    /// Starts it unless it is started.
    pub(super) fn start(&mut self, now: Timestamp) {
        self.started.get_or_insert(now);
    }

    pub(super) fn stop(&mut self) {
        self.started = None;
    }

    pub(super) fn is_started(&self) -> bool {
        self.started.is_some()
    }

    pub(super) fn progress(&self, spec: &Value, now: Timestamp) -> Progress {
        let Some(started) = self.started else {
            return if now < self.provisioned { Progress::Provisioning } else { Progress::Stopped };
        };
        if now < self.provisioned {
            Progress::Provisioning
        } else if memory_gib(spec) > NODE_MEMORY_GIB {
            Progress::Unschedulable
        } else if now < later(started.max(self.provisioned), self.starting) {
            Progress::Starting
        } else {
            Progress::Running
        }
    }

    /// The `status` of the virtual machine.
    pub(super) fn status(&self, spec: &Value, now: Timestamp) -> Value {
        let progress = self.progress(spec, now);
        let ready = progress == Progress::Running;
        let reason = if ready { Value::Null } else { "GuestNotRunning".into() };
        json!({
            "created": matches!(progress, Progress::Starting | Progress::Running | Progress::Unschedulable),
            "ready": ready,
            "printableStatus": progress.name(),
            "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" }, "reason": reason }],
        })
    }

    /// The running machine, if there is one.
    pub(super) fn instance(&self, machine: &Value, now: Timestamp) -> Option<Value> {
        let started = self.started?;
        let progress = self.progress(&machine["spec"], now);
        let phase = match progress {
            Progress::Stopped | Progress::Provisioning => return None,
            Progress::Unschedulable => "Pending",
            Progress::Starting => "Scheduling",
            Progress::Running => "Running",
        };
        let mut status = json!({ "phase": phase });
        if progress == Progress::Running {
            status["nodeName"] = "worker-1".into();
            status["interfaces"] = json!([{ "name": "default", "ipAddress": self.address() }]);
        }
        let metadata = &machine["metadata"];
        Some(json!({
            "apiVersion": INSTANCES.api_version(),
            "kind": INSTANCES.kind,
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "creationTimestamp": seconds(started),
            },
            "spec": machine["spec"]["template"]["spec"],
            "status": status,
        }))
    }

    fn address(&self) -> String {
        format!("10.128.{}.{}", self.number / 250, self.number % 250 + 2)
    }
}

impl Progress {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stopped => "Stopped",
            Self::Provisioning => "Provisioning",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Unschedulable => "ErrorUnschedulable",
        }
    }
}

/// Memory that the guest requests, in GiB; 0 for a value in another unit, which any node has.
fn memory_gib(spec: &Value) -> u64 {
    let domain = &spec["template"]["spec"]["domain"];
    let asked = [&domain["memory"]["guest"], &domain["resources"]["requests"]["memory"]];
    let gib = |value: &Value| value.as_str()?.strip_suffix("Gi")?.parse().ok();
    asked.into_iter().find_map(gib).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_progresses_with_time_as_it_is_asked_to() {
        let created = Timestamp::UNIX_EPOCH;
        let after = |seconds| later(created, Duration::from_secs(seconds));
        let check = |spec: &Value, second, expected| {
            let mut machine = Machine::new(1, after(20), Duration::from_secs(10));
            machine.follow(spec, created);
            assert_eq!(machine.progress(spec, after(second)).name(), expected, "{spec} after {second} s");
        };
        let always = json!({ "runStrategy": "Always" });
        check(&always, 0, "Provisioning");
        check(&always, 20, "Starting");
        check(&always, 30, "Running");
        check(&json!({ "running": true }), 30, "Running");
        check(&json!({ "runStrategy": "Halted" }), 0, "Provisioning");
        check(&json!({ "runStrategy": "Halted" }), 30, "Stopped");
        check(&json!({ "runStrategy": "Manual" }), 30, "Stopped");
        let large = json!({ "running": true, "template": { "spec": { "domain": { "memory": { "guest": "512Gi" } } } } });
        check(&large, 30, "ErrorUnschedulable");
    }
}
