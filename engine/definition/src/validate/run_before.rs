//! Checks `runBefore` of the workflow's time limit: it must name a state that only the time limit starts, and that leads to an end.

use super::{graph, without_effect};
use crate::{
    codes,
    model::{Next, Workflow},
    read::{Declared, Reader},
};

/// Checks `runBefore`. Removes an invalid one from the model.
pub(super) fn check_run_before(reader: &mut Reader, workflow: &mut Workflow, declared: &Declared) {
    let limit = workflow.timeouts.workflow_exec.as_ref();
    let Some(state) = limit.and_then(|limit| limit.run_before.clone()) else { return };
    let Some(problem) = find_problem(workflow, declared, &state.value) else {
        let run = graph::reachable(workflow, &state.value);
        for state in workflow.states.iter().filter(|state| run.contains(state.name.as_str())) {
            without_effect::warn_at_ends(
                reader,
                state,
                without_effect::Ignored::Successor,
                "the instance ends as aborted",
            );
        }
        return;
    };
    let message = format!("workflow, timeouts: `runBefore` names `{}`, {problem}", state.value);
    let states = declared.states.iter().map(String::as_str).filter(|name| *name != state.value);
    reader.deviation(codes::RUN_BEFORE, &state.at, message).did_you_mean(&state.value, states);
    if let Some(limit) = &mut workflow.timeouts.workflow_exec {
        limit.run_before = None;
    }
}

fn find_problem(workflow: &Workflow, declared: &Declared, name: &str) -> Option<&'static str> {
    if !declared.states.iter().any(|state| state == name) {
        return Some("and no state has this name");
    }
    let state = workflow.states.iter().find(|state| state.name == name)?;
    if state.used_for_compensation {
        return Some("which is `usedForCompensation`");
    }
    let main = graph::reachable(workflow, &workflow.start.value);
    if main.contains(name)
        || workflow.states.iter().any(|state| graph::targets(state).any(|target| target == name))
    {
        return Some("which other states lead to");
    }
    let after = graph::reachable(workflow, name);
    if after.iter().any(|state| main.contains(state)) {
        return Some("which leads into the main flow");
    }
    let mut ends = workflow.states.iter().filter(|state| after.contains(state.name.as_str()));
    let reaches_end = ends.any(|state| graph::exits(state).any(|next| matches!(next, Next::End(_))));
    (!reaches_end).then_some("from which no end is reached")
}
