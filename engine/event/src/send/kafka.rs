//! Sends messages to Kafka.
//!
//! Promises: a message counts as taken when all in-sync replicas have it; the producer itself makes no duplicates. Messages with one key are in
//! one partition.

use std::{collections::BTreeMap, time::Duration};

use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer as _},
    util::Timeout,
};

use super::SendErrorKind;
use crate::{CloudEvent, KafkaClient, Message};

/// KiB that may wait in one producer. A sender waits for its answer, so few messages do; the client's own default is 1 GiB.
const WAITING_KIB: &str = "16384";

type Producer = FutureProducer<Silent>;

/// The producers of the process, one for each cluster and its settings.
#[derive(Default)]
pub(super) struct Producers(Mutex<BTreeMap<KafkaClient, Producer>>);

impl std::fmt::Debug for Producers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.lock().keys()).finish()
    }
}

impl Producers {
    /// Sends the message of an event to a topic.
    pub(super) async fn send(
        &self,
        client: &KafkaClient,
        topic: &str,
        event: &CloudEvent,
        message: Message,
        timeout: Duration,
    ) -> Result<(), SendErrorKind> {
        let producer = self.producer(client, timeout)?;
        let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        });
        let mut record: FutureRecord<'_, str, [u8]> =
            FutureRecord::to(topic).payload(message.body.as_slice()).headers(headers);
        record.key = key(event);
        let Err((error, _)) = producer.send(record, Timeout::After(timeout)).await else { return Ok(()) };
        if producer.client().fatal_error().is_some() {
            // After a fatal error a producer sends nothing any more, so the next event gets a new one.
            self.0.lock().remove(client);
        }
        Err(refusal(&error))
    }

    fn producer(&self, client: &KafkaClient, timeout: Duration) -> Result<Producer, SendErrorKind> {
        let mut producers = self.0.lock();
        if let Some(producer) = producers.get(client) {
            return Ok(producer.clone());
        }
        let producer: Producer = client_config(client, timeout)
            .create_with_context(Silent)
            .map_err(|error| SendErrorKind::NotConfigured(error.to_string()))?;
        producers.insert(client.clone(), producer.clone());
        Ok(producer)
    }
}

fn client_config(client: &KafkaClient, timeout: Duration) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("queue.buffering.max.kbytes", WAITING_KIB)
        // By default the client waits for up to ten seconds before it tries again to reach a broker.
        .set("reconnect.backoff.max.ms", "2000");
    for (name, value) in &client.settings {
        config.set(*name, value);
    }
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("message.timeout.ms", timeout.as_millis().clamp(1, 1 << 30).to_string())
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

/// The key that decides the partition: the attribute of the specification, else the instance, so that its events stay in order.
fn key(event: &CloudEvent) -> Option<&str> {
    event.attribute("partitionkey").or_else(|| event.attribute("kogitoprocinstanceid"))
}

fn refusal(error: &KafkaError) -> SendErrorKind {
    let code = error.rdkafka_error_code();
    let message = error.to_string();
    match code {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
            SendErrorKind::Unsendable(message)
        }
        Some(
            RDKafkaErrorCode::InvalidTopic
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::InvalidRecord,
        ) => SendErrorKind::Broker { message, is_transient: false },
        _ => SendErrorKind::Broker { message, is_transient: true },
    }
}

/// Writes the client's messages to the log at debug level, because [`SendError`](super::SendError) already reports what matters.
#[derive(Clone)]
struct Silent;

impl ClientContext for Silent {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!("kafka {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("kafka: {error}: {reason}");
    }
}
