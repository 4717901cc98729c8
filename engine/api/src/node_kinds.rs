//! Kogito's nodes: what the engine's states, actions and visits are called in its vocabulary.
//!
//! This is the one table of node types, and the one rule for the ids of node instances: `UUID-VISIT`, and `UUID-start` and `UUID-end` for the
//! two that are no visits.

use rondo_runtime::{ActionKind, FailureKind, Origin, StateKind, VisitKind, VisitView, sonataflow};
use uuid::Uuid;

/// The type of the node that is visited.
pub(crate) fn node_type(kind: VisitKind) -> &'static str {
    match kind {
        VisitKind::Start => "StartNode",
        VisitKind::State(StateKind::Switch) => "Split",
        VisitKind::State(StateKind::Inject) => "ActionNode",
        VisitKind::State(StateKind::Sleep) => "TimerNode",
        VisitKind::State(_) => "CompositeContextNode",
        VisitKind::Action(ActionKind::Call) => "WorkItemNode",
        VisitKind::Action(ActionKind::Log | ActionKind::Compute) => "ActionNode",
        VisitKind::Action(ActionKind::Subflow) => "SubProcessNode",
        VisitKind::Action(ActionKind::Event) => "EventNode",
        VisitKind::End => "EndNode",
    }
}

/// The message of an error with the class name that SonataFlow's users know. Lines of the first format have no kind; their messages say the
/// class name themselves.
pub(crate) fn error_message(kind: Option<FailureKind>, origin: Origin, message: &str) -> String {
    kind.map_or_else(|| message.to_owned(), |kind| sonataflow::with_class_name(kind, origin, message))
}

/// The id of the node instance that a visit is.
pub(crate) fn node_instance_id(instance: Uuid, visit: u64) -> String {
    format!("{instance}-{visit}")
}

/// A visit as `NodeInstance`.
pub(crate) struct NodeInstance {
    pub(crate) id: String,
    /// Name and definition id are the same: a state's own name, of an action that of what it calls.
    pub(crate) name: String,
    pub(crate) visit: VisitView,
}

impl NodeInstance {
    pub(crate) fn new(instance: Uuid, visit: VisitView) -> Self {
        let (id, name) = match (visit.kind, visit.visit) {
            (VisitKind::Start, _) => (format!("{instance}-start"), "Start".to_owned()),
            (VisitKind::End, _) => (format!("{instance}-end"), "End".to_owned()),
            (_, Some(number)) => (node_instance_id(instance, number), visit.name.clone()),
            (_, None) => (instance.to_string(), visit.name.clone()),
        };
        Self { id, name, visit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_is_a_node_instance() {
        let visit = |visit, kind, name: &str| VisitView {
            visit,
            kind,
            name: name.into(),
            entered_at: 0,
            left_at: None,
            error: None,
        };
        let nil = Uuid::nil();
        for (visit, id, name, kind) in [
            (visit(None, VisitKind::Start, ""), "start", "Start", "StartNode"),
            (visit(Some(1), VisitKind::State(StateKind::Switch), "Ask"), "1", "Ask", "Split"),
            (visit(Some(2), VisitKind::Action(ActionKind::Call), "ask"), "2", "ask", "WorkItemNode"),
            (visit(None, VisitKind::End, ""), "end", "End", "EndNode"),
        ] {
            let node = NodeInstance::new(nil, visit);
            assert_eq!(node.id, format!("{nil}-{id}"));
            assert_eq!((node.name.as_str(), node_type(node.visit.kind)), (name, kind));
        }
    }
}
