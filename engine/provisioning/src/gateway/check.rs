//! Tests whether a cluster works: opens a session and lists something small.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    call::Call,
    exchange::{Failed, OWN_TIME},
    provider::provider,
};
use crate::{
    Desk,
    model::{Health, Person},
    refusal::Refusal,
    tables,
};

/// What came of a test.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tested {
    pub(crate) ok: bool,
    pub(crate) latency_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Desk {
    /// Tests a cluster, and notes whether it answers. A cluster without an interface passes.
    pub(crate) async fn test_cluster(&self, name: String) -> Result<Tested, Refusal> {
        let began = Instant::now();
        let outcome = match self.has_interface(&name).await? {
            true => self.ask_cluster(&name).await,
            false => Ok(()),
        };
        let latency_ms = began.elapsed().as_secs_f64() * 1000.0;
        let (tested, health) = match outcome {
            Ok(()) => (Tested { ok: true, latency_ms, error: None }, Health::Online),
            Err((error, health)) => (Tested { ok: false, latency_ms, error: Some(error) }, health),
        };
        self.change(&Person::desk(), move |work| work.set_health(&name, health)).await?;
        Ok(tested)
    }

    async fn has_interface(&self, name: &str) -> Result<bool, Refusal> {
        let name = name.to_owned();
        let read = self.read(move |connection| {
            Ok(tables::clusters::get(connection, &name)?
                .ok_or_else(|| Refusal::not_found("cluster", &name))?)
        });
        Ok(provider(&read.await?.kind).is_some())
    }

    async fn ask_cluster(&self, name: &str) -> Result<(), (String, Health)> {
        let reached = self.reach(name).await.map_err(|refusal| (refusal.message, Health::Offline))?;
        // Credentials that were revoked show only when they are used.
        self.forget_session(&reached).await;
        let mut missing = Vec::new();
        for (service, path, query) in reached.provider.checks() {
            let query = Some((*query).to_owned());
            match self.exchange(&reached, &Call::get(service, path, query), OWN_TIME, true).await {
                Ok(answer) if answer.is_success() => return Ok(()),
                Ok(answer) if answer.status == 404 => missing.push(format!("{service} has no `{path}`")),
                Ok(answer) => {
                    return Err((
                        format!("the service {service} answered {}", answer.status),
                        Health::Degraded,
                    ));
                }
                // No cloud has all services.
                Err(failed) if failed.refusal.status == 404 => {
                    missing.push(format!("there is no endpoint of the service {service}"));
                }
                Err(failed) => return Err(problem(&failed)),
            }
        }
        Err((missing.join("; "), Health::Degraded))
    }

    /// Opens a session, and tells where the services are.
    pub(crate) async fn open_session(&self, name: &str) -> Result<Value, Refusal> {
        if !self.has_interface(name).await? {
            return Ok(Value::Object(Map::from_iter([("endpoints".to_owned(), Value::Object(Map::new()))])));
        }
        let reached = self.reach(name).await?;
        let session = self.session_of(&reached).await?;
        let mut view = Map::new();
        if let Some(end) = session.expires_at {
            view.insert("expiresAt".to_owned(), end.to_string().into());
        }
        view.insert("endpoints".to_owned(), serde_json::json!(session.endpoints));
        Ok(Value::Object(view))
    }
}

/// Why a test failed, and what it says of the cluster.
fn problem(failed: &Failed) -> (String, Health) {
    let health = if failed.was_answered { Health::Degraded } else { Health::Offline };
    (failed.refusal.message.clone(), health)
}
