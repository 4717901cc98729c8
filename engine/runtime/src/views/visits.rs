//! The visits of an instance to its states and actions, from the lines of its history.

use std::collections::HashMap;

use rondo_machine::{Fact, Visit};
use rondo_program::{ActionKind, FailureKind, Origin, StateKind};

use super::HistoryLine;

/// A visit to a state, one execution of an action, or the start or end of the instance.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitView {
    /// Its number, unique within the instance; start and end have none.
    pub visit: Option<Visit>,
    /// What is visited.
    pub kind: VisitKind,
    /// Name of the state; of an action that of what it calls; empty for start and end.
    pub name: String,
    /// When it was entered, in milliseconds since 1970.
    pub entered_at: i64,
    /// When it was left; `None` while it runs or when it failed.
    pub left_at: Option<i64>,
    /// Why it failed.
    pub error: Option<VisitError>,
}

/// Why a visit failed.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitError {
    /// What happened.
    pub message: String,
    /// What went wrong; `None` in lines of the first format, whose messages say it themselves.
    pub kind: Option<FailureKind>,
    /// Who raised it.
    pub origin: Origin,
}

/// What is visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitKind {
    /// The start of the instance.
    Start,
    /// A state.
    State(StateKind),
    /// An action.
    Action(ActionKind),
    /// The end of the instance.
    End,
}

/// Pairs the lines that say how something was entered and left, in the order in which it was entered.
pub(crate) fn visits(lines: &[HistoryLine]) -> Vec<VisitView> {
    let mut visits: Vec<VisitView> = Vec::new();
    let mut places: HashMap<Visit, usize> = HashMap::new();
    let mut enter = |visit: Option<Visit>, name: &str, kind, entered_at: i64, left_at| {
        if let Some(visit) = visit {
            places.insert(visit, visits.len());
        }
        visits.push(VisitView { visit, kind, name: name.to_owned(), entered_at, left_at, error: None });
    };
    let mut ends: Vec<(Visit, Option<i64>, Option<VisitError>)> = Vec::new();
    for line in lines {
        let (at, Some(fact)) = (line.at, line.fact()) else { continue };
        match fact {
            Fact::Started => enter(None, "", VisitKind::Start, at, Some(at)),
            Fact::Entered { visit, state, kind } => {
                enter(Some(*visit), state, VisitKind::State(state_kind(kind)), at, None);
            }
            Fact::Action { visit, target, kind, .. } => {
                enter(Some(*visit), target, VisitKind::Action(action_kind(kind)), at, None);
            }
            Fact::Left { visit } | Fact::Dropped { visit } | Fact::Skipped { visit } => {
                ends.push((*visit, Some(at), None));
            }
            Fact::Failed { visit, message, kind, origin } => {
                let error = VisitError { message: message.clone(), kind: *kind, origin: *origin };
                ends.push((*visit, None, Some(error)));
            }
            Fact::Completed => enter(None, "", VisitKind::End, at, Some(at)),
            _ => {}
        }
    }
    for (visit, left_at, error) in ends {
        if let Some(visit) = places.get(&visit).and_then(|place| visits.get_mut(*place)) {
            visit.left_at = left_at.or(visit.left_at);
            visit.error = error;
        }
    }
    visits
}

/// The kind of a state by the word that facts have for it.
fn state_kind(word: &str) -> StateKind {
    use StateKind::{Callback, Event, ForEach, Inject, Operation, Parallel, Sleep, Switch};
    let kinds = [Switch, Inject, Sleep, Parallel, ForEach, Event, Callback];
    kinds.into_iter().find(|kind| kind.as_str() == word).unwrap_or(Operation)
}

/// The kind of an action by the word that facts have for it.
fn action_kind(word: &str) -> ActionKind {
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
            ]
        );
    }
}
