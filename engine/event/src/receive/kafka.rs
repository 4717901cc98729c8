//! Consumes topics of Kafka.
//!
//! Promises: the offset of a message is stored after its event is accepted, and committed within five seconds or at the end; events of one
//! partition are accepted in its order. Never: takes part in a transaction of Kafka; the inbox recognises a redelivered event by its id.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, ClientContext, Message as _,
    config::RDKafkaLogLevel,
    consumer::{CommitMode, Consumer, ConsumerContext, StreamConsumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers as _},
    metadata::MetadataTopic,
    types::RDKafkaErrorCode,
};

use super::{
    ChannelStates, Inbox,
    delivery::{Backoff, Batch, Delivered, Link, Reading, at_once},
};
use crate::{Binding, KafkaSource};

/// Pause between two checks whether an unreachable broker is back, and the time limit of one check.
const PROBE: Duration = Duration::from_secs(2);

/// Pause after an error of the client, so that repeated errors cost little.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// KiB that the client fetches ahead for one channel. Its own default of 64 MiB would be memory that no budget knows.
const FETCHED_AHEAD_KIB: &str = "8192";

/// The client's configuration: defaults, the user's settings, and settings that users cannot change.
fn client_config(source: &KafkaSource) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("allow.auto.create.topics", "true")
        .set("queued.max.messages.kbytes", FETCHED_AHEAD_KIB)
        // By default the client waits for up to ten seconds before it tries again to reach a broker.
        .set("reconnect.backoff.max.ms", "2000")
        // The client finds a topic that is created later within this time.
        .set("topic.metadata.refresh.interval.ms", "30000");
    for (name, value) in &source.client.settings {
        config.set(*name, value);
    }
    config
        .set("group.id", &source.group)
        .set("enable.auto.commit", "true")
        .set("enable.auto.offset.store", "false")
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

type Topics = StreamConsumer<Observer>;

/// For each partition, the offset of the last message in the batch.
type Offsets = Vec<(String, i32, i64)>;

/// Runs the consumer of a channel until it is stopped.
pub(super) async fn run<I: Inbox>(source: KafkaSource, link: Link<I>) {
    let mut backoff = Backoff::default();
    let consumer = loop {
        match subscribe(&source, &link) {
            Ok(consumer) => break Arc::new(consumer),
            Err(error) => link.states.problem(link.name(), &error.to_string()),
        }
        if !link.pause(backoff.next()).await {
            return;
        }
    };
    consume(&source, &consumer, &link).await;
    // Commits, and leaves the group so that another member gets the partitions at once; both block until the broker answers.
    let ended = tokio::task::spawn_blocking(move || match consumer.commit_consumer_state(CommitMode::Sync) {
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
        Err(error) => tracing::warn!("offsets are not committed, so events will come again: {error}"),
    });
    let _ = ended.await;
}

fn subscribe<I: Inbox>(source: &KafkaSource, link: &Link<I>) -> Result<Topics, KafkaError> {
    let observer = Observer { channel: link.name().to_owned(), states: Arc::clone(&link.states) };
    let consumer: Topics = client_config(source).create_with_context(observer)?;
    let topics: Vec<&str> = source.topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics)?;
    Ok(consumer)
}

async fn consume<I: Inbox>(source: &KafkaSource, consumer: &Arc<Topics>, link: &Link<I>) {
    while !link.is_stopped() {
        let received = tokio::select! {
            received = consumer.recv() => received,
            () = link.stopped() => return,
            () = tokio::time::sleep(PROBE), if link.states.has_problem(link.name()) => {
                match ask(source, consumer).await {
                    Ok(()) => link.states.well(link.name()),
                    Err(problem) => link.states.problem(link.name(), &problem),
                }
                continue;
            }
        };
        match received {
            Ok(message) => {
                if !take_in(consumer, message, link).await {
                    return;
                }
            }
            Err(error) => {
                link.states.problem(link.name(), &error.to_string());
                // The client pauses between its own attempts; a long pause here would delay the messages behind its errors.
                if !link.pause(AFTER_ERROR).await {
                    return;
                }
            }
        }
    }
}

