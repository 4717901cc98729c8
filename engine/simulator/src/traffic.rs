//! The layer around every service: latency, authentication, failures on demand, idempotency, the log of requests.
//!
//! Promises: each request that reaches a service is logged once, with the status that was answered; a repeated
//! request with an idempotency key gets the first answer again and has no second effect. Only successful answers are
//! remembered, so that a failed attempt can be tried again. Reads are never answered from memory: the key of a poll
//! must not freeze what it reads. Source: draft-ietf-httpapi-idempotency-key-header.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::service::Service;
use crate::world::Shared;

/// Larger requests are refused with 413; the largest real ones, manifests, are a hundredth of it.
const MAX_BODY_BYTES: usize = 1 << 20;

/// One request that a service received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// When it was answered, by the simulator's clock.
    pub time: Timestamp,
    /// The service that received it.
    pub service: Service,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path with query, as it was sent.
    pub path: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The status that was answered.
    pub status: u16,
    /// Whether it was a repetition that got the first answer again.
    pub repeated: bool,
}

/// Makes coming requests fail that match all of its conditions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Only requests to this service; absent: to any.
    #[serde(default)]
    pub service: Option<Service>,
    /// Only requests with this method, in capitals; absent: with any.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so.
    pub path_prefix: String,
    /// The status to answer.
    pub status: u16,
    /// How many requests fail before the failure is over.
    #[serde(default = "once")]
    pub times: u32,
    /// The body to answer; absent: an error in the form of the service.
    #[serde(default)]
    pub body: Option<Value>,
    /// Carry the request out and lose only the answer, as a broken connection does.
    #[serde(default)]
    pub after_effect: bool,
}

fn once() -> u32 {
    1
}

/// The log, the failures to come and the remembered answers. All of it grows until a reset.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Whether idempotency keys are honoured.
    pub(crate) remembers: bool,
    calls: Vec<Call>,
    failures: Vec<Failure>,
    answers: HashMap<Identity, Answer>,
}

/// Two requests are the same when all of this is equal: service, key, method, path with query, body.
type Identity = (Service, String, Method, String, Bytes);

/// An answer in a form that can be given twice.
#[derive(Clone, Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { remembers: true, calls: Vec::new(), failures: Vec::new(), answers: HashMap::new() }
    }
}

impl Traffic {
    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// How many calls were repetitions.
    pub(crate) fn repeated(&self) -> usize {
        self.calls.iter().filter(|call| call.repeated).count()
    }

    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    /// The first failure that applies to this request. Its count goes down, and the last time removes it.
    fn take_failure(&mut self, service: Service, method: &Method, path: &str) -> Option<Failure> {
        let wanted = |failure: &Failure| {
            failure.times > 0
                && failure.service.is_none_or(|only| only == service)
                && failure.method.as_ref().is_none_or(|only| only == method.as_str())
                && path.starts_with(&failure.path_prefix)
        };
        let failure = self.failures.iter_mut().find(|failure| wanted(failure))?;
        failure.times -= 1;
        let taken = failure.clone();
        self.failures.retain(|failure| failure.times > 0);
        Some(taken)
    }
}

/// The middleware around the API of a service.
pub(crate) async fn handle(
    State((shared, service)): State<(Arc<Shared>, Service)>,
    request: Request,
    next: Next,
) -> Response {
    let latency = shared.world().delays.latency(service);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }

    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let path = parts.uri.path_and_query().map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
    let key = parts.headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let refuse = |status: StatusCode, message: &str| {
        (status, Json(service.refusal(status, message, &method, &path))).into_response()
    };

    let (response, repeated) = if !service.lets_in(&parts.headers, &shared.options) {
        (refuse(StatusCode::UNAUTHORIZED, service.unauthorized_message()), false)
    } else if let Ok(bytes) = to_bytes(body, MAX_BODY_BYTES).await {
        let failure = shared.world().traffic.take_failure(service, &method, parts.uri.path());
        let before = failure.as_ref().is_none_or(|failure| failure.after_effect);
        let done = if before {
            let identity = key
                .clone()
                .filter(|_| method != Method::GET)
                .map(|key| (service, key, method.clone(), path.clone(), bytes.clone()));
            let request = Request::from_parts(parts, Body::from(bytes));
            carry_out(&shared, identity, request, next).await
        } else {
            (StatusCode::OK.into_response(), false)
        };
        match failure {
            None => done,
            Some(failure) => {
                let status =
                    StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let response = match failure.body {
                    Some(body) => (status, Json(body)).into_response(),
                    None => refuse(status, "simulated failure"),
                };
                (response, done.1)
            }
        }
    } else {
        (refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than the simulator reads"), false)
    };

    let mut world = shared.world();
    let call = Call {
        time: world.clock.now(),
        service,
        method: method.to_string(),
        path,
        idempotency_key: key,
        status: response.status().as_u16(),
        repeated,
    };
    tracing::debug!(%service, method = call.method, path = call.path, status = call.status, repeated, "call");
    world.traffic.calls.push(call);
    response
}

/// Lets the service do the request, or finds that it was done. Also says whether it was a repetition.
async fn carry_out(
    shared: &Shared,
    identity: Option<Identity>,
    request: Request,
    next: Next,
) -> (Response, bool) {
    let Some(identity) = identity.filter(|_| shared.world().traffic.remembers) else {
        return (next.run(request).await, false);
    };
    let _one_at_a_time = shared.keyed.lock().await;
    if let Some(answer) = shared.world().traffic.answers.get(&identity).cloned() {
        return (answer.into_response(), true);
    }
    let (parts, body) = next.run(request).await.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR.into_response(), false);
    };
    let answer = Answer { status: parts.status, headers: parts.headers, body };
    if answer.status.is_success() {
        shared.world().traffic.answers.insert(identity, answer.clone());
    }
    (answer.into_response(), false)
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}
