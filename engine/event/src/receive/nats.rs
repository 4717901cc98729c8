//! Consumes subjects of NATS.
//!
//! Promises: with a stream, a message is acknowledged after its event is accepted, and comes again a little later if it is not; so events of
//! later messages may be accepted before it. Without a stream NATS does not store messages: those that come while the engine is away are lost,
//! and those that have arrived are offered until they are accepted.

mod reader;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use self::reader::{Kept, Passing, Reader, acknowledge};
use super::{
    Inbox,
    delivery::{Backoff, Link, not_accepted},
};
use crate::{NatsSource, nats};
use async_nats::{
    Client, Event, Subscriber,
    jetstream::{
        self, AckKind,
        consumer::{AckPolicy, PullConsumer, pull},
    },
};

/// How long the server waits for an acknowledgement before it sends a message again. A commit takes milliseconds; a commit on a disk that hangs
/// may take this long.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_mins(1);

/// How long a consumer that ends waits until its acknowledgements are sent.
const FLUSHED_WITHIN: Duration = Duration::from_secs(2);

/// Pause before a message for which there is no memory is tried again.
const NO_ROOM_PAUSE: Duration = Duration::from_secs(1);

/// Where the messages of a channel come from.
enum Opened {
    Stream(Client, Box<PullConsumer>),
    Subscription(Subscriber),
}

/// Runs the consumer of a channel until it is stopped.
pub(super) async fn run<I: Inbox>(source: NatsSource, link: Link<I>) {
    let mut backoff = Backoff::default();
    loop {
        let is_open = Arc::new(AtomicBool::new(false));
        let Some(opened) = link.unless_stopped(open(&source, &link, &is_open)).await else { return };
        let ended = match opened {
            Ok(opened) => {
                is_open.store(true, Ordering::SeqCst);
                link.states.well(link.name());
                backoff = Backoff::default();
                let ended = match opened {
                    Opened::Stream(client, consumer) => {
                        let ended = streamed(&consumer, &link).await;
                        // The client has only buffered the acknowledgements so far.
                        let _ = tokio::time::timeout(FLUSHED_WITHIN, client.flush()).await;
                        ended
                    }
                    Opened::Subscription(subscriber) => subscribed(&source, subscriber, &link).await,
                };
                is_open.store(false, Ordering::SeqCst);
                ended
            }
            Err(problem) => Err(problem),
        };
        if let Err(problem) = ended {
            link.states.problem(link.name(), &problem);
        }
        if !link.pause(backoff.next()).await {
            return;
        }
    }
}

async fn open<I: Inbox>(
    source: &NatsSource,
    link: &Link<I>,
    is_open: &Arc<AtomicBool>,
) -> Result<Opened, String> {
    let client = connect(source, link, is_open).await?;
    let Some(stream) = &source.stream else {
        let subscriber = match &source.queue {
            Some(queue) => client.queue_subscribe(source.subject.clone(), queue.clone()).await,
            None => client.subscribe(source.subject.clone()).await,
        };
        let subscriber = subscriber.map_err(|error| error.to_string())?;
        // The server must know the subscription before this function returns, so that later messages arrive.
        client.flush().await.map_err(|error| error.to_string())?;
        return Ok(Opened::Subscription(subscriber));
    };
    let found = jetstream::new(client.clone()).get_stream(stream).await;
    let found = found.map_err(|error| format!("the stream `{stream}` cannot be used: {error}"))?;
    let config = pull::Config {
        durable_name: Some(source.durable.clone()),
        filter_subject: source.subject.clone(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACKNOWLEDGED_WITHIN,
        ..Default::default()
    };
    let consumer = found.get_or_create_consumer(&source.durable, config).await;
    let consumer =
        consumer.map_err(|error| format!("the consumer `{}` cannot be used: {error}", source.durable))?;
    Ok(Opened::Stream(client, Box::new(consumer)))
}

/// Connects. While the consumer is open, the channel's state follows the connection; before and after, the state shows why the consumer is not
/// open.
async fn connect<I: Inbox>(
    source: &NatsSource,
    link: &Link<I>,
    is_open: &Arc<AtomicBool>,
) -> Result<Client, String> {
    let (states, channel, is_open) = (Arc::clone(&link.states), link.name().to_owned(), Arc::clone(is_open));
    let options = nats::options(&source.servers, link.tls.as_deref()).await?.event_callback(move |event| {
        match event {
            Event::Connected if is_open.load(Ordering::SeqCst) => states.well(&channel),
            Event::Disconnected if is_open.load(Ordering::SeqCst) => {
                states.problem(&channel, "the server is away");
            }
            other => tracing::debug!(channel, "nats: {other}"),
        }
        std::future::ready(())
    });
    nats::connect(options, &source.servers).await
}

/// Consumes a stream.
async fn streamed<I: Inbox>(consumer: &PullConsumer, link: &Link<I>) -> Result<(), String> {
    let messages = consumer.messages().await.map_err(|error| error.to_string())?;
    let (mut reader, mut backoff) = (Reader::new(Kept(messages)), Backoff::default());
    while let Some((batch, messages)) = reader.read(link).await? {
        let (kind, pause) = match link.offer(&batch).await {
            Ok(()) => {
                backoff = Backoff::default();
                link.states.well(link.name());
                (AckKind::Ack, None)
            }
            Err(reason) => {
                link.states.problem(link.name(), &not_accepted(&reason));
                let pause = backoff.next();
                (AckKind::Nak(Some(pause)), Some(pause))
            }
        };
        for message in &messages {
            acknowledge(message, kind).await;
        }
        if let Some(pause) = pause
            && !link.pause(pause).await
        {
            break;
        }
    }
    Ok(())
}

/// Consumes a subscription.
async fn subscribed<I: Inbox>(
    source: &NatsSource,
    subscriber: Subscriber,
    link: &Link<I>,
) -> Result<(), String> {
    let mut reader = Reader::new(Passing { subscriber, subject: source.subject.clone() });
    while let Some((batch, _)) = reader.read(link).await? {
        if !link.deliver(&batch).await {
            break;
        }
        link.states.well(link.name());
    }
    Ok(())
}
