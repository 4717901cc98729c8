//! The graph of the states: their transitions and ends.

use std::collections::{HashMap, HashSet};

use crate::model::{Next, State, StateKind, SwitchConditions, Workflow};

/// All transitions and ends of a state: its own, those of its conditions and those of its error handlers.
pub(super) fn exits(state: &State) -> impl Iterator<Item = &Next> {
    let conditions: Vec<&Next> = match &state.kind {
        StateKind::Switch(switch) => {
            let conditions: Vec<&Next> = match &switch.conditions {
                SwitchConditions::Data(list) => list.iter().map(|condition| &condition.next).collect(),
                SwitchConditions::Events(list) => list.iter().map(|condition| &condition.next).collect(),
            };
            conditions.into_iter().chain(&switch.default).collect()
        }
        _ => Vec::new(),
    };
    let handlers = state.on_errors.iter().map(|handler| &handler.next);
    state.next.iter().chain(conditions).chain(handlers)
}

/// The names of the states to which a state has a transition.
pub(super) fn targets(state: &State) -> impl Iterator<Item = &str> {
    exits(state).filter_map(|next| match next {
        Next::Transition(transition) => Some(transition.next_state.value.as_str()),
        Next::End(_) => None,
    })
}

/// The names of the states that can be reached from a state, with the state itself.
pub fn reachable<'w>(workflow: &'w Workflow, from: &'w str) -> HashSet<&'w str> {
    let states: HashMap<&str, &State> =
        workflow.states.iter().map(|state| (state.name.as_str(), state)).collect();
    let mut reached = HashSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        if let Some(state) = states.get(name)
            && reached.insert(name)
        {
            open.extend(targets(state));
        }
    }
    reached
}
