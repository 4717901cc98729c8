//! The effect of the namespace template: a namespace with the quota of its size, which its owner may administer.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::resource::{NAMESPACES, QUOTAS, ROLE_BINDINGS};
use crate::options::Delays;

impl Cluster {
    /// Creates namespace, `ResourceQuota` and `RoleBinding`; nothing of it if the namespace cannot be created, which
    /// the answer then explains. An unknown or empty size counts as small, an empty owner gets no binding.
    pub(crate) fn create_tenant(
        &mut self,
        name: &str,
        size: &str,
        owner: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        let (cpu, memory, pods) = match size {
            "large" => ("32", "128Gi", "200"),
            "medium" => ("8", "32Gi", "60"),
            _ => ("2", "8Gi", "20"),
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
