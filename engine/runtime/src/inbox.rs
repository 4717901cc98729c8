//! Receives events: makes each durable before it is answered, and delivers it to the instances that wait for it.
//!
//! Promises: if an instance ends before it takes an event of its mailbox, the event is accepted anew, as if it came at that moment.

use std::sync::Arc;

use rondo_event::CloudEvent;
use rondo_store::{AcceptError, Accepted, Transaction, WorkError};
use uuid::Uuid;

use crate::{
    acceptance::Acceptance,
    active_instance::ActiveInstance,
    delivery::{Delivery, Signal},
    executor::Executor,
    formats::FormatError,
    refusal::Refusal,
    subflows::Sources,
};

/// An event that was accepted within a transaction, which may not be written yet.
pub struct AcceptedWithin {
    executor: Arc<Executor>,
    event: CloudEvent,
    bytes: u64,
    accepted: Accepted,
    #[allow(clippy::vec_box, reason = "each is handed on in its box")]
    starts: Vec<Box<ActiveInstance>>,
}

impl AcceptedWithin {
    /// The transaction is written: the instances that the event starts, and those that get it, go on.
    pub fn go_on(self) {
        self.executor.note_accepted(&self.accepted, self.bytes);
        self.executor.go_on(&self.event, &self.accepted, self.starts);
    }
}

impl Executor {
    /// Accepts an event. Returns when it is durable; the instances that get it go on afterwards.
    pub(crate) async fn receive(self: &Arc<Self>, event: &CloudEvent) -> Result<Accepted, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Stopping);
        }
        if self.neighbours.iter().any(|neighbour| neighbour.owns(event)) {
            return Err(Refusal::OwnEvent(event.event_type.clone()));
        }
        self.event_watch.check_room()?;
        // The share of the request covers the values of the event, but not the text that is in memory too until it is written. So few large
        // events are written at once.
        let _place = self.large_writes.enter(event.memory()).await;
        let Acceptance { accept, starts } = self.acceptance(event).map_err(Refusal::store)?;
        let bytes = accept.event.content.len() as u64;
        rondo_store::failpoint("event-before-accept");
        let accepted = self.store.accept_event(accept).await.map_err(|error| match error {
            AcceptError::Full(_) | AcceptError::TooManyBytes(_) => Refusal::InboxFull(error.to_string()),
            error => Refusal::store(error),
        })?;
        rondo_store::failpoint("event-after-accept");
        self.note_accepted(&accepted, bytes);
        self.go_on(event, &accepted, starts);
        Ok(accepted)
    }

    fn note_accepted(&self, accepted: &Accepted, bytes: u64) {
        self.event_watch.note_received();
        if matches!(accepted, Accepted::Kept { .. }) {
            self.event_watch.note_kept(bytes);
        }
    }

    /// Accepts an event within the transaction of another component. The caller makes the answer go on when the transaction is written.
    pub(crate) fn receive_within(
        self: &Arc<Self>,
        transaction: &mut Transaction<'_>,
        event: &CloudEvent,
    ) -> Result<AcceptedWithin, WorkError<String>> {
        let Acceptance { accept, starts } =
            self.acceptance(event).map_err(|error| WorkError::Refused(error.to_string()))?;
        let accepted = rondo_store::accept_within(transaction, &accept).map_err(|error| match error {
            WorkError::Refused(refusal) => WorkError::Refused(refusal.to_string()),
            WorkError::Sqlite(error) => WorkError::Sqlite(error),
        })?;
        let bytes = accept.event.content.len() as u64;
        Ok(AcceptedWithin { executor: Arc::clone(self), event: event.clone(), bytes, accepted, starts })
    }

    /// Accepts an event anew from the mailbox of an instance that has ended, as if it came now. If that fails, the event stays in the mailbox
    /// until the next start.
    pub(crate) async fn redirect(self: &Arc<Self>, id: Uuid, message: i64, content: &[u8]) {
        let given = match CloudEvent::decode(content) {
            Ok(event) => self.redirect_event(message, &event).await,
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = given {
            tracing::warn!(
                instance_id = %id, message, %error,
                "an event that this instance did not take before it ended cannot be given to others now; it stays in the database"
            );
        }
    }

    async fn redirect_event(self: &Arc<Self>, message: i64, event: &CloudEvent) -> Result<(), String> {
        let Acceptance { mut accept, starts } = self.acceptance(event).map_err(|error| error.to_string())?;
        // The store has the content already.
        accept.event.content = Vec::new();
        let accepted = self.store.redirect_event(message, accept).await.map_err(|error| error.to_string())?;
        self.go_on(event, &accepted, starts);
        Ok(())
    }

    /// Matches an event with the workflows that are served now.
    fn acceptance(&self, event: &CloudEvent) -> Result<Acceptance, FormatError> {
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
        Acceptance::new(event, self.retention, &sources)
    }

    /// Wakes the instances that got the event, and logs what became of it.
    #[allow(clippy::vec_box, reason = "each is handed on in its box")]
    fn go_on(self: &Arc<Self>, event: &CloudEvent, accepted: &Accepted, starts: Vec<Box<ActiveInstance>>) {
        let (id, event_type) = (&event.id, &event.event_type);
        match accepted {
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
    }
}
