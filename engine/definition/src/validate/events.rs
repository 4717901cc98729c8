//! Checks references to events: whether the event is defined, and its direction.

use super::StateCheck;
use crate::{
    Pointer, codes,
    model::{At, Event},
};

/// Direction of an event at a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Consumed,
    Produced,
}

impl StateCheck<'_, '_> {
    /// Checks a reference to an event.
    pub(super) fn check_event(&mut self, reference: &At<String>, direction: Direction) {
        let name = &reference.value;
        if !self.declared.events.contains(name) {
            if !self.is_new(codes::UNKNOWN_EVENT, name) {
                return;
            }
            let message =
                format!("state `{}`: No event for {name}: no event definition has this name", self.state);
            let names = self.declared.events.iter().map(String::as_str);
            self.reader.error(codes::UNKNOWN_EVENT, &reference.at, message).did_you_mean(name, names);
        } else if let Some(event) = self.workflow.events.get(name) {
            self.check_event_kind(event, direction, &reference.at);
        }
    }

    fn check_event_kind(&mut self, event: &Event, direction: Direction, at: &Pointer) {
        let (used, kind) = match direction {
            Direction::Consumed if event.produced => ("awaited", "produced"),
            Direction::Produced if !event.produced => ("published", "consumed"),
            _ => return,
        };
        let message = format!(
            "state `{}`: the event `{}` is {used} here, but its `kind` is {kind}",
            self.state, event.name
        );
        self.reader.deviation(codes::EVENT_KIND, at, message);
    }
}
