//! Sends calls to clusters: opens sessions, repeats a call whose session is not taken, notes how the cluster is.
//!
//! Promises: a token is asked for once however many calls need it, renewed before it ends, and leaves the gateway in no answer; what is known
//! of a cluster follows what becomes of its calls. Never: repeats a call for another reason.

use std::{sync::Arc, time::Duration};

use reqwest::header::HeaderMap;
use rondo_function::{Outbound, OutboundAnswer, OutboundError, OutboundRequest};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    breaker::{Change, Outcome},
    call::{Call, address},
    guard::{Connection, Guard},
    kubernetes::authority,
    provider::{Login, LoginCall, Place, Provider, Session, provider},
};
use crate::{
    Desk,
    model::{Health, Person},
    refusal::Refusal,
    tables,
};

/// How long before its end a session is not used any more: longer than a call takes.
const MARGIN: Duration = Duration::from_mins(1);

/// How long a call may take. Clouds answer within seconds, and work on for as long as it takes.
pub(super) const CALL_TIME: Duration = Duration::from_secs(30);

/// How long the calls of the gateway itself may take: sessions, looks, tests.
pub(super) const OWN_TIME: Duration = Duration::from_secs(10);

/// Most bytes of an answer: a list of a thousand servers has three megabytes.
const MOST_ANSWER: u64 = 4 * 1024 * 1024;

