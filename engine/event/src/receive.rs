//! Consumes events of Kafka and NATS and hands them to the engine.
//!
//! Owns: [`receive`], which runs the consumers of all channels. Promises: a message is acknowledged only after the inbox has accepted its event,
//! so none is lost; after a crash some come again. A message that is no event is reported once and skipped, so that it blocks nothing behind it.
//! A broker that cannot be reached is tried again for ever, and logged once. Never: fetches more than the memory has room for. HTTP channels are
//! not consumed here: the server of HTTP reads their requests.

#[cfg_attr(
    not(all(feature = "kafka", feature = "nats")),
    allow(dead_code, reason = "each broker uses a part of it")
)]
mod delivery;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;
#[cfg_attr(
    not(all(feature = "kafka", feature = "nats")),
    allow(dead_code, reason = "each broker uses a part of it")
)]
mod states;

use std::{future::Future, sync::Arc};

use rondo_memory::MemoryBudget;
use tokio::{sync::watch, task::JoinSet};

use self::delivery::Link;
pub use self::states::{ChannelState, ChannelStates};
use crate::{Channels, CloudEvent};

/// Accepts received events.
pub trait Inbox: Send + Sync + 'static {
    /// Accepts an event of a channel, and returns when the event is durable. The event may have been accepted before.
    ///
    /// # Errors
    /// The reason why the event cannot be accepted now. The consumer offers it again, and offers no event behind it before it is accepted.
    fn accept(&self, channel: &str, event: CloudEvent) -> impl Future<Output = Result<(), String>> + Send;

    /// Accepts several events of a channel in their order. Implement it if one transaction can accept all of them.
    ///
    /// # Errors
    /// As [`accept`](Self::accept). Events that were accepted come again together with the others.
    fn accept_all(
        &self,
        channel: &str,
        events: Vec<CloudEvent>,
    ) -> impl Future<Output = Result<(), String>> + Send {
        async move {
            for event in events {
                self.accept(channel, event).await?;
            }
            Ok(())
        }
    }

    /// Reports a message that is no event and is skipped. `reason` says where the message stands and what is wrong with it.
    fn broken(&self, channel: &str, reason: &str);
}

/// Runs the consumers of all channels of brokers until `shutdown` completes, and ends when every accepted message is acknowledged.
///
/// `states` shows the state of each channel.
pub async fn receive<I: Inbox>(
    channels: &Channels,
    inbox: Arc<I>,
    memory: MemoryBudget,
    states: Arc<ChannelStates>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (stop, stopped) = watch::channel(false);
    let mut consumers: JoinSet<()> = JoinSet::new();
    for channel in channels.incoming().filter(|channel| channel.is_of_broker()) {
        states.add(&channel.name);
        let link = Link {
            channel: channel.clone(),
            inbox: Arc::clone(&inbox),
            memory: memory.clone(),
            states: Arc::clone(&states),
            stop: stopped.clone(),
            #[cfg(feature = "nats")]
            tls: channels.tls().cloned(),
        };
        spawn(&mut consumers, link);
    }
    shutdown.await;
    // Sending fails only if there are no consumers.
    let _ = stop.send(true);
    while let Some(ended) = consumers.join_next().await {
        if let Err(error) = ended {
            tracing::error!("a consumer of events ended: {error}");
        }
    }
}

/// Starts the consumer of a channel. A build without the connector starts none; its channels are unusable and say why.
#[cfg_attr(
    not(any(feature = "kafka", feature = "nats")),
    allow(unused_variables, reason = "no channel has a consumer")
)]
fn spawn<I: Inbox>(consumers: &mut JoinSet<()>, link: Link<I>) {
    match link.channel.source.clone() {
        #[cfg(feature = "kafka")]
        crate::Source::Kafka(source) => _ = consumers.spawn(kafka::run(source, link)),
        #[cfg(feature = "nats")]
        crate::Source::Nats(source) => _ = consumers.spawn(nats::run(source, link)),
        _ => {}
    }
}
