//! The visits of an instance that have begun and not ended, for observers that tell how each ends.

use std::sync::Arc;

use rondo_program::{ActionKind, Program, ScopeKind, StateKind};

use crate::{Snapshot, Visit, events::awaited_by};

/// A visit that has not ended, or an event that it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenVisit {
    /// Number of the visit.
    pub visit: Visit,
    /// Name of the state or event; of an action that of what it calls.
    pub name: Arc<str>,
    /// What is visited.
    pub kind: OpenVisitKind,
}

/// What is visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenVisitKind {
    /// A state.
    State(StateKind),
    /// An action.
    Action(ActionKind),
    /// Not a visit of its own: an event that the visit waits for.
    Event,
}

/// The open visits of an instance, those of a frame from the outside in.
pub fn open_visits(program: &Program, snapshot: &Snapshot) -> Vec<OpenVisit> {
    let mut visits = Vec::new();
    for frame in &snapshot.frames {
        for open in &frame.scopes {
            let (name, kind) = match program.scope(open.id).map(|scope| &scope.kind) {
                Some(ScopeKind::State { name, kind }) => (name, OpenVisitKind::State(*kind)),
                Some(ScopeKind::Action { target, kind, .. }) => (target, OpenVisitKind::Action(*kind)),
                Some(ScopeKind::Branch { .. }) | None => continue,
            };
            visits.push(OpenVisit { visit: open.visit, name: Arc::clone(name), kind });
        }
        let frames = std::iter::successors(Some(frame), |frame| snapshot.frame(frame.parent?));
        let open = frames.flat_map(|frame| frame.scopes.iter().rev()).find(|open| open.visit != 0);
        let Some(visit) = open.map(|open| open.visit) else { continue };
        let awaited = awaited_by(program, snapshot, frame).into_iter();
        visits.extend(awaited.map(|event| OpenVisit { visit, name: event.name, kind: OpenVisitKind::Event }));
    }
    visits
}
