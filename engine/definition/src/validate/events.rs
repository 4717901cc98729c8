//! Checks references to events: whether the event is defined, and its direction. Warns about states that wait for events.

use super::StateCheck;
use crate::{
    Pointer, codes,
    model::{At, Event, State, StateKind, SwitchConditions},
};

/// Direction of an event at a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Consumed,
    Produced,
}

impl StateCheck<'_, '_> {
    /// Warns about a state that waits for events, because the engine does not deliver events yet.
    pub(super) fn warn_about_event_waits(&mut self, state: &State) {
        let is_start = self.workflow.start.value == state.name;
        let what = match &state.kind {
            StateKind::Event(_) if is_start => "so nothing starts this workflow",
            StateKind::Event(_) | StateKind::Callback(_) => "so it waits until a time limit ends it",
            StateKind::Switch(switch) if matches!(switch.conditions, SwitchConditions::Events(_)) => {
                "so it waits until a time limit ends it"
            }
            _ => return,
        };
        let message = format!("state `{}` waits for events, which are not delivered yet, {what}", state.name);
        self.reader.warning(codes::UNDELIVERED_EVENTS, &state.at, message);
    }

    /// Checks a reference to an event.
    pub(super) fn check_event(&mut self, reference: &At<String>, direction: Direction) {
        let name = &reference.value;
        if !self.declared.events.contains(name) {
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

#[cfg(test)]
mod tests {
    use crate::{Severity, codes, parse};

    #[test]
    fn a_state_that_waits_for_events_is_warned_about() {
        let states = "\
- {name: First, type: event, onEvents: [{eventRefs: [e]}], transition: Again}
- {name: Again, type: event, onEvents: [{eventRefs: [e]}], transition: Back}
- {name: Back, type: callback, action: {functionRef: f}, eventRef: e, transition: Which}
- {name: Which, type: switch, eventConditions: [{eventRef: e, transition: Data}], defaultCondition: {end: true}}
- {name: Data, type: switch, dataConditions: [{condition: .x, end: true}], defaultCondition: {end: true}}
";
        let text = format!(
            "id: flow\nspecVersion: '0.8'\nfunctions: [{{name: f, type: expression, operation: .x}}]\n\
             events: [{{name: e, type: e, source: s}}]\nstates:\n{states}"
        );
        let (_, found) = parse("flow.sw.yaml", &text);
        assert!(
            found
                .iter()
                .all(|found| (found.code, found.severity) == (codes::UNDELIVERED_EVENTS, Severity::Warning))
        );
        let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        flow.sw.yaml:6:3: warning[RON0137]: state `First` waits for events, which are not delivered yet, so nothing starts this workflow
        flow.sw.yaml:7:3: warning[RON0137]: state `Again` waits for events, which are not delivered yet, so it waits until a time limit ends it
        flow.sw.yaml:8:3: warning[RON0137]: state `Back` waits for events, which are not delivered yet, so it waits until a time limit ends it
        flow.sw.yaml:9:3: warning[RON0137]: state `Which` waits for events, which are not delivered yet, so it waits until a time limit ends it
        ");
    }
}
