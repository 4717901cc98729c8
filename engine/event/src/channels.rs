//! The channels by which events come and go, as the properties configure them.
//!
//! Owns: [`Channels`], the incoming and outgoing channels of a folder by name. Promises: a default outgoing channel always exists; a channel that
//! cannot be used states the reason instead of being absent, so that its events wait visibly. `Debug` shows no password. Never: opens a
//! connection. Source: `MicroProfile` Reactive Messaging as Quarkus configures it, and `SonataFlow`'s names.

mod configure;
mod connectors;
mod endpoints;
mod kafka;
mod keys;
mod nats;
mod process_channels;
mod template;
mod union;

use std::{collections::BTreeMap, fmt, sync::Arc};

use rondo_definition::{Diagnostic, Project, Properties, without_userinfo};

pub use self::{
    kafka::KafkaClient,
    nats::NatsServers,
    template::{AddressTemplate, ExpandError},
};
use crate::{
    CloudEvent, EventError, Mode, Origin, Received, Room, read::content_type, read_http, read_plain,
};

/// The incoming channel for types of events that have no channel of their own.
pub(crate) const DEFAULT_INCOMING: &str = "kogito_incoming_stream";

/// The outgoing channel for types of events that have no channel of their own.
pub(crate) const DEFAULT_OUTGOING: &str = "kogito_outgoing_stream";

/// All channels of a folder.
#[derive(Debug)]
pub struct Channels {
    incoming: BTreeMap<String, Incoming>,
    outgoing: BTreeMap<String, Outgoing>,
    /// Names that the outbox stores for events of a project, mapped to the channel's name here if it differs.
    same_as: BTreeMap<String, String>,
    /// The routes of each project, by its folder; the folder of the root is empty.
    routes: BTreeMap<Arc<str>, Routes>,
    /// Extension attributes that are added to structured events, from `K_CE_OVERRIDES`.
    overrides: BTreeMap<String, String>,
    /// The TLS configuration of connections to brokers, which says whom to trust.
    #[cfg(feature = "nats")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// Which channels the events of one project go out by.
#[derive(Debug)]
struct Routes {
    /// The names of its channels in [`Channels`], by the names in its properties.
    names: BTreeMap<String, String>,
    /// Channels of event types that go out by a channel with another name than the type.
    by_type: BTreeMap<String, String>,
    /// The channel of all other types.
    default: String,
}

impl Routes {
    fn of_type(&self, event_type: &str) -> &str {
        let named = self.by_type.get(event_type).map_or(event_type, String::as_str);
        let name = self.names.get(named).or_else(|| self.names.get(&self.default));
        name.map_or(self.default.as_str(), String::as_str)
    }
}

/// A channel that brings events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its name, unique among the incoming channels.
    pub name: String,
    /// Its name in the properties. Another project may use the same name for another channel.
    pub key: String,
    /// The type of the event that a message without attributes becomes.
    pub event_type: String,
    /// Whether its messages are events; otherwise each message is the data of one event.
    pub as_cloud_events: bool,
    /// Where its messages come from.
    pub source: Source,
}

/// Where messages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there are a handful of channels in a process")]
pub enum Source {
    /// Requests to the engine.
    Http(HttpSource),
    /// Topics of a Kafka cluster.
    Kafka(KafkaSource),
    /// A subject of NATS.
    Nats(NatsSource),
    /// The channel cannot be used, for this reason.
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
    /// The cluster, and the settings of its clients.
    pub client: KafkaClient,
    /// Names of topics, at least one.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
}

/// A subject of NATS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsSource {
    /// The servers, and the credentials for them.
    pub servers: NatsServers,
    /// The subject; may have wildcards.
    pub subject: String,
    /// The stream of `JetStream` that stores the messages. Without one, a message that comes while nobody listens is lost.
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
    /// Which parts of an event are headers and which are the body of its messages.
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
        /// The cluster, and the settings of its clients.
        client: KafkaClient,
        /// The topic.
        topic: AddressTemplate,
    },
    /// A subject of NATS.
    Nats {
        /// The servers, and the credentials for them.
        servers: NatsServers,
        /// The subject.
        subject: AddressTemplate,
        /// The stream of `JetStream` that must take the messages.
        stream: Option<String>,
    },
    /// The channel cannot be used, for this reason.
    Unusable(String),
}

impl Channels {
    /// Reads the channels of a folder that is one project. See [`Self::of_projects`].
    pub fn read(properties: &Properties) -> (Self, Vec<Diagnostic>) {
        Self::of_projects(&[Arc::new(Project { properties: properties.clone(), ..Project::default() })])
    }

    /// Reads the channels of all projects of a folder, the root first, and all problems of their properties. A channel with a problem exists and
    /// is unusable. A problem of the root may occur more than once if several projects inherit it.
    pub fn of_projects(projects: &[Arc<Project>]) -> (Self, Vec<Diagnostic>) {
        union::read(projects)
    }

    /// Makes connections to NATS trust the authorities of `tls`; otherwise they trust the authorities of the system.
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

    /// The incoming channel that receives requests with this method and path. `path` has no query.
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

    /// The outgoing channel with a name that [`Self::outgoing_of`] returned.
    pub fn outgoing_named(&self, name: &str) -> Option<&Outgoing> {
        self.outgoing.get(self.same_as.get(name).map_or(name, String::as_str))
    }

    /// The name of the channel for the engine's own events of a type: the same as for a workflow of the root project.
    pub fn outgoing_for<'c>(&'c self, event_type: &str) -> &'c str {
        self.routes.get("").map_or(DEFAULT_OUTGOING, |routes| routes.of_type(event_type))
    }

    /// The name of the channel for events of a type from a workflow of `project`: the channel configured for the type, else the project's
    /// default.
    pub fn outgoing_of<'c>(&'c self, project: &Project, event_type: &str) -> &'c str {
        match self.routes.get(&project.folder) {
            Some(routes) => routes.of_type(event_type),
            None => self.outgoing_for(event_type),
        }
    }

    /// Checks that the channel of this name has an address for an event. Whether the channel can be used at all is another question: the event
    /// waits in the outbox until it can.
    ///
    /// # Errors
    /// The event lacks an attribute that the address names, or the value of one cannot be part of such an address. Sending would never succeed.
    pub fn check_address(&self, channel: &str, event: &CloudEvent) -> Result<(), ExpandError> {
        let address = match self.outgoing_named(channel).map(|outgoing| &outgoing.sink) {
            Some(Sink::Http { url, .. }) => url.url(event),
            Some(Sink::Kafka { topic, .. }) => topic.topic(event),
            Some(Sink::Nats { subject, .. }) => subject.subject(event),
            Some(Sink::Unusable(_)) | None => return Ok(()),
        };
        address.map(drop)
    }

    /// Extension attributes that are added to structured events.
    pub(crate) fn overrides(&self) -> &BTreeMap<String, String> {
        &self.overrides
    }
}

impl Incoming {
    /// Whether a consumer must fetch its messages from a broker; for [`Source::Http`], requests bring them.
    pub fn is_of_broker(&self) -> bool {
        matches!(self.source, Source::Kafka(_) | Source::Nats(_))
    }

    /// Reads the events of an HTTP request to this channel. If the request holds only the data of an event, the event gets `id`, which must be
    /// new for each request.
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
        let origin = Origin { event_type: &self.event_type, source: &format!("/{}", self.key), position: id };
        let event = read_plain(content_type, body, origin, room)?;
        Ok(Received { events: vec![event], broken: Vec::new() })
    }
}

/// Where messages come from, as text for people: `kafka topic orders at localhost:9092`.
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

/// Where messages go to, as text for people.
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
