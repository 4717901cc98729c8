//! The reasons why an event was not delivered.
//!
//! Promises: the text names channel and address, without the credentials of the address and without its query; it shows only the beginning of an
//! answer.

use std::{fmt, time::Duration};

use rondo_definition::{visible, without_userinfo};

use crate::channels::Outgoing;

/// An event was not delivered, or it is not known whether it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channel `{channel}`{}: {kind}", At(address))]
pub struct SendError {
    /// The name of the channel.
    pub channel: String,
    /// The sink of the channel; empty if there is no such channel.
    pub address: String,
    /// What happened.
    pub kind: SendErrorKind,
}

/// What happened to an event that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendErrorKind {
    /// No connection could be made, or it broke.
    #[error("the event could not be sent: {0}")]
    Connection(String),
    /// The sink did not take it in time.
    #[error("the event was not taken within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The service answered with an error status.
    #[error("the event was answered with status {status}{}", Body(body))]
    Status {
        /// HTTP status.
        status: u16,
        /// Beginning of the body.
        body: String,
    },
    /// The broker did not take it.
    #[error("the broker did not take the event: {message}")]
    Broker {
        /// What the broker said.
        message: String,
        /// Whether it may take the event later.
        is_transient: bool,
    },
    /// The channel cannot be used as it is configured.
    #[error("the event cannot be sent: {0}")]
    NotConfigured(String),
    /// The channel cannot carry this event.
    #[error("the event cannot be sent: {0}")]
    Unsendable(String),
}

impl SendError {
    pub(crate) fn new(outgoing: &Outgoing, kind: SendErrorKind) -> Self {
        Self { channel: outgoing.name.clone(), address: without_query(&outgoing.sink.to_string()), kind }
    }

    /// Whether the event may be taken if it is sent again a little later, without anybody changing anything: the connection failed, the time ran
    /// out, the answer was 408, 429 or 5xx, or the broker may recover.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            SendErrorKind::Connection(_) | SendErrorKind::Timeout(_) => true,
            SendErrorKind::Status { status, .. } => matches!(status, 408 | 429 | 500..),
            SendErrorKind::Broker { is_transient, .. } => *is_transient,
            SendErrorKind::NotConfigured(_) | SendErrorKind::Unsendable(_) => false,
        }
    }

    /// The status that the service answered with.
    pub fn status(&self) -> Option<u16> {
        match self.kind {
            SendErrorKind::Status { status, .. } => Some(status),
            _ => None,
        }
    }
}

/// The address up to its query, which may hold tokens.
fn without_query(address: &str) -> String {
    address.split(['?', '#']).next().unwrap_or_default().to_owned()
}

struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(formatter, " ({})", self.0) }
    }
}

struct Body<'a>(&'a str);

impl fmt::Display for Body<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim();
        if text.is_empty() {
            return Ok(());
        }
        write!(formatter, ": {}", without_userinfo(&visible(text)))
    }
}
