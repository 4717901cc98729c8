//! Properties that the engine does not honour, where that depends on more than the object that they stand in.
//!
//! The check that needs one object only is in `read/without_effect.rs`.

use super::Check;
use crate::{
    Pointer, codes,
    model::{
        Action, ActionKind, Function, FunctionKind, FunctionRef, Next, State, StateKind, SwitchConditions,
    },
    read::Reader,
};

impl Check<'_, '_> {
    fn without_effect(&mut self, at: &Pointer, place: &str, name: &str, what: &str) {
        let message = format!("{place}: `{name}` has no effect: {what}");
        self.reader.warning(codes::WITHOUT_EFFECT, at, message);
    }

    /// Arguments that the function does not use, and retries of actions that are not retried.
    pub(super) fn unused_by_action(&mut self, action: &Action, place: &str) {
        let workflow = self.workflow;
        let what = match &action.kind {
            ActionKind::SubFlow(_) => "a subflow is not retried",
            ActionKind::Function(reference) => {
                let Some(function) = workflow.functions.get(&reference.name.value) else { return };
                self.unused_by_function(reference, function, place);
                if function.kind != FunctionKind::Expression {
                    return;
                }
                "an expression is not evaluated again"
            }
            ActionKind::Event(_) => return,
        };
        let lists = [
            ("retryableErrors", &action.retryable_errors),
            ("nonRetryableErrors", &action.non_retryable_errors),
        ];
        let lists = lists.into_iter().filter_map(|(name, list)| Some((name, list.first()?)));
        let given = action.retry_ref.as_ref().map(|retry| ("retryRef", retry)).into_iter().chain(lists);
        for (name, text) in given {
            self.without_effect(&text.at, place, name, what);
        }
    }

    fn unused_by_function(&mut self, reference: &FunctionRef, function: &Function, place: &str) {
        if let Some(selection) =
            reference.selection_set.as_ref().filter(|_| function.kind != FunctionKind::GraphQl)
        {
            let what = format!("the function `{}` is not of the type graphql", function.name);
            self.without_effect(&selection.at, place, "selectionSet", &what);
        }
        let Some(arguments) = &reference.arguments else { return };
        if function.kind == FunctionKind::Expression {
            let what =
                format!("the function `{}` is an expression, which sees the state's data", function.name);
            self.without_effect(&arguments.at, place, "arguments", &what);
        } else if function.prints() {
            let members = arguments.value.as_object().into_iter().flatten();
            for (name, _) in members.filter(|(name, _)| *name != "message") {
                let what = format!("the function `{}` prints `message` only", function.name);
                self.without_effect(&arguments.at.key(name), place, name, &what);
            }
        }
    }

    /// The event timeout of a switch without a default, so that no condition follows the timeout.
    pub(super) fn unused_by_switch(&mut self, state: &State) {
        let StateKind::Switch(switch) = &state.kind else { return };
        if let (SwitchConditions::Events(_), None, Some(limit)) =
            (&switch.conditions, &switch.default, &state.timeouts.event)
        {
            let place = format!("state `{}`", state.name);
            self.without_effect(
                &limit.at,
                &place,
                "eventTimeout",
                "there is no `defaultCondition` to go on with",
            );
        }
    }
}

/// `produceEvents` and `continueAs` at the ends of a state where the engine ignores them; `what` happens instead.
pub(super) fn at_ends(reader: &mut Reader, state: &State, what: &str) {
    for next in super::graph::exits(state) {
        let Next::End(end) = next else { continue };
        let mut warn = |at: &Pointer, name: &str| {
            let message = format!("state `{}`: `{name}` has no effect: {what}", state.name);
            reader.warning(codes::WITHOUT_EFFECT, at, message);
        };
        if !end.produce_events.is_empty() {
            warn(&end.at.key("produceEvents"), "produceEvents");
        }
        if let Some(successor) = &end.continue_as {
            warn(&successor.at, "continueAs");
        }
    }
}
