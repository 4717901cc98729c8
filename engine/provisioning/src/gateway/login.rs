//! Sessions of clusters: opened when a call needs one, shared by all calls, renewed before they end.
//!
//! Promises: one call opens a session while the others wait for it; a cluster that is written anew gets a new one. Never: gives a session to
//! anybody but a call.

use std::{sync::Arc, time::Duration};

use rondo_function::{Outbound, OutboundRequest};
use serde_json::Value;

use super::{
    breaker::Outcome,
    call::address,
    exchange::{Failed, MOST_ANSWER, OWN_TIME, Reached},
    guard::Connection,
    kubernetes::authority,
    provider::{Login, LoginCall, Session},
};
use crate::{Desk, refusal::Refusal};

/// How long before its end a session is not used any more: longer than a call takes.
const MARGIN: Duration = Duration::from_mins(1);

impl Desk {
    /// The session of a cluster: the present one unless it is about to end or is `refused`, else a new one.
    pub(super) async fn open_session_of(
        &self,
        reached: &Reached,
        refused: Option<&Arc<Session>>,
    ) -> Result<(Outbound, Arc<Session>), Failed> {
        let mut connection = reached.guard.connection.lock().await;
        if connection.as_ref().is_none_or(|connection| connection.fingerprint != reached.fingerprint) {
            let outbound = match authority(&reached.place) {
                Some(pem) => self.0.surroundings.outbound.trusting(&pem).map_err(Refusal::not_supported)?,
                None => self.0.surroundings.outbound.clone(),
            };
            *connection =
                Some(Connection { fingerprint: reached.fingerprint.clone(), outbound, session: None });
        }
        let Some(connection) = connection.as_mut() else {
            return Err(Refusal::unavailable("there is no connection").into());
        };
        let limit = crate::desk::Clock::now() + MARGIN;
        let is_good = |session: &&Arc<Session>| {
            session.expires_at.is_none_or(|end| end > limit)
                && refused.is_none_or(|refused| !Arc::ptr_eq(refused, session))
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
        let refusal = Refusal::cluster_unavailable(
            format!("no session could be opened at the cluster `{name}`: it {error}"),
            1,
        );
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
            let message = format!(
                "no session can be opened at the cluster `{name}`: it answered {status}; look at its apiUrl and credentials"
            );
            return Err(failed(Refusal::not_supported(message), Outcome::Success));
        }
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let header =
        |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let session = reached.provider.read_login(&reached.place, &header, &body);
    session.map_err(|problem| {
        failed(Refusal::not_supported(format!("the cluster `{name}`: {problem}")), Outcome::Success)
    })
}
