//! A definition's states and actions as Kogito's nodes.
//!
//! A node is known by the name under which history tells of it: a state by its own, an action by that of what it
//! calls. So a function that is called twice is one node here.

use rondo_definition::model::{Action, ActionKind, FunctionKind, State, StateKind, Workflow};
use serde::Serialize;

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
pub(crate) fn nodes(workflow: &Workflow) -> Vec<Node> {
    let mut nodes = vec![node("Start", "StartNode", Metadata::default())];
    for state in &workflow.states {
        let place = Metadata { state: Some(state.name.clone()), ..Metadata::default() };
        nodes.push(node(&state.name, state_type(&state.kind), place.clone()));
        for (branch, action) in actions(state) {
            let (target, kind) = called(workflow, action);
            let branch = branch.map(str::to_owned);
            nodes.push(node(target, kind, Metadata { action: action.name.clone(), branch, ..place.clone() }));
        }
    }
    nodes.push(node("End", "EndNode", Metadata::default()));
    let mut seen = std::collections::HashSet::new();
    nodes.retain(|node| seen.insert(node.id.clone()));
    nodes
}

fn node(name: &str, kind: &'static str, metadata: Metadata) -> Node {
    Node {
        id: name.to_owned(),
        unique_id: name.to_owned(),
        definition_id: name.to_owned(),
        kind,
        name: name.to_owned(),
        metadata: Metadata { unique_id: name.to_owned(), ..metadata },
    }
}

fn state_type(kind: &StateKind) -> &'static str {
    match kind {
        StateKind::Switch(_) => "Split",
        StateKind::Inject { .. } => "ActionNode",
        StateKind::Sleep { .. } => "TimerNode",
        _ => "CompositeContextNode",
    }
}

/// The actions of a state, with the branch they are in.
fn actions(state: &State) -> Vec<(Option<&str>, &Action)> {
    fn outside(actions: &[Action]) -> Vec<(Option<&str>, &Action)> {
        actions.iter().map(|action| (None, action)).collect()
    }
    match &state.kind {
        StateKind::Operation { actions, .. } => outside(actions),
        StateKind::ForEach(foreach) => outside(&foreach.actions),
        StateKind::Event(event) => event.on_events.iter().flat_map(|entry| outside(&entry.actions)).collect(),
        StateKind::Callback(callback) => vec![(None, &*callback.action)],
        StateKind::Parallel { branches, .. } => branches
            .iter()
            .flat_map(|branch| branch.actions.iter().map(|action| (Some(branch.name.as_str()), action)))
            .collect(),
        StateKind::Switch(_) | StateKind::Inject { .. } | StateKind::Sleep { .. } => Vec::new(),
    }
}

/// What an action calls, and the type of its node.
fn called<'a>(workflow: &Workflow, action: &'a Action) -> (&'a str, &'static str) {
    match &action.kind {
        ActionKind::SubFlow(subflow) => (&subflow.workflow_id.value, "SubProcessNode"),
        ActionKind::Event(event) => (&event.trigger.event_ref.value, "EventNode"),
        ActionKind::Function(function) => {
            let name = &function.name.value;
            let inside = workflow.functions.get(name).is_some_and(|function| {
                let operation = &function.operation.value;
                match function.kind {
                    FunctionKind::Expression => true,
                    FunctionKind::Custom => operation == "sysout" || operation.starts_with("sysout:"),
                    _ => false,
                }
            });
            (name, if inside { "ActionNode" } else { "WorkItemNode" })
        }
    }
}
