//! Errors of a running instance, and the rule by which an error definition matches one.
//!
//! Source: Serverless Workflow 0.8, "Workflow error handling"; the order of the rules is SonataFlow's
//! (`ExceptionHandlerPolicyFactory`), whose users write exception classes, codes and texts into `code`.

use rondo_expression::EvalError;
use rondo_program::ErrorMatch;
use serde::{Deserialize, Serialize};

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Kind of the failure.
    #[serde(rename = "k")]
    pub kind: FailureKind,
    /// Error code: an HTTP status, `TimedOut`, ….
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Box<str>>,
    /// Names by which SonataFlow's users know it: the exception's class and those of its causes, outermost first.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// What happened, for people. Holds no secret.
    #[serde(rename = "m")]
    pub message: String,
    /// The message that answers a REST client, where it is another one (the body that a service answered with).
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The message that the codes of error definitions are compared with, where it is another one: `message` holds addresses and bodies,
    /// in which a code such as `404` may stand by chance.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Box<str>>,
}

/// Kinds of failures; each is also an error code of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// A service answered with an error status.
    Service,
    /// A service could not be reached.
    Communication,
    /// A time limit passed.
    Timeout,
    /// An expression failed.
    Expression,
    /// Data broke a schema, or an argument is not what the operation takes.
    Validation,
    /// The flow itself ended with an error message.
    Declared,
    /// Anything else.
    Runtime,
}

impl FailureKind {
    /// The code that the specification's users write.
    fn code(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Communication => "communication",
            Self::Timeout => "timeout",
            Self::Expression => "expression",
            Self::Validation => "validation",
            Self::Declared => "declared",
            Self::Runtime => "runtime",
        }
    }
}

const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";
const RUNTIME: &str = "java.lang.RuntimeException";

impl Failure {
    /// An expression failed.
    pub(crate) fn expression(error: &EvalError) -> Self {
        Self {
            kind: FailureKind::Expression,
            code: None,
            classes: vec![ILLEGAL_ARGUMENT.into()],
            message: error.to_string(),
            answer: None,
            compared: None,
        }
    }

    /// A time limit passed. `code` is what error definitions name: `TimedOut` for events, `timeout` for the others.
    pub(crate) fn timeout(code: &str, message: String) -> Self {
        Self {
            kind: FailureKind::Timeout,
            code: Some(code.into()),
            classes: vec!["org.kie.kogito.process.ProcessInstanceTimeoutException".into()],
            message,
            answer: None,
            compared: None,
        }
    }

    /// An end state with an error message.
    pub(crate) fn declared(message: String) -> Self {
        Self {
            kind: FailureKind::Declared,
            code: None,
            classes: vec!["org.kie.kogito.serverless.workflow.actions.WorkflowErrorException".into()],
            message,
            answer: None,
            compared: None,
        }
    }

    /// Data break a schema.
    pub fn validation(message: String) -> Self {
        Self {
            kind: FailureKind::Validation,
            code: None,
            classes: vec![ILLEGAL_ARGUMENT.into()],
            message,
            answer: None,
            compared: None,
        }
    }

    /// The definition asks for something that cannot be done with this data.
    pub fn runtime(message: String) -> Self {
        Self {
            kind: FailureKind::Runtime,
            code: None,
            classes: vec![ILLEGAL_ARGUMENT.into()],
            message,
            answer: None,
            compared: None,
        }
    }

    /// Whether a service has answered with an error; else it is not known what has become of the request. It is not when a
    /// gateway has answered for a service that it did not hear of (502, 504), nor when the request is perhaps still being
    /// carried out (409, as draft-ietf-httpapi-idempotency-key-header has it).
    pub(crate) fn is_an_answer(&self) -> bool {
        self.kind == FailureKind::Service
            && self.code.as_deref().is_some_and(|code| !matches!(code, "409" | "502" | "504"))
    }

    /// [`Self::described`] with the place where it happened, unless the text names the state already, as that of a call does.
    pub(crate) fn described_at(&self, state: &str, action: Option<&str>) -> String {
        let described = self.described();
        if self.kind == FailureKind::Declared || self.message.contains(&format!("state `{state}`")) {
            return described;
        }
        let action = action.map(|action| format!(", action `{action}`")).unwrap_or_default();
        format!("{described} (state `{state}`{action})")
    }

    /// `<class name> - <text>`, as the Data Index shows errors; an error message of the flow itself stands alone.
    pub fn described(&self) -> String {
        if self.kind == FailureKind::Declared {
            return self.message.clone();
        }
        format!("{} - {}", self.classes.first().map_or(RUNTIME, String::as_str), self.message)
    }
}

/// The first of the definitions' groups that matches: all are tried by one rule before the next rule is asked.
///
/// `groups` are the handlers in order; gives the index of the one that takes the failure.
pub(crate) fn find_match<'a>(
    groups: impl Iterator<Item = &'a [ErrorMatch]> + Clone,
    failure: &Failure,
) -> Option<usize> {
    RULES.iter().find_map(|rule| {
        groups.clone().position(|errors| errors.iter().any(|error| matches(*rule, error, failure)))
    })
}

type Rule = fn(&str, &Failure) -> bool;

/// The rules in the order in which they are asked.
const RULES: [Rule; 6] = [by_code, by_class, by_message, by_cause, by_pattern, by_superclass];