/// Delivers a message and those that have already arrived; `false` if the consumer must end.
async fn take_in<I: Inbox>(consumer: &Arc<Topics>, first: BorrowedMessage<'_>, link: &Link<I>) -> bool {
    let mut next = Some(first);
    while let Some(message) = next.take() {
        let (mut batch, mut offsets) = (link.batch(), Offsets::new());
        let mut current = Some(message);
        while let Some(message) = current.take() {
            match read(&message, link, &mut batch) {
                Reading::Added | Reading::Broken => note(&mut offsets, &message),
                Reading::NoRoom if offsets.is_empty() => {
                    link.states.problem(link.name(), "the memory has no room for an event");
                    if !link.pause(PROBE).await {
                        return false;
                    }
                    current = Some(message);
                    continue;
                }
                // The batch is delivered first and gives its memory back.
                Reading::NoRoom => {
                    next = Some(message);
                    break;
                }
            }
            if !batch.is_full() {
                current = at_once(consumer.recv()).await.and_then(Result::ok);
            }
        }
        if !link.deliver(&batch).await {
            return false;
        }
        link.states.well(link.name());
        store(consumer, &offsets);
    }
    true
}

fn read<I: Inbox>(message: &BorrowedMessage<'_>, link: &Link<I>, batch: &mut Batch) -> Reading {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let headers = headers.map(|header| (header.key, header.value.unwrap_or_default())).collect();
    let delivered = Delivered {
        binding: Binding::Kafka,
        headers,
        body: message.payload().unwrap_or_default(),
        source: format!("/kafka/{}", message.topic()),
        position: format!("{}/{}", message.partition(), message.offset()),
    };
    link.read(&delivered, batch)
}

/// Notes the offset of a message, which is the last one of its partition so far.
fn note(offsets: &mut Offsets, message: &BorrowedMessage<'_>) {
    let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
    match offsets.iter_mut().find(|(name, number, _)| name == topic && *number == partition) {
        Some(found) => found.2 = offset,
        None => offsets.push((topic.to_owned(), partition, offset)),
    }
}

fn store(consumer: &Topics, offsets: &Offsets) {
    for (topic, partition, offset) in offsets {
        if let Err(error) = consumer.store_offset(topic, *partition, *offset) {
            // Another member has got the partition meanwhile, and gets the events again.
            tracing::debug!("offset {offset} of {topic}/{partition} is not stored: {error}");
        }
    }
}

/// Asks a broker for the topics; the error says why they cannot be consumed now.
async fn ask(source: &KafkaSource, consumer: &Arc<Topics>) -> Result<(), String> {
    let (consumer, topics) = (Arc::clone(consumer), source.topics.clone());
    let asked = tokio::task::spawn_blocking(move || {
        for name in &topics {
            let metadata = consumer.fetch_metadata(Some(name), PROBE).map_err(|error| error.to_string())?;
            if let Some(error) = metadata.topics().iter().find_map(MetadataTopic::error) {
                let code = RDKafkaErrorCode::from(error);
                return Err(format!("the topic `{name}` cannot be consumed: {code}"));
            }
        }
        Ok(())
    });
    asked.await.map_err(|error| error.to_string())?
}

/// Passes logs and errors of the client on.
struct Observer {
    channel: String,
    states: Arc<ChannelStates>,
}

impl ClientContext for Observer {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(channel = self.channel, "kafka {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // A broker closes idle connections, which is no problem.
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::BrokerTransportFailure)) {
            tracing::debug!(channel = self.channel, "kafka: {error}: {reason}");
        } else {
            self.states.problem(&self.channel, reason);
        }
    }
}

impl ConsumerContext for Observer {}
