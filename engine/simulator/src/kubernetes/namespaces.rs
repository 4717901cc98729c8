//! The end of namespaces, and those that other services make.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::resource::{NAMESPACES, QUOTAS};
use crate::clock::{later, seconds};
use crate::options::Delays;

impl Cluster {
    /// Begins to delete a namespace, which takes its delay; without one it is gone at once. Answers how it then looks.
    pub(super) fn end_namespace(
        &mut self,
        mut object: Value,
        name: &str,
        delays: Delays,
        now: Timestamp,
    ) -> Value {
        let metadata = &mut object["metadata"];
        if metadata["deletionTimestamp"].is_null() {
            metadata["deletionTimestamp"] = seconds(now).into();
        }
        object["status"] = json!({ "phase": "Terminating" });
        if delays.namespace_deletion.is_zero() {
            self.remove_namespace(name);
        } else {
            let ends = later(now, delays.namespace_deletion);
            // A second deletion changes nothing.
            self.terminating.entry(name.to_owned()).or_insert(ends);
            self.objects.insert((NAMESPACES.plural, String::new(), name.to_owned()), object.clone());
        }
        object
    }

    /// Removes a namespace and all that is in it.
    pub(crate) fn remove_namespace(&mut self, name: &str) {
        self.terminating.remove(name);
        self.objects.remove(&(NAMESPACES.plural, String::new(), name.to_owned()));
        self.objects.retain(|(_, namespace, _), _| namespace != name);
        self.machines.retain(|(namespace, _), _| namespace != name);
    }

    /// Removes the namespaces whose time is over.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        let over = self.terminating.iter().filter(|(_, ends)| **ends <= now).map(|(name, _)| name.clone());
        for name in over.collect::<Vec<_>>() {
            self.remove_namespace(&name);
        }
    }

    /// Creates a namespace with a quota, or gives it another quota if it is there.
    pub(crate) fn put_namespace(
        &mut self,
        name: &str,
        labels: Value,
        hard: Value,
        now: Timestamp,
    ) -> Result<(), String> {
        if !self.has(&NAMESPACES, "", name) {
            let namespace = json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels },
            });
            let created = self.create(&NAMESPACES, "", namespace, Delays::default(), now);
            created.map_err(|problem| problem.message().to_owned())?;
        }
        self.put(&QUOTAS, name, "quota", json!({ "spec": { "hard": hard } }), now);
        Ok(())
    }
}
