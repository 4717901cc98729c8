//! The last unwanted events, with the reason.
//!
//! A received event is unwanted if no instance takes it, now or later: no workflow consumes its type, or the instance that it names is unknown
//! or has ended. They are in memory only, for people who look for a lost event.

use std::collections::VecDeque;

use parking_lot::Mutex;
use rondo_event::CloudEvent;
use rondo_machine::Millis;
use serde::{Deserialize, Serialize};

/// How many events are held.
const MOST: usize = 1000;

/// How many characters of an attribute are held.
const LENGTH: usize = 200;

/// An unwanted event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnwantedEvent {
    /// Its attribute `id`.
    pub id: String,
    /// Its attribute `source`.
    pub source: String,
    /// Its attribute `type`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was received, in milliseconds since 1970.
    pub at: Millis,
    /// Why no instance takes it.
    pub reason: String,
}

/// The last [`MOST`] unwanted events.
#[derive(Debug, Default)]
pub(crate) struct UnwantedEvents(Mutex<VecDeque<UnwantedEvent>>);

impl UnwantedEvents {
    pub(crate) fn note(&self, event: &CloudEvent, reason: &str, at: Millis) {
        let mut events = self.0.lock();
        if events.len() >= MOST {
            events.pop_front();
        }
        events.push_back(UnwantedEvent {
            id: beginning(&event.id),
            source: beginning(&event.source),
            event_type: beginning(&event.event_type),
            at,
            reason: reason.to_owned(),
        });
    }

    /// Up to `most` of the events, the latest first.
    pub(crate) fn latest(&self, most: usize) -> Vec<UnwantedEvent> {
        self.0.lock().iter().rev().take(most).cloned().collect()
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered_and_their_texts_are_short() {
        let events = UnwantedEvents::default();
        for number in 0..MOST + 3 {
            let event = CloudEvent::new(number.to_string(), "s".repeat(LENGTH + 1), "t");
            events.note(&event, "nobody", 7);
        }
        let latest = events.latest(2);
        assert_eq!(latest.len(), 2);
        assert_eq!((latest[0].id.as_str(), latest[0].source.len()), ("1002", LENGTH));
        assert_eq!(events.latest(usize::MAX).len(), MOST);
        assert_eq!(events.latest(usize::MAX).last().unwrap().id, "3");
    }
}
