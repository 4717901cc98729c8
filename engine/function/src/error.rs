//! The reasons why a call failed: as text for people, and as the [`Failure`] of the instance that made the call.
//!
//! Promises: every text is masked before it becomes a part of an error; `Display` names function, method, URL, state, action and attempt.

use std::fmt;
use std::time::Duration;

use rondo_memory::NoRoom;
use rondo_program::{Failure, FailureKind, MAX_BODY, Origin};

use crate::mask::Mask;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("function `{}`: {}{kind}{}", site.function, Target(site), Where(site))]
pub struct CallError {
    /// What went wrong.
    pub kind: CallErrorKind,
    /// The call that failed.
    pub site: Site,
    /// The client of `SonataFlow` that would have made the call.
    pub(crate) origin: Origin,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallErrorKind {
    /// The service answered with an error status.
    #[error("answered {status} {reason}{}{}", Excerpt(redirect.as_deref().unwrap_or_default()), Excerpt(body))]
    Status {
        /// HTTP status.
        status: u16,
        /// Reason phrase of the status, may be empty.
        reason: String,
        /// The target of a redirect that was not followed, and why it was not; masked.
        redirect: Option<String>,
        /// Body, as text or compact JSON, masked; at most 64 KiB.
        body: String,
    },
    /// The service reported an error by the rules of a protocol above HTTP.
    #[error("answered with the error{} {message}", Code(code.as_deref()))]
    Refused {
        /// The service's code of the error.
        code: Option<String>,
        /// Its message, masked; at most 64 KiB.
        message: String,
    },
    /// No connection could be made.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The connection broke before the answer was complete.
    #[error("broke off: {0}")]
    Interrupted(String),
    /// No answer within the deadline.
    #[error("gave no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The answer cannot be understood.
    #[error("answered {status} with something that is not {expected}{}", Excerpt(body))]
    BadAnswer {
        /// HTTP status.
        status: u16,
        /// What the answer should have been.
        expected: String,
        /// Beginning of the body, masked.
        body: String,
    },
    /// The answer is larger than the limit.
    #[error(
        "answered with more than {limit} bytes, the limit that `rondo.http.max-answer-bytes` and a quarter of `rondo.limits.memory` set"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer holds more than data may.
    #[error("answered {status}, but {problem}")]
    TooMuch {
        /// HTTP status.
        status: u16,
        /// The limit of data that it exceeds.
        problem: String,
    },
    /// The memory budget has no room for the request or its answer. The service may have executed the call.
    #[error("finds no room: {0}")]
    NoRoom(NoRoom),
    /// Too many calls were in flight, so the request was not sent.
    #[error("{0}")]
    NoPlace(String),
    /// The process had no file handle left for a connection, so the request was not sent.
    #[error("could not connect: the process has no file handle left; raise its limit of open files")]
    NoHandle,
    /// An argument is missing or of the wrong type.
    #[error("{0}")]
    InvalidArgument(String),
    /// A property that the call needs is missing or wrong.
    #[error("{0}")]
    NotConfigured(String),
    /// The address must not be called.
    #[error("is refused: {0}")]
    Forbidden(String),
    /// The token endpoint gave no access token for the call.
    #[error("needs an access token: {0}")]
    Token(String),
    /// A function of this kind cannot be called.
    #[error("{0}")]
    Unsupported(String),
}

impl CallErrorKind {
    /// The same with masked texts.
    pub(crate) fn masked(self, mask: &Mask) -> Self {
        let mask = |text: String| mask.apply(&text);
        match self {
            Self::Connect(text) => Self::Connect(mask(text)),
            Self::Interrupted(text) => Self::Interrupted(mask(text)),
            Self::InvalidArgument(text) => Self::InvalidArgument(mask(text)),
            Self::NotConfigured(text) => Self::NotConfigured(mask(text)),
            Self::Forbidden(text) => Self::Forbidden(mask(text)),
            Self::Token(text) => Self::Token(mask(text)),
            Self::Unsupported(text) => Self::Unsupported(mask(text)),
            // Bodies were already masked when they were cut.
            Self::Status { .. }
            | Self::Refused { .. }
            | Self::BadAnswer { .. }
            | Self::TooMuch { .. }
            | Self::NoRoom(_)
            | Self::NoPlace(_)
            | Self::NoHandle
            | Self::Timeout(_)
            | Self::TooLarge { .. } => self,
        }
    }
}

/// The call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Site {
    /// Name of the function.
    pub function: String,
    /// HTTP method; empty if the call failed before it was known.
    pub method: String,
    /// Masked URL; empty if the call failed before it was known.
    pub url: String,
    /// Name of the state.
    pub state: String,
    /// Name of the action; may be empty.
    pub action: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

/// Most bytes of a body in a message: enough to see the service's own error message.
const EXCERPT_BYTES: usize = 500;

impl CallError {
    /// HTTP status that the service answered with.
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            CallErrorKind::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The failure of the instance that made the call.
    pub fn into_failure(self) -> Failure {
        let status = self.status();
        let code = match &self.kind {
            CallErrorKind::Refused { code, .. } => code.as_deref().map(Into::into),
            _ => status.map(|status| status.to_string().into()),
        };
        Failure {
            kind: self.failure_kind(),
            origin: self.origin,
            code,
            status,
            message: self.to_string(),
            match_text: self.exception_message().map(Into::into),
            detail: Some(self.detail()),
            body: self.body().map(Into::into),
        }
    }

