//! Sends messages to NATS.
//!
//! Promises: with a stream, a message counts as taken when the stream has it, and a message that is sent twice within the stream's deduplication
//! window is stored once. Without a stream it counts as taken when the server has it; NATS does not say whether anybody listens.

use std::{collections::BTreeMap, sync::Arc};

use async_nats::{Client, HeaderMap, client::PublishErrorKind, connection::State, jetstream};
use bytes::Bytes;
use parking_lot::Mutex;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::ClientConfig;
use tokio::sync::OnceCell;

use super::SendErrorKind;
use crate::{CloudEvent, Message, NatsServers, nats};

/// The connections of the process, one for each set of servers.
#[derive(Default)]
pub(super) struct Connections(Mutex<BTreeMap<NatsServers, Arc<OnceCell<Client>>>>);

/// Shows only the addresses.
impl std::fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.lock().keys()).finish()
    }
}

/// Sends the message of an event to a subject.
pub(super) async fn send(
    client: Client,
    servers: &NatsServers,
    subject: String,
    stream: Option<&str>,
    event: &CloudEvent,
    message: Message,
) -> Result<(), SendErrorKind> {
    if client.connection_state() != State::Connected {
        // The client would buffer the message until the server is back, and the event would be sent again meanwhile.
        return Err(SendErrorKind::Connection(format!("{} is away", servers.addresses())));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        headers.insert(name.as_str(), value.as_str());
    }
    let body = Bytes::from(message.body);
    let Some(stream) = stream else {
        client
            .publish_with_headers(subject, headers, body)
            .await
            .map_err(|error| refusal(error.kind(), &error.to_string()))?;
        return client.flush().await.map_err(|error| SendErrorKind::Connection(error.to_string()));
    };
    let message = jetstream::message::PublishMessage::build()
        .headers(headers)
        .payload(body)
        .message_id(message_id(event))
        .expected_stream(stream);
    let taken = jetstream::new(client).send_publish(subject, message).await;
    let taken = taken.map_err(|error| broker(&error.to_string()))?.await;
    taken.map(|_| ()).map_err(|error| broker(&error.to_string()))
}

impl Connections {
    /// The connection to these servers; connects if there is none.
    pub(super) async fn client(
        &self,
        servers: &NatsServers,
        tls: Option<&ClientConfig>,
    ) -> Result<Client, String> {
        let cell = Arc::clone(self.0.lock().entry(servers.clone()).or_default());
        let connect = || async { nats::connect(nats::options(servers, tls).await?, servers).await };
        cell.get_or_try_init(connect).await.cloned()
    }
}

/// An id that is equal for the same event only.
fn message_id(event: &CloudEvent) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!("{}/{}", encode(&event.source), encode(&event.id))
}

fn broker(message: &str) -> SendErrorKind {
    SendErrorKind::Broker { message: message.to_owned(), is_transient: true }
}

fn refusal(kind: PublishErrorKind, message: &str) -> SendErrorKind {
    match kind {
        PublishErrorKind::Send => SendErrorKind::Connection(message.to_owned()),
        _ => SendErrorKind::Unsendable(message.to_owned()),
    }
}
