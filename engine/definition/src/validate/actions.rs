//! References of actions: functions, events, retries, errors.

use serde_json::Value;

use super::{Check, Direction};
use crate::{
    codes,
    model::{Action, ActionKind, At, Branch, FunctionRef},
};

impl Check<'_, '_> {
    pub(super) fn actions(&mut self, actions: &mut [Action]) {
        for (index, action) in actions.iter_mut().enumerate() {
            self.action(action, index + 1);
        }
    }

    /// `number` counts from 1.
    pub(super) fn action(&mut self, action: &mut Action, number: usize) {
        let place = match &action.name {
            Some(name) => format!("state `{}`, action `{name}`", self.state),
            None => format!("state `{}`, action {number}", self.state),
        };
        match &action.kind {
            ActionKind::Function(function) => self.function(function, &place),
            ActionKind::Event(event) => {
                self.event(&event.trigger.event_ref, Direction::Produced);
                if let Some(result) = &event.result {
                    self.event(result, Direction::Consumed);
                }
            }
            // `workflows` checks subflows, because only the folder knows all workflows.
            ActionKind::SubFlow(_) => {}
        }
        self.retries(action, &place);
        self.unused_by_action(action, &place);
    }

    fn function(&mut self, reference: &FunctionRef, place: &str) {
        let name = &reference.name;
        let namespace = name.value.split_once(':').map(|(namespace, _)| namespace);
        let brought = namespace
            .is_some_and(|namespace| self.declared.namespaces.iter().any(|known| known == namespace));
        if !self.declared.functions.contains(&name.value) && !brought {
            let message = format!("{place}: Cannot find function {}", name.value);
            let names = self.declared.functions.iter().map(String::as_str);
            self.reader.error(codes::UNKNOWN_FUNCTION, &name.at, message).did_you_mean(&name.value, names);
            return;
        }
        let Some(function) = self.workflow.functions.get(&name.value) else { return };
        if !function.prints() {
            return;
        }
        let fault = match &reference.arguments {
            None => "Arguments cannot be null",
            Some(At { value: Value::Object(arguments), .. }) if !arguments.contains_key("message") => {
                "Missing mandatory message argument"
            }
            Some(_) => return,
        };
        let message = format!("{place}: {fault} for function {}", name.value);
        self.reader.error(codes::ARGUMENTS, &name.at, message).help("give it `arguments: {message: …}`");
    }

    /// Checks retry policy and lists of errors; removes undefined names and lists without effect from the model.
    fn retries(&mut self, action: &mut Action, place: &str) {
        if let Some(retry) = action.retry_ref.take_if(|retry| !self.declared.retries.contains(&retry.value)) {
            let message = format!("{place}: there is no retry definition `{}`", retry.value);
            let names = self.declared.retries.iter().map(String::as_str);
            self.reader.deviation(codes::UNKNOWN_RETRY, &retry.at, message).did_you_mean(&retry.value, names);
        }
        self.retry_errors(&mut action.retryable_errors, "retryableErrors", place);
        self.retry_errors(&mut action.non_retryable_errors, "nonRetryableErrors", place);
        let (unused, name, when) = if self.workflow.auto_retries {
            (&mut action.retryable_errors, "retryableErrors", "`autoRetries` is true")
        } else {
            (&mut action.non_retryable_errors, "nonRetryableErrors", "`autoRetries` is not true")
        };
        if let Some(first) = unused.first() {
            let message = format!("{place}: `{name}` has no effect, since {when}");
            self.reader.warning(codes::RETRY, &first.at, message);
            unused.clear();
        }
    }

    fn retry_errors(&mut self, errors: &mut Vec<At<String>>, list: &str, place: &str) {
        errors.retain(|error| {
            let known = self.declared.errors.contains(&error.value);
            if !known {
                let message = format!("{place}: there is no error definition `{}` for `{list}`", error.value);
                let names = self.declared.errors.iter().map(String::as_str);
                self.reader
                    .deviation(codes::UNKNOWN_RETRY_ERROR, &error.at, message)
                    .did_you_mean(&error.value, names);
            }
            known
        });
    }

    /// A branch may not run the workflow that it belongs to.
    pub(super) fn own_subflow(&mut self, branch: &Branch) {
        for action in &branch.actions {
            if let ActionKind::SubFlow(subflow) = &action.kind
                && subflow.workflow_id.value == self.workflow.id
            {
                let message = format!(
                    "state `{}`, branch `{}`: the branch runs its own workflow `{}` as subflow",
                    self.state, branch.name, subflow.workflow_id.value
                );
                self.reader.error(codes::OWN_SUBFLOW, &subflow.workflow_id.at, message);
            }
        }
    }
}
