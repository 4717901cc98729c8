//! The errors of a running instance.
//!
//! Owns: [`Failure`] and its kinds, the one form of an error from the place that raises it to the views that show it. Never: names a Java
//! class. The class names that users of SonataFlow know are in [`crate::sonataflow`].

use serde::{Deserialize, Serialize};

use crate::stored_failure::StoredFailure;

/// An error of a running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredFailure")]
pub struct Failure {
    /// What went wrong.
    #[serde(rename = "k")]
    pub kind: FailureKind,
    /// Who raised it.
    #[serde(rename = "o", default, skip_serializing_if = "Origin::is_engine")]
    pub origin: Origin,
    /// The code that error definitions are compared with: the HTTP status as text, `TimedOut` or `timeout`.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Box<str>>,
    /// The HTTP status of the service's answer.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened, for people, with the function, the address and the place. It contains no secret.
    #[serde(rename = "m")]
    pub message: String,
    /// What happened, without address and place: the body of the service's answer, or a few words. The client whose request led to the
    /// failure gets it as answer. `None`: the client gets the message.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The text that error definitions are compared with instead of the message: a message holds addresses and bodies, which may
    /// contain a code such as `404` by chance. `None`: they are compared with the message.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub match_text: Option<Box<str>>,
    /// The beginning of the body of the service's answer, at most [`MAX_BODY`] bytes. It contains no secret.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
}

/// Bytes of an answer's body that a failure keeps: enough for what a service says about an error, and few enough to be stored with an instance.
pub const MAX_BODY: usize = 4096;

/// What went wrong. The serialized names are stored, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// A service answered with an error status.
    Service,
    /// No connection to the service could be opened.
    Connection,
    /// The connection broke, the answer was too large, or the address is not allowed.
    Interrupted,
    /// The service did not answer within the time limit.
    NoAnswer,
    /// The service's answer has a form that the engine cannot read.
    BadAnswer,
    /// The authorization server gave no access token for a call.
    Token,
    /// The function is of a type that cannot be called.
    Unsupported,
    /// A time limit of the definition has passed.
    Timeout,
    /// An expression failed.
    Expression,
    /// Data violates a schema, or an argument does not have the type that the operation takes.
    Validation,
    /// The workflow ended with an error message of its own (`metadata.errorMessage` of SonataFlow).
    Declared,
    /// An instruction cannot be carried out on this data, or a limit of the engine is reached.
    Runtime,
}

/// Who raised a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The engine.
    #[default]
    Engine,
    /// The call of a function that an OpenAPI document describes.
    OpenApi,
    /// The call of a `rest:` function, or of another one that no OpenAPI document describes.
    Rest,
    /// The call of a Knative service.
    Knative,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Service,
        Self::Connection,
        Self::Interrupted,
        Self::NoAnswer,
        Self::BadAnswer,
        Self::Token,
        Self::Unsupported,
        Self::Timeout,
        Self::Expression,
        Self::Validation,
        Self::Declared,
        Self::Runtime,
    ];

    /// The code for this kind in an error definition. It matches in addition to the failure's own code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Connection | Self::Interrupted | Self::BadAnswer | Self::Token => "communication",
            Self::NoAnswer | Self::Timeout => "timeout",
            Self::Expression => "expression",
            Self::Validation => "validation",
            Self::Declared => "declared",
            Self::Unsupported | Self::Runtime => "runtime",
        }
    }

    /// Whether a time limit passed. Error definitions may name such a failure `TimedOut`.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Timeout)
    }
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 4] = [Self::Engine, Self::OpenApi, Self::Rest, Self::Knative];

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    fn is_engine(&self) -> bool {
        *self == Self::Engine
    }
}

impl Failure {
    /// A failure that the engine itself raises.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            kind,
            origin: Origin::Engine,
            code: None,
            status: None,
            message,
            detail: None,
            match_text: None,
            body: None,
        }
    }

    /// Data violates a schema.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Validation, message)
    }

    /// An instruction cannot be carried out on this data, or a limit of the engine is reached.
    pub fn runtime(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Runtime, message)
    }

    /// A time limit passed. `code` is the code in error definitions: `TimedOut` for events, `timeout` for the others.
    pub fn timeout(code: &str, message: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..Self::new(FailureKind::Timeout, message) }
    }

    /// Whether the service is known to have finished with the request. It is not known without an answer, when a gateway answered for a
    /// service that it did not reach (502, 504), or when the service may still be processing the request (409, as
    /// draft-ietf-httpapi-idempotency-key-header defines it).
    pub fn has_definite_outcome(&self) -> bool {
        self.kind == FailureKind::Service
            && self.status.is_some_and(|status| !matches!(status, 409 | 502 | 504))
    }

    /// The text that error definitions are compared with.
    pub fn match_text(&self) -> &str {
        self.match_text.as_deref().unwrap_or(&self.message)
    }

    /// The message with the state and action appended, unless it contains the state already, as the message of a call does. An error message
    /// of the workflow itself stays as it is.
    pub fn message_at(&self, state: &str, action: Option<&str>) -> String {
        let message = &self.message;
        if self.kind == FailureKind::Declared || message.contains(&format!("state `{state}`")) {
            return message.clone();
        }
        let action = action.map(|action| format!(", action `{action}`")).unwrap_or_default();
        format!("{message} (state `{state}`{action})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_the_place_once() {
        let called = "function `f`: GET http://h answered 503 (state `Call`, action `ask`, attempt 2)";
        for (kind, message, state, action, expected) in [
            (FailureKind::Expression, "no", "Add", Some("add"), "no (state `Add`, action `add`)"),
            (FailureKind::Expression, "no", "Add", None, "no (state `Add`)"),
            (FailureKind::Service, called, "Call", Some("f"), called),
            (FailureKind::Declared, "denied", "End", None, "denied"),
        ] {
            assert_eq!(Failure::new(kind, message).message_at(state, action), expected);
        }
    }
}
