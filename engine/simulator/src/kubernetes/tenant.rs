//! The effect of the namespace template: a namespace with the quota and the limits of its size, which its owner may administer.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::resource::{LIMIT_RANGES, NAMESPACES, QUOTAS, ROLE_BINDINGS};
use crate::options::Delays;

impl Cluster {
    /// Creates namespace, `ResourceQuota`, `LimitRange` and `RoleBinding`; nothing of it if the namespace cannot be
    /// created, which the answer then explains. An unknown or empty size counts as small, an empty owner gets no binding.
    /// The numbers are those of the software template that the project ships, `templates/namespace`.
    pub(crate) fn create_tenant(
        &mut self,
        name: &str,
        size: &str,
        owner: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        let (cpu, memory, pods, most) = match size {
            "large" => ("32", "128Gi", "200", json!({ "cpu": "8", "memory": "32Gi" })),
            "medium" => ("8", "32Gi", "60", json!({ "cpu": "4", "memory": "16Gi" })),
            _ => ("2", "8Gi", "20", json!({ "cpu": "1", "memory": "4Gi" })),
        };
        let labels = json!({ "app.kubernetes.io/managed-by": "backstage", "self-service/size": size });
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": name, "labels": labels, "annotations": { "self-service/owner": owner } },
        });
        self.create(&NAMESPACES, "", namespace, Delays::default(), now)
            .map_err(|problem| problem.message().to_owned())?;

        let quota = json!({ "spec": { "hard": {
            "requests.cpu": cpu, "limits.cpu": cpu, "requests.memory": memory, "limits.memory": memory, "pods": pods,
        } } });
        self.put(&QUOTAS, name, "size", quota, now);
        let limits = json!({ "spec": { "limits": [{
            "type": "Container",
            "defaultRequest": { "cpu": "100m", "memory": "128Mi" },
            "default": { "cpu": "500m", "memory": "512Mi" },
            "max": most,
        }] } });
        self.put(&LIMIT_RANGES, name, "size", limits, now);
        if let Some((kind, user)) = subject(owner) {
            let binding = json!({
                "roleRef": { "apiGroup": ROLE_BINDINGS.group, "kind": "ClusterRole", "name": "admin" },
                "subjects": [{ "apiGroup": ROLE_BINDINGS.group, "kind": kind, "name": user }],
            });
            self.put(&ROLE_BINDINGS, name, "owner", binding, now);
        }
        Ok(())
    }
}

/// The Kubernetes subject of an entity reference: `group:default/platform` is the group `platform`.
fn subject(owner: &str) -> Option<(Value, Value)> {
    let name = owner.rsplit(['/', ':']).next().filter(|name| !name.is_empty())?;
    let kind = if owner.starts_with("group:") { "Group" } else { "User" };
    Some((kind.into(), name.into()))
}
