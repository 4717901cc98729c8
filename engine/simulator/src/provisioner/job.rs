//! A job of the provisioner: its message, and the namespaces that it makes.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::Behaviour;
use crate::kubernetes::Cluster;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Its delay is not over.
    Running,
    /// Done; the platform does not know it yet.
    CallingBack,
    /// The platform was told.
    Reported,
    /// The platform did not want to know it: nothing waits for it there.
    Refused,
    /// Nobody is told.
    Silent,
}

/// One message, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    /// Counts the jobs from 1.
    pub number: u64,
    /// The cluster of the subject.
    pub cluster: String,
    /// The message.
    pub message: Value,
    /// When it came, by the simulator's clock.
    pub received: Timestamp,
    /// When it is done.
    pub due: Timestamp,
    /// What becomes of it.
    pub behaviour: Behaviour,
    /// Where it stands.
    pub state: JobState,
}

impl Job {
    /// The licence plate of the product.
    pub(super) fn plate(&self) -> &str {
        self.message["licencePlate"].as_str().unwrap_or_default()
    }

    /// The body of the callback.
    pub(super) fn report(&self, is_empty: bool) -> Value {
        if is_empty {
            return json!({});
        }
        let mut report = json!({ "workflow": self.message["workflow"], "cluster": self.cluster });
        if self.behaviour == Behaviour::Fail {
            report["status"] = "Failed".into();
            report["message"] = "the simulated provisioner was told to fail".into();
        } else {
            report["status"] = "Succeeded".into();
        }
        report
    }

    /// Makes, changes or deletes the namespaces of the product.
    pub(super) fn carry_out(&self, cluster: &mut Cluster, now: Timestamp) {
        if self.behaviour != Behaviour::Succeed {
            return;
        }
        for namespace in self.message["namespaces"].as_array().into_iter().flatten() {
            let name = namespace["name"].as_str().unwrap_or_default();
            if self.message["action"] == "delete" {
                cluster.remove_namespace(name);
                continue;
            }
            let quotas = &namespace["quotas"];
            let hard = json!({
                "requests.cpu": quotas["cpu"]["requests"].to_string(),
                "requests.memory": quotas["memory"]["requests"],
                "requests.storage": quotas["storage"]["capacity"],
                "persistentvolumeclaims": quotas["storage"]["pvc_count"].to_string(),
            });
            let labels = json!({ "licence-plate": self.plate(), "provisioned-on": self.cluster });
            if let Err(why) = cluster.put_namespace(name, labels, hard, now) {
                tracing::warn!(namespace = name, why, "the simulated provisioner cannot make a namespace");
            }
        }
    }
}
