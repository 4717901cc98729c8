//! Lowers error definitions and retry policies, and warns about codes of earlier versions.

use rondo_definition::{
    Diagnostic, Document, codes,
    model::{self, At},
};
use rondo_program::{
    ErrorMatch, Jitter, RetryPolicy, TextMatch,
    earlier_classes::{self, CurrentName},
    sonataflow,
};

use super::{Lowering, parse_checked_duration, shared};

/// The delay of the default retry policy with `autoRetries`: the specification defines 1 second, doubled for each retry.
const DEFAULT_DELAY: std::time::Duration = std::time::Duration::from_secs(1);

impl<'a> Lowering<'a> {
    /// The error definitions with these names. The check of the document reports unknown names.
    pub(super) fn error_matches(&self, names: &[At<String>]) -> Vec<ErrorMatch> {
        let errors = &self.context.document.workflow.errors;
        names.iter().filter_map(|name| errors.get(&name.value)).map(error_match).collect()
    }

    /// The retry policy of an action; `None` if the action is not retried (spec-0.8, "Retrying").
    pub(super) fn retry_policy(&mut self, action: &'a model::Action) -> Option<RetryPolicy> {
        let workflow = &self.context.document.workflow;
        let named = action.retry_ref.as_ref().and_then(|name| workflow.retries.get(&name.value));
        if named.is_none() && !workflow.auto_retries {
            return None;
        }
        let only = match (workflow.auto_retries, action.retryable_errors.as_slice()) {
            (true, _) => None,
            (false, []) => Some(workflow.errors.values().map(error_match).collect()),
            (false, names) => Some(self.error_matches(names)),
        };
        let except =
            if workflow.auto_retries { self.error_matches(&action.non_retryable_errors) } else { Vec::new() };
        let Some(named) = named else {
            return Some(RetryPolicy {
                delay: DEFAULT_DELAY,
                max_delay: None,
                increment: std::time::Duration::ZERO,
                multiplier: 2.0,
                max_attempts: None,
                jitter: None,
                only,
                except,
            });
        };
        let span = |text: &Option<At<String>>| text.as_ref().and_then(parse_checked_duration);
        Some(RetryPolicy {
            delay: span(&named.delay).unwrap_or_default(),
            max_delay: span(&named.max_delay),
            increment: span(&named.increment).unwrap_or_default(),
            multiplier: named.multiplier.unwrap_or(1.0),
            max_attempts: named.max_attempts,
            jitter: match &named.jitter {
                Some(model::Jitter::Fraction(fraction)) => Some(Jitter::Fraction(*fraction)),
                Some(model::Jitter::Duration(text)) => span(&Some(text.clone())).map(Jitter::Span),
                None => None,
            },
            only,
            except,
        })
    }
}

fn error_match(error: &model::ErrorDefinition) -> ErrorMatch {
    let code = error.code.as_deref().unwrap_or(&error.name);
    let (name, statuses) = match earlier_classes::current(code) {
        Some(CurrentName::Class(class)) => (class, None),
        Some(CurrentName::Statuses(statuses)) => (code, Some(statuses)),
        None => (code, None),
    };
    let sonataflow::ClassMatch { class, cause, superclass } = sonataflow::match_class(name);
    ErrorMatch {
        name: shared(&error.name),
        code: shared(code),
        class,
        cause,
        superclass,
        statuses,
        text: text_match(code),
    }
}

/// Warns about error definitions whose code is the class name of an earlier version.
pub(super) fn lint_codes(document: &Document) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for error in document.workflow.errors.values() {
        let Some((code, current)) =
            error.code.as_deref().and_then(|code| Some((code, earlier_classes::current(code)?)))
        else {
            continue;
        };
        let (taken_for, help) = match current {
            CurrentName::Class(class) => (format!("`{class}`"), format!("write `code: {class}`")),
            CurrentName::Statuses(statuses) if statuses.start() == statuses.end() => {
                let status = statuses.start();
                (format!("an answer with the status {status}"), format!("write `code: '{status}'`"))
            }
            CurrentName::Statuses(statuses) => (
                format!("an answer with a status from {} to {}", statuses.start(), statuses.end()),
                "write the status as the code, such as '404', or `java.lang.RuntimeException` for any failure".to_owned(),
            ),
        };
        let at = error.at.key("code");
        let message = format!(
            "error `{}`: `{code}` is a class of earlier versions; it is taken for {taken_for}",
            error.name
        );
        let warning = Diagnostic::warning(codes::EARLIER_CLASS, &document.source, &at, message);
        warnings.push(warning.help(help));
    }
    warnings
}

/// How a code is compared with the text of a failure. A code that looks like a class name is not compared with it, as on SonataFlow.
fn text_match(code: &str) -> TextMatch {
    let is_status = code.bytes().all(|byte| byte.is_ascii_digit());
    match () {
        () if looks_like_class(code) => TextMatch::No,
        () if is_status => TextMatch::Whole,
        () => TextMatch::Pattern,
    }
}

/// Whether a code consists of Java identifiers joined by dots: `TimedOut` does, `404` and `HTTP:404` do not.
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

    #[test]
    fn a_code_that_looks_like_a_class_name_is_not_compared_with_texts() {
        for (code, expected) in [
            ("404", TextMatch::Whole),
            ("HTTP:404", TextMatch::Pattern),
            ("TimedOut", TextMatch::No),
            ("java.lang.Exception", TextMatch::No),
            ("no such .* [0-9]+", TextMatch::Pattern),
            ("such", TextMatch::No),
        ] {
            assert_eq!(text_match(code), expected, "{code}");
        }
    }
}
