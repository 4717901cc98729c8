//! The open nodes of an instance, updated with each fact while the facts of a turn become events.

use std::{collections::BTreeMap, sync::Arc};

use rondo_machine::Visit;

use crate::views::VisitKind;

/// What happened to a node, with Kogito's numbers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Entered = 1,
    Left = 2,
    Aborted = 3,
    Skipped = 4,
    Error = 6,
}

/// An open node of an instance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) visit: Option<Visit>,
    pub(super) name: Arc<str>,
    pub(super) kind: VisitKind,
}

/// The open nodes of an instance, by visit.
#[derive(Debug, Clone, Default)]
pub(super) struct Nodes(BTreeMap<Visit, Open>);

#[derive(Debug, Clone, Default)]
struct Open {
    node: Option<Node>,
    /// The events that the visit waits for.
    events: Vec<Node>,
}

impl Nodes {
    pub(super) fn enter(&mut self, visit: Visit, name: &Arc<str>, kind: VisitKind) -> Node {
        let node = Node { visit: Some(visit), name: Arc::clone(name), kind };
        self.0.entry(visit).or_default().node = Some(node.clone());
        node
    }

    pub(super) fn await_event(&mut self, visit: Visit, name: &Arc<str>) -> Node {
        let node = Node { visit: Some(visit), name: Arc::clone(name), kind: VisitKind::Event };
        self.0.entry(visit).or_default().events.push(node.clone());
        node
    }

    pub(super) fn take_event(&mut self, visit: Visit, name: &str) -> Option<Node> {
        let events = &mut self.0.get_mut(&visit)?.events;
        let place = events.iter().position(|node| *node.name == *name)?;
        Some(events.remove(place))
    }

    /// The node of a visit.
    pub(super) fn of(&self, visit: Visit) -> Option<Node> {
        self.0.get(&visit)?.node.clone()
    }

    /// Ends a visit. Returns its node, and the events that the visit still waited for.
    pub(super) fn leave(&mut self, visit: Visit) -> (Option<Node>, Vec<Node>) {
        self.0.remove(&visit).map(|open| (open.node, open.events)).unwrap_or_default()
    }

    /// Removes a visit that failed and is not continued. Its node has had an event about the error, and gets no further one.
    pub(super) fn forget(&mut self, failed: Option<Visit>) {
        if let Some(visit) = failed {
            self.0.remove(&visit);
        }
    }

    /// Ends all visits. Returns their nodes, the innermost first.
    pub(super) fn take_all(&mut self) -> Vec<Node> {
        let all = std::mem::take(&mut self.0).into_values().rev();
        all.flat_map(|open| open.events.into_iter().chain(open.node)).collect()
    }
}
