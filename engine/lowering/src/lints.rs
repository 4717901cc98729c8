//! Warns about expressions that compile but probably do not do what their author meant. They are no errors, because `SonataFlow` runs them.

use std::collections::BTreeSet;

use rondo_definition::{
    Code, Compat, Diagnostic, Pointer, codes, did_you_mean,
    model::{FunctionKind, ProduceEvent, StateKind, Workflow},
};
use rondo_expression::{Expression, Language, compile_property, embedded_expressions, strip};
use rondo_program::{earlier_classes, sonataflow};
use serde_json::Value;

use super::{
    context::{Context, uses_function},
    hints::{hint, unmarked_hint},
};

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
            Value::String(text) => self.lint_text(text, at, place),
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

    /// Warns about the expression that a text begins as, about one within it, or about a text that only looks like one.
    fn lint_text(&mut self, text: &str, at: &Pointer, place: &str) {
        let is_marked = text.trim_start().starts_with("${");
        let is_strict = self.document.compat == Compat::Spec;
        // Most texts are neither, and are not compiled here. By the specification a text without `${` is never an expression.
        let unmarked = if is_marked || is_strict { None } else { unmarked_hint(self.language, text) };
        if !is_marked && unmarked.is_none() {
            return self.lint_embedded(text, at, place);
        }
        match compile_property(self.language, text, &self.expression_functions()) {
            Ok(expression) if is_marked => {
                self.lint_expression(&expression, at, place);
                self.lint_embedded(strip(text), at, place);
            }
            Ok(_) => {}
            Err(error) => {
                let consequence = if is_strict { "" } else { ", so it is taken as text" };
                let message =
                    format!("{place}: `{text}` is not a valid expression{consequence}: {}", error.message);
                let source = &self.document.source;
                let problem = match self.document.compat {
                    Compat::Spec => Diagnostic::error(codes::NOT_AN_EXPRESSION, source, at, message),
                    Compat::SonataFlow => Diagnostic::warning(codes::NOT_AN_EXPRESSION, source, at, message),
                };
                self.diagnostics.push(match unmarked.or_else(|| hint(self.language, text)) {
                    Some(help) => problem.help(help),
                    None => problem,
                });
            }
        }
    }

    /// Warns about `${ … }` within a longer text, which stays text on SonataFlow.
    fn lint_embedded(&mut self, text: &str, at: &Pointer, place: &str) {
        if self.document.compat == Compat::Spec {
            return;
        }
        let embedded = embedded_expressions(self.language, text, &self.expression_functions());
        let Some(first) = embedded.first() else { return };
        let message =
            format!("{place}: `${{{first}}}` stays as it is, because it is a part of a longer text");
        let help = match self.language {
            Language::Jq => {
                format!("make the whole text an expression: `{}`", as_one_expression(text, &embedded))
            }
            Language::JsonPath => "make the whole text an expression".to_owned(),
        };
        self.warn(codes::EMBEDDED_EXPRESSION, at, message, Some(help));
    }

    /// Warns about expressions in the data of an inject state, which are taken as they are written.
    pub(super) fn lint_injected(&mut self, value: &Value, at: &Pointer, place: &str) {
        match value {
            Value::String(text) => {
                let embedded = embedded_expressions(self.language, text, &self.expression_functions());
                let Some(first) = embedded.first() else { return };
                let message = format!(
                    "{place}: `${{{first}}}` stays as it is, because the data of an inject state are not evaluated"
                );
                let help = "let an operation state compute it with an expression function, or the state's `stateDataFilter.output`";
                self.warn(codes::INJECTED_EXPRESSION, at, message, Some(help.to_owned()));
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.lint_injected(item, &at.index(index), place);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.lint_injected(member, &at.key(name), place);
                }
            }
            _ => {}
        }
    }

    /// Warns about error definitions whose code is the name of a Java class that no failure has: they handle nothing.
    pub(super) fn lint_error_codes(&mut self) {
        let errors = self.document.workflow.errors.values();
        let unknown = errors.filter_map(|error| {
            let code = error.code.as_deref()?;
            let is_known =
                sonataflow::match_class(code).matches_any() || earlier_classes::current(code).is_some();
            (is_class_name(code) && !is_known).then_some((error, code))
        });
        for (error, code) in unknown.collect::<Vec<_>>() {
            let message = format!(
                "error `{}`: nothing raises `{code}`, so no error is this one; of Java's classes only those that SonataFlow itself raises have a meaning",
                error.name
            );
            let help = match did_you_mean(code, sonataflow::known_classes()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => {
                    "give the status of the service, such as `404`, or `java.lang.Exception` for every error"
                        .to_owned()
                }
            };
            self.warn(codes::UNRAISED_CLASS, &error.at.key("code"), message, Some(help));
        }
    }

    /// Warns about invalid expressions of functions that no action uses, because the lowering compiles only those that actions use.
    pub(super) fn lint_unused_functions(&mut self, used: &BTreeSet<&str>) {
        let functions = &self.document.workflow.functions;
        for function in functions.values() {
            let is_used = used.contains(function.name.as_str())
                || uses_function(self.document.source.text(), &function.name);
            if function.kind != FunctionKind::Expression || is_used {
                continue;
            }
            let text = &function.operation;
            if let Err(error) = compile_property(self.language, &text.value, &self.expression_functions()) {
                let message = format!(
                    "function `{}`, which nothing uses: `{}` is not a valid expression: {}",
                    function.name, text.value, error.message
                );
                self.warn(codes::UNUSED_EXPRESSION, &text.at, message, hint(self.language, &text.value));
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

/// A text with expressions in it as one expression of jq: a text with interpolations.
fn as_one_expression(text: &str, embedded: &[&str]) -> String {
    let is_quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    let mut whole = if is_quoted { text.to_owned() } else { Value::from(text).to_string() };
    for inside in embedded {
        let escaped = Value::from(*inside).to_string();
        let escaped = escaped.trim_matches('"');
        let written = if is_quoted { inside } else { escaped };
        whole = whole.replace(&format!("${{{written}}}"), &format!("\\({})", inside.trim()));
    }
    format!("${{ {whole} }}")
}

/// Whether a code is the name of a Java class with its package: words with dots between, the last of which begins in upper case.
fn is_class_name(code: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
    };
    let last = code.rsplit_once('.').map(|(_, last)| last);
    last.is_some_and(|last| last.starts_with(char::is_uppercase)) && code.split('.').all(is_word)
}

/// The names after each `$WORKFLOW.` in the text of an expression.
fn workflow_members(text: &str) -> impl Iterator<Item = &str> {
    text.split("$WORKFLOW.").skip(1).filter_map(|rest| {
        let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_');
        rest.get(..end.unwrap_or(rest.len())).filter(|name| !name.is_empty())
    })
}
