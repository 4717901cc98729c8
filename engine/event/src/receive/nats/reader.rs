//! Reads the messages of NATS into batches, with and without a stream.
//!
//! Promises: a batch has the messages that have arrived, in their order, as far as there is memory for them; a message that is no event is
//! skipped and reported.

use async_nats::{
    HeaderMap, Message, Subscriber,
    jetstream::{self, AckKind, consumer::pull},
};
use futures_util::StreamExt as _;

use super::NO_ROOM_PAUSE;
use crate::{
    Binding,
    receive::{
        Inbox,
        delivery::{Batch, Delivered, Link, Reading, at_once},
    },
};

/// A source of messages.
pub(super) trait Feed: Send {
    type Message: Send + Sync;

    /// The next message; an error if no more messages will come.
    fn next(&mut self) -> impl Future<Output = Result<Self::Message, String>> + Send;

    /// The parts of a message that are read.
    fn delivered<'m>(&self, message: &'m Self::Message) -> Result<Delivered<'m>, String>;

    /// Skips a message that is no event.
    fn pass(&self, message: &Self::Message) -> impl Future<Output = ()> + Send;
}

/// The messages of a stream, which come from its consumer.
pub(super) struct Kept(pub(super) pull::Stream);

/// The messages of a subscription to a subject, which no stream stores.
pub(super) struct Passing {
    pub(super) subscriber: Subscriber,
    pub(super) subject: String,
}

/// Reads messages.
pub(super) struct Reader<F: Feed> {
    feed: F,
    /// A message for which the last batch had no room.
    held: Option<F::Message>,
    /// Why no messages follow the last batch.
    ended: Option<String>,
}

impl<F: Feed> Reader<F> {
    pub(super) fn new(feed: F) -> Self {
        Self { feed, held: None, ended: None }
    }

    /// Waits for a message, and reads it together with those that have already arrived. Returns their events and the messages that held them;
    /// `None` if the consumer must end.
    pub(super) async fn read<I: Inbox>(
        &mut self,
        link: &Link<I>,
    ) -> Result<Option<(Batch, Vec<F::Message>)>, String> {
        let Some(first) = self.first(link).await? else { return Ok(None) };
        let (mut batch, mut taken) = (link.batch(), Vec::new());
        let mut current = Some(first);
        while let Some(message) = current.take() {
            let reading = link.read(&self.feed.delivered(&message)?, &mut batch);
            match reading {
                Reading::Added => taken.push(message),
                Reading::Broken => self.feed.pass(&message).await,
                Reading::NoRoom if taken.is_empty() => {
                    link.states.problem(link.name(), "the memory has no room for an event");
                    if !link.pause(NO_ROOM_PAUSE).await {
                        return Ok(None);
                    }
                    current = Some(message);
                    continue;
                }
                Reading::NoRoom => {
                    self.held = Some(message);
                    break;
                }
            }
            if !batch.is_full() {
                match at_once(self.feed.next()).await {
                    Some(Ok(message)) => current = Some(message),
                    // The messages before the error are delivered first.
                    Some(Err(reason)) => self.ended = Some(reason),
                    None => {}
                }
            }
        }
        Ok(Some((batch, taken)))
    }

    async fn first<I: Inbox>(&mut self, link: &Link<I>) -> Result<Option<F::Message>, String> {
        if let Some(message) = self.held.take() {
            return Ok(Some(message));
        }
        if let Some(reason) = self.ended.take() {
            return Err(reason);
        }
        link.unless_stopped(self.feed.next()).await.transpose()
    }
}

impl Feed for Kept {
    type Message = jetstream::Message;

    async fn next(&mut self) -> Result<Self::Message, String> {
        self.0.next().await.ok_or("the consumer has ended")?.map_err(|error| error.to_string())
    }

    fn delivered<'m>(&self, message: &'m Self::Message) -> Result<Delivered<'m>, String> {
        let info = message.info().map_err(|error| error.to_string())?;
        let (source, position) = (format!("/nats/{}", info.stream), info.stream_sequence.to_string());
        Ok(delivered(&message.message, source, position))
    }

    async fn pass(&self, message: &Self::Message) {
        acknowledge(message, AckKind::Ack).await;
    }
}

impl Feed for Passing {
    type Message = Message;

    async fn next(&mut self) -> Result<Self::Message, String> {
        Ok(self.subscriber.next().await.ok_or("the subscription has ended")?)
    }

    fn delivered<'m>(&self, message: &'m Self::Message) -> Result<Delivered<'m>, String> {
        // The sender's own id, else a new one: a message of a subscription is never delivered again.
        let headers = message.headers.as_ref();
        let id = headers.and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID));
        let position = id.map_or_else(|| uuid::Uuid::new_v4().to_string(), ToString::to_string);
        Ok(delivered(message, format!("/nats/{}", self.subject), position))
    }

    async fn pass(&self, _: &Self::Message) {}
}

/// Acknowledges or refuses a message.
pub(super) async fn acknowledge(message: &jetstream::Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        // The server sends the message again, and the inbox recognises the id of its event.
        tracing::debug!("a message is not acknowledged: {error}");
    }
}

fn delivered(message: &Message, source: String, position: String) -> Delivered<'_> {
    let headers = message.headers.iter().flat_map(HeaderMap::iter);
    let headers = headers.flat_map(|(name, values)| {
        values.iter().map(move |value| (AsRef::<str>::as_ref(name), value.as_str().as_bytes()))
    });
    Delivered { binding: Binding::Nats, headers: headers.collect(), body: &message.payload, source, position }
}
