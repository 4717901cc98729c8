//! Checks compensation: the references of `compensatedBy`, and the separation of compensating states from the main flow.

use crate::{
    codes,
    model::{Next, State, StateKind, Workflow},
    read::{Declared, Reader},
};

/// Checks `compensatedBy` and `usedForCompensation` of all states.
pub(super) fn check_compensation(reader: &mut Reader, workflow: &Workflow, declared: &Declared) {
    for state in &workflow.states {
        check_compensated_by(reader, workflow, declared, state);
        check_transitions(reader, workflow, state);
        if state.used_for_compensation && matches!(state.kind, StateKind::Event(_)) {
            let message = format!("state `{}`: an event state cannot be `usedForCompensation`", state.name);
            reader.error(codes::COMPENSATING_EVENT, &state.at.key("usedForCompensation"), message);
        }
    }
    let start = &workflow.start;
    if find_state(workflow, &start.value).is_some_and(|state| state.used_for_compensation) {
        let message = format!("the workflow starts in `{}`, which is `usedForCompensation`", start.value);
        reader.error(codes::COMPENSATION, &start.at, message);
    }
}

fn check_compensated_by(reader: &mut Reader, workflow: &Workflow, declared: &Declared, state: &State) {
    let Some(by) = &state.compensated_by else { return };
    if state.used_for_compensation {
        let message = format!(
            "Serverless Workflow specification forbids nested compensations, hence state {} is not valid: it is \
             `usedForCompensation` and has `compensatedBy` {}",
            state.name, by.value
        );
        reader.error(codes::NESTED_COMPENSATION, &by.at, message);
    }
    if !declared.states.contains(&by.value) {
        let message = format!(
            "State {} refers to a compensation {} which cannot be found: no state has the name in `compensatedBy`",
            state.name, by.value
        );
        let states = declared.states.iter().map(String::as_str);
        reader.error(codes::UNKNOWN_STATE, &by.at, message).did_you_mean(&by.value, states);
    } else if find_state(workflow, &by.value).is_some_and(|target| !target.used_for_compensation) {
        let message = format!(
            "state `{}`: `compensatedBy` names `{}`, which is not `usedForCompensation: true`",
            state.name, by.value
        );
        reader.error(codes::NOT_COMPENSATING, &by.at, message);
    }
}

/// Checks that the main flow has no transition to a compensating state, and a compensating state none to the main flow.
fn check_transitions(reader: &mut Reader, workflow: &Workflow, state: &State) {
    for next in super::graph::exits(state) {
        let Next::Transition(transition) = next else { continue };
        let to = &transition.next_state;
        let Some(target) = find_state(workflow, &to.value) else { continue };
        let message = match (state.used_for_compensation, target.used_for_compensation) {
            (false, true) => format!(
                "state `{}`: the transition leads to `{}`, which is `usedForCompensation`",
                state.name, to.value
            ),
            (true, false) => format!(
                "state `{}` is `usedForCompensation`, but leads to `{}`, which is not",
                state.name, to.value
            ),
            _ => continue,
        };
        reader.error(codes::COMPENSATION, &to.at, message);
    }
}

fn find_state<'w>(workflow: &'w Workflow, name: &str) -> Option<&'w State> {
    workflow.states.iter().find(|state| state.name == name)
}
