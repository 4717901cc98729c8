//! Clusters: changed by admins; their health follows tests and calls.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Fault, Work};
use crate::{
    model::{Cluster, Health},
    refusal::Refusal,
    tables,
};

/// A cluster as it is written: with credentials, which are never shown.
#[derive(Debug, Deserialize)]
pub(crate) struct NewCluster {
    #[serde(flatten)]
    pub(crate) cluster: Cluster,
    #[serde(default)]
    pub(crate) credentials: Option<Map<String, Value>>,
}

impl Work<'_, '_> {
    /// Writes a cluster. Requests that wait for a place are looked at.
    pub(crate) fn put_cluster(&mut self, new: &NewCluster, is_new: bool) -> Result<Cluster, Fault> {
        let mut cluster = new.cluster.clone();
        let known = tables::clusters::get(self.connection, &cluster.name)?;
        match (&known, is_new) {
            (Some(_), true) => return Err(Refusal::name_taken("cluster", &cluster.name).into()),
            (None, false) => return Err(Refusal::not_found("cluster", &cluster.name).into()),
            _ => {}
        }
        if let Some(problem) = self.unknown_provider(&cluster.kind) {
            return Err(Refusal::invalid_at("/type", problem).into());
        }
        // A test says whether it answers, not who writes it.
        cluster.health = known.map_or(Health::Online, |known| known.health);
        let sealed = match &new.credentials {
            Some(credentials) => {
                let text = serde_json::to_vec(credentials)
                    .map_err(|error| Refusal::bad_request(error.to_string()))?;
                Some(self.shared.surroundings.seal.seal(&cluster.name, &text).map_err(Refusal::unavailable)?)
            }
            None => None,
        };
        tables::clusters::put(self.connection, &cluster, sealed.as_deref())?;
        self.place_waiting()?;
        Ok(cluster)
    }

    pub(crate) fn delete_cluster(&mut self, name: &str) -> Result<(), Fault> {
        if tables::clusters::get(self.connection, name)?.is_none() {
            return Err(Refusal::not_found("cluster", name).into());
        }
        if tables::requests::lives_on(self.connection, name)? {
            return Err(Refusal::not_supported(format!("requests live on the cluster `{name}`")).into());
        }
        Ok(tables::clusters::delete(self.connection, name)?)
    }

    /// Notes whether a cluster answers. Requests that wait for a place are looked at when it does again.
    pub(crate) fn set_health(&mut self, name: &str, health: Health) -> Result<(), Fault> {
        let Some(mut cluster) = tables::clusters::get(self.connection, name)? else { return Ok(()) };
        if cluster.health == health {
            return Ok(());
        }
        cluster.health = health;
        tables::clusters::put(self.connection, &cluster, None)?;
        if health == Health::Online { self.place_waiting() } else { Ok(()) }
    }
}
