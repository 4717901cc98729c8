//! Warns about properties that have no effect because of another object.
//!
//! The checks that need one object only are in `read/without_effect.rs`.

use super::StateCheck;
use crate::{
    Pointer, codes,
    model::{
        Action, ActionKind, Function, FunctionKind, FunctionRef, Next, State, StateKind, SwitchConditions,
    },
    read::Reader,
};

/// Why an action with `invoke: async` is not retried.
const ASYNC: &str = "nobody learns what became of an action with `invoke: async`";

impl StateCheck<'_, '_> {
    fn warn_unused(&mut self, at: &Pointer, place: &str, name: &str, why: &str) {
        let message = format!("{place}: `{name}` has no effect: {why}");
        self.reader.warning(codes::UNUSED_PROPERTY, at, message);
    }

    /// Warns about arguments that the function does not use, and about retry properties of actions that are not retried.
    pub(super) fn warn_about_unused_properties(&mut self, action: &Action, place: &str) {
        let workflow = self.workflow;
        let what = match &action.kind {
            ActionKind::SubFlow(subflow) if subflow.invoke_async => ASYNC,
            ActionKind::SubFlow(_) => return,
            ActionKind::Function(reference) => {
                let Some(function) = workflow.functions.get(&reference.name.value) else { return };
                self.warn_about_unused_arguments(reference, function, place);
                match () {
                    () if reference.invoke_async => ASYNC,
                    () if function.kind == FunctionKind::Expression => "an expression is not evaluated again",
                    () => return,
                }
            }
            ActionKind::Event(event) if event.invoke_async || event.result.is_none() => {
                "an event that is only published does not fail"
            }
            ActionKind::Event(_) => "an event is not published again",
        };
        let lists = [
            ("retryableErrors", &action.retryable_errors),
            ("nonRetryableErrors", &action.non_retryable_errors),
        ];
        let lists = lists.into_iter().filter_map(|(name, list)| Some((name, list.first()?)));
        let given = action.retry_ref.as_ref().map(|retry| ("retryRef", retry)).into_iter().chain(lists);
        for (name, text) in given {
            let message = format!("{place}: `{name}` has no effect yet: {what}");
            self.reader.warning(codes::WITHOUT_EFFECT, &text.at, message);
        }
    }

    fn warn_about_unused_arguments(&mut self, reference: &FunctionRef, function: &Function, place: &str) {
        if let Some(selection) =
            reference.selection_set.as_ref().filter(|_| function.kind != FunctionKind::GraphQl)
        {
            let what = format!("the function `{}` is not of the type graphql", function.name);
            self.warn_unused(&selection.at, place, "selectionSet", &what);
        }
        let Some(arguments) = &reference.arguments else { return };
        if function.kind == FunctionKind::Expression {
            let what =
                format!("the function `{}` is an expression, which sees the state's data", function.name);
            self.warn_unused(&arguments.at, place, "arguments", &what);
        } else if function.is_sysout() {
            // Without `message` there is an error already, and the other name is probably a misspelt `message`.
            let members = arguments.value.as_object().filter(|members| members.contains_key("message"));
            let members = members.into_iter().flatten();
            for (name, _) in members.filter(|(name, _)| *name != "message") {
                let what = format!("the function `{}` prints `message` only", function.name);
                self.warn_unused(&arguments.at.key(name), place, name, &what);
            }
        }
    }

    /// Warns about the event timeout of a switch without `defaultCondition`, because no transition follows the timeout.
    pub(super) fn warn_about_unused_timeout(&mut self, state: &State) {
        let StateKind::Switch(switch) = &state.kind else { return };
        if let (SwitchConditions::Events(_), None, Some(limit)) =
            (&switch.conditions, &switch.default, &state.timeouts.event)
        {
            let place = format!("state `{}`", state.name);
            self.warn_unused(
                &limit.at,
                &place,
                "eventTimeout",
                "there is no `defaultCondition` to go on with",
            );
        }
    }
}

/// What of an end has no effect.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ignored {
    /// `continueAs`.
    Successor,
    /// `continueAs` and `produceEvents`.
    All,
}

/// Warns about properties at the ends of a state that have no effect there. `what` says what happens instead.
pub(super) fn warn_at_ends(reader: &mut Reader, state: &State, ignored: Ignored, what: &str) {
    for next in super::graph::exits(state) {
        let Next::End(end) = next else { continue };
        let mut warn = |at: &Pointer, name: &str| {
            let message = format!("state `{}`: `{name}` has no effect: {what}", state.name);
            reader.warning(codes::UNUSED_PROPERTY, at, message);
        };
        if ignored == Ignored::All && !end.produce_events.is_empty() {
            warn(&end.at.key("produceEvents"), "produceEvents");
        }
        if let Some(successor) = &end.continue_as {
            warn(&successor.at, "continueAs");
        }
    }
}
