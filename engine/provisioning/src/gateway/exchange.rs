//! Sends calls to clusters, repeats a call whose session is not taken, and notes how the cluster is.
//!
//! Promises: no answer has the token of a session; what is known of a cluster follows what becomes of its calls. Never: repeats a call for
//! another reason.

use std::{sync::Arc, time::Duration};

use reqwest::header::HeaderMap;
use rondo_function::{Outbound, OutboundAnswer, OutboundError, OutboundRequest};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    breaker::{Change, Outcome},
    call::{Call, address},
    guard::Guard,
    provider::{Place, Provider, Session, provider},
};
use crate::{
    Desk,
    model::{Health, Person},
    refusal::Refusal,
    tables,
};

/// How long a call may take. Clouds answer within seconds, and work on for as long as it takes.
pub(super) const CALL_TIME: Duration = Duration::from_secs(30);

/// How long the calls of the gateway itself may take: sessions, looks, tests.
pub(super) const OWN_TIME: Duration = Duration::from_secs(10);

/// Most bytes of an answer: a list of a thousand servers has three megabytes.
pub(super) const MOST_ANSWER: u64 = 4 * 1024 * 1024;

/// A cluster that has an interface, as it is written now.
pub(super) struct Reached {
    pub(super) place: Place,
    pub(super) provider: &'static dyn Provider,
    pub(super) guard: Arc<Guard>,
    /// Of the cluster and its credentials.
    pub(super) fingerprint: Vec<u8>,
}

/// An answer of a service.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether it is of something that was there already.
    pub(super) is_found: bool,
}

impl Answer {
    /// The body, null if it is no JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A call that got no answer.
pub(super) struct Failed {
    pub(super) refusal: Refusal,
    /// Whether the service may have got it.
    pub(super) was_sent: bool,
    /// Whether the cluster answered something.
    pub(super) was_answered: bool,
    /// What it says of the cluster.
    pub(super) outcome: Outcome,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, was_sent: false, was_answered: false, outcome: Outcome::Unknown }
    }
}

impl Desk {
    /// Reads a cluster for calls of it.
    pub(super) async fn reach(&self, name: &str) -> Result<Reached, Refusal> {
        let wanted = name.to_owned();
        let (cluster, sealed) = self
            .read(move |connection| {
                let cluster = tables::clusters::get(connection, &wanted)?
                    .ok_or_else(|| Refusal::not_found("cluster", &wanted))?;
                Ok((cluster, tables::clusters::sealed(connection, &wanted)?))
            })
            .await?;
        let provider = provider(&cluster.kind).ok_or_else(|| {
            Refusal::not_supported(format!(
                "the cluster `{name}` is of the type {}, which has no interface",
                cluster.kind
            ))
        })?;
        let mut fingerprint = Sha256::new();
        for part in [
            cluster.kind.as_bytes(),
            cluster.api_url.as_deref().unwrap_or_default().as_bytes(),
            sealed.as_deref().unwrap_or_default(),
        ] {
            fingerprint.update((part.len() as u64).to_le_bytes());
            fingerprint.update(part);
        }
        fingerprint.update(Value::Object(cluster.settings.clone()).to_string());
        fingerprint.update(&cluster.region);
        let credentials: Map<String, Value> = match sealed {
            Some(sealed) => {
                let text = self.0.surroundings.seal.open(name, &sealed).map_err(Refusal::unavailable)?;
                serde_json::from_slice(&text).unwrap_or_default()
            }
            None => Map::new(),
        };
        let guard = self.0.gateway.guard(name, self.0.settings.clock_speed);
        Ok(Reached {
            place: Place::new(cluster, credentials),
            provider,
            guard,
            fingerprint: fingerprint.finalize().to_vec(),
        })
    }

