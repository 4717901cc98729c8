//! Where events come from and go to, as the properties say.
//!
//! Owns: [`Channels`]: the incoming and outgoing channels of a folder by name. Promises: there is always a default channel out; a
//! channel that cannot be used says why instead of being absent, so that its events wait visibly. `Debug` shows no password.
//! Never: opens a connection. Source: `MicroProfile` Reactive Messaging as Quarkus configures it, and `SonataFlow`'s names.

mod configure;
mod connectors;
mod endpoints;
mod kafka;
mod keys;
mod nats;
mod process_channels;
mod template;

#[cfg(feature = "nats")]
use std::sync::Arc;
use std::{collections::BTreeMap, fmt};

use rondo_definition::{Diagnostic, Properties, without_userinfo};

pub use self::{
    kafka::KafkaClient,
    nats::NatsServers,
    template::{AddressTemplate, ExpandError},
};
use crate::{EventError, Mode, Origin, Received, Room, read::content_type, read_http, read_plain};

/// The name of the channel that events come in by when their type has none of its own.
pub(crate) const DEFAULT_INCOMING: &str = "kogito_incoming_stream";

/// The name of the channel that events go out by when their type has none of its own.
pub(crate) const DEFAULT_OUTGOING: &str = "kogito_outgoing_stream";

/// All channels of a folder.
#[derive(Debug)]
pub struct Channels {
    incoming: BTreeMap<String, Incoming>,
    outgoing: BTreeMap<String, Outgoing>,
    /// Types of events that go out by a channel of another name.
    by_type: BTreeMap<String, String>,
    default_outgoing: String,
    /// Extension attributes that structured events get, from `K_CE_OVERRIDES`.
    overrides: BTreeMap<String, String>,
    /// Whom connections to brokers trust.
    #[cfg(feature = "nats")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// A channel that brings events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its name.
    pub name: String,
    /// The type that a message without attributes has as event.
    pub event_type: String,
    /// Whether its messages are events; otherwise each is the data of one.
    pub as_cloud_events: bool,
    /// Where its messages come from.
    pub source: Source,
}

/// Where messages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Requests to the engine.
    Http(HttpSource),
    /// Topics of a Kafka cluster.
    Kafka(KafkaSource),
    /// A subject of NATS.
    Nats(NatsSource),
    /// Nowhere, for this reason.
    Unusable(String),
}

/// Requests to the engine that bring events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSource {
    /// Upper case, such as `POST`.
    pub method: String,
    /// Begins with `/`.
    pub path: String,
}

/// Topics of a Kafka cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSource {
    /// The cluster, and how it is talked to.
    pub client: KafkaClient,
    /// Names of topics, at least one.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
}

/// A subject of NATS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsSource {
    /// The servers, and how they are talked to.
    pub servers: NatsServers,
    /// The subject; may have wildcards.
    pub subject: String,
    /// The stream of `JetStream` that keeps the messages. Without one a message that comes while nobody listens is lost.
    pub stream: Option<String>,
    /// The name of the durable consumer.
    pub durable: String,
    /// The queue group of a subscription without stream.
    pub queue: Option<String>,
}

/// A channel that takes events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its name.
    pub name: String,
    /// What of an event is where in its messages.
    pub mode: Mode,
    /// Where its messages go to.
    pub sink: Sink,
}

/// Where messages go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// An HTTP service.
    Http {
        /// Upper case, such as `POST`.
        method: String,
        /// The address.
        url: AddressTemplate,
    },
    /// A topic of a Kafka cluster.
    Kafka {
        /// The cluster, and how it is talked to.
        client: KafkaClient,
        /// The topic.
        topic: AddressTemplate,
    },
    /// A subject of NATS.
    Nats {
        /// The servers, and how they are talked to.
        servers: NatsServers,
        /// The subject.
        subject: AddressTemplate,
        /// The stream of `JetStream` that must take the messages.
        stream: Option<String>,
    },
    /// Nowhere, for this reason.
    Unusable(String),
}

