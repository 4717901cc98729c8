//! What is shown of a workflow.
//!
//! The document itself is not kept once it is lowered: with all its places it takes several times the memory of the program.

use std::sync::Arc;

use rondo_definition::{
    Document,
    model::{Action, ActionKind, FunctionKind, State, StateKind, Workflow},
};

/// A workflow in outline.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The document's description; empty without one.
    pub description: String,
    /// Its annotations.
    pub annotations: Vec<String>,
    /// Its text as it was read.
    pub text: Arc<str>,
    /// Name of its file, relative to the folder of workflows.
    pub path: Arc<str>,
    /// Its states, in the order of the document.
    pub states: Vec<StateOutline>,
    /// Whether an instance is started by an event only.
    pub starts_by_event: bool,
}

/// A state in outline.
#[derive(Debug, Clone)]
pub struct StateOutline {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: StateType,
    /// Its actions, those of branches and events included.
    pub actions: Vec<ActionOutline>,
}

/// What a state is, as far as it is shown differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateType {
    /// A switch.
    Switch,
    /// An inject state.
    Inject,
    /// A sleep state.
    Sleep,
    /// One that has actions.
    Actions,
}

/// An action in outline.
#[derive(Debug, Clone)]
pub struct ActionOutline {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The branch it is in.
    pub branch: Option<String>,
    /// Name of what it calls: a function, a workflow, an event.
    pub target: String,
    /// What that is.
    pub kind: ActionType,
}

/// What an action calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionType {
    /// A service.
    Service,
    /// A function that is done inside of the engine: an expression, a line in the log.
    Inside,
    /// Another workflow.
    SubFlow,
    /// An event that is sent, and perhaps another that is waited for.
    Event,
}

impl Outline {
    pub(crate) fn of(document: &Document) -> Self {
        let workflow = &document.workflow;
        let start = workflow.states.iter().find(|state| state.name == workflow.start.value);
        Self {
            description: workflow.description.clone(),
            annotations: workflow.annotations.clone(),
            text: document.source.text().into(),
            path: Arc::clone(document.source.path()),
            states: workflow.states.iter().map(|state| state_outline(workflow, state)).collect(),
            starts_by_event: start.is_some_and(|state| matches!(state.kind, StateKind::Event(_))),
        }
    }
}

fn state_outline(workflow: &Workflow, state: &State) -> StateOutline {
    let kind = match &state.kind {
        StateKind::Switch(_) => StateType::Switch,
        StateKind::Inject { .. } => StateType::Inject,
        StateKind::Sleep { .. } => StateType::Sleep,
        _ => StateType::Actions,
    };
    let actions = actions(state).into_iter().map(|(branch, action)| {
        let (target, kind) = called(workflow, action);
        let (name, branch) = (action.name.clone(), branch.map(str::to_owned));
        ActionOutline { name, branch, target: target.to_owned(), kind }
    });
    StateOutline { name: state.name.clone(), kind, actions: actions.collect() }
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

/// What an action calls.
fn called<'a>(workflow: &Workflow, action: &'a Action) -> (&'a str, ActionType) {
    match &action.kind {
        ActionKind::SubFlow(subflow) => (&subflow.workflow_id.value, ActionType::SubFlow),
        ActionKind::Event(event) => (&event.trigger.event_ref.value, ActionType::Event),
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
            (name, if inside { ActionType::Inside } else { ActionType::Service })
        }
    }
}
