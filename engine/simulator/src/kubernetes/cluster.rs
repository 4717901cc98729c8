//! The objects of the cluster: create, read, list, delete.
//!
//! Promises: an object lives in a namespace that exists and is not being deleted; deleting a namespace deletes what is in
//! it; quotas are kept; each change gets a new `resourceVersion`. The namespaces of the system are there and cannot be touched.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::admission::{check, check_run_strategy, guard};
use super::machine::Machine;
use super::quota::{self, Usage};
use super::resource::{
    CLAIMS, INSTANCES, LIMIT_RANGES, MACHINES, NAMESPACES, NETWORK_POLICIES, POD_METRICS, PODS, QUOTAS,
    ROLE_BINDINGS, Resource,
};
use super::status::{self, Problem};
use super::workloads;
use crate::clock::{later, seconds};
use crate::options::Delays;

/// Namespaces of a new cluster.
const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// All objects.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(super) objects: BTreeMap<Key, Value>,
    /// Progress of virtual machines, by namespace and name.
    pub(super) machines: BTreeMap<(String, String), Machine>,
    pub(super) version: u64,
    machines_ever: u64,
    /// Namespaces that are being deleted, and when they are gone.
    pub(super) terminating: BTreeMap<String, Timestamp>,
    /// Resources, by their plurals, that the token may not change.
    forbidden: BTreeSet<String>,
}