fn matches(rule: Rule, error: &ErrorMatch, failure: &Failure) -> bool {
    rule(error.code.as_ref().unwrap_or(&error.name), failure)
}

/// The part behind the last colon is the error code: `HTTP:404`, `404`, `TimedOut`.
fn by_code(code: &str, failure: &Failure) -> bool {
    let wanted = code.rsplit(':').next().unwrap_or(code);
    failure.code.as_deref() == Some(wanted)
        || wanted == failure.kind.code()
        || (failure.kind == FailureKind::Timeout && wanted == "TimedOut")
}

fn by_class(code: &str, failure: &Failure) -> bool {
    failure.classes.first().is_some_and(|class| class == code)
}

fn by_message(code: &str, failure: &Failure) -> bool {
    !looks_like_class(code) && compared(failure) == code
}

fn by_cause(code: &str, failure: &Failure) -> bool {
    failure.classes.iter().any(|class| class == code)
}

/// The code is a regular expression found in the message; a status is none, for it may stand in an address by chance. Evaluated by the linear-time engine of jq's `test`.
fn by_pattern(code: &str, failure: &Failure) -> bool {
    let is_status = code.bytes().all(|byte| byte.is_ascii_digit());
    !is_status && !looks_like_class(code) && rondo_expression::pattern_found(code, compared(failure))
}

fn compared(failure: &Failure) -> &str {
    failure.compared.as_deref().unwrap_or(&failure.message)
}

/// Superclasses of whatever can be raised.
fn by_superclass(code: &str, failure: &Failure) -> bool {
    match code {
        "java.lang.Throwable" | "java.lang.Exception" | RUNTIME => true,
        "java.io.IOException" => failure.kind == FailureKind::Communication,
        _ => false,
    }
}

/// Identifiers joined by dots, so `TimedOut` looks like one, `404` and `HTTP:404` do not.
fn looks_like_class(code: &str) -> bool {
    code.split('.').all(|part| {
        let mut characters = part.chars();
        characters.next().is_some_and(|first| first.is_alphabetic() || first == '_' || first == '$')
            && characters.all(|next| next.is_alphanumeric() || next == '_' || next == '$')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: Option<&str>, kind: FailureKind, classes: &[&str], message: &str) -> Failure {
        Failure {
            kind,
            code: code.map(Into::into),
            classes: classes.iter().map(|class| (*class).into()).collect(),
            message: message.into(),
            answer: None,
            compared: None,
        }
    }

    #[test]
    fn a_description_names_the_place_once() {
        let called = "function `f`: GET http://h answered 503 (state `Call`, action `ask`, attempt 2)";
        for (kind, message, state, action, expected) in [
            (FailureKind::Expression, "no", "Add", Some("add"), "a.B - no (state `Add`, action `add`)"),
            (FailureKind::Expression, "no", "Add", None, "a.B - no (state `Add`)"),
            (FailureKind::Service, called, "Call", Some("f"), &*format!("a.B - {called}")),
            (FailureKind::Declared, "denied", "End", None, "denied"),
        ] {
            let failure = failure(None, kind, &["a.B"], message);
            assert_eq!(failure.described_at(state, action), expected);
        }
    }

    #[test]
    fn a_code_matches_by_status_class_message_pattern_or_superclass() {
        let not_found = failure(
            Some("404"),
            FailureKind::Service,
            &["org.kie.kogito.internal.process.workitem.WorkItemExecutionException"],
            "no such pet 17",
        );
        for (code, expected) in [
            ("404", true),
            ("HTTP:404", true),
            ("403", false),
            ("org.kie.kogito.internal.process.workitem.WorkItemExecutionException", true),
            ("no such pet 17", true),
            ("no such .* [0-9]+", true),
            ("17", false),
            ("such", false), // looks like a class name, so it is no pattern
            ("pet 18", false),
            ("java.lang.RuntimeException", true),
            ("java.lang.Exception", true),
            ("java.io.IOException", false),
            ("TimedOut", false),
        ] {
            let definition = [ErrorMatch { name: "e".into(), code: Some(code.into()) }];
            let found = find_match([definition.as_slice()].into_iter(), &not_found).is_some();
            assert_eq!(found, expected, "{code}");
        }
    }

    #[test]
    fn a_code_is_not_looked_for_in_addresses_and_bodies() {
        let mut failed = failure(
            Some("500"),
            FailureKind::Service,
            &["a.B"],
            "function `f`: GET http://h/users/1404 answered 500 Internal Server Error: upstream said 404",
        );
        failed.compared = Some("Unknown error, status code 500".into());
        for (code, expected) in
            [("404", false), ("Internal Server Error", false), ("Unknown error.*", true), ("500", true)]
        {
            let definition = [ErrorMatch { name: "e".into(), code: Some(code.into()) }];
            let found = find_match([definition.as_slice()].into_iter(), &failed).is_some();
            assert_eq!(found, expected, "{code}");
        }
    }

    #[test]
    fn a_rule_is_tried_on_all_handlers_before_the_next_rule() {
        let error = |code: &str| vec![ErrorMatch { name: "e".into(), code: Some(code.into()) }];
        let groups = [error("java.lang.Exception"), error("404")];
        let found = find_match(
            groups.iter().map(Vec::as_slice),
            &failure(Some("404"), FailureKind::Service, &["a.B"], "gone"),
        );
        assert_eq!(found, Some(1), "the exact code wins over the superclass that stands first");
    }
}
