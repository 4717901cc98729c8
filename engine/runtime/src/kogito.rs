//! Nodes in Kogito's terms: their types, and the ids of node instances.
//!
//! Owns: the one table of node types, and the one rule for the ids of node instances: `UUID-VISIT`; `UUID-VISIT-EVENT` for an event that the
//! visit waits for; `UUID-start` and `UUID-end` for `Start` and `End`, which are no visits. The Data Index and the published process events
//! use both.
//!
//! The id of a node is its name in the history: a state or an event has its own name, an action that of the function, subflow or event that
//! it refers to. So two actions that call the same function are one node.

use std::collections::HashSet;

use rondo_program::{ActionKind, Outline, StateKind};
use serde::Serialize;
use uuid::Uuid;

use crate::views::VisitKind;

/// Kogito's add-ons whose services the engine offers.
pub const ADDONS: [&str; 4] = ["process-management", "source-files", "knative-eventing", "cloudevents"];

/// The type of the node of a visit.
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

/// Name and definition id of the node of a visit. `name` is the name of the visit.
pub fn node_name(kind: VisitKind, name: &str) -> &str {
    match kind {
        VisitKind::Start => "Start",
        VisitKind::End => "End",
        _ => name,
    }
}

/// The id of the node instance of a visit. `name` is the name of the visit.
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
    /// The same value as `id`.
    pub unique_id: String,
    /// The same value as `id`.
    #[serde(rename = "nodeDefinitionId")]
    pub definition_id: String,
    /// Its type; see [`node_type`].
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// State, action and branch of the node.
    pub metadata: Metadata,
}

/// State, action and branch of a node.
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

/// The nodes of a workflow: `Start`, those of its states in the order of the document, `End`. The event of a callback state comes after its
/// action, other events before the actions.
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
