//! The layer around every service: latency, authentication, failures on demand, idempotency, the log of requests.
//!
//! Promises: each request that reaches a service is logged once, with the status that was answered; a repeated
//! request with an idempotency key gets the first answer again and has no second effect. Only successful answers are
//! remembered, so that a failed attempt can be tried again. Reads are never answered from memory: the key of a poll
//! must not freeze what it reads. What grows with the requests has a limit: the log and the remembered answers forget the
//! oldest, and services that are full refuse changes with 507 until a reset.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use crate::failure::Failures;
use crate::remembered::{Answer, Identity, Remembered};
use crate::service::Service;
use crate::world::Shared;

/// Larger requests are refused with 413; the largest real ones, manifests, are a hundredth of it.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Most bytes of the bodies of all changes until a reset. What they made takes a few times of that: a day of a demo makes some megabytes.
const MAX_CHANGED_BYTES: usize = 64 << 20;

/// Most changes until a reset; each may make an issue, a task or an object.
const MAX_CHANGES: usize = 200_000;

/// Requests in the log.
const MAX_CALLS: usize = 10_000;

/// Most bytes of a path or a key in the log.
const MAX_LOGGED_BYTES: usize = 1000;

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

/// The log, the failures to come, the remembered answers, and how much has been changed.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Whether idempotency keys are honoured.
    pub(crate) remembers: bool,
    /// The latest.
    calls: VecDeque<Call>,
    /// All of them.
    counted: usize,
    repeated: usize,
    held: usize,
    pub(crate) failures: Failures,
    answers: Remembered,
    changes: usize,
    changed_bytes: usize,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            remembers: true,
            calls: VecDeque::new(),
            counted: 0,
            repeated: 0,
            held: 0,
            failures: Failures::default(),
            answers: Remembered::default(),
            changes: 0,
            changed_bytes: 0,
        }
    }
}

impl Traffic {
    /// The latest calls, oldest first.
    pub(crate) fn calls(&self) -> &VecDeque<Call> {
        &self.calls
    }

    /// How many calls there were.
    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    /// How many calls were repetitions.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated
    }

    /// How many requests were held without an answer.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Counts a change; false when the services are full.
    fn take_change(&mut self, bytes: usize) -> bool {
        let fits = self.changes < MAX_CHANGES && self.changed_bytes + bytes <= MAX_CHANGED_BYTES;
        if fits {
            self.changes += 1;
            self.changed_bytes += bytes;
        }
        fits
    }

    fn log(&mut self, call: Call) {
        self.counted += 1;
        self.repeated += usize::from(call.repeated);
        if self.calls.len() >= MAX_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
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
        let (failure, fits) = {
            let mut world = shared.world();
            let failure = world.traffic.failures.take(service, &method, parts.uri.path());
            let fits = method == Method::GET || world.traffic.take_change(bytes.len());
            (failure, fits)
        };
        let before = failure.as_ref().is_none_or(|failure| failure.after_effect);
        let done = if !fits {
            let message = "the simulator is full: reset it with `POST /_sim/reset`";
            (refuse(StatusCode::INSUFFICIENT_STORAGE, message), false)
        } else if before {
            let identity = key
                .clone()
                .filter(|_| method != Method::GET && service.knows_idempotency_keys())
                .map(|key| (service, key, method.clone(), path.clone(), bytes.clone()));
            let request = Request::from_parts(parts, Body::from(bytes));
            carry_out(&shared, identity, request, next).await
        } else {
            (StatusCode::OK.into_response(), false)
        };
        match failure {
            None => done,
            Some(failure) if failure.hangs => {
                shared.world().traffic.held += 1;
                // The server drops this when the client has gone.
                std::future::pending().await
            }
            Some(failure) => {
                let status =
                    StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let response = match failure.body {
                    _ if failure.hangs_up => (status, broken_body()).into_response(),
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
        path: beginning(path),
        idempotency_key: key.map(beginning),
        status: response.status().as_u16(),
        repeated,
    };
    tracing::debug!(%service, method = call.method, path = call.path, status = call.status, repeated, "call");
    world.traffic.log(call);
    response
}

/// A body that cannot be sent, so that the server closes the connection.
fn broken_body() -> Body {
    let error = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
    Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(error)]))
}

/// The part of a text that the log keeps.
fn beginning(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_LOGGED_BYTES));
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_has_a_limit() {
        let mut traffic = Traffic::default();
        for number in 0..MAX_CALLS + 5 {
            traffic.log(Call {
                time: Timestamp::UNIX_EPOCH,
                service: Service::Gitlab,
                method: "GET".to_owned(),
                path: format!("/{number}"),
                idempotency_key: None,
                status: 200,
                repeated: number % 2 == 0,
            });
        }
        assert_eq!((traffic.calls().len(), traffic.counted()), (MAX_CALLS, MAX_CALLS + 5));
        assert_eq!((traffic.calls()[0].path.as_str(), traffic.repeated()), ("/5", MAX_CALLS / 2 + 3));
        assert!(traffic.take_change(MAX_CHANGED_BYTES - 1) && traffic.take_change(1));
        assert!(!traffic.take_change(1) && traffic.take_change(0));
        traffic.changes = MAX_CHANGES;
        assert!(!traffic.take_change(0));
        assert_eq!(beginning("ä".repeat(600)).len(), MAX_LOGGED_BYTES);
    }
}
