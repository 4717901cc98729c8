//! Warns about expressions that compile but probably do not do what their author meant. They are no errors, because `SonataFlow` runs them.

use std::collections::BTreeSet;

use rondo_definition::{
    Code, Diagnostic, Pointer, codes, did_you_mean,
    model::{FunctionKind, ProduceEvent, StateKind, Workflow},
};
use rondo_expression::{Expression, compile_property};
use serde_json::Value;

use super::context::Context;

/// Variables that have a value in every expression.
const VARIABLES: [&str; 4] = ["$WORKFLOW", "$SECRET", "$SECRETS", "$CONST"];

/// What of an event is no extension attribute, or is set by the engine. `subject` is free.
const FIXED_ATTRIBUTES: [&str; 8] =
    ["specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "data"];

/// Members of `$WORKFLOW`, the same as in the `context` module of the machine.
const WORKFLOW_MEMBERS: [&str; 13] = [
    "error",
    "headers",
    "id",
    "identity",
    "input",
    "instanceId",
    "name",
    "prevActionResult",
    "python",
    "responseHeaders",
    "statusCode",
    "statusMessage",
    "version",
];

/// Names of the iteration parameters of a workflow, each with `$`.
pub(super) fn iteration_parameters(workflow: &Workflow) -> BTreeSet<String> {
    let states = workflow.states.iter();
    let parameters = states.filter_map(|state| match &state.kind {
        StateKind::ForEach(each) => Some(format!("${}", each.iteration_param)),
        _ => None,
    });
    parameters.collect()
}

impl Context<'_> {
    /// Warns about unknown variables and members of `$WORKFLOW` in an expression. `place` names the expression in messages.
    pub(super) fn lint_expression(&mut self, expression: &Expression, at: &Pointer, place: &str) {
        for name in expression.variables() {
            if VARIABLES.contains(&&**name) || self.parameters.contains(&**name) {
                continue;
            }
            let message =
                format!("{place}: `{name}` has no value, unless a calling workflow's foreach gives it one");
            let known: Vec<&str> =
                VARIABLES.into_iter().chain(self.parameters.iter().map(String::as_str)).collect();
            let help = did_you_mean(name, known).map(|similar| format!("did you mean `{similar}`?"));
            self.warn(codes::UNKNOWN_VARIABLE, at, message, help);
        }
        for name in workflow_members(expression.source()) {
            if !WORKFLOW_MEMBERS.contains(&name) {
                let message = format!("{place}: `$WORKFLOW` has no member `{name}`");
                let similar = did_you_mean(name, WORKFLOW_MEMBERS);
                let help = similar.map_or_else(
                    || format!("there are `{}`", WORKFLOW_MEMBERS.join("`, `")),
                    |similar| format!("did you mean `{similar}`?"),
                );
                self.warn(codes::UNKNOWN_VARIABLE, at, message, Some(help));
            }
        }
    }

    /// Warns about the expressions in a value whose texts may be expressions, and about texts that begin as an expression but are none.
    pub(super) fn lint_template(&mut self, value: &Value, at: &Pointer, place: &str) {
        match value {
            Value::String(text) if text.trim_start().starts_with("${") => {
                match compile_property(self.language, text, &self.expression_functions()) {
                    Ok(expression) => self.lint_expression(&expression, at, place),
                    Err(error) => {
                        let message = format!(
                            "{place}: `{text}` is not a valid expression, so it is taken as text: {}",
                            error.message
                        );
                        self.warn(codes::NOT_AN_EXPRESSION, at, message, None);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.lint_template(item, &at.index(index), place);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.lint_template(member, &at.key(name), place);
                }
            }
            _ => {}
        }
    }

    /// Warns about invalid expressions of functions that no action uses, because the lowering compiles only those that actions use.
    pub(super) fn lint_unused_functions(&mut self, used: &BTreeSet<&str>) {
        let functions = &self.document.workflow.functions;
        for function in functions.values() {
            if function.kind != FunctionKind::Expression || used.contains(function.name.as_str()) {
                continue;
            }
            let text = &function.operation;
            if let Err(error) = compile_property(self.language, &text.value, &self.expression_functions()) {
                let message = format!(
                    "function `{}`, which nothing uses: `{}` is not a valid expression: {}",
                    function.name, text.value, error.message
                );
                self.warn(codes::UNUSED_EXPRESSION, &text.at, message, None);
            }
        }
    }

    /// Warns of attributes of a published event that no event can have. They are left out when it is sent.
    pub(super) fn lint_attribute_names(&mut self, produced: &ProduceEvent, place: &str) {
        for (name, value) in &produced.context_attributes {
            let event = &produced.event_ref.value;
            let lower = name.to_ascii_lowercase();
            if FIXED_ATTRIBUTES.contains(&lower.as_str()) {
                let message = format!(
                    "{place}: the attribute `{name}` of event `{event}` cannot be set here, and is left out: the engine or the definition of the event sets it"
                );
                let help = "choose another name; only `subject` is both an attribute of CloudEvents and free";
                self.warn(codes::EVENT_ATTRIBUTE, &value.at, message, Some(help.to_owned()));
            } else if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let message = format!(
                    "{place}: the attribute `{name}` of event `{event}` has a name that CloudEvents does not allow, and is left out"
                );
                let allowed: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
                let help = match allowed.as_str() {
                    "" => "a name consists of the letters a to z and digits".to_owned(),
                    allowed => {
                        format!("a name consists of the letters a to z and digits, such as `{allowed}`")
                    }
                };
                self.warn(codes::EVENT_ATTRIBUTE, &value.at, message, Some(help));
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

/// The names after each `$WORKFLOW.` in the text of an expression.
fn workflow_members(text: &str) -> impl Iterator<Item = &str> {
    text.split("$WORKFLOW.").skip(1).filter_map(|rest| {
        let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_');
        rest.get(..end.unwrap_or(rest.len())).filter(|name| !name.is_empty())
    })
}
