//! Events that come in: each is durable before it is answered, and given to the instances that wait for it.

use std::sync::Arc;

use rondo_event::CloudEvent;
use rondo_store::{AcceptError, Accepted};

use crate::{
    acceptance::Acceptance,
    delivery::{Delivery, Signal},
    executor::Executor,
    refusal::Refusal,
    subflows::Sources,
};

impl Executor {
    /// Takes an event in. Answers when it is durable; its instances go on afterwards.
    pub(crate) async fn receive(self: &Arc<Self>, event: &CloudEvent) -> Result<Accepted, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Stopping);
        }
        self.event_watch.check_room()?;
        // Its text is in memory together with its values until it is written, which the share of the request does not cover.
        let _place = self.large_writes.enter(event.memory()).await;
        let catalog = self.catalog();
        let sources = Sources {
            catalog: &catalog,
            limits: &self.limits,
            memory: &self.memory,
            encryption: &self.encryption,
            channels: &self.channels,
            observed: None,
            now: self.clock.now(),
        };
        let Acceptance { accept, starts } =
            Acceptance::new(event, self.retention, &sources).map_err(Refusal::store)?;
        rondo_store::failpoint("event-before-accept");
        let accepted = self.store.accept_event(accept).await.map_err(|error| match error {
            AcceptError::Full(_) => Refusal::InboxFull(error.to_string()),
            error => Refusal::store(error),
        })?;
        rondo_store::failpoint("event-after-accept");
        self.event_watch.note_received();
        let (id, event_type) = (&event.id, &event.event_type);
        match &accepted {
            Accepted::Taken { delivered, started } => {
                tracing::debug!(%id, %event_type, instances = delivered.len() + started.len(), "event taken");
                for instance in delivered {
                    self.dispatcher.deliver_mailbox(*instance, None);
                }
                for instance in starts {
                    if started.contains(&instance.row.id) {
                        self.dispatcher.deliver_to(instance, Delivery::signal(Signal::Mailbox));
                    }
                }
            }
            Accepted::Kept { reason } => {
                self.event_watch.note_kept();
                tracing::info!(%id, %event_type, %reason, "event kept until an instance waits for it");
            }
            Accepted::Unwanted { reason } => {
                tracing::info!(%id, %event_type, %reason, "event not wanted");
                self.event_watch.note_unwanted();
                self.unwanted.note(event, reason, self.clock.now());
            }
            Accepted::Seen => tracing::debug!(%id, %event_type, "event has come before"),
            Accepted::Collected => tracing::debug!(%id, %event_type, "event waits for the others of its set"),
        }
        Ok(accepted)
    }
}
