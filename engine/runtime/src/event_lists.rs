//! Lists of events for clients: kept events, waits, events that cannot be sent, channels.

use rondo_machine::Millis;
use rondo_store::WaitFilter;
use uuid::Uuid;

use crate::{
    engine::Engine,
    event_watch::EventStatus,
    refusal::Refusal,
    unwanted::UnwantedEvent,
    views::{ChannelView, EventWaitView, KeptEventView, StuckEventView},
};

impl Engine {
    /// Up to `limit` kept events, oldest first. `after` is the number of the last event on the previous page.
    pub async fn kept_events(&self, after: Option<i64>, limit: usize) -> Result<Vec<KeptEventView>, Refusal> {
        let kept = self.executor.store.kept_events(after, limit).await.map_err(Refusal::of_read)?;
        Ok(kept.into_iter().map(Into::into).collect())
    }

    /// The waits for events of an instance, of an event type, or all. Reads at most `limit` rows.
    pub async fn event_waits(
        &self,
        instance: Option<Uuid>,
        event_type: Option<String>,
        limit: usize,
    ) -> Result<Vec<EventWaitView>, Refusal> {
        let filter = WaitFilter { instance, event_type };
        let waits = self.executor.store.waits(filter, limit).await.map_err(Refusal::of_read)?;
        Ok(waits.into_iter().filter_map(EventWaitView::of).collect())
    }

    /// Up to `limit` events whose first attempt to send has failed, in the order of their next attempts.
    pub async fn stuck_events(&self, limit: usize) -> Result<Vec<StuckEventView>, Refusal> {
        let stuck = self.executor.store.stuck_outbox(limit).await.map_err(Refusal::of_read)?;
        Ok(stuck.into_iter().map(Into::into).collect())
    }

    /// Up to `most` of the last events that no instance takes, now or later, the latest first.
    pub fn unwanted_events(&self, most: usize) -> Vec<UnwantedEvent> {
        self.executor.unwanted.latest(most)
    }

    /// The channels, incoming before outgoing, each by name.
    pub fn channel_views(&self) -> Vec<ChannelView> {
        let (channels, states) = (&self.executor.channels, self.executor.channel_states.all());
        let incoming = channels.incoming().map(|channel| {
            let view = ChannelView::from(channel);
            // A problem of the configuration hides one that the broker reports.
            let trouble = states.get(&channel.name).and_then(|state| state.problem.clone());
            ChannelView { problem: view.problem.or(trouble), ..view }
        });
        incoming.chain(channels.outgoing().map(Into::into)).collect()
    }

    /// How many events wait to be sent, are kept, and were received. Returns at once: the counts of the database are some seconds old.
    pub fn event_status(&self) -> EventStatus {
        self.executor.event_watch.status()
    }

    /// The present moment on the engine's clock, in milliseconds since 1970.
    pub fn now(&self) -> Millis {
        self.executor.clock.now()
    }
}
