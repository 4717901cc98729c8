//! What is shown of a workflow, read from its document.

use std::sync::Arc;

use rondo_definition::{
    Document,
    model::{self, Next, State, SwitchConditions, Workflow},
};
use rondo_program::{ActionOutline, Outline, StateKind, StateOutline, Transition};

use crate::actions::{kind_of, target_name};

pub(super) fn of(document: &Document) -> Outline {
    let workflow = &document.workflow;
    let start = workflow.states.iter().find(|state| state.name == workflow.start.value);
    Outline {
        description: workflow.description.clone(),
        annotations: workflow.annotations.clone(),
        text: document.source.text().into(),
        path: Arc::clone(document.source.path()),
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
        kind: kind_of(workflow, &action.kind),
    });
    StateOutline {
        name: state.name.clone(),
        kind: state_kind(&state.kind),
        actions: actions.collect(),
        transitions: transitions(state),
    }
}

/// The actions of a state, with the branch they are in.
fn actions(state: &State) -> Vec<(Option<&str>, &model::Action)> {
    fn outside(actions: &[model::Action]) -> Vec<(Option<&str>, &model::Action)> {
        actions.iter().map(|action| (None, action)).collect()
    }
    match &state.kind {
        model::StateKind::Operation { actions, .. } => outside(actions),
        model::StateKind::ForEach(foreach) => outside(&foreach.actions),
        model::StateKind::Event(event) => {
            event.on_events.iter().flat_map(|entry| outside(&entry.actions)).collect()
        }
        model::StateKind::Callback(callback) => vec![(None, &*callback.action)],
        model::StateKind::Parallel { branches, .. } => branches
            .iter()
            .flat_map(|branch| branch.actions.iter().map(|action| (Some(branch.name.as_str()), action)))
            .collect(),
        model::StateKind::Switch(_) | model::StateKind::Inject { .. } | model::StateKind::Sleep { .. } => {
            Vec::new()
        }
    }
}

/// Where a state leads: by its conditions, by its end, by its error handlers.
fn transitions(state: &State) -> Vec<Transition> {
    let mut ways = Vec::new();
    if let model::StateKind::Switch(switch) = &state.kind {
        match &switch.conditions {
            SwitchConditions::Data(conditions) => ways.extend(conditions.iter().map(|condition| {
                let when = condition.name.clone().unwrap_or_else(|| condition.condition.value.clone());
                way(&condition.next, Some(when))
            })),
            SwitchConditions::Events(conditions) => ways.extend(conditions.iter().map(|condition| {
                let when = condition.name.clone().unwrap_or_else(|| condition.event_ref.value.clone());
                way(&condition.next, Some(when))
            })),
        }
        ways.extend(switch.default.as_ref().map(|next| way(next, Some("default".to_owned()))));
    }
    ways.extend(state.next.as_ref().map(|next| way(next, None)));
    ways.extend(state.on_errors.iter().map(|on_error| {
        let errors: Vec<&str> = on_error.errors.iter().map(|error| error.value.as_str()).collect();
        way(&on_error.next, Some(errors.join(", ")))
    }));
    ways
}

fn way(next: &Next, when: Option<String>) -> Transition {
    let to = match next {
        Next::Transition(transition) => Some(transition.next_state.value.clone()),
        Next::End(_) => None,
    };
    Transition { to, when }
}
