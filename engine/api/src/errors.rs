//! Errors as HTTP answers: status and JSON body.
//!
//! Owns: the status with which a failed instance or a refused request is answered. Source: `SonataFlow`'s
//! `AbstractExceptionsHandler`; where it answers with plain text or HTML, the engine answers `{"message": …}`, since the
//! Orchestrator plugin does not show an error that is no JSON.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rondo_runtime::{FailureKind, FailureView, Refusal};
use serde::Serialize;
use uuid::Uuid;

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
        let body = ErrorBody { message: message.into(), failed_node_id: None, id: None, error_code: None };
        Self { status, content: Content::Json(Box::new(body)) }
    }

    /// A body that is no JSON object: `SonataFlow`'s sentence, on which clients may rely, then what is wrong and where.
    pub(crate) fn not_an_object(reason: &str) -> Self {
        let text = format!("Not able to deserialize data provided. {reason}");
        Self { status: StatusCode::BAD_REQUEST, content: Content::Text(text) }
    }

    /// A body whose `Content-Type` is not JSON.
    pub(crate) fn unsupported_media_type() -> Self {
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, content: Content::Nothing }
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

    /// An instance in error.
    pub(crate) fn failed(id: Uuid, failure: &FailureView) -> Self {
        let body = ErrorBody {
            message: failure.message.clone(),
            failed_node_id: Some(failure.node.clone()),
            id: Some(id),
            error_code: failure.code.clone(),
        };
        Self { status: status_of(failure), content: Content::Json(Box::new(body)) }
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
            Refusal::CannotSkip(_) => StatusCode::CONFLICT,
            Refusal::StartsByEvent(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Stopping | Refusal::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, refusal.to_string())
    }
}

impl IntoResponse for ErrorAnswer {
    fn into_response(self) -> Response {
        match self.content {
            Content::Nothing => self.status.into_response(),
            Content::Text(text) => {
                (self.status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
            }
            Content::Json(body) => (self.status, Json(body)).into_response(),
        }
    }
}

/// The status of the answer about a failure.
fn status_of(failure: &FailureView) -> StatusCode {
    use FailureKind::{Communication, Declared, Expression, Runtime, Service, Timeout, Validation};
    match (failure.kind, failure.code.as_deref()) {
        (Service, Some(code)) => passed_on(code),
        (Expression | Validation | Declared, _) => StatusCode::BAD_REQUEST,
        (Service | Runtime, _) if is_illegal_argument(failure) => StatusCode::BAD_REQUEST,
        (Service | Runtime | Communication | Timeout, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Statuses of a called service that the client gets too; any other is an internal error for the client.
fn passed_on(code: &str) -> StatusCode {
    match code {
        "400" => StatusCode::BAD_REQUEST,
        "403" => StatusCode::FORBIDDEN,
        "404" => StatusCode::NOT_FOUND,
        "409" => StatusCode::CONFLICT,
        "412" => StatusCode::PRECONDITION_FAILED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the definition or its data are wrong, which is the client's error.
fn is_illegal_argument(failure: &FailureView) -> bool {
    failure.described.starts_with("java.lang.IllegalArgumentException")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind, code: Option<&str>, class: &str) -> FailureView {
        FailureView {
            kind,
            code: code.map(Into::into),
            message: "no".into(),
            described: format!("{class} - no"),
            node: "call".into(),
            state: "Call".into(),
            visit: 2,
        }
    }

    #[test]
    fn the_kind_of_a_failure_decides_the_status() {
        let (ours, theirs) = ("java.lang.IllegalArgumentException", "java.net.ConnectException");
        for (kind, code, class, status) in [
            (FailureKind::Service, Some("400"), theirs, 400),
            (FailureKind::Service, Some("401"), theirs, 500),
            (FailureKind::Service, Some("403"), theirs, 403),
            (FailureKind::Service, Some("404"), theirs, 404),
            (FailureKind::Service, Some("409"), theirs, 409),
            (FailureKind::Service, Some("412"), theirs, 412),
            (FailureKind::Service, Some("422"), theirs, 500),
            (FailureKind::Service, Some("503"), theirs, 500),
            (FailureKind::Service, None, theirs, 500),
            (FailureKind::Service, None, ours, 400),
            (FailureKind::Communication, None, theirs, 500),
            (FailureKind::Timeout, Some("TimedOut"), theirs, 500),
            (FailureKind::Expression, None, ours, 400),
            (FailureKind::Validation, None, ours, 400),
            (FailureKind::Declared, None, theirs, 400),
            (FailureKind::Runtime, None, ours, 400),
            (FailureKind::Runtime, None, theirs, 500),
        ] {
            let answer = ErrorAnswer::failed(Uuid::nil(), &failure(kind, code, class));
            assert_eq!(answer.status.as_u16(), status, "{kind:?} {code:?} {class}");
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
        let of_instance =
            ErrorAnswer::failed(Uuid::nil(), &failure(FailureKind::Service, Some("503"), "a.B"));
        insta::assert_snapshot!(told(&of_instance), @r#"{"message":"no","failedNodeId":"call","id":"00000000-0000-0000-0000-000000000000","errorCode":"503"}"#);
        let refused = ErrorAnswer::from(Refusal::NotInError(Uuid::nil()));
        insta::assert_snapshot!(told(&refused), @r#"{"message":"Process instance with id 00000000-0000-0000-0000-000000000000 is not in error state"}"#);
    }
}
