//! Writes events as messages: headers and a body.
//!
//! Owns: the names of the headers in each transport, and the encoding of their values. Promises: over HTTP and NATS the values of headers are
//! printable ASCII, so no attribute can end a header. Source: CloudEvents 1.0.2, "HTTP Protocol Binding" 3.1, "Kafka Protocol Binding" 3.2, "NATS
//! Protocol Binding" 3.1.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::{CloudEvent, data::write_data};

/// How a transport carries events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Headers `ce-…`, percent-encoded.
    Http,
    /// Headers `ce_…`, in UTF-8.
    Kafka,
    /// Headers `ce-…`, percent-encoded.
    Nats,
}

/// Which parts of an event are headers and which are the body of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Attributes are headers, the body is the data.
    Binary,
    /// The body is the event in the JSON format.
    Structured,
    /// The body is the data; nothing marks the message as an event.
    Plain,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Names and values of headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Name of the header with the media type of the body, in all bindings.
pub(crate) const CONTENT_TYPE: &str = "content-type";

/// The media type of an event in the JSON format.
pub(crate) const STRUCTURED: &str = "application/cloudevents+json";

/// ASCII characters that a header value must percent-encode; characters outside ASCII are always encoded.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

impl Binding {
    /// The prefix that turns the name of an attribute into the name of its header.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Http | Self::Nats => "ce-",
            Self::Kafka => "ce_",
        }
    }

    pub(crate) fn is_percent_encoded(self) -> bool {
        self != Self::Kafka
    }
}

impl CloudEvent {
    /// The event as a message. Data without `datacontenttype` are sent as `application/json`.
    pub fn to_message(&self, binding: Binding, mode: Mode) -> Message {
        if mode == Mode::Structured {
            let content_type = format!("{STRUCTURED}; charset=UTF-8");
            let headers = vec![(CONTENT_TYPE.to_owned(), content_type)];
            return Message { headers, body: self.to_json().into_bytes() };
        }
        let mut headers = Vec::new();
        let default = self.data.as_ref().map(|_| "application/json");
        let content_type = self.datacontenttype.as_deref().or(default);
        if let Some(content_type) = content_type {
            headers.push((CONTENT_TYPE.to_owned(), content_type.to_owned()));
        }
        if mode == Mode::Binary {
            let attributes = self.attributes().filter(|(name, _)| *name != "datacontenttype");
            headers.extend(
                attributes.map(|(name, value)| {
                    (format!("{}{name}", binding.prefix()), header_value(binding, value))
                }),
            );
        }
        Message { headers, body: write_data(content_type, self.data.as_ref()) }
    }
}

fn header_value(binding: Binding, value: &str) -> String {
    if binding.is_percent_encoded() {
        utf8_percent_encode(value, ENCODED).to_string()
    } else {
        value.to_owned()
    }
}
