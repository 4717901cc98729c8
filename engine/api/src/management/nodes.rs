//! A definition's states and actions as Kogito's nodes.
//!
//! A node is known by the name under which history tells of it: a state by its own, an action by that of what it
//! calls. So a function that is called twice is one node here.

use rondo_runtime::{Outline, VisitKind};
use serde::Serialize;

use crate::node_kinds::node_type;

/// A node of a definition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) unique_id: String,
    #[serde(rename = "nodeDefinitionId")]
    pub(crate) definition_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
}

/// Where a node belongs.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct Metadata {
    #[serde(rename = "UniqueId")]
    pub(crate) unique_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
}

/// The nodes of a workflow, in the order of the document between `Start` and `End`.
pub(crate) fn nodes(outline: &Outline) -> Vec<Node> {
    let mut nodes = vec![node("Start", VisitKind::Start, Metadata::default())];
    for state in &outline.states {
        let place = Metadata { state: Some(state.name.clone()), ..Metadata::default() };
        nodes.push(node(&state.name, VisitKind::State(state.kind), place.clone()));
        for action in &state.actions {
            let metadata =
                Metadata { action: action.name.clone(), branch: action.branch.clone(), ..place.clone() };
            nodes.push(node(&action.target, VisitKind::Action(action.kind), metadata));
        }
    }
    nodes.push(node("End", VisitKind::End, Metadata::default()));
    let mut seen = std::collections::HashSet::new();
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
