//! What compiles and is probably not what its author meant. `SonataFlow` runs all of it, so these are warnings.

use std::collections::BTreeSet;

use rondo_definition::{
    Code, Diagnostic, Pointer, codes, did_you_mean,
    model::{FunctionKind, StateKind, Workflow},
};
use rondo_expression::{Expression, compile_property};
use serde_json::Value;

use super::context::Context;

/// Variables that have a value everywhere.
const VARIABLES: [&str; 4] = ["$WORKFLOW", "$SECRET", "$SECRETS", "$CONST"];

/// Members of `$WORKFLOW` (see the machine's context).
const MEMBERS: [&str; 11] = [
    "headers",
    "id",
    "identity",
    "input",
    "instanceId",
    "name",
    "prevActionResult",
    "responseHeaders",
    "statusCode",
    "statusMessage",
    "version",
];

/// Names of the iteration parameters of a workflow, with `$`.
pub(super) fn iteration_parameters(workflow: &Workflow) -> BTreeSet<String> {
    let states = workflow.states.iter();
    let parameters = states.filter_map(|state| match &state.kind {
        StateKind::ForEach(each) => Some(format!("${}", each.iteration_param)),
        _ => None,
    });
    parameters.collect()
}

impl Context<'_> {
    /// Looks at an expression that compiled. `what` names it for people.
    pub(super) fn hint(&mut self, expression: &Expression, at: &Pointer, what: &str) {
        for name in expression.variables() {
            if VARIABLES.contains(&&**name) || self.parameters.contains(&**name) {
                continue;
            }
            let message =
                format!("{what}: `{name}` has no value, unless a calling workflow's foreach gives it one");
            let known: Vec<&str> =
                VARIABLES.into_iter().chain(self.parameters.iter().map(String::as_str)).collect();
            let help = did_you_mean(name, known).map(|known| format!("did you mean `{known}`?"));
            self.warn(codes::UNKNOWN_VARIABLE, at, message, help);
        }
        for name in members_of_workflow(expression.source()) {
            if !MEMBERS.contains(&name) {
                let message = format!("{what}: `$WORKFLOW` has no member `{name}`");
                let known = did_you_mean(name, MEMBERS);
                let help = known.map_or_else(
                    || format!("there are `{}`", MEMBERS.join("`, `")),
                    |known| format!("did you mean `{known}`?"),
                );
                self.warn(codes::UNKNOWN_VARIABLE, at, message, Some(help));
            }
        }
    }

    /// Looks at a tree in which every text may be an expression.
    pub(super) fn hint_tree(&mut self, value: &Value, at: &Pointer, what: &str) {
        match value {
            Value::String(text) if text.trim_start().starts_with("${") => {
                match compile_property(self.language, text, &self.functions()) {
                    Ok(expression) => self.hint(&expression, at, what),
                    Err(error) => {
                        let message = format!(
                            "{what}: `{text}` is not a valid expression, so it is taken as text: {}",
                            error.message
                        );
                        self.warn(codes::NOT_AN_EXPRESSION, at, message, None);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.hint_tree(item, &at.index(index), what);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.hint_tree(member, &at.key(name), what);
                }
            }
            _ => {}
        }
    }

    /// Compiles the expressions of functions that no action uses: they were not looked at otherwise.
    pub(super) fn hint_unused_functions(&mut self, used: &BTreeSet<&str>) {
        let functions = &self.document.workflow.functions;
        for function in functions.values() {
            if function.kind != FunctionKind::Expression || used.contains(function.name.as_str()) {
                continue;
            }
            let text = &function.operation;
            if let Err(error) = compile_property(self.language, &text.value, &self.functions()) {
                let message = format!(
                    "function `{}`, which nothing uses: `{}` is not a valid expression: {}",
                    function.name, text.value, error.message
                );
                self.warn(codes::UNUSED_EXPRESSION, &text.at, message, None);
            }
        }
    }

    fn warn(&mut self, code: Code, at: &Pointer, message: String, help: Option<String>) {
        let warning = Diagnostic::warning(code, &self.document.source, at, message);
        self.diagnostics.push(match help {
            Some(help) => warning.help(help),
            None => warning,
        });
    }
}

/// Names that stand behind `$WORKFLOW.`.
fn members_of_workflow(text: &str) -> impl Iterator<Item = &str> {
    text.split("$WORKFLOW.").skip(1).filter_map(|behind| {
        let ends = behind.find(|next: char| !next.is_alphanumeric() && next != '_');
        behind.get(..ends.unwrap_or(behind.len())).filter(|name| !name.is_empty())
    })
}
