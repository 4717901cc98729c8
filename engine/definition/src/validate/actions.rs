//! Checks the references of actions: functions, events, retries, errors.

use serde_json::Value;

use super::{Direction, StateCheck};
use crate::{
    codes,
    model::{Action, ActionKind, At, Branch, Function, FunctionRef},
    read::suggest,
};

impl StateCheck<'_, '_> {
    pub(super) fn check_actions(&mut self, actions: &mut [Action]) {
        for (index, action) in actions.iter_mut().enumerate() {
            self.check_action(action, index + 1);
        }
    }

    /// Checks an action. `number` is its number from 1; it names the action in messages if it has no name.
    pub(super) fn check_action(&mut self, action: &mut Action, number: usize) {
        let place = match &action.name {
            Some(name) => format!("state `{}`, action `{name}`", self.state),
            None => format!("state `{}`, action {number}", self.state),
        };
        match &action.kind {
            ActionKind::Function(function) => self.check_function_ref(function, &place),
            ActionKind::Event(event) => {
                self.check_event(&event.trigger.event_ref, Direction::Produced);
                if let Some(result) = &event.result {
                    self.check_event(result, Direction::Consumed);
                }
            }
            // `check_workflows` checks subflows, because it knows all workflows of the folder.
            ActionKind::SubFlow(_) => {}
        }
        self.check_retries(action, &place);
        self.warn_about_unused_properties(action, &place);
    }

    fn check_function_ref(&mut self, reference: &FunctionRef, place: &str) {
        let name = &reference.name;
        let namespace = name.value.split_once(':').map(|(namespace, _)| namespace);
        let is_in_namespace = namespace
            .is_some_and(|namespace| self.declared.namespaces.iter().any(|known| known == namespace));
        if !self.declared.functions.contains(&name.value) && !is_in_namespace {
            if !self.is_new(codes::UNKNOWN_FUNCTION, &name.value) {
                return;
            }
            let message = format!("{place}: Cannot find function {}", name.value);
            let names = self.declared.functions.iter().map(String::as_str);
            self.reader.error(codes::UNKNOWN_FUNCTION, &name.at, message).did_you_mean(&name.value, names);
            return;
        }
        let function = self.workflow.functions.get(&name.value);
        if let Some(renamed) = &reference.renamed_arguments {
            self.report_renamed_arguments(renamed, function, place);
            return;
        }
        let Some(function) = function.filter(|function| function.is_sysout()) else { return };
        let problem = match &reference.arguments {
            None => "Arguments cannot be null",
            Some(At { value: Value::Object(arguments), .. }) if !arguments.contains_key("message") => {
                "Missing mandatory message argument"
            }
            Some(_) => return,
        };
        let message = format!("{place}: {problem} for function {}", function.name);
        self.reader
            .error(codes::MISSING_ARGUMENT, &name.at, message)
            .help("give it `arguments: {message: …}`");
    }

    /// Reports a property that is probably meant as `arguments`. SonataFlow ignores it, unless the function needs arguments.
    fn report_renamed_arguments(&mut self, renamed: &At<String>, function: Option<&Function>, place: &str) {
        let name = renamed.value.as_str();
        let needs = function.filter(|function| function.is_sysout());
        let problem = if let Some(function) = needs {
            let message = format!(
                "{place}: Arguments cannot be null for function {}, and `{name}` is none",
                function.name
            );
            self.reader.error(codes::MISSING_ARGUMENT, &renamed.at, message)
        } else {
            let message = format!("{place}: there is no property `{name}` here");
            self.reader.deviation(codes::REFERENCE_PROPERTY, &renamed.at, message)
        };
        suggest(problem.on_key(), name, &["arguments"]);
    }

    /// Checks the retry policy and the lists of errors. Removes undefined names, and lists without effect, from the model.
    fn check_retries(&mut self, action: &mut Action, place: &str) {
        let unknown = action.retry_ref.take_if(|retry| !self.declared.retries.contains(&retry.value));
        if let Some(retry) = unknown.filter(|retry| self.is_new(codes::UNKNOWN_RETRY, &retry.value)) {
            let message = format!("{place}: there is no retry definition `{}`", retry.value);
            let names = self.declared.retries.iter().map(String::as_str);
            self.reader.deviation(codes::UNKNOWN_RETRY, &retry.at, message).did_you_mean(&retry.value, names);
        }
        self.check_retry_errors(&mut action.retryable_errors, "retryableErrors", place);
        self.check_retry_errors(&mut action.non_retryable_errors, "nonRetryableErrors", place);
        let (unused, name, when) = if self.workflow.auto_retries {
            (&mut action.retryable_errors, "retryableErrors", "`autoRetries` is true")
        } else {
            (&mut action.non_retryable_errors, "nonRetryableErrors", "`autoRetries` is not true")
        };
        if let Some(first) = unused.first() {
            let message = format!("{place}: `{name}` has no effect, since {when}");
            self.reader.warning(codes::UNUSED_RETRY_LIST, &first.at, message);
            unused.clear();
        }
    }

    fn check_retry_errors(&mut self, errors: &mut Vec<At<String>>, list: &str, place: &str) {
        errors.retain(|error| {
            let is_known = self.declared.errors.contains(&error.value);
            if !is_known && self.is_new(codes::UNKNOWN_RETRY_ERROR, &error.value) {
                let message = format!("{place}: there is no error definition `{}` for `{list}`", error.value);
                let names = self.declared.errors.iter().map(String::as_str);
                self.reader
                    .deviation(codes::UNKNOWN_RETRY_ERROR, &error.at, message)
                    .did_you_mean(&error.value, names);
            }
            is_known
        });
    }

    /// Reports a branch that runs its own workflow as subflow.
    pub(super) fn check_recursive_subflow(&mut self, branch: &Branch) {
        for action in &branch.actions {
            if let ActionKind::SubFlow(subflow) = &action.kind
                && subflow.workflow_id.value == self.workflow.id
            {
                let message = format!(
                    "state `{}`, branch `{}`: the branch runs its own workflow `{}` as subflow",
                    self.state, branch.name, subflow.workflow_id.value
                );
                self.reader.error(codes::RECURSIVE_SUBFLOW, &subflow.workflow_id.at, message);
            }
        }
    }
}