    /// Sends a call to the cluster and reads the answer, whatever its status. A `test` goes through an open breaker.
    pub(super) async fn exchange(
        &self,
        reached: &Reached,
        call: &Call,
        time: Duration,
        is_test: bool,
    ) -> Result<Answer, Failed> {
        let pass = reached.guard.enter(is_test).await?;
        let answered = self.send_call(reached, call, time).await;
        let outcome = match &answered {
            Ok(answer)
                if answer.status >= 500
                    && reached.provider.is_out_of_order(answer.status, &answer.json()) =>
            {
                Outcome::Failure
            }
            Ok(_) => Outcome::Success,
            Err(failed) => failed.outcome,
        };
        if let Some(change) = pass.note(outcome) {
            self.note_change(&reached.place.cluster.name, change).await;
        }
        answered
    }

    async fn send_call(&self, reached: &Reached, call: &Call, time: Duration) -> Result<Answer, Failed> {
        let (outbound, session) = self.open_session_of(reached, None).await?;
        let answer = self.send_in(reached, call, time, &outbound, &session).await?;
        if answer.status != 401 || !session.is_renewable {
            return Ok(answer);
        }
        // The session has ended before its time: the service did nothing, and gets the call again with a new one.
        let (outbound, renewed) = self.open_session_of(reached, Some(&session)).await?;
        self.send_in(reached, call, time, &outbound, &renewed).await
    }

    async fn send_in(
        &self,
        reached: &Reached,
        call: &Call,
        time: Duration,
        outbound: &Outbound,
        session: &Session,
    ) -> Result<Answer, Failed> {
        let cluster = &reached.place.cluster.name;
        let endpoint = session.endpoints.get(&call.service);
        let endpoint =
            endpoint.ok_or_else(|| Refusal::not_found("endpoint of the service", &call.service))?;
        let url = address(endpoint, &call.path, call.query.as_deref()).map_err(Refusal::not_supported)?;
        let of_provider = reached
            .provider
            .headers(&call.service)
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let headers = call.headers.iter().cloned().chain(of_provider).chain(session.headers.iter().cloned());
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes());
        let request = OutboundRequest {
            method: call.method.clone(),
            url,
            headers: headers.collect(),
            body,
            time_limit: time,
            max_answer_bytes: MOST_ANSWER,
        };
        let began = std::time::Instant::now();
        let sent = outbound.send(request).await;
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Call { method, service, path, .. } = call;
        match sent {
            Ok(OutboundAnswer { status, headers, body, .. }) => {
                tracing::debug!(cluster, service, method, path, status, milliseconds, "a call of a cluster");
                let body = session.hide_in(body);
                Ok(Answer { status, headers, body, is_found: false })
            }
            Err(error) => {
                tracing::debug!(cluster, service, method, path, %error, milliseconds, "a call of a cluster without an answer");
                Err(Failed::of(cluster, error))
            }
        }
    }

    pub(super) async fn note_change(&self, name: &str, change: Change) {
        let health = match change {
            Change::Opened => Health::Degraded,
            Change::Closed => Health::Online,
        };
        tracing::warn!(cluster = name, ?health, "the calls of a cluster fail, or succeed again");
        let cluster = name.to_owned();
        if let Err(refusal) =
            self.change(&Person::desk(), move |work| work.set_health(&cluster, health)).await
        {
            tracing::warn!(cluster = name, %refusal, "the health of a cluster could not be noted");
        }
    }
}

impl Failed {
    fn of(cluster: &str, error: OutboundError) -> Self {
        let message = format!("the cluster `{cluster}` {error}");
        match error {
            OutboundError::NotSent(_) => Self {
                refusal: Refusal::cluster_unavailable(message, 1),
                was_sent: false,
                was_answered: false,
                outcome: Outcome::Failure,
            },
            OutboundError::Unanswered(_) => Self {
                refusal: Refusal::no_answer(504, message),
                was_sent: true,
                was_answered: false,
                outcome: Outcome::Failure,
            },
            OutboundError::Unusable(_) => Self {
                refusal: Refusal::no_answer(502, message),
                was_sent: true,
                was_answered: true,
                outcome: Outcome::Success,
            },
        }
    }
}

impl Session {
    /// A body without the session's tokens.
    fn hide_in(&self, body: Vec<u8>) -> Vec<u8> {
        super::hide(&self.secrets, body)
    }
}
