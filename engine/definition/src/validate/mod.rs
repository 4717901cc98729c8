//! Checks the references of definitions.
//!
//! Owns: all checks that need more than one place of a definition: references, compensation, `runBefore`, and references between the
//! definitions of a folder. Promises: a message has the text of `SonataFlow` if `SonataFlow` reports the problem. A problem that `SonataFlow`
//! ignores is a deviation, and the property is removed from the model. Never: compiles an expression or opens a document of a function.

mod actions;
mod compensation;
mod events;
mod graph;
mod paths;
mod run_before;
mod without_effect;
mod workflows;

use std::collections::HashSet;

use crate::{
    Code, codes,
    model::{Next, OnError, ProduceEvent, State, StateKind, SwitchConditions, Workflow},
    read::{Declared, Reader},
};
use events::Direction;
pub use graph::reachable;
pub use paths::RESERVED_PATHS;
pub(crate) use paths::check_paths;
pub(crate) use workflows::check_workflows;

/// Checks the references within one definition.
pub(crate) fn check_references(reader: &mut Reader, workflow: &mut Workflow, declared: &Declared) {
    check_start(reader, workflow, declared);
    check_auth_refs(reader, workflow, declared);
    let mut states = std::mem::take(&mut workflow.states);
    let mut reported = HashSet::new();
    for state in &mut states {
        let reported = &mut reported;
        let mut check = StateCheck { reader, workflow, declared, state: state.name.clone(), reported };
        check.check_state(state);
    }
    workflow.states = states;
    compensation::check_compensation(reader, workflow, declared);
    run_before::check_run_before(reader, workflow, declared);
}

fn check_start(reader: &mut Reader, workflow: &Workflow, declared: &Declared) {
    let start = &workflow.start;
    if !declared.states.contains(&start.value) {
        let message = format!(
            "Workflow does not define a starting state: `start` is `{}`, and no state has this name",
            start.value
        );
        let states = declared.states.iter().map(String::as_str);
        reader.error(codes::UNKNOWN_STATE, &start.at, message).did_you_mean(&start.value, states);
    }
}

fn check_auth_refs(reader: &mut Reader, workflow: &mut Workflow, declared: &Declared) {
    for function in workflow.functions.values_mut() {
        let Some(auth) = function.auth_ref.take_if(|auth| !declared.auth.contains(&auth.value)) else {
            continue;
        };
        let message = format!("function `{}`: there is no auth definition `{}`", function.name, auth.value);
        let names = declared.auth.iter().map(String::as_str);
        reader.deviation(codes::UNKNOWN_AUTH, &auth.at, message).did_you_mean(&auth.value, names);
    }
}

/// Checks one state.
struct StateCheck<'c, 'r> {
    reader: &'c mut Reader<'r>,
    /// The definition without its states.
    workflow: &'c Workflow,
    declared: &'c Declared,
    /// Name of the state.
    state: String,
    /// The undefined names that were reported, each with the code: a name that is used in many places lacks one definition.
    reported: &'c mut HashSet<(&'static str, String)>,
}

impl StateCheck<'_, '_> {
    /// Whether an undefined name was not reported yet. Remembers it.
    fn is_new(&mut self, code: Code, name: &str) -> bool {
        self.reported.insert((code.number, name.to_owned()))
    }

    fn check_state(&mut self, state: &mut State) {
        self.warn_about_unused_timeout(state);
        if state.used_for_compensation {
            without_effect::warn_at_ends(
                self.reader,
                state,
                without_effect::Ignored::All,
                "it only ends the compensation",
            );
        }
        match &mut state.kind {
            StateKind::Operation { actions, .. } => self.check_actions(actions),
            StateKind::ForEach(for_each) => self.check_actions(&mut for_each.actions),
            StateKind::Parallel { branches, .. } => {
                for branch in branches {
                    self.check_actions(&mut branch.actions);
                    self.check_recursive_subflow(branch);
                }
            }
            StateKind::Event(event) => {
                for on_events in &mut event.on_events {
                    for event in &on_events.event_refs {
                        self.check_event(event, Direction::Consumed);
                    }
                    self.check_actions(&mut on_events.actions);
                }
            }
            StateKind::Callback(callback) => {
                if let Some(action) = &mut callback.action {
                    self.check_action(action, 1);
                }
                self.check_event(&callback.event_ref, Direction::Consumed);
            }
            StateKind::Switch(switch) => {
                if let SwitchConditions::Events(conditions) = &switch.conditions {
                    for condition in conditions {
                        self.check_event(&condition.event_ref, Direction::Consumed);
                    }
                }
            }
            StateKind::Inject { .. } | StateKind::Sleep { .. } => {}
        }
        for next in graph::exits(state) {
            self.check_next(next);
        }
        for on_error in &state.on_errors {
            self.check_on_error(on_error);
        }
    }

    fn check_next(&mut self, next: &Next) {
        match next {
            Next::Transition(transition) => {
                let target = &transition.next_state;
                let is_known = self.declared.states.contains(&target.value);
                if !is_known && self.is_new(codes::UNKNOWN_STATE, &target.value) {
                    let message = format!(
                        "There is no state for transition {} originated in {}; it connects to nothing",
                        target.value, self.state
                    );
                    let states = self.declared.states.iter().map(String::as_str);
                    let problem = self.reader.error(codes::UNKNOWN_STATE, &target.at, message);
                    problem.did_you_mean(&target.value, states);
                }
                self.check_produced_events(&transition.produce_events);
            }
            Next::End(end) => self.check_produced_events(&end.produce_events),
        }
    }

    fn check_produced_events(&mut self, events: &[ProduceEvent]) {
        for event in events {
            self.check_event(&event.event_ref, Direction::Produced);
        }
    }

    fn check_on_error(&mut self, on_error: &OnError) {
        for error in &on_error.errors {
            let is_known = self.declared.errors.contains(&error.value);
            if is_known || !self.is_new(codes::UNKNOWN_ERROR, &error.value) {
                continue;
            }
            let mut message = format!(
                "state `{}`: Cannot find any error definition for errorRef `{}`",
                self.state, error.value
            );
            if !self.declared.has_errors {
                message += "; the workflow should contain errors property";
            }
            let names = self.declared.errors.iter().map(String::as_str);
            self.reader.error(codes::UNKNOWN_ERROR, &error.at, message).did_you_mean(&error.value, names);
        }
    }
}
