//! Visits as Kogito's node instances. Types and ids are those of [`rondo_runtime::kogito`].

use rondo_runtime::{FailureKind, Origin, VisitView, kogito, sonataflow};
use uuid::Uuid;

/// The message of an error with the class name that SonataFlow's users know. History lines of format 1 have no kind; their messages contain the
/// class name.
pub(crate) fn error_message(kind: Option<FailureKind>, origin: Origin, message: &str) -> String {
    kind.map_or_else(|| message.to_owned(), |kind| sonataflow::with_class_name(kind, origin, message))
}

/// The id of the node instance that stands for a visit of a state or action.
pub(crate) fn node_instance_id(instance: Uuid, visit: u64) -> String {
    format!("{instance}-{visit}")
}

/// A visit as `NodeInstance`.
pub(crate) struct NodeInstance {
    pub(crate) id: String,
    /// Name and definition id, which are the same: a state's own name, or the name of what an action calls.
    pub(crate) name: String,
    pub(crate) visit: VisitView,
}

impl NodeInstance {
    pub(crate) fn new(instance: Uuid, visit: VisitView) -> Self {
        let id = kogito::node_instance_id(instance, visit.visit, visit.kind, &visit.name);
        let name = kogito::node_name(visit.kind, &visit.name).to_owned();
        Self { id, name, visit }
    }
}

#[cfg(test)]
mod tests {
    use rondo_runtime::{ActionKind, StateKind, VisitKind};

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
            (visit(Some(2), VisitKind::Event, "done"), "2-done", "done", "EventNode"),
            (visit(None, VisitKind::End, ""), "end", "End", "EndNode"),
        ] {
            let node = NodeInstance::new(nil, visit);
            assert_eq!(node.id, format!("{nil}-{id}"));
            assert_eq!((node.name.as_str(), kogito::node_type(node.visit.kind)), (name, kind));
        }
    }
}