impl Channels {
    /// Reads the channels of a folder, with all problems of their properties. A channel with a problem is there and unusable.
    pub fn read(properties: &Properties) -> (Self, Vec<Diagnostic>) {
        configure::read(properties)
    }

    /// Has connections to NATS trust whom this trusts. Without it they trust the authorities of the system.
    #[cfg(feature = "nats")]
    #[must_use]
    pub fn trusting(self, tls: rustls::ClientConfig) -> Self {
        Self { tls: Some(Arc::new(tls)), ..self }
    }

    #[cfg(feature = "nats")]
    pub(crate) fn tls(&self) -> Option<&Arc<rustls::ClientConfig>> {
        self.tls.as_ref()
    }

    /// The incoming channels by name.
    pub fn incoming(&self) -> impl Iterator<Item = &Incoming> {
        self.incoming.values()
    }

    /// The incoming channel that requests bring events by. `path` has no query.
    pub fn incoming_at(&self, method: &str, path: &str) -> Option<&Incoming> {
        self.incoming.values().find(|channel| match &channel.source {
            Source::Http(source) => source.path == path && source.method.eq_ignore_ascii_case(method),
            _ => false,
        })
    }

    /// The outgoing channels by name, the default one included.
    pub fn outgoing(&self) -> impl Iterator<Item = &Outgoing> {
        self.outgoing.values()
    }

    /// The outgoing channel of this name.
    pub fn outgoing_named(&self, name: &str) -> Option<&Outgoing> {
        self.outgoing.get(name)
    }

    /// The name of the channel that events of a type go out by: that of the type's name if it is configured, else the default.
    pub fn outgoing_for<'c>(&'c self, event_type: &str) -> &'c str {
        let named = self.by_type.get(event_type).map_or(event_type, String::as_str);
        self.outgoing.get(named).map_or(self.default_outgoing.as_str(), |channel| channel.name.as_str())
    }

    /// Extension attributes that structured events get.
    pub(crate) fn overrides(&self) -> &BTreeMap<String, String> {
        &self.overrides
    }
}

impl Incoming {
    /// Whether a task must fetch its messages: [`Source::Http`] brings its own.
    pub fn is_of_broker(&self) -> bool {
        matches!(self.source, Source::Kafka(_) | Source::Nats(_))
    }

    /// Reads the events of an HTTP request to this channel. `id` becomes that of the event when the request is only the data of one;
    /// it is to be another one for each request.
    ///
    /// # Errors
    /// As [`read_http`].
    pub fn read_request<'h>(
        &self,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        body: &[u8],
        id: &str,
        room: &mut Room<'_>,
    ) -> Result<Received, EventError> {
        if self.as_cloud_events {
            return read_http(headers, body, room);
        }
        let content_type = content_type(headers);
        let origin =
            Origin { event_type: &self.event_type, source: &format!("/{}", self.name), position: id };
        let event = read_plain(content_type, body, origin, room)?;
        Ok(Received { events: vec![event], broken: Vec::new() })
    }
}

/// Where it comes from, for people: `kafka topic orders at localhost:9092`.
impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(HttpSource { method, path }) => write!(formatter, "{method} {path}"),
            Self::Kafka(source) => {
                write!(formatter, "kafka topic {} at {}", source.topics.join(", "), source.client.servers())
            }
            Self::Nats(source) => {
                write!(formatter, "nats subject {} at {}", source.subject, source.servers.addresses())
            }
            Self::Unusable(reason) => write!(formatter, "unusable: {}", without_userinfo(reason)),
        }
    }
}

/// Where it goes to, for people.
impl fmt::Display for Sink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { method, url } => write!(formatter, "{method} {url}"),
            Self::Kafka { client, topic } => write!(formatter, "kafka topic {topic} at {}", client.servers()),
            Self::Nats { servers, subject, .. } => {
                write!(formatter, "nats subject {subject} at {}", servers.addresses())
            }
            Self::Unusable(reason) => write!(formatter, "unusable: {}", without_userinfo(reason)),
        }
    }
}
