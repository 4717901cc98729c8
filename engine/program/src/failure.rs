//! What can go wrong while an instance runs.
//!
//! Owns: [`Failure`] and its kinds, the one form of an error from where it is raised to where it is shown. Never: knows how another
//! engine calls it. The names that SonataFlow's users know stand in [`crate::sonataflow`].

use serde::{Deserialize, Serialize};

use crate::sonataflow;

/// An error of a running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Failure {
    /// What went wrong.
    #[serde(rename = "k")]
    pub kind: FailureKind,
    /// Who raised it.
    #[serde(rename = "o", default, skip_serializing_if = "Origin::is_engine")]
    pub origin: Origin,
    /// Error code that error definitions name: the HTTP status as text, `TimedOut`, `timeout`.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Box<str>>,
    /// HTTP status that a service answered with.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened, for people: names the function, the address and the place. Holds no secret.
    #[serde(rename = "m")]
    pub message: String,
    /// What happened without address and place: the body that a service answered with, or a few words. A client whose request
    /// led to the failure is answered with it. `None`: the message says no more than that.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The text that error definitions are compared with where it is not the message, because a message holds addresses and bodies in
    /// which a code such as `404` may stand by chance.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Box<str>>,
}

/// What went wrong. The serialized names are stored, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// A service answered with an error status.
    Service,
    /// No connection to a service came about.
    Connection,
    /// The connection broke, the answer was too large, or the address must not be called.
    Interrupted,
    /// A service gave no answer in time.
    NoAnswer,
    /// A service's answer cannot be understood.
    BadAnswer,
    /// No access token could be had for a call.
    Token,
    /// The function is of a type that cannot be called.
    Unsupported,
    /// A time limit of the definition passed.
    Timeout,
    /// An expression failed.
    Expression,
    /// Data broke a schema, or an argument is not what the operation takes.
    Validation,
    /// The workflow itself ended with an error message.
    Declared,
    /// The definition asks for something that cannot be done with this data.
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
    /// The call of a `rest:` function.
    Rest,
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

    /// The code by which an error definition names the kind, whatever the failure's own code is.
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

    /// Whether it is a matter of time: error definitions may name it `TimedOut`.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Timeout)
    }
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::Engine, Self::OpenApi, Self::Rest];

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    fn is_engine(&self) -> bool {
        *self == Self::Engine
    }
}

impl Failure {
    /// A failure of the engine's own.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, origin: Origin::Engine, code: None, status: None, message, detail: None, compared: None }
    }

    /// Data break a schema.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Validation, message)
    }

    /// The definition asks for something that cannot be done with this data.
    pub fn runtime(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Runtime, message)
    }

    /// A time limit passed. `code` is what error definitions name: `TimedOut` for events, `timeout` for the others.
    pub fn timeout(code: &str, message: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..Self::new(FailureKind::Timeout, message) }
    }

    /// Whether it is known that the service has dealt with the request. It is not when nobody answered, when a gateway answered for a
    /// service that it did not reach (502, 504), or when the request may still be under way (409, as
    /// draft-ietf-httpapi-idempotency-key-header has it).
    pub fn is_an_answer(&self) -> bool {
        self.kind == FailureKind::Service
            && self.status.is_some_and(|status| !matches!(status, 409 | 502 | 504))
    }

    /// The text that error definitions are compared with.
    pub fn compared(&self) -> &str {
        self.compared.as_deref().unwrap_or(&self.message)
    }

    /// The message with the place where it happened, unless it names the state already, as that of a call does. An error message of
    /// the workflow itself stands alone.
    pub fn message_at(&self, state: &str, action: Option<&str>) -> String {
        let message = &self.message;
        if self.kind == FailureKind::Declared || message.contains(&format!("state `{state}`")) {
            return message.clone();
        }
        let action = action.map(|action| format!(", action `{action}`")).unwrap_or_default();
        format!("{message} (state `{state}`{action})")
    }
}

