//! Checks the references between the definitions of a folder: subflows and `continueAs`.

use std::collections::{HashMap, HashSet};

use super::graph;
use crate::{
    Diagnostic, Document, Pointer, Resources, codes,
    model::{Action, ActionKind, Next, State, StateKind, SubFlowRef, SwitchConditions, Workflow},
    read::Reader,
};

/// The versions of all workflows of the folder, by id.
type VersionsById = HashMap<String, Vec<String>>;

/// Checks that the folder has every workflow that another one names.
pub(crate) fn check_workflows(documents: &mut [Document], problems: &mut Vec<Diagnostic>) {
    let mut known = VersionsById::new();
    for document in documents.iter() {
        let Workflow { id, version, .. } = &document.workflow;
        known.entry(id.clone()).or_default().push(version.clone());
    }
    let no_resources = Resources::default();
    for document in documents {
        let mut reader = Reader::new(&document.source, document.compat, &no_resources, problems);
        let mut reported = HashSet::new();
        for state in &mut document.workflow.states {
            for action in actions(state) {
                if let ActionKind::SubFlow(subflow) = &action.kind
                    && reported.insert((subflow.workflow_id.value.clone(), subflow.version.clone()))
                {
                    check_subflow(&mut reader, &known, &state.name, subflow);
                }
            }
            check_successors(&mut reader, &known, state);
        }
    }
}

fn check_subflow(reader: &mut Reader, known: &VersionsById, state: &str, subflow: &SubFlowRef) {
    let id = &subflow.workflow_id;
    if let Some(problem) = missing_workflow(known, &id.value, subflow.version.as_deref()) {
        let message = format!("state `{state}`: the subflow {problem}");
        let ids = known.keys().map(String::as_str).filter(|other| *other != id.value);
        reader.error(codes::UNKNOWN_WORKFLOW, &id.at, message).did_you_mean(&id.value, ids);
    }
}

/// Describes why the folder does not have a workflow; `None` if it has it.
fn missing_workflow(known: &VersionsById, id: &str, version: Option<&str>) -> Option<String> {
    let Some(versions) = known.get(id) else { return Some(format!("`{id}` is no workflow of this folder")) };
    let version = version.filter(|wanted| !versions.iter().any(|version| version == wanted))?;
    Some(format!("`{id}` has no version `{version}`, only {}", versions.join(", ")))
}

/// Checks `continueAs` of all ends of a state. Removes it if the workflow is unknown, because `SonataFlow` ignores it then.
fn check_successors(reader: &mut Reader, known: &VersionsById, state: &mut State) {
    let mut missing: Vec<(Pointer, String, String)> = Vec::new();
    for next in graph::exits(state) {
        let Next::End(end) = next else { continue };
        let Some(successor) = &end.continue_as else { continue };
        let id = &successor.workflow_id;
        if let Some(problem) = missing_workflow(known, id, successor.version.as_deref()) {
            missing.push((successor.at.clone(), id.clone(), problem));
        }
    }
    for (at, id, problem) in &missing {
        let message = format!("state `{}`: `continueAs`: {problem}", state.name);
        reader
            .deviation(codes::UNKNOWN_SUCCESSOR, at, message)
            .did_you_mean(id, known.keys().map(String::as_str));
    }
    let is_missing = |at: &Pointer| missing.iter().any(|(other, ..)| other == at);
    for next in exits_mut(state) {
        if let Next::End(end) = next {
            end.continue_as.take_if(|successor| is_missing(&successor.at));
        }
    }
}

fn exits_mut(state: &mut State) -> impl Iterator<Item = &mut Next> {
    let conditions: Vec<&mut Next> = match &mut state.kind {
        StateKind::Switch(switch) => {
            let conditions: Vec<&mut Next> = match &mut switch.conditions {
                SwitchConditions::Data(list) => {
                    list.iter_mut().map(|condition| &mut condition.next).collect()
                }
                SwitchConditions::Events(list) => {
                    list.iter_mut().map(|condition| &mut condition.next).collect()
                }
            };
            conditions.into_iter().chain(&mut switch.default).collect()
        }
        _ => Vec::new(),
    };
    let handlers = state.on_errors.iter_mut().map(|handler| &mut handler.next);
    state.next.iter_mut().chain(conditions).chain(handlers)
}

fn actions(state: &State) -> Vec<&Action> {
    match &state.kind {
        StateKind::Operation { actions, .. } => actions.iter().collect(),
        StateKind::ForEach(for_each) => for_each.actions.iter().collect(),
        StateKind::Parallel { branches, .. } => branches.iter().flat_map(|branch| &branch.actions).collect(),
        StateKind::Event(event) => event.on_events.iter().flat_map(|on_events| &on_events.actions).collect(),
        StateKind::Callback(callback) => callback.action.iter().map(|action| &**action).collect(),
        StateKind::Switch(_) | StateKind::Inject { .. } | StateKind::Sleep { .. } => Vec::new(),
    }
}
