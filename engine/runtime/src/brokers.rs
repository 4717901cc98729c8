//! Events of brokers: takes them in as those over HTTP, until the engine stops.
//!
//! Promises: a message is acknowledged after its event is durable, so that a broker delivers it again if the engine ends before.

use std::sync::Arc;

use rondo_event::{CloudEvent, Inbox};

use crate::executor::Executor;

/// Gives the events of channels to the engine.
struct Receiver(Arc<Executor>);

/// Takes events from brokers until the engine stops.
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
        // They are given to the database in their order, and written in one transaction.
        let accepted = events.iter().map(|event| self.0.receive(event));
        for accepted in futures_util::future::join_all(accepted).await {
            accepted.map_err(|refusal| refusal.to_string())?;
        }
        Ok(())
    }

    fn broken(&self, channel: &str, reason: &str) {
        // The state of the channel counts it, and the log has it.
        tracing::debug!(channel, reason, "a message is passed");
    }
}
