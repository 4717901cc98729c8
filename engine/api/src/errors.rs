//! Errors as HTTP answers: status and JSON body.
//!
//! Owns: the status of the answer about a failed instance or a refused request. Source: `SonataFlow`'s `AbstractExceptionsHandler`; where it
//! answers with plain text or HTML, the engine answers `{"message": …}`, since the Orchestrator plugin shows only errors that are JSON.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rondo_runtime::{FailureKind, FailureView, Refusal};
use serde::Serialize;
use uuid::Uuid;

use crate::request_memory::NoMemory;

/// Seconds after which a client may try again: most shortages of memory, and a restart, are over by then.
pub(crate) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Most bytes of a message. It may quote the answer of a service, whose beginning says most.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// An error answer.
#[derive(Debug)]
pub(crate) struct ErrorAnswer {
    pub(crate) status: StatusCode,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Nothing,
    /// A text with the `Content-Type` of JSON, as `SonataFlow` sends it.
    Text(String),
    Json(Box<ErrorBody>),
}

impl std::fmt::Display for ErrorAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.status, self.message())
    }
}

impl std::error::Error for ErrorAnswer {}

/// Members without a value are left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_node_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
}

impl ErrorAnswer {
    /// An error that concerns no instance.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let body = ErrorBody {
            message: shortened(message.into()),
            failed_node_id: None,
            id: None,
            error_code: None,
        };
        Self { status, content: Content::Json(Box::new(body)) }
    }

    /// A body that is no JSON object. The message is `SonataFlow`'s sentence, on which clients may rely, then what is wrong and where.
    pub(crate) fn not_an_object(reason: &str) -> Self {
        let text = format!("Not able to deserialize data provided. {reason}");
        Self { status: StatusCode::BAD_REQUEST, content: Content::Text(text) }
    }

    /// A body whose `Content-Type` is not JSON.
    pub(crate) fn unsupported_media_type() -> Self {
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, content: Content::Nothing }
    }

    /// A defect of the engine. The log has the details.
    pub(crate) fn defect(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "an answer could not be written");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request met a defect of the engine; its log says more",
        )
    }

    /// The message of the answer; empty when it has none.
    pub(crate) fn message(&self) -> &str {
        match &self.content {
            Content::Nothing => "",
            Content::Text(text) => text,
            Content::Json(body) => &body.message,
        }
    }

    /// 404 with a message.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// No workflow has this id.
    pub(crate) fn unknown_workflow(id: &str) -> Self {
        Self::not_found(format!("Process with id {id} not found"))
    }

    /// No instance has this id, or it has ended.
    pub(crate) fn unknown_instance(id: &str) -> Self {
        Self::not_found(format!("Process instance with id {id} not found"))
    }

    /// The answer about an instance in error.
    pub(crate) fn failed(id: Uuid, failure: &FailureView) -> Self {
        let body = ErrorBody {
            message: shortened(failure.message.clone()),
            failed_node_id: Some(failure.place().to_owned()),
            id: Some(id),
            error_code: failure.code.clone(),
        };
        Self { status: status_of(failure), content: Content::Json(Box::new(body)) }
    }
}

impl From<NoMemory> for ErrorAnswer {
    fn from(error: NoMemory) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<Refusal> for ErrorAnswer {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::UnknownWorkflow(_) | Refusal::UnknownInstance(_) | Refusal::UnknownNode { .. } => {
                StatusCode::NOT_FOUND
            }
            Refusal::InvalidInput(_) | Refusal::BusinessKey(_) | Refusal::NotInError(_) => {
                StatusCode::BAD_REQUEST
            }
            Refusal::OwnEvent(_) => StatusCode::FORBIDDEN,
            Refusal::CannotSkip(_) => StatusCode::CONFLICT,
            Refusal::DataTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::StartsByEvent(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Defect(_) | Refusal::Damaged { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::Stopping
            | Refusal::NoRoom(_)
            | Refusal::Store(_)
            | Refusal::InboxFull(_)
            | Refusal::OutboxFull(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, refusal.to_string())
    }
}

impl IntoResponse for ErrorAnswer {
    fn into_response(self) -> Response {
        let mut answer = match self.content {
            Content::Nothing => self.status.into_response(),
            Content::Text(text) => {
                (self.status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
            }
            Content::Json(body) => (self.status, Json(body)).into_response(),
        };
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        answer
    }
}

/// Cuts a message at [`LONGEST_MESSAGE`].
fn shortened(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        let whole = message.len();
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push_str(&format!("… ({whole} bytes)"));
    }
    message
}

/// The status of the answer about a failure: a mistake in the definition or its data is the client's error (400), the listed statuses of a called
/// service are passed on, and any other failure is the engine's (500).
fn status_of(failure: &FailureView) -> StatusCode {
    match (failure.kind, failure.status) {
        (FailureKind::Service, Some(status @ (400 | 403 | 404 | 409 | 412))) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
        (
            FailureKind::Expression | FailureKind::Validation | FailureKind::Declared | FailureKind::Runtime,
            _,
        ) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use rondo_runtime::Origin;

    use super::*;

    fn failure(kind: FailureKind, status: Option<u16>) -> FailureView {
        FailureView {
            kind,
            origin: Origin::OpenApi,
            status,
            code: status.map(|status| status.to_string()),
            message: "no".into(),
            described: "a.B - no".into(),
            state: "Call".into(),
            action: Some("call".into()),
            visit: 2,
        }
    }

    #[test]
    fn the_kind_of_a_failure_decides_the_status() {
        for (kind, status, expected) in [
            (FailureKind::Service, Some(400), 400),
            (FailureKind::Service, Some(401), 500),
            (FailureKind::Service, Some(403), 403),
            (FailureKind::Service, Some(404), 404),
            (FailureKind::Service, Some(409), 409),
            (FailureKind::Service, Some(412), 412),
            (FailureKind::Service, Some(422), 500),
            (FailureKind::Service, Some(503), 500),
            (FailureKind::Service, Some(302), 500),
            (FailureKind::Connection, None, 500),
            (FailureKind::Interrupted, None, 500),
            (FailureKind::NoAnswer, None, 500),
            (FailureKind::BadAnswer, None, 500),
            (FailureKind::Token, None, 500),
            (FailureKind::Unsupported, None, 500),
            (FailureKind::Timeout, None, 500),
            (FailureKind::Expression, None, 400),
            (FailureKind::Validation, None, 400),
            (FailureKind::Declared, None, 400),
            (FailureKind::Runtime, None, 400),
        ] {
            let answer = ErrorAnswer::failed(Uuid::nil(), &failure(kind, status));
            assert_eq!(answer.status.as_u16(), expected, "{kind:?} {status:?}");
        }
    }

    fn told(answer: &ErrorAnswer) -> String {
        match &answer.content {
            Content::Json(body) => serde_json::to_string(body).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let of_instance = ErrorAnswer::failed(Uuid::nil(), &failure(FailureKind::Service, Some(503)));
        insta::assert_snapshot!(told(&of_instance), @r#"{"message":"no","failedNodeId":"call","id":"00000000-0000-0000-0000-000000000000","errorCode":"503"}"#);
        let refused = ErrorAnswer::from(Refusal::NotInError(Uuid::nil()));
        insta::assert_snapshot!(told(&refused), @r#"{"message":"Process instance with id 00000000-0000-0000-0000-000000000000 is not in error state"}"#);
    }
}
