//! Delivers events to channels.
//!
//! Owns: [`Sender`], shared by all instances of a process. Promises: a delivery ends within the time limit; `Ok` means that the service or broker
//! has taken the event; an error shows no credentials of an address. Never: tries again, or keeps the order of events: the caller waits for one
//! delivery before it sends the next event of an instance.

mod error;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;

use std::{sync::Arc, time::Duration};

use rondo_definition::{Properties, PropertyError, settings};

pub use self::error::{SendError, SendErrorKind};
use crate::{
    Binding, Channels, CloudEvent, Message, Mode,
    channels::{ExpandError, Outgoing, Sink},
};

/// Delivers events to the outgoing channels.
#[derive(Debug)]
pub struct Sender {
    channels: Arc<Channels>,
    client: reqwest::Client,
    timeout: Duration,
    #[cfg(feature = "kafka")]
    producers: kafka::Producers,
    #[cfg(feature = "nats")]
    connections: nats::Connections,
}

impl Sender {
    /// Creates a sender that uses this client for HTTP. The client must follow no redirects.
    ///
    /// # Errors
    /// `rondo.events.send-timeout` is no number of milliseconds.
    pub fn new(
        channels: Arc<Channels>,
        client: reqwest::Client,
        properties: &Properties,
    ) -> Result<Self, PropertyError> {
        let timeout = settings::SEND_TIMEOUT.duration(properties)?;
        Ok(Self {
            channels,
            client,
            timeout,
            #[cfg(feature = "kafka")]
            producers: kafka::Producers::default(),
            #[cfg(feature = "nats")]
            connections: nats::Connections::default(),
        })
    }

    /// The channels to which it delivers.
    pub fn channels(&self) -> &Arc<Channels> {
        &self.channels
    }

    /// Delivers an event to a channel and waits until it is taken. If the future is dropped, the event may or may not have been delivered.
    ///
    /// # Errors
    /// The event was not taken, or it is not known whether it was. [`SendError::is_transient`] says whether waiting alone may help; an event that
    /// is sent again keeps its id, so that its receiver can recognise it.
    pub async fn send(&self, channel: &str, event: &CloudEvent) -> Result<(), SendError> {
        let Some(outgoing) = self.channels.outgoing_named(channel) else {
            return Err(unknown(channel));
        };
        let sent = tokio::time::timeout(self.timeout, self.send_to(outgoing, event)).await;
        let kind = match sent {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(kind)) => kind,
            Err(_) => SendErrorKind::Timeout(self.timeout),
        };
        Err(SendError::new(outgoing, kind))
    }

    async fn send_to(&self, outgoing: &Outgoing, event: &CloudEvent) -> Result<(), SendErrorKind> {
        match &outgoing.sink {
            Sink::Http { method, url } => {
                let url = url.url(event).map_err(unaddressed)?;
                http::send(&self.client, method, &url, self.message(Binding::Http, outgoing.mode, event))
                    .await
            }
            #[cfg(feature = "kafka")]
            Sink::Kafka { client, topic } => {
                let topic = topic.topic(event).map_err(unaddressed)?;
                let message = self.message(Binding::Kafka, outgoing.mode, event);
                self.producers.send(client, &topic, event, message, self.timeout).await
            }
            #[cfg(feature = "nats")]
            Sink::Nats { servers, subject, stream } => {
                let subject = subject.subject(event).map_err(unaddressed)?;
                let message = self.message(Binding::Nats, outgoing.mode, event);
                let tls = self.channels.tls().map(|tls| &**tls);
                let client = self.connections.client(servers, tls).await;
                let client = client.map_err(SendErrorKind::Connection)?;
                nats::send(client, servers, subject, stream.as_deref(), event, message).await
            }
            #[cfg(not(feature = "kafka"))]
            Sink::Kafka { .. } => Err(not_built()),
            #[cfg(not(feature = "nats"))]
            Sink::Nats { .. } => Err(not_built()),
            Sink::Unusable(reason) => Err(SendErrorKind::NotConfigured(reason.clone())),
        }
    }

    fn message(&self, binding: Binding, mode: Mode, event: &CloudEvent) -> Message {
        let overrides = self.channels.overrides();
        if mode != Mode::Structured || overrides.is_empty() {
            return event.to_message(binding, mode);
        }
        let mut event = event.clone();
        event.extensions.extend(overrides.clone());
        event.to_message(binding, mode)
    }
}

fn unknown(channel: &str) -> SendError {
    let reason = format!("no outgoing channel is called `{channel}`");
    SendError {
        channel: channel.to_owned(),
        address: String::new(),
        kind: SendErrorKind::NotConfigured(reason),
    }
}

#[cfg(not(all(feature = "kafka", feature = "nats")))]
fn not_built() -> SendErrorKind {
    SendErrorKind::NotConfigured("this build does not have the connector of the channel".to_owned())
}

fn unaddressed(error: ExpandError) -> SendErrorKind {
    SendErrorKind::Unsendable(error.to_string())
}
