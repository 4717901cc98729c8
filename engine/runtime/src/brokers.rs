//! Receives events from brokers until the engine stops, and accepts them as it accepts events over HTTP.
//!
//! Promises: a message is acknowledged only after its event is durable. If the engine ends before that, the broker delivers it again.

use std::sync::Arc;

use rondo_event::{CloudEvent, Inbox};
use rondo_store::Accepted;

use crate::{executor::Executor, refusal::Refusal};

/// Passes the events of channels to the engine.
struct Receiver(Arc<Executor>);

/// Receives events until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    let (channels, states) = (Arc::clone(&executor.channels), Arc::clone(&executor.channel_states));
    let (receiver, memory) = (Arc::new(Receiver(Arc::clone(&executor))), executor.memory.clone());
    rondo_event::receive(&channels, receiver, memory, states, executor.stopping()).await;
}

impl Inbox for Receiver {
    async fn accept(&self, channel: &str, event: CloudEvent) -> Result<(), String> {
        judge(channel, self.0.receive(&event).await)
    }

    async fn accept_all(&self, channel: &str, events: Vec<CloudEvent>) -> Result<(), String> {
        // The store gets all of them at once and in order, so it writes them in one transaction.
        let accepted = events.iter().map(|event| self.0.receive(event));
        for accepted in futures_util::future::join_all(accepted).await {
            judge(channel, accepted)?;
        }
        Ok(())
    }

    fn broken(&self, channel: &str, reason: &str) {
        // `rondo_event` logs the message as a warning and counts it in the state of the channel.
        tracing::debug!(channel, reason, "a message that is no event is skipped");
    }
}

/// Whether a message is done with. One that will never be accepted is, or its broker would send it for ever.
fn judge(channel: &str, accepted: Result<Accepted, Refusal>) -> Result<(), String> {
    match accepted {
        Ok(_) => Ok(()),
        Err(refusal @ Refusal::OwnEvent(_)) => {
            tracing::warn!(channel, %refusal, "a message is skipped");
            Ok(())
        }
        Err(refusal) => Err(refusal.to_string()),
    }
}
