//! Clusters: changed by admins, tested by a call to their interface.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Desk, Fault, Work};
use crate::{
    model::{Cluster, Health, Person},
    refusal::Refusal,
    tables,
};

/// How long a cluster may take to answer a test.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A cluster as it is written: with credentials, which are never shown.
#[derive(Debug, Deserialize)]
pub(crate) struct NewCluster {
    #[serde(flatten)]
    pub(crate) cluster: Cluster,
    #[serde(default)]
    pub(crate) credentials: Option<Map<String, Value>>,
}

/// What came of a test.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tested {
    pub(crate) ok: bool,
    pub(crate) latency_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip)]
    health: Option<Health>,
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
                let text = serde_json::to_vec(credentials).map_err(|error| Refusal::bad_request(error.to_string()))?;
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

    fn set_health(&mut self, name: &str, health: Health) -> Result<(), Fault> {
        let Some(mut cluster) = tables::clusters::get(self.connection, name)? else { return Ok(()) };
        if cluster.health == health {
            return Ok(());
        }
        cluster.health = health;
        tables::clusters::put(self.connection, &cluster, None)?;
        if health == Health::Online { self.place_waiting() } else { Ok(()) }
    }
}

impl Desk {
    /// Asks a cluster something small, and notes whether it answers.
    pub(crate) async fn test_cluster(&self, name: String) -> Result<Tested, Refusal> {
        let wanted = name.clone();
        let (cluster, sealed) = self
            .read(move |connection| {
                let cluster = tables::clusters::get(connection, &wanted)?.ok_or_else(|| Refusal::not_found("cluster", &wanted))?;
                Ok((cluster, tables::clusters::sealed(connection, &wanted)?))
            })
            .await?;
        let credentials: Map<String, Value> = match sealed {
            Some(sealed) => {
                let text = self.0.surroundings.seal.open(&name, &sealed).map_err(Refusal::unavailable)?;
                serde_json::from_slice(&text).unwrap_or_default()
            }
            None => Map::new(),
        };
        let began = Instant::now();
        let outcome = self.ask_cluster(&cluster, &credentials).await;
        let latency_ms = began.elapsed().as_secs_f64() * 1000.0;
        let tested = match outcome {
            Ok(()) => Tested { ok: true, latency_ms, error: None, health: Some(Health::Online) },
            Err((error, health)) => Tested { ok: false, latency_ms, error: Some(error), health: Some(health) },
        };
        if let Some(health) = tested.health {
            self.change(&Person::desk(), move |work| work.set_health(&name, health)).await?;
        }
        Ok(tested)
    }

    async fn ask_cluster(&self, cluster: &Cluster, credentials: &Map<String, Value>) -> Result<(), (String, Health)> {
        // They have no interface.
        if matches!(cluster.kind.as_str(), "simulation" | "manual") {
            return Ok(());
        }
        let Some(url) = &cluster.api_url else {
            return Err(("the cluster has no `apiUrl`".to_owned(), Health::Offline));
        };
        let client = &self.0.surroundings.client;
        let base = url.trim_end_matches('/');
        let text = |name: &str| credentials.get(name).and_then(Value::as_str).unwrap_or_default();
        let request = match cluster.kind.as_str() {
            "kubernetes" => client.get(format!("{base}/api/v1/namespaces?limit=1")).bearer_auth(text("token")),
            "openstack" => client.post(format!("{base}/auth/tokens")).json(&json!({"auth": credentials.get("auth")})),
            "proxmox" => client
                .get(format!("{base}/api2/json/version"))
                .header("Authorization", format!("PVEAPIToken={}={}", text("tokenId"), text("secret"))),
            _ => client.post(format!("{base}/api/session")).basic_auth(text("username"), Some(text("password"))),
        };
        let answer = request.timeout(TIMEOUT).send().await;
        match answer {
            Err(error) if error.is_timeout() => Err(("no answer within 10 s".to_owned(), Health::Offline)),
            Err(_) => Err((format!("no connection to {base}"), Health::Offline)),
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err((format!("{base} answered {}", answer.status()), Health::Degraded)),
        }
    }
}
