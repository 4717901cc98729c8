//! Requests that OpenStack does not carry out. Each service has its own form of errors.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What Keystone says to a request without a valid token, and to wrong credentials.
pub(super) const UNAUTHORIZED: &str = "The request you have made requires authentication.";

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
    /// Address of Keystone, for the header `WWW-Authenticate`.
    keystone: Option<String>,
    retry_after: bool,
}

impl Refusal {
    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, keystone: None, retry_after: false }
    }

    /// No token, or one that is not valid; `keystone` is the address where to get one.
    pub(super) fn unauthorized(keystone: Option<String>) -> Self {
        let refusal = Self::keystone(StatusCode::UNAUTHORIZED, UNAUTHORIZED);
        Self { keystone, ..refusal }
    }

    /// Keystone's form: `{"error": {"code", "message", "title"}}`.
    pub(super) fn keystone(status: StatusCode, message: &str) -> Self {
        Self::new(status, keystone_body(status, message))
    }

    /// The form of Nova and Cinder: `{"itemNotFound": {"code", "message"}}`.
    pub(super) fn compute(status: StatusCode, message: impl AsRef<str>) -> Self {
        Self::new(status, compute_body(status, message.as_ref()))
    }

    /// Cinder's quota: 413 that says to try again at once, though that is of no use.
    pub(super) fn over_limit(message: &str) -> Self {
        let body = json!({ "overLimit": { "code": 413, "message": message, "retryAfter": "0" } });
        Self { retry_after: true, ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, body) }
    }

    /// Neutron's form: `{"NeutronError": {"type", "message", "detail"}}`.
    pub(super) fn network(status: StatusCode, kind: &str, message: impl AsRef<str>) -> Self {
        Self::new(status, network_body(kind, message.as_ref()))
    }

    /// A member of the body that Neutron cannot use.
    pub(super) fn network_input(message: impl AsRef<str>) -> Self {
        Self::network(StatusCode::BAD_REQUEST, "HTTPBadRequest", message)
    }

    /// Swift's form: a page.
    pub(super) fn plain(status: StatusCode) -> Self {
        Self::new(status, Value::Null)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = if self.body.is_null() {
            self.status.into_response()
        } else {
            (self.status, Json(self.body)).into_response()
        };
        let headers = response.headers_mut();
        if let Some(keystone) = self.keystone
            && let Ok(value) = HeaderValue::from_str(&format!("Keystone uri=\"{keystone}\""))
        {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("0"));
        }
        response
    }
}

/// The body of an error that no handler has given, in the form of the service whose path was asked for.
pub(crate) fn refusal_body(status: StatusCode, message: &str, path: &str) -> Value {
    match path.split('/').nth(1).unwrap_or_default() {
        "v2.0" => network_body("HTTPError", message),
        "v3" if path.starts_with("/v3/auth") => keystone_body(status, message),
        "v2" => json!({ "code": status.as_u16(), "title": title(status), "message": message }),
        _ => compute_body(status, message),
    }
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

fn keystone_body(status: StatusCode, message: &str) -> Value {
    json!({ "error": { "code": status.as_u16(), "message": message, "title": title(status) } })
}

fn compute_body(status: StatusCode, message: &str) -> Value {
    let name = match status {
        StatusCode::BAD_REQUEST => "badRequest",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "itemNotFound",
        StatusCode::METHOD_NOT_ALLOWED => "badMethod",
        StatusCode::CONFLICT => "conflictingRequest",
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => "overLimit",
        StatusCode::SERVICE_UNAVAILABLE => "serviceUnavailable",
        _ => "computeFault",
    };
    json!({ name: { "code": status.as_u16(), "message": message } })
}

fn network_body(kind: &str, message: &str) -> Value {
    json!({ "NeutronError": { "type": kind, "message": message, "detail": "" } })
}