    /// The beginning of the body of an answer with an error status.
    fn body(&self) -> Option<&str> {
        let CallErrorKind::Status { body, .. } = &self.kind else { return None };
        body.get(..body.floor_char_boundary(MAX_BODY)).filter(|body| !body.is_empty())
    }

    fn failure_kind(&self) -> FailureKind {
        match &self.kind {
            CallErrorKind::Status { .. } | CallErrorKind::Refused { .. } => FailureKind::Service,
            CallErrorKind::Connect(_) | CallErrorKind::NoPlace(_) | CallErrorKind::NoHandle => {
                FailureKind::Connection
            }
            CallErrorKind::Interrupted(_)
            | CallErrorKind::TooLarge { .. }
            | CallErrorKind::TooMuch { .. }
            | CallErrorKind::NoRoom(_)
            | CallErrorKind::Forbidden(_) => FailureKind::Interrupted,
            CallErrorKind::Timeout(_) => FailureKind::NoAnswer,
            CallErrorKind::BadAnswer { .. } => FailureKind::BadAnswer,
            CallErrorKind::Token(_) => FailureKind::Token,
            CallErrorKind::InvalidArgument(_) | CallErrorKind::NotConfigured(_) => FailureKind::Validation,
            CallErrorKind::Unsupported(_) => FailureKind::Unsupported,
        }
    }

    /// The error without address and place: the body of an answer, or a few words.
    fn detail(&self) -> String {
        match &self.kind {
            CallErrorKind::Status { reason, .. } if self.origin != Origin::OpenApi => {
                format!("Request failed with message: {reason}")
            }
            CallErrorKind::Status { redirect: Some(redirect), .. } => redirect.clone(),
            CallErrorKind::Status { reason, body, .. } if body.is_empty() => reason.clone(),
            CallErrorKind::Status { body, .. } => body.clone(),
            CallErrorKind::Refused { message, .. } => message.clone(),
            CallErrorKind::InvalidArgument(text)
            | CallErrorKind::NotConfigured(text)
            | CallErrorKind::Connect(text)
            | CallErrorKind::Interrupted(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The message of `SonataFlow`'s exception for an error status, which error definitions may name.
    fn exception_message(&self) -> Option<String> {
        let CallErrorKind::Status { status, reason, .. } = &self.kind else { return None };
        Some(if self.origin == Origin::OpenApi {
            format!("Unknown error, status code {status}")
        } else {
            format!("Request for endpoint {} failed with message: {reason}", self.site.url)
        })
    }
}

struct Target<'a>(&'a Site);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.url.is_empty() { Ok(()) } else { write!(f, "{} {} ", self.0.method, self.0.url) }
    }
}

struct Where<'a>(&'a Site);

impl fmt::Display for Where<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " (state `{}`", self.0.state)?;
        if !self.0.action.is_empty() {
            write!(f, ", action `{}`", self.0.action)?;
        }
        write!(f, ", attempt {})", self.0.attempt)
    }
}

struct Code<'a>(Option<&'a str>);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, " `{code}`:"),
            None => f.write_str(":"),
        }
    }
}

struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0;
        if text.is_empty() {
            return Ok(());
        }
        let end = text.floor_char_boundary(EXCERPT_BYTES);
        let (shown, rest) = text.split_at(end);
        write!(f, ": {shown}{}", if rest.is_empty() { "" } else { "…" })
    }
}
