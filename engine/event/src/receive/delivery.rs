//! Delivers messages to the inbox: the part that the consumers of all brokers share.
//!
//! Promises: events reach the inbox in the order of their messages and are offered until it accepts them; memory for them is claimed before they
//! are read and held until they are accepted.

use std::{sync::Arc, time::Duration};

use rondo_expression::ReadLimits;
use rondo_memory::{MemoryBudget, Share};
use tokio::sync::watch;

use super::{ChannelStates, Inbox};
use crate::{
    Binding, CloudEvent, EventError, Incoming, Origin, Room, read::content_type, read_message, read_plain,
};

/// Most events that are accepted together: as many as one transaction takes in a few milliseconds.
pub(super) const MOST_EVENTS: usize = 256;

/// Most bytes of messages whose events are accepted together. The last message may exceed it.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// Everything that a consumer needs of the engine.
pub(super) struct Link<I> {
    pub(super) channel: Incoming,
    pub(super) inbox: Arc<I>,
    pub(super) memory: MemoryBudget,
    pub(super) states: Arc<ChannelStates>,
    /// Becomes true when the consumer must end.
    pub(super) stop: watch::Receiver<bool>,
    /// The TLS configuration of a connection.
    #[cfg(feature = "nats")]
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
}

/// The events of messages that are accepted together.
pub(super) struct Batch {
    pub(super) events: Vec<CloudEvent>,
    bytes: usize,
    share: Share,
}

/// The result of reading a message.
pub(super) enum Reading {
    /// Its event is in the batch.
    Added,
    /// It is no event and was reported.
    Broken,
    /// There is no memory for its event; the batch must be delivered first.
    NoRoom,
}

/// The message of a broker.
pub(super) struct Delivered<'m> {
    pub(super) binding: Binding,
    pub(super) headers: Vec<(&'m str, &'m [u8])>,
    pub(super) body: &'m [u8],
    pub(super) source: String,
    pub(super) position: String,
}

impl<I: Inbox> Link<I> {
    pub(super) fn name(&self) -> &str {
        &self.channel.name
    }

    pub(super) fn batch(&self) -> Batch {
        Batch { events: Vec::new(), bytes: 0, share: self.memory.share() }
    }

    /// Reads the event of a message into the batch. Reports a message that is no event.
    pub(super) fn read(&self, message: &Delivered<'_>, batch: &mut Batch) -> Reading {
        let Delivered { binding, headers, body, source, position } = message;
        let origin = Origin { event_type: &self.channel.event_type, source, position };
        let mut grant = |more: usize| batch.share.grow(more as u64).is_ok();
        let mut room = Room::new(ReadLimits::default(), &mut grant);
        let read = if self.channel.as_cloud_events {
            read_message(*binding, headers.iter().copied(), body, origin, &mut room)
        } else {
            let content_type = content_type(headers.iter().copied());
            read_plain(content_type, body, origin, &mut room)
        };
        match read {
            Ok(event) => {
                batch.events.push(event);
                batch.bytes += body.len();
                Reading::Added
            }
            Err(EventError::NoRoom) => Reading::NoRoom,
            Err(error) => {
                let reason = format!("message {position} of {source}: {error}");
                self.states.count_broken(self.name(), &reason);
                self.inbox.broken(self.name(), &reason);
                Reading::Broken
            }
        }
    }

    /// Offers the events to the inbox once.
    pub(super) async fn offer(&self, batch: &Batch) -> Result<(), String> {
        if batch.events.is_empty() {
            return Ok(());
        }
        self.inbox.accept_all(self.name(), batch.events.clone()).await?;
        self.states.count_accepted(self.name(), batch.events.len());
        Ok(())
    }

    /// Offers the events to the inbox until it accepts them; `false` if the consumer must end before.
    pub(super) async fn deliver(&self, batch: &Batch) -> bool {
        let mut backoff = Backoff::default();
        while let Err(reason) = self.offer(batch).await {
            self.states.problem(self.name(), &not_accepted(&reason));
            if !self.pause(backoff.next()).await {
                return false;
            }
        }
        true
    }

    /// Waits; `false` if the consumer must end.
    pub(super) async fn pause(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stopped()).await.is_err()
    }

    /// Waits for a future; `None` if the consumer must end.
    pub(super) async fn unless_stopped<F: Future>(&self, future: F) -> Option<F::Output> {
        tokio::select! {
            output = future => Some(output),
            () = self.stopped() => None,
        }
    }

    /// Waits until the consumer must end.
    pub(super) async fn stopped(&self) {
        // An error means that [`super::receive`] was dropped, which also ends the consumer.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    pub(super) fn is_stopped(&self) -> bool {
        // Without a sender, [`super::receive`] was dropped.
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }
}

impl Batch {
    /// Whether the batch must be delivered before more is read.
    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= MOST_EVENTS || self.bytes >= MOST_BYTES
    }
}

pub(super) fn not_accepted(reason: &str) -> String {
    format!("the engine cannot accept events: {reason}")
}

/// Pauses between attempts: each twice as long as the one before, from 100 ms to 30 s.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        const FIRST: Duration = Duration::from_millis(100);
        const LONGEST: Duration = Duration::from_secs(30);
        let pause = FIRST.saturating_mul(1 << self.0.min(16)).min(LONGEST);
        self.0 += 1;
        pause
    }
}

/// The output of a future that is ready at once; `None` if it would have to wait.
pub(super) async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    tokio::time::timeout(Duration::ZERO, future).await.ok()
}
