//! Which resources there are, and how a path names one of them.

use super::status::Problem;

/// A kind of object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespaced: bool,
    /// Whether clients may create, change and delete such objects themselves.
    pub(super) writable: bool,
}

pub(super) const NAMESPACES: Resource = Resource {
    group: "",
    version: "v1",
    plural: "namespaces",
    kind: "Namespace",
    namespaced: false,
    writable: true,
};
pub(super) const QUOTAS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "resourcequotas",
    kind: "ResourceQuota",
    namespaced: true,
    writable: true,
};
pub(super) const LIMIT_RANGES: Resource = Resource {
    group: "",
    version: "v1",
    plural: "limitranges",
    kind: "LimitRange",
    namespaced: true,
    writable: true,
};
pub(super) const ROLE_BINDINGS: Resource = Resource {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    plural: "rolebindings",
    kind: "RoleBinding",
    namespaced: true,
    writable: true,
};
pub(super) const MACHINES: Resource = Resource {
    group: "kubevirt.io",
    version: "v1",
    plural: "virtualmachines",
    kind: "VirtualMachine",
    namespaced: true,
    writable: true,
};
/// Running machines; one exists while the virtual machine of the same name runs.
pub(super) const INSTANCES: Resource = Resource {
    group: "kubevirt.io",
    version: "v1",
    plural: "virtualmachineinstances",
    kind: "VirtualMachineInstance",
    namespaced: true,
    writable: false,
};

pub(super) const NETWORK_POLICIES: Resource = Resource {
    group: "networking.k8s.io",
    version: "v1",
    plural: "networkpolicies",
    kind: "NetworkPolicy",
    namespaced: true,
    writable: true,
};
pub(super) const PODS: Resource =
    Resource { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true, writable: true };
pub(super) const CLAIMS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "persistentvolumeclaims",
    kind: "PersistentVolumeClaim",
    namespaced: true,
    writable: true,
};
pub(super) const DEPLOYMENTS: Resource = Resource {
    group: "apps",
    version: "v1",
    plural: "deployments",
    kind: "Deployment",
    namespaced: true,
    writable: true,
};
pub(super) const STATEFUL_SETS: Resource = Resource {
    group: "apps",
    version: "v1",
    plural: "statefulsets",
    kind: "StatefulSet",
    namespaced: true,
    writable: true,
};
/// What pods use; one exists for each pod.
pub(super) const POD_METRICS: Resource = Resource {
    group: "metrics.k8s.io",
    version: "v1beta1",
    plural: "pods",
    kind: "PodMetrics",
    namespaced: true,
    writable: false,
};

const ALL: [&Resource; 12] = [
    &NAMESPACES,
    &QUOTAS,
    &LIMIT_RANGES,
    &ROLE_BINDINGS,
    &NETWORK_POLICIES,
    &PODS,
    &CLAIMS,
    &DEPLOYMENTS,
    &STATEFUL_SETS,
    &POD_METRICS,
    &MACHINES,
    &INSTANCES,
];

impl Resource {
    /// `v1`, or `kubevirt.io/v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// As messages name it: `namespaces`, or `virtualmachines.kubevirt.io`.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// The collection, object or action that a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) resource: &'static Resource,
    /// Empty for resources of the cluster, and for a list across all namespaces.
    pub(super) namespace: String,
    /// Absent: the collection.
    pub(super) name: Option<String>,
    /// Action of a virtual machine: `start`, `stop` or `restart`.
    pub(super) action: Option<String>,
}

impl Target {
    /// Reads a path such as `/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/web`.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(Problem::no_such_path()),
        };
        let (asks_for_action, group) = match group {
            "subresources.kubevirt.io" => (true, MACHINES.group),
            group => (false, group),
        };
        let find = |plural: &str, namespaced: bool| {
            let known = ALL.into_iter().find(|resource| {
                (resource.group, resource.version, resource.plural) == (group, version, plural)
                    && (!namespaced || resource.namespaced)
            });
            known.ok_or_else(Problem::no_such_path)
        };
        let target = |resource, namespace: &str, name: Option<&str>, action: Option<&str>| Self {
            resource,
            namespace: namespace.to_owned(),
            name: name.map(str::to_owned),
            action: action.map(str::to_owned),
        };
        match (asks_for_action, rest) {
            (true, ["namespaces", namespace, plural, name, action]) if *plural == MACHINES.plural => {
                Ok(target(&MACHINES, namespace, Some(name), Some(action)))
            }
            (false, ["namespaces", namespace, plural]) => {
                Ok(target(find(plural, true)?, namespace, None, None))
            }
            (false, ["namespaces", namespace, plural, name]) => {
                Ok(target(find(plural, true)?, namespace, Some(name), None))
            }
            (false, [plural]) => Ok(target(find(plural, false)?, "", None, None)),
            (false, ["namespaces", name]) => Ok(target(find("namespaces", false)?, "", Some(name), None)),
            _ => Err(Problem::no_such_path()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, &str, Option<&str>, Option<&str>)>) {
        let target = Target::parse(path).ok();
        let found = target.as_ref().map(|target| {
            let (name, action) = (target.name.as_deref(), target.action.as_deref());
            (target.resource.plural, target.namespace.as_str(), name, action)
        });
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn a_path_names_a_collection_an_object_or_an_action() {
        check("/api/v1/namespaces", Some(("namespaces", "", None, None)));
        check("/api/v1/namespaces/a", Some(("namespaces", "", Some("a"), None)));
        check("/api/v1/namespaces/a/resourcequotas", Some(("resourcequotas", "a", None, None)));
        check("/api/v1/resourcequotas", Some(("resourcequotas", "", None, None)));
        let machine = "/apis/kubevirt.io/v1/namespaces/a/virtualmachines/web";
        check(machine, Some(("virtualmachines", "a", Some("web"), None)));
        let start = "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachines/web/start";
        check(start, Some(("virtualmachines", "a", Some("web"), Some("start"))));
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in [
            "/",
            "/api",
            "/api/v2/namespaces",
            "/api/v1/secrets",
            "/api/v1/namespaces/a/namespaces",
            "/apis/kubevirt.io/v1/namespaces/a",
            "/apis/kubevirt.io/v1/namespaces/a/virtualmachines/web/start",
            "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachines/web",
        ] {
            check(path, None);
        }
    }
}
