//! Derives the visits of an instance to its states and actions from its history.

use std::{collections::HashMap, sync::Arc};

use rondo_machine::{Fact, Visit};
use rondo_program::{ActionKind, FailureKind, Origin, StateKind};

use super::HistoryLine;

/// A visit to a state, one execution of an action, a wait for an event, or the start or end of the instance.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitView {
    /// Its number, unique within the instance. Start and end have none; an event has the number of the state or action that waits.
    pub visit: Option<Visit>,
    /// Kind of the visit.
    pub kind: VisitKind,
    /// Name of the state or event; of an action the name of its function, subflow or event; empty for start and end.
    pub name: String,
    /// When it was entered, in milliseconds since 1970.
    pub entered_at: i64,
    /// When it was left, in milliseconds since 1970; `None` while it runs or if it failed. A retrigger makes a new visit.
    pub left_at: Option<i64>,
    /// The error, if it failed.
    pub error: Option<VisitError>,
}

/// Why a visit failed.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitError {
    /// Message of the error.
    pub message: String,
    /// Kind of the failure; `None` in lines of format 1, whose messages name it.
    pub kind: Option<FailureKind>,
    /// The engine, or the kind of call, that raised it.
    pub origin: Origin,
}

/// The kind of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitKind {
    /// The start of the instance.
    Start,
    /// A state.
    State(StateKind),
    /// An action.
    Action(ActionKind),
    /// An event that a state or action waits for.
    Event,
    /// The end of the instance.
    End,
}

/// Pairs the lines of entering and leaving. Returns the visits in the order in which they were entered.
pub(crate) fn visits(lines: &[HistoryLine]) -> Vec<VisitView> {
    let mut paired = Paired::default();
    for line in lines {
        let (at, Some(fact)) = (line.at, line.fact()) else { continue };
        match fact {
            Fact::Started => paired.pass("", VisitKind::Start, at),
            Fact::Entered { visit, state, kind } => {
                paired.enter(*visit, state, VisitKind::State(state_kind(kind)), at);
            }
            Fact::Action { visit, target, kind, .. } => {
                paired.enter(*visit, target, VisitKind::Action(action_kind(kind)), at);
            }
            Fact::Awaits { visit, events } => paired.await_events(*visit, events, at),
            Fact::Event { visit, event, .. } => paired.take_event(*visit, event, at),
            Fact::Left { visit } | Fact::Skipped { visit, .. } => paired.end(*visit, Some(at), None),
            Fact::Dropped { visit } => paired.drop_visit(*visit, at),
            Fact::Failed { visit, message, kind, origin } => {
                let error = VisitError { message: message.clone(), kind: *kind, origin: *origin };
                paired.end(*visit, None, Some(error));
            }
            Fact::Completed => paired.pass("", VisitKind::End, at),
            _ => {}
        }
    }
    paired.visits
}

/// The visits found so far.
#[derive(Default)]
struct Paired {
    visits: Vec<VisitView>,
    /// The index of each visit in `visits`.
    places: HashMap<Visit, usize>,
    /// The indexes in `visits` of the events that each visit waits for.
    awaited: HashMap<Visit, Vec<usize>>,
}

impl Paired {
    fn push(&mut self, visit: Option<Visit>, name: &str, kind: VisitKind, entered_at: i64) -> usize {
        let view = VisitView { visit, kind, name: name.to_owned(), entered_at, left_at: None, error: None };
        self.visits.push(view);
        self.visits.len() - 1
    }

    /// Adds a visit that takes no time.
    fn pass(&mut self, name: &str, kind: VisitKind, at: i64) {
        let place = self.push(None, name, kind, at);
        self.leave(place, at);
    }

    fn enter(&mut self, visit: Visit, name: &str, kind: VisitKind, at: i64) {
        let place = self.push(Some(visit), name, kind, at);
        self.places.insert(visit, place);
    }

    fn await_events(&mut self, visit: Visit, names: &[Arc<str>], at: i64) {
        for name in names {
            let place = self.push(Some(visit), name, VisitKind::Event, at);
            self.awaited.entry(visit).or_default().push(place);
        }
    }

    fn take_event(&mut self, visit: Visit, name: &str, at: i64) {
        let Some(awaited) = self.awaited.get_mut(&visit) else { return };
        let is_it = |place: &usize| self.visits.get(*place).is_some_and(|view| view.name == name);
        if let Some(index) = awaited.iter().position(is_it) {
            let place = awaited.remove(index);
            self.leave(place, at);
        }
    }

    fn end(&mut self, visit: Visit, left_at: Option<i64>, error: Option<VisitError>) {
        if let Some(view) = self.places.get(&visit).and_then(|place| self.visits.get_mut(*place)) {
            view.left_at = left_at.or(view.left_at);
            view.error = error;
        }
        // The visit was left, so it does not wait for its other events any more.
        if let Some(at) = left_at {
            let awaited = self.awaited.remove(&visit).unwrap_or_default();
            for place in awaited {
                self.leave(place, at);
            }
        }
    }

