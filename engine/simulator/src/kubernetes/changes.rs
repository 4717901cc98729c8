//! Changes of objects: patches and replacements.
//!
//! Promises: the identity of an object stays, whatever is sent; a change that the server does not accept changes nothing.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::admission::{check, check_run_strategy};
use super::cluster::Cluster;
use super::resource::{MACHINES, Resource};
use super::status::Problem;

impl Cluster {
    /// Merges a JSON merge patch (RFC 7396) into an object. Its identity stays.
    pub(super) fn patch(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, Problem> {
        self.check_rights(resource, namespace, name, "patch")?;
        let merged = |object: &Value| {
            let mut merged = object.clone();
            merge(&mut merged, patch);
            merged
        };
        self.change(resource, namespace, name, merged, now)
    }

    /// Puts what `changed` makes of an object in its place, if the server accepts it.
    fn change(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        changed: impl FnOnce(&Value) -> Value,
        now: Timestamp,
    ) -> Result<Value, Problem> {
        self.version += 1;
        let version = self.version.to_string();
        let key = (resource.plural, namespace.to_owned(), name.to_owned());
        let object = self.objects.get_mut(&key).ok_or_else(|| Problem::not_found(resource, name))?;
        let mut changed = changed(object);
        if check(resource, namespace, &changed)? != name {
            return Err(Problem::bad_request("the name of the object does not match the name on the URL"));
        }
        for fixed in ["name", "namespace", "uid", "creationTimestamp"] {
            changed["metadata"][fixed] = object["metadata"][fixed].clone();
        }
        if *resource == MACHINES {
            check_run_strategy(name, &changed["spec"])?;
            if let Some(machine) = self.machines.get_mut(&(key.1, key.2)) {
                machine.follow(&changed["spec"], now);
            }
        }
        changed["metadata"]["resourceVersion"] = version.into();
        *object = changed;
        self.read(resource, namespace, name, now)
    }

    /// Replaces an object by what a client sent. Its identity stays.
    pub(super) fn replace(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        object: &Value,
        now: Timestamp,
    ) -> Result<Value, Problem> {
        self.check_rights(resource, namespace, name, "update")?;
        self.change(resource, namespace, name, |_| object.clone(), now)
    }
}

/// JSON merge patch, RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in patch {
        match target.as_object_mut() {
            Some(object) if value.is_null() => drop(object.remove(name)),
            Some(object) => merge(object.entry(name.clone()).or_insert(Value::Null), value),
            None => {}
        }
    }
}