/// Plural, namespace, name.
pub(super) type Key = (&'static str, String, String);

impl Cluster {
    pub(crate) fn new(now: Timestamp) -> Self {
        let mut cluster = Self {
            objects: BTreeMap::new(),
            machines: BTreeMap::new(),
            version: 0,
            machines_ever: 0,
            terminating: BTreeMap::new(),
            forbidden: BTreeSet::new(),
        };
        for name in SYSTEM_NAMESPACES {
            cluster.put(&NAMESPACES, "", name, json!({}), now);
        }
        cluster
    }

    /// Names of the namespaces that clients created.
    pub(crate) fn created_namespaces(&self) -> Vec<String> {
        let names = self.keys(&NAMESPACES, "").map(|(_, _, name)| name.clone());
        names.filter(|name| !SYSTEM_NAMESPACES.contains(&name.as_str())).collect()
    }

    /// The objects that people and workflows made.
    pub(crate) fn describe(&self, now: Timestamp) -> Value {
        let mut namespaces = self.list(&NAMESPACES, "", now);
        namespaces.retain(|namespace| {
            !SYSTEM_NAMESPACES.iter().any(|system| namespace["metadata"]["name"] == *system)
        });
        json!({
            "namespaces": namespaces,
            "resourcequotas": self.list(&QUOTAS, "", now),
            "limitranges": self.list(&LIMIT_RANGES, "", now),
            "networkpolicies": self.list(&NETWORK_POLICIES, "", now),
            "pods": self.list(&PODS, "", now),
            "persistentvolumeclaims": self.list(&CLAIMS, "", now),
            "rolebindings": self.list(&ROLE_BINDINGS, "", now),
            "virtualmachines": self.list(&MACHINES, "", now),
            "virtualmachineinstances": self.list(&INSTANCES, "", now),
        })
    }

    /// All objects of a kind; in all namespaces if none is given.
    pub(super) fn list(&self, resource: &'static Resource, namespace: &str, now: Timestamp) -> Vec<Value> {
        let stored = stored_as(resource);
        let keys = self.keys(stored, namespace);
        keys.filter_map(|(_, namespace, name)| self.read(resource, namespace, name, now).ok()).collect()
    }

    /// One object, with the status it has now.
    pub(super) fn read(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Value, Problem> {
        let missing = || Problem::not_found(resource, name);
        let is_instance = *resource == INSTANCES;
        let plural = stored_as(resource).plural;
        let key = (plural, namespace.to_owned(), name.to_owned());
        let mut object = self.objects.get(&key).ok_or_else(missing)?.clone();
        if let Some(machine) = self.machines.get(&(key.1, key.2)).filter(|_| plural == MACHINES.plural) {
            if is_instance {
                return machine.instance(&object, now).ok_or_else(missing);
            }
            let status = machine.status(&object["spec"], now);
            object["status"] = status;
        }
        if *resource == POD_METRICS {
            return Ok(workloads::metrics(&object, now));
        }
        if *resource == QUOTAS {
            object["status"] = quota::status(&object, &self.usage(namespace));
        } else if let Some(status) = workloads::status(resource, &object) {
            object["status"] = status;
        }
        Ok(object)
    }

    /// Creates an object from what a client sent.
    pub(super) fn create(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        object: Value,
        delays: Delays,
        now: Timestamp,
    ) -> Result<Value, Problem> {
        let name = check(resource, namespace, &object)?;
        if resource.namespaced && !self.has(&NAMESPACES, "", namespace) {
            return Err(Problem::not_found(&NAMESPACES, namespace));
        }
        self.check_rights(resource, namespace, &name, "create")?;
        if self.terminating.contains_key(namespace) {
            let why = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            return Err(Problem::forbidden(resource, &name, &why));
        }
        if self.has(resource, namespace, &name) {
            return Err(Problem::exists(resource, &name));
        }
        if *resource == MACHINES {
            check_run_strategy(&name, &object["spec"])?;
            self.machines_ever += 1;
            let provisioned = later(now, delays.vm_provisioning);
            let mut machine = Machine::new(self.machines_ever, provisioned, delays.vm_starting);
            machine.follow(&object["spec"], now);
            self.machines.insert((namespace.to_owned(), name.clone()), machine);
        }
        if *resource == PODS || *resource == CLAIMS {
            let quotas = self.list(&QUOTAS, namespace, now);
            quota::check(resource, &name, &object, &quotas, &self.usage(namespace))?;
        }
        self.put(resource, namespace, &name, object, now);
        self.read(resource, namespace, &name, now)
    }

    /// Forbids the token to change these resources, given by their plurals, from now on; none: it may change all.
    pub(crate) fn forbid(&mut self, plurals: Vec<String>) {
        self.forbidden = plurals.into_iter().collect();
    }

    pub(super) fn check_rights(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        verb: &str,
    ) -> Result<(), Problem> {
        if self.forbidden.contains(resource.plural) {
            return Err(Problem::no_right(resource, namespace, verb));
        }
        guard(resource, namespace, name)
    }

    /// What pods and claims of a namespace take.
    fn usage(&self, namespace: &str) -> Usage {
        let of = |resource: &'static Resource| {
            self.keys(resource, namespace).filter_map(move |key| Some((resource, self.objects.get(key)?)))
        };
        quota::usage(of(&PODS).chain(of(&CLAIMS)))
    }

    /// Deletes an object, and with a namespace all that is in it.
    pub(super) fn delete(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        delays: Delays,
        now: Timestamp,
    ) -> Result<Value, Problem> {
        self.check_rights(resource, namespace, name, "delete")?;
        let key = (resource.plural, namespace.to_owned(), name.to_owned());
        let object = self.objects.remove(&key).ok_or_else(|| Problem::not_found(resource, name))?;
        if *resource == NAMESPACES {
            return Ok(self.end_namespace(object, name, delays, now));
        }
        if *resource == MACHINES {
            self.machines.remove(&(key.1, key.2));
        }
        Ok(status::deleted(resource, name, &object["metadata"]["uid"]))
    }

    /// Stores an object under this name, with the metadata that the server adds.
    pub(super) fn put(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        mut object: Value,
        now: Timestamp,
    ) {
        self.version += 1;
        object["apiVersion"] = resource.api_version().into();
        object["kind"] = resource.kind.into();
        let metadata = &mut object["metadata"];
        metadata["name"] = name.into();
        if resource.namespaced {
            metadata["namespace"] = namespace.into();
        }
        metadata["uid"] = uuid::Uuid::new_v4().to_string().into();
        metadata["creationTimestamp"] = seconds(now).into();
        metadata["resourceVersion"] = self.version.to_string().into();
        if *resource == NAMESPACES {
            metadata["labels"]["kubernetes.io/metadata.name"] = name.into();
            object["spec"] = json!({ "finalizers": ["kubernetes"] });
            object["status"] = json!({ "phase": "Active" });
        }
        self.objects.insert((resource.plural, namespace.to_owned(), name.to_owned()), object);
    }

    pub(super) fn has(&self, resource: &Resource, namespace: &str, name: &str) -> bool {
        self.objects.contains_key(&(resource.plural, namespace.to_owned(), name.to_owned()))
    }

    fn keys(&self, resource: &Resource, namespace: &str) -> impl Iterator<Item = &Key> {
        self.objects.keys().filter(move |(plural, within, _)| {
            *plural == resource.plural && (namespace.is_empty() || within == namespace)
        })
    }
}

/// The resource under which the objects of a computed one are stored: machines for instances, pods for their metrics.
fn stored_as(resource: &'static Resource) -> &'static Resource {
    if *resource == INSTANCES {
        &MACHINES
    } else if *resource == POD_METRICS {
        &PODS
    } else {
        resource
    }
}