    /// Ends a visit that did not complete. A failed visit stays as it is.
    fn drop_visit(&mut self, visit: Visit, at: i64) {
        let view = self.places.get(&visit).and_then(|place| self.visits.get(*place));
        if view.is_none_or(|view| view.error.is_none()) {
            self.end(visit, Some(at), None);
        }
    }

    fn leave(&mut self, place: usize, at: i64) {
        if let Some(view) = self.visits.get_mut(place) {
            view.left_at = Some(at);
        }
    }
}

/// The kind of a state by its name in facts; an unknown name counts as an operation.
pub(crate) fn state_kind(word: &str) -> StateKind {
    use StateKind::{Callback, Event, ForEach, Inject, Operation, Parallel, Sleep, Switch};
    let kinds = [Switch, Inject, Sleep, Parallel, ForEach, Event, Callback];
    kinds.into_iter().find(|kind| kind.as_str() == word).unwrap_or(Operation)
}

/// The kind of an action by its name in facts; an unknown name counts as a computation.
pub(crate) fn action_kind(word: &str) -> ActionKind {
    use ActionKind::{Call, Compute, Event, Log, Subflow};
    [Call, Subflow, Event, Log].into_iter().find(|kind| kind.as_str() == word).unwrap_or(Compute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::{HistoryEvent, UnknownEvent};

    #[test]
    fn entering_and_leaving_are_paired_and_a_failure_leaves_its_visit_open() {
        let line = |at, fact| HistoryLine { at, event: HistoryEvent::Fact(fact) };
        let unknown = UnknownEvent { kind: "paused".into(), message: String::new() };
        let lines = [
            line(1, Fact::Started),
            line(1, Fact::Entered { visit: 1, state: "Ask".into(), kind: "operation".into() }),
            HistoryLine { at: 1, event: HistoryEvent::Unknown(unknown) },
            line(
                1,
                Fact::Action { visit: 2, target: "ask".into(), name: None, kind: "call".into(), within: 1 },
            ),
            line(5, Fact::Left { visit: 2 }),
            line(
                5,
                Fact::Action { visit: 3, target: "tell".into(), name: None, kind: "log".into(), within: 1 },
            ),
            line(7, Fact::Failed { visit: 3, message: "no".into(), kind: None, origin: Origin::Engine }),
            line(8, Fact::Retriggered { frame: 0, failed: Some(3) }),
            line(
                8,
                Fact::Action { visit: 4, target: "tell".into(), name: None, kind: "log".into(), within: 1 },
            ),
            line(9, Fact::Left { visit: 4 }),
            // An abort drops all open visits.
            line(10, Fact::Dropped { visit: 3 }),
        ];
        let told: Vec<String> = visits(&lines)
            .iter()
            .map(|visit| {
                let VisitView { name, kind, entered_at, left_at, error, .. } = visit;
                let error = error.as_ref().map(|error| &error.message);
                format!("{name} {kind:?} {entered_at} {left_at:?} {error:?}")
            })
            .collect();
        assert_eq!(
            told,
            [
                " Start 1 Some(1) None",
                "Ask State(Operation) 1 None None",
                "ask Action(Call) 1 Some(5) None",
                "tell Action(Log) 5 None Some(\"no\")",
                "tell Action(Log) 8 Some(9) None",
            ]
        );
    }

    #[test]
    fn an_event_is_open_until_it_comes_or_its_state_is_left() {
        let line = |at, fact| HistoryLine { at, event: HistoryEvent::Fact(fact) };
        let awaits = |visit| Fact::Awaits { visit, events: vec!["yes".into(), "no".into()] };
        let lines = [
            line(1, Fact::Entered { visit: 1, state: "Ask".into(), kind: "switch".into() }),
            line(1, awaits(1)),
            line(4, Fact::Event { visit: 1, event: "no".into(), id: "e".into() }),
            line(5, Fact::Left { visit: 1 }),
            line(5, Fact::Entered { visit: 2, state: "Ask".into(), kind: "switch".into() }),
            line(6, awaits(2)),
            // Other builds write no line when a wait for an event begins.
            line(7, Fact::Event { visit: 3, event: "no".into(), id: "f".into() }),
        ];
        let told: Vec<_> = visits(&lines)
            .into_iter()
            .filter(|visit| visit.kind == VisitKind::Event)
            .map(|visit| (visit.visit, visit.name, visit.entered_at, visit.left_at))
            .collect();
        let event = |visit, name: &str, entered, left| (Some(visit), name.to_owned(), entered, left);
        assert_eq!(
            told,
            [
                event(1, "yes", 1, Some(5)),
                event(1, "no", 1, Some(4)),
                event(2, "yes", 6, None),
                event(2, "no", 6, None),
            ]
        );
    }
}