/// A failure as it was ever stored. Format 1 had fewer kinds, the Java class names beside them and the client's message with the class
/// in it.
#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "k")]
    kind: StoredKind,
    #[serde(rename = "o", default)]
    origin: Origin,
    #[serde(rename = "c", default)]
    code: Option<Box<str>>,
    #[serde(rename = "s", default)]
    status: Option<u16>,
    #[serde(rename = "m")]
    message: String,
    #[serde(rename = "d", default)]
    detail: Option<String>,
    #[serde(rename = "t", default)]
    compared: Option<Box<str>>,
    #[serde(rename = "x", default)]
    classes: Vec<String>,
    #[serde(rename = "a", default)]
    answer: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StoredKind {
    Now(FailureKind),
    Before(Communication),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Communication {
    Communication,
}

impl From<Stored> for Failure {
    fn from(stored: Stored) -> Self {
        let Stored { origin, code, status, message, detail, compared, classes, answer, .. } = stored;
        let kind = match stored.kind {
            StoredKind::Now(kind) => kind,
            StoredKind::Before(Communication::Communication) => FailureKind::Interrupted,
        };
        if classes.is_empty() {
            return Self { kind, origin, code, status, message, detail, compared };
        }
        let (kind, origin) = sonataflow::kind_of(&classes, kind);
        let status = match kind {
            FailureKind::Service => code.as_deref().and_then(|code| code.parse().ok()),
            _ => None,
        };
        let detail = answer.map(|text| match classes.last().map(|class| format!("{class} - ")) {
            Some(class) => text.strip_prefix(&class).map(str::to_owned).unwrap_or(text),
            None => text,
        });
        Self { kind, origin, code, status, message, detail, compared }
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

    #[test]
    fn what_was_stored_by_the_first_format_keeps_its_meaning() {
        let work_item = "org.kie.kogito.internal.process.workitem.WorkItemExecutionException";
        for (stored, kind, origin, status, detail) in [
            (
                format!(r#"{{"k":"service","c":"404","x":["{work_item}"],"m":"no","a":"gone"}}"#),
                FailureKind::Service,
                Origin::OpenApi,
                Some(404),
                Some("gone"),
            ),
            (
                r#"{"k":"communication","x":["java.util.concurrent.CompletionException","java.net.ConnectException"],"m":"no","a":"java.net.ConnectException - refused"}"#.into(),
                FailureKind::Connection,
                Origin::Rest,
                None,
                Some("refused"),
            ),
            (
                r#"{"k":"timeout","c":"timeout","x":["org.kie.kogito.process.ProcessInstanceTimeoutException"],"m":"late"}"#.into(),
                FailureKind::Timeout,
                Origin::Engine,
                None,
                None,
            ),
            (
                r#"{"k":"timeout","x":["jakarta.ws.rs.ProcessingException","java.net.SocketTimeoutException"],"m":"late"}"#.into(),
                FailureKind::NoAnswer,
                Origin::OpenApi,
                None,
                None,
            ),
            (
                r#"{"k":"runtime","x":["java.lang.IllegalArgumentException"],"m":"no way"}"#.into(),
                FailureKind::Runtime,
                Origin::Engine,
                None,
                None,
            ),
        ] {
            let failure: Failure = serde_json::from_str(&stored).unwrap();
            let found = (failure.kind, failure.origin, failure.status, failure.detail.as_deref());
            assert_eq!(found, (kind, origin, status, detail), "{stored}");
        }
    }

    #[test]
    fn a_failure_is_read_as_it_was_written() {
        for kind in FailureKind::ALL {
            for origin in Origin::ALL {
                let failure = Failure {
                    origin,
                    status: Some(500),
                    detail: Some("d".into()),
                    ..Failure::new(kind, "m")
                };
                let text = serde_json::to_string(&failure).unwrap();
                assert_eq!(serde_json::from_str::<Failure>(&text).unwrap(), failure);
            }
        }
    }
}
