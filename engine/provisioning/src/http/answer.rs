//! Answers, and the way of a change from its request to them.

use axum::{
    Json,
    body::{Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Desk,
    desk::{Fault, Work},
    model::Person,
    refusal::Refusal,
    tables::answers::{self, Given},
};

/// How long an answer is given again for the same Idempotency-Key.
const KEEP_ANSWERS: std::time::Duration = std::time::Duration::from_hours(24);

/// Longest Idempotency-Key.
const LONGEST_KEY: usize = 255;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after =
            self.details.as_ref().and_then(|details| details["retryAfter"].as_u64()).unwrap_or(1);
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(details) = self.details {
            error["details"] = details;
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, Json(json!({"error": error}))).into_response();
        let more = match self.status {
            401 => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            503 => Some((header::RETRY_AFTER, HeaderValue::from(retry_after))),
            _ => None,
        };
        answer.headers_mut().extend(more);
        answer
    }
}

/// An answer of the desk.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    body: Value,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub(crate) fn created(body: Value) -> Self {
        Self { status: 201, body }
    }

    pub(crate) fn accepted(body: Value) -> Self {
        Self { status: 202, body }
    }

    pub(crate) fn gone() -> Self {
        Self { status: 204, body: Value::Null }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        if status == StatusCode::NO_CONTENT {
            status.into_response()
        } else {
            (status, Json(self.body)).into_response()
        }
    }
}

/// A call that changes something.
pub(crate) struct Change {
    pub(crate) person: Person,
    /// What repeats it.
    key: Option<String>,
    digest: Vec<u8>,
}

impl Change {
    pub(crate) fn new(
        person: Person,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Self, Refusal> {
        let key = headers.get("Idempotency-Key").map(|key| key.to_str().unwrap_or_default().to_owned());
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
            return Err(Refusal::bad_request(format!(
                "Idempotency-Key is a text of 1 to {LONGEST_KEY} ASCII characters"
            )));
        }
        let mut digest = Sha256::new();
        let query = uri.query().unwrap_or_default();
        for part in [method.as_str().as_bytes(), uri.path().as_bytes(), query.as_bytes(), body] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Ok(Self { person, key, digest: digest.finalize().to_vec() })
    }

    /// Makes the change, or gives the answer of the first time.
    pub(crate) async fn make(
        self,
        desk: &Desk,
        mut work: impl FnMut(&mut Work<'_, '_>) -> Result<Reply, Fault> + Send + 'static,
    ) -> Result<Reply, Refusal> {
        let Self { person, key, digest } = self;
        let reference = person.reference.clone();
        desk.change(&person, move |open| {
            let Some(key) = &key else { return work(open) };
            if let Some(given) = answers::get(open.connection, key, &reference, open.now)? {
                if given.digest != digest {
                    let message = "the Idempotency-Key belongs to another call";
                    return Err(Refusal::invalid_at("", message).into());
                }
                let body = serde_json::from_str(&given.body).unwrap_or_default();
                return Ok(Reply { status: given.status, body });
            }
            let reply = work(open)?;
            let given = Given { digest: digest.clone(), status: reply.status, body: reply.body.to_string() };
            let until = open.clock().after(open.now, KEEP_ANSWERS);
            answers::put(open.connection, key, &reference, &given, until)?;
            Ok(reply)
        })
        .await
    }
}

/// Gives an error that stands in plain text, because no handler was reached, the form of the desk.
pub(super) async fn in_form(answer: Response) -> Response {
    /// Longest text that is taken over.
    const MOST_BYTES: usize = 4096;
    let kind = answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !answer.status().is_client_error() || !(kind.is_empty() || kind.starts_with(b"text/plain")) {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    let text = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let refusal = match parts.status {
        StatusCode::METHOD_NOT_ALLOWED => Refusal::method_not_allowed(),
        _ => Refusal::bad_request(String::from_utf8_lossy(&text)),
    };
    let mut answer = refusal.into_response();
    answer
        .headers_mut()
        .extend(parts.headers.get(header::ALLOW).map(|allowed| (header::ALLOW, allowed.clone())));
    answer
}

/// A list as the desk answers it.
pub(crate) fn items(items: Vec<Value>, next: Option<String>) -> Value {
    match next {
        Some(next) => json!({"items": items, "next": next}),
        None => json!({"items": items}),
    }
}
