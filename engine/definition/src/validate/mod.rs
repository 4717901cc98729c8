//! Checks of references.
//!
//! Owns: all checks that need more than one place of a definition: references, compensation, the state that runs
//! before a time limit ends an instance, and references between the definitions of a folder. Promises: a message has
//! the words of `SonataFlow` where `SonataFlow` reports the problem. A problem that `SonataFlow` ignores is a warning, and the property is
//! removed from the model. Never: compiles an expression or opens a document of a function.

mod actions;
mod compensation;
mod events;
mod graph;
mod paths;
mod run_before;
mod without_effect;
mod workflows;

use crate::{
    codes,
    model::{Next, OnError, ProduceEvent, State, StateKind, SwitchConditions, Workflow},
    read::{Declared, Reader},
};
use events::Direction;
pub use graph::reachable;
pub use paths::RESERVED_PATHS;
pub(crate) use paths::paths;
pub(crate) use workflows::workflows;

/// Checks the references within one definition.
pub(crate) fn references(reader: &mut Reader, workflow: &mut Workflow, declared: &Declared) {
    start(reader, workflow, declared);
    auth_refs(reader, workflow, declared);
    let mut states = std::mem::take(&mut workflow.states);
    for state in &mut states {
        let mut check = Check { reader, workflow, declared, state: state.name.clone() };
        check.state(state);
    }
    workflow.states = states;
    compensation::check(reader, workflow, declared);
    run_before::check(reader, workflow, declared);
}

fn start(reader: &mut Reader, workflow: &Workflow, declared: &Declared) {
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

fn auth_refs(reader: &mut Reader, workflow: &mut Workflow, declared: &Declared) {
    for function in workflow.functions.values_mut() {
        let Some(auth) = function.auth_ref.take_if(|auth| !declared.auth.contains(&auth.value)) else {
            continue;
        };
        let message = format!("function `{}`: there is no auth definition `{}`", function.name, auth.value);
        let names = declared.auth.iter().map(String::as_str);
        reader.deviation(codes::UNKNOWN_AUTH, &auth.at, message).did_you_mean(&auth.value, names);
    }
}

/// The check of one state.
struct Check<'c, 'r> {
    reader: &'c mut Reader<'r>,
    /// The definition without its states.
    workflow: &'c Workflow,
    declared: &'c Declared,
    /// Name of the state.
    state: String,
}

impl Check<'_, '_> {
    fn state(&mut self, state: &mut State) {
        for next in graph::exits(state) {
            self.next(next);
        }
        for on_error in &state.on_errors {
            self.on_error(on_error);
        }
        self.waits(state);
        self.unused_by_switch(state);
        if state.used_for_compensation {
            without_effect::at_ends(self.reader, state, codes::UNUSED, "it only ends the compensation");
        }
        match &mut state.kind {
            StateKind::Operation { actions, .. } => self.actions(actions),
            StateKind::ForEach(for_each) => self.actions(&mut for_each.actions),
            StateKind::Parallel { branches, .. } => {
                for branch in branches {
                    self.actions(&mut branch.actions);
                    self.own_subflow(branch);
                }
            }
            StateKind::Event(event) => {
                for on_events in &mut event.on_events {
                    for event in &on_events.event_refs {
                        self.event(event, Direction::Consumed);
                    }
                    self.actions(&mut on_events.actions);
                }
            }
            StateKind::Callback(callback) => {
                self.action(&mut callback.action, 1);
                self.event(&callback.event_ref, Direction::Consumed);
            }
            StateKind::Switch(switch) => {
                if let SwitchConditions::Events(conditions) = &switch.conditions {
                    for condition in conditions {
                        self.event(&condition.event_ref, Direction::Consumed);
                    }
                }
            }
            StateKind::Inject { .. } | StateKind::Sleep { .. } => {}
        }
    }

    fn next(&mut self, next: &Next) {
        match next {
            Next::Transition(transition) => {
                let target = &transition.next_state;
                if !self.declared.states.contains(&target.value) {
                    let message = format!(
                        "There is no state for transition {} originated in {}; it connects to nothing",
                        target.value, self.state
                    );
                    let states = self.declared.states.iter().map(String::as_str);
                    let problem = self.reader.error(codes::UNKNOWN_STATE, &target.at, message);
                    problem.did_you_mean(&target.value, states);
                }
                self.produced(&transition.produce_events);
            }
            Next::End(end) => self.produced(&end.produce_events),
        }
    }

    fn produced(&mut self, events: &[ProduceEvent]) {
        for event in events {
            self.event(&event.event_ref, Direction::Produced);
        }
    }

    fn on_error(&mut self, on_error: &OnError) {
        for error in &on_error.errors {
            if self.declared.errors.contains(&error.value) {
                continue;
            }
            let mut message = format!(
                "state `{}`: Cannot find any error definition for errorRef{}",
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
