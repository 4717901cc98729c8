//! Reads what is in a cluster of Kubernetes, for the desk itself.
//!
//! Promises: a question goes through the place, breaker and session of its cluster, as calls of flows do; an answer that cannot be read is never
//! taken for an empty one. Never: changes anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    call::{Call, Rule},
    exchange::{OWN_TIME, Reached},
    provider::{Login, Place, Provider, Session},
};
use crate::{Desk, refusal::Refusal};

impl Desk {
    /// What a cluster answers to a `GET` of a path, such as `api/v1/namespaces`; `None` when there is nothing at it.
    pub(crate) async fn inspect_cluster(&self, name: &str, path: &str) -> Result<Option<Value>, Refusal> {
        let reached = anonymous_without_token(self.reach(name).await?);
        let call = Call::get("kubernetes", path, None);
        let answer =
            self.exchange(&reached, &call, OWN_TIME, false).await.map_err(|failed| failed.refusal)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let body = answer.json();
        if answer.is_success() && body.is_object() {
            return Ok(Some(body));
        }
        let what = if answer.is_success() { "no JSON object".to_owned() } else { answer.status.to_string() };
        Err(Refusal::cluster_unavailable(format!("the cluster `{name}` answered {what} for {path}"), 1))
    }
}

/// A cluster of Kubernetes whose credentials have no token is read without one: a proxy in front of it may add who asks, and a cluster that
/// wants to know answers 401. Calls of flows need the token.
fn anonymous_without_token(mut reached: Reached) -> Reached {
    if reached.place.cluster.kind == "kubernetes" && reached.place.credential("token").is_none() {
        reached.provider = &Anonymous;
        // Calls of flows find another fingerprint, so none of them gets this session.
        reached.fingerprint.push(0);
    }
    reached
}

/// Kubernetes for who has no token.
struct Anonymous;

impl Provider for Anonymous {
    fn services(&self) -> &'static [(&'static str, &'static [Rule])] {
        &[]
    }

    fn login(&self, place: &Place) -> Result<Login, String> {
        let endpoints = BTreeMap::from([("kubernetes".to_owned(), place.api_url()?.to_owned())]);
        Ok(Login::Ready(Session::new(endpoints, Vec::new(), &[])))
    }

    fn checks(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[]
    }
}
