//! The node of each visit of an instance, while the facts of a turn become events.

use std::{collections::BTreeMap, sync::Arc};

use rondo_machine::Visit;

use crate::views::VisitKind;

/// What has become of a node, with the numbers of Kogito.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Entered = 1,
    Left = 2,
    Aborted = 3,
    Skipped = 4,
    Error = 6,
}

/// A node that an instance is at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) visit: Option<Visit>,
    pub(super) name: Arc<str>,
    pub(super) kind: VisitKind,
}

/// The nodes that an instance is at, by visit.
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

    /// Ends a visit: its node, and the events that it still waits for.
    pub(super) fn leave(&mut self, visit: Visit) -> (Option<Node>, Vec<Node>) {
        self.0.remove(&visit).map(|open| (open.node, open.events)).unwrap_or_default()
    }

    /// Forgets a visit that failed and is not continued: what became of its node has been told.
    pub(super) fn forget(&mut self, failed: Option<Visit>) {
        if let Some(visit) = failed {
            self.0.remove(&visit);
        }
    }

    /// Ends all visits, the innermost first.
    pub(super) fn take_all(&mut self) -> Vec<Node> {
        let all = std::mem::take(&mut self.0).into_values().rev();
        all.flat_map(|open| open.events.into_iter().chain(open.node)).collect()
    }
}
