//! Builds the outline of a workflow: the parts of the document that views show.

use std::sync::Arc;

use rondo_definition::{
    Document,
    model::{self, Next, State, SwitchConditions, Workflow},
};
use rondo_program::{ActionOutline, Outline, StateKind, StateOutline, Transition};

use crate::actions::{action_kind, target_name};

pub(super) fn build_outline(document: &Document) -> Outline {
    let workflow = &document.workflow;
    let start = workflow.states.iter().find(|state| state.name == workflow.start.value);
    Outline {
        description: workflow.description.clone(),
        annotations: workflow.annotations.clone(),
        text: document.source.text().into(),
        path: Arc::clone(document.source.name()),
        start: workflow.start.value.clone(),
        states: workflow.states.iter().map(|state| state_outline(workflow, state)).collect(),
        starts_by_event: start.is_some_and(|state| matches!(state.kind, model::StateKind::Event(_))),
    }
}

pub(super) fn state_kind(kind: &model::StateKind) -> StateKind {
    match kind {
        model::StateKind::Operation { .. } => StateKind::Operation,
        model::StateKind::Switch(_) => StateKind::Switch,
        model::StateKind::Inject { .. } => StateKind::Inject,
        model::StateKind::Sleep { .. } => StateKind::Sleep,
        model::StateKind::Parallel { .. } => StateKind::Parallel,
        model::StateKind::ForEach(_) => StateKind::ForEach,
        model::StateKind::Event(_) => StateKind::Event,
        model::StateKind::Callback(_) => StateKind::Callback,
    }
}

fn state_outline(workflow: &Workflow, state: &State) -> StateOutline {
    let actions = actions(state).into_iter().map(|(branch, action)| ActionOutline {
        name: action.name.clone(),
        branch: branch.map(str::to_owned),
        target: target_name(&action.kind).to_owned(),
        kind: action_kind(workflow, &action.kind),
    });
    StateOutline {
        name: state.name.clone(),
        kind: state_kind(&state.kind),
        events: events(state),
        actions: actions.collect(),
        transitions: transitions(state),
    }
}

/// Names of the events that a state waits for, each once.
fn events(state: &State) -> Vec<String> {
    let references: Vec<&str> = match &state.kind {
        model::StateKind::Event(event) => {
            let references = event.on_events.iter().flat_map(|entry| &entry.event_refs);
            references.map(|reference| reference.value.as_str()).collect()
        }
        model::StateKind::Callback(callback) => vec![&callback.event_ref.value],
        model::StateKind::Switch(switch) => match &switch.conditions {
            SwitchConditions::Events(conditions) => {
                conditions.iter().map(|condition| condition.event_ref.value.as_str()).collect()
            }
            SwitchConditions::Data(_) => Vec::new(),
        },
        _ => Vec::new(),
    };
    let mut names: Vec<String> = Vec::new();
    for name in references {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The actions of a state, each with the name of its branch.
fn actions(state: &State) -> Vec<(Option<&str>, &model::Action)> {
    fn without_branch(actions: &[model::Action]) -> Vec<(Option<&str>, &model::Action)> {
        actions.iter().map(|action| (None, action)).collect()
    }
    match &state.kind {
        model::StateKind::Operation { actions, .. } => without_branch(actions),
        model::StateKind::ForEach(foreach) => without_branch(&foreach.actions),
        model::StateKind::Event(event) => {
            event.on_events.iter().flat_map(|entry| without_branch(&entry.actions)).collect()
        }
        model::StateKind::Callback(callback) => {
            callback.action.iter().map(|action| (None, &**action)).collect()
        }
        model::StateKind::Parallel { branches, .. } => branches
            .iter()
            .flat_map(|branch| branch.actions.iter().map(|action| (Some(branch.name.as_str()), action)))
            .collect(),
        model::StateKind::Switch(_) | model::StateKind::Inject { .. } | model::StateKind::Sleep { .. } => {
            Vec::new()
        }
    }
}

/// The transitions and ends of a state: of its conditions, of the state itself, of its error handlers.
fn transitions(state: &State) -> Vec<Transition> {
    let mut transitions = Vec::new();
    if let model::StateKind::Switch(switch) = &state.kind {
        match &switch.conditions {
            SwitchConditions::Data(conditions) => transitions.extend(conditions.iter().map(|condition| {
                let when = condition.name.clone().unwrap_or_else(|| condition.condition.value.clone());
                transition(&condition.next, Some(when))
            })),
            SwitchConditions::Events(conditions) => transitions.extend(conditions.iter().map(|condition| {
                let when = condition.name.clone().unwrap_or_else(|| condition.event_ref.value.clone());
                transition(&condition.next, Some(when))
            })),
        }
        transitions.extend(switch.default.as_ref().map(|next| transition(next, Some("default".to_owned()))));
    }
    transitions.extend(state.next.as_ref().map(|next| transition(next, None)));
    transitions.extend(state.on_errors.iter().map(|on_error| {
        let errors: Vec<&str> = on_error.errors.iter().map(|error| error.value.as_str()).collect();
        transition(&on_error.next, Some(errors.join(", ")))
    }));
    transitions
}

fn transition(next: &Next, when: Option<String>) -> Transition {
    let to = match next {
        Next::Transition(transition) => Some(transition.next_state.value.clone()),
        Next::End(_) => None,
    };
    Transition { to, when }
}
