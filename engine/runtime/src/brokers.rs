//! Receives events from brokers until the engine stops, and accepts them as it accepts events over HTTP.
//!
//! Promises: a message is acknowledged only after its event is durable. If the engine ends before that, the broker delivers it again.

use std::sync::Arc;

use rondo_event::{CloudEvent, Inbox};

use crate::executor::Executor;

/// Passes the events of channels to the engine.
struct Receiver(Arc<Executor>);

/// Receives events until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    let (channels, states) = (Arc::clone(&executor.channels), Arc::clone(&executor.channel_states));
    let (receiver, memory) = (Arc::new(Receiver(Arc::clone(&executor))), executor.memory.clone());
    rondo_event::receive(&channels, receiver, memory, states, executor.stopping()).await;
}

impl Inbox for Receiver {
    async fn accept(&self, _channel: &str, event: CloudEvent) -> Result<(), String> {
        self.0.receive(&event).await.map(|_| ()).map_err(|refusal| refusal.to_string())
    }

    async fn accept_all(&self, _channel: &str, events: Vec<CloudEvent>) -> Result<(), String> {
        // The store gets all of them at once and in order, so it writes them in one transaction.
        let accepted = events.iter().map(|event| self.0.receive(event));
        for accepted in futures_util::future::join_all(accepted).await {
            accepted.map_err(|refusal| refusal.to_string())?;
        }
        Ok(())
    }

    fn broken(&self, channel: &str, reason: &str) {
        // `rondo_event` logs the message as a warning and counts it in the state of the channel.
        tracing::debug!(channel, reason, "a message that is no event is skipped");
    }
}
