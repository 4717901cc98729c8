//! Parts of the process beside the engine, which share its database and tell its instances something.

use rondo_event::CloudEvent;
use rondo_store::Component;

/// A part of the process beside the engine, with tables in its database and events for its instances.
#[derive(Debug, Clone, Copy)]
pub struct Neighbour {
    /// Its tables.
    pub tables: Component,
    /// The `source` of its events.
    pub source: &'static str,
    /// How the types of the events begin that only it may send. Instances trust them, so those from outside are refused.
    pub own_types: &'static str,
}

impl Neighbour {
    /// Whether only this part may send an event.
    pub(crate) fn owns(&self, event: &CloudEvent) -> bool {
        event.source == self.source && event.event_type.starts_with(self.own_types)
    }
}
