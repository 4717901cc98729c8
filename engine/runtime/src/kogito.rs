//! Nodes as Kogito shows them: their types, and the ids of their instances.
//!
//! Owns: the one table of node types, and the one rule for the ids of node instances: `UUID-VISIT`; `UUID-VISIT-EVENT` for an event that the visit
//! waits for; `UUID-start` and `UUID-end` for the two that are no visits. The Data Index and the published process events use it.
//!
//! A node is known by the name under which history tells of it: a state or an event by its own, an action by that of what it calls. So a
//! function that is called twice is one node.

use std::collections::HashSet;

use rondo_program::{ActionKind, Outline, StateKind};
use serde::Serialize;
use uuid::Uuid;

use crate::views::VisitKind;

/// What the engine has of the services that Kogito calls add-ons.
pub const ADDONS: [&str; 4] = ["process-management", "source-files", "knative-eventing", "cloudevents"];

/// The type of the node that is visited.
pub fn node_type(kind: VisitKind) -> &'static str {
    match kind {
        VisitKind::Start => "StartNode",
        VisitKind::State(StateKind::Switch) => "Split",
        VisitKind::State(StateKind::Inject) => "ActionNode",
        VisitKind::State(StateKind::Sleep) => "TimerNode",
        VisitKind::State(_) => "CompositeContextNode",
        VisitKind::Action(ActionKind::Call) => "WorkItemNode",
        VisitKind::Action(ActionKind::Log | ActionKind::Compute) => "ActionNode",
        VisitKind::Action(ActionKind::Subflow) => "SubProcessNode",
        VisitKind::Action(ActionKind::Event) | VisitKind::Event => "EventNode",
        VisitKind::End => "EndNode",
    }
}

/// Name and definition id of the node that is visited. `name` is that of the visit.
pub fn node_name(kind: VisitKind, name: &str) -> &str {
    match kind {
        VisitKind::Start => "Start",
        VisitKind::End => "End",
        _ => name,
    }
}

/// The id of the node instance that a visit is. `name` is that of the visit.
pub fn node_instance_id(instance: Uuid, visit: Option<u64>, kind: VisitKind, name: &str) -> String {
    match (kind, visit) {
        (VisitKind::Start, _) => format!("{instance}-start"),
        (VisitKind::End, _) => format!("{instance}-end"),
        (VisitKind::Event, Some(visit)) => format!("{instance}-{visit}-{name}"),
        (_, Some(visit)) => format!("{instance}-{visit}"),
        (_, None) => instance.to_string(),
    }
}

/// A node of a definition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its id within the definition, which is its name.
    pub id: String,
    /// The same.
    pub unique_id: String,
    /// The same.
    #[serde(rename = "nodeDefinitionId")]
    pub definition_id: String,
    /// Its type; see [`node_type`].
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where it belongs.
    pub metadata: Metadata,
}

/// Where a node belongs.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Metadata {
    /// The id of the node.
    #[serde(rename = "UniqueId")]
    pub unique_id: String,
    /// Name of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Name of the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Name of the branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// The nodes of a workflow, in the order of the document between `Start` and `End`. The event of a callback stands behind its action.
pub fn nodes(outline: &Outline) -> Vec<Node> {
    let mut nodes = vec![node("Start", VisitKind::Start, Metadata::default())];
    for state in &outline.states {
        let place = Metadata { state: Some(state.name.clone()), ..Metadata::default() };
        nodes.push(node(&state.name, VisitKind::State(state.kind), place.clone()));
        let events = state.events.iter().map(|event| node(event, VisitKind::Event, place.clone()));
        let actions = state.actions.iter().map(|action| {
            let metadata =
                Metadata { action: action.name.clone(), branch: action.branch.clone(), ..place.clone() };
            node(&action.target, VisitKind::Action(action.kind), metadata)
        });
        if state.kind == StateKind::Callback {
            nodes.extend(actions.chain(events));
        } else {
            nodes.extend(events.chain(actions));
        }
    }
    nodes.push(node("End", VisitKind::End, Metadata::default()));
    let mut seen = HashSet::new();
    nodes.retain(|node| seen.insert(node.id.clone()));
    nodes
}

fn node(name: &str, kind: VisitKind, metadata: Metadata) -> Node {
    Node {
        id: name.to_owned(),
        unique_id: name.to_owned(),
        definition_id: name.to_owned(),
        kind: node_type(kind),
        name: name.to_owned(),
        metadata: Metadata { unique_id: name.to_owned(), ..metadata },
    }
}