/// A cluster that has an interface, as it is written now.
pub(super) struct Reached {
    pub(super) place: Place,
    pub(super) provider: &'static dyn Provider,
    guard: Arc<Guard>,
    fingerprint: Vec<u8>,
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
    outcome: Outcome,
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
                let cluster = tables::clusters::get(connection, &wanted)?.ok_or_else(|| Refusal::not_found("cluster", &wanted))?;
                Ok((cluster, tables::clusters::sealed(connection, &wanted)?))
            })
            .await?;
        let provider = provider(&cluster.kind)
            .ok_or_else(|| Refusal::not_supported(format!("the cluster `{name}` is of the type {}, which has no interface", cluster.kind)))?;
        let mut fingerprint = Sha256::new();
        for part in [cluster.kind.as_bytes(), cluster.api_url.as_deref().unwrap_or_default().as_bytes(), sealed.as_deref().unwrap_or_default()] {
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
        Ok(Reached { place: Place::new(cluster, credentials), provider, guard, fingerprint: fingerprint.finalize().to_vec() })
    }

    /// Sends a call to the cluster and reads the answer, whatever its status. A `test` goes through an open breaker.
    pub(super) async fn exchange(&self, reached: &Reached, call: &Call, time: Duration, is_test: bool) -> Result<Answer, Failed> {
        let pass = reached.guard.enter(is_test).await?;
        let answered = self.send_call(reached, call, time).await;
        let outcome = match &answered {
            Ok(answer) if answer.status >= 500 && reached.provider.is_out_of_order(answer.status, &answer.json()) => Outcome::Failure,
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

    async fn send_in(&self, reached: &Reached, call: &Call, time: Duration, outbound: &Outbound, session: &Session) -> Result<Answer, Failed> {
        let cluster = &reached.place.cluster.name;
        let endpoint = session.endpoints.get(&call.service);
        let endpoint = endpoint.ok_or_else(|| Refusal::not_found("endpoint of the service", &call.service))?;
        let url = address(endpoint, &call.path, call.query.as_deref()).map_err(Refusal::not_supported)?;
        let of_provider = reached.provider.headers(&call.service).iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
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

    /// The session of a cluster: the present one unless it is about to end or is `refused`, else a new one.
    async fn open_session_of(&self, reached: &Reached, refused: Option<&Arc<Session>>) -> Result<(Outbound, Arc<Session>), Failed> {
        let mut connection = reached.guard.connection.lock().await;
        if connection.as_ref().is_none_or(|connection| connection.fingerprint != reached.fingerprint) {
            let outbound = match authority(&reached.place) {
                Some(pem) => self.0.surroundings.outbound.trusting(&pem).map_err(Refusal::not_supported)?,
                None => self.0.surroundings.outbound.clone(),
            };
            *connection = Some(Connection { fingerprint: reached.fingerprint.clone(), outbound, session: None });
        }
        let Some(connection) = connection.as_mut() else { return Err(Refusal::unavailable("there is no connection").into()) };
        let limit = self.0.clock.now() + MARGIN;
        let is_good = |session: &&Arc<Session>| {
            session.expires_at.is_none_or(|end| end > limit) && refused.is_none_or(|refused| !Arc::ptr_eq(refused, session))
        };
        if let Some(session) = connection.session.as_ref().filter(is_good) {
            return Ok((connection.outbound.clone(), Arc::clone(session)));
        }
        connection.session = None;
        let session = match reached.provider.login(&reached.place).map_err(Refusal::not_supported)? {
            Login::Ready(session) => session,
            Login::Call(call) => log_in(reached, call, &connection.outbound).await?,
        };
        let session = Arc::new(session);
        connection.session = Some(Arc::clone(&session));
        Ok((connection.outbound.clone(), session))
    }

    /// The session of a cluster, opened if there is none.
    pub(super) async fn session_of(&self, reached: &Reached) -> Result<Arc<Session>, Refusal> {
        let pass = reached.guard.enter(false).await?;
        let opened = self.open_session_of(reached, None).await;
        let outcome = opened.as_ref().map_or_else(|failed| failed.outcome, |_| Outcome::Success);
        if let Some(change) = pass.note(outcome) {
            self.note_change(&reached.place.cluster.name, change).await;
        }
        opened.map(|(_, session)| session).map_err(|failed| failed.refusal)
    }

    /// Forgets the session of a cluster, so that the next call opens one.
    pub(super) async fn forget_session(&self, reached: &Reached) {
        if let Some(connection) = reached.guard.connection.lock().await.as_mut() {
            connection.session = None;
        }
    }

    async fn note_change(&self, name: &str, change: Change) {
        let health = match change {
            Change::Opened => Health::Degraded,
            Change::Closed => Health::Online,
        };
        tracing::warn!(cluster = name, ?health, "the calls of a cluster fail, or succeed again");
        let cluster = name.to_owned();
        if let Err(refusal) = self.change(&Person::desk(), move |work| work.set_health(&cluster, health)).await {
            tracing::warn!(cluster = name, %refusal, "the health of a cluster could not be noted");
        }
    }
}

async fn log_in(reached: &Reached, call: LoginCall, outbound: &Outbound) -> Result<Session, Failed> {
    let name = &reached.place.cluster.name;
    let url = address(&call.endpoint, call.path, None).map_err(Refusal::not_supported)?;
    let body = call.body.map(|body| body.to_string().into_bytes());
    let request = OutboundRequest {
        method: "POST".to_owned(),
        url,
        headers: call.headers,
        body,
        time_limit: OWN_TIME,
        max_answer_bytes: MOST_ANSWER,
    };
    // The call itself was not sent, whatever became of the session.
    let answer = outbound.send(request).await.map_err(|error| {
        let refusal = Refusal::cluster_unavailable(format!("no session could be opened at the cluster `{name}`: it {error}"), 1);
        Failed { refusal, was_sent: false, was_answered: false, outcome: Outcome::Failure }
    })?;
    let failed = |refusal, outcome| Failed { refusal, was_sent: false, was_answered: true, outcome };
    match answer.status {
        200..=299 => {}
        401 | 403 => return Err(failed(Refusal::cluster_refuses(name), Outcome::Success)),
        status @ 500.. => {
            let message = format!("no session could be opened at the cluster `{name}`: it answered {status}");
            return Err(failed(Refusal::cluster_unavailable(message, 1), Outcome::Failure));
        }
        status => {
            let message = format!("no session can be opened at the cluster `{name}`: it answered {status}; look at its apiUrl and credentials");
            return Err(failed(Refusal::not_supported(message), Outcome::Success));
        }
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let session = reached.provider.read_login(&reached.place, &header, &body);
    session.map_err(|problem| failed(Refusal::not_supported(format!("the cluster `{name}`: {problem}")), Outcome::Success))
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
