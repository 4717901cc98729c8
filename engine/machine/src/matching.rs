//! Compares failures with error definitions.
//!
//! Source: Serverless Workflow 0.8, "Workflow error handling"; the order of the comparisons is SonataFlow's
//! (`ExceptionHandlerPolicyFactory`), whose users write exception classes, codes and texts into `code`.

use rondo_expression::Val;
use rondo_program::{ErrorMatch, Failure, FailureKind, TextMatch};

/// Finds the error handler for a failure: the index of the first group with a definition that matches.
///
/// `groups` are the error definitions of each handler, in order. A comparison is applied to all groups before the next comparison, so a later
/// group with an exact code wins over an earlier one with a superclass.
pub(crate) fn find_match<'a>(
    groups: impl Iterator<Item = &'a [ErrorMatch]> + Clone,
    failure: &Failure,
) -> Option<usize> {
    COMPARISONS.iter().find_map(|matches| {
        groups.clone().position(|errors| errors.iter().any(|error| matches(error, failure)))
    })
}

type Comparison = fn(&ErrorMatch, &Failure) -> bool;

/// The comparisons, in the order in which they are applied.
const COMPARISONS: [Comparison; 8] =
    [by_code, by_reported_name, by_class, by_status, by_message, by_cause, by_pattern, by_superclass];

/// Compares the part of the code after the last colon with the failure's code and kind: `HTTP:404`, `404`, `TimedOut`.
fn by_code(error: &ErrorMatch, failure: &Failure) -> bool {
    let wanted = error.code.rsplit(':').next().unwrap_or(&error.code);
    failure.code.as_deref() == Some(wanted)
        || wanted == failure.kind.code()
        || (failure.kind.is_timeout() && wanted == "TimedOut")
}

/// The members of an error body under which services give the name of the error.
const REPORTED: [&str; 6] = ["error", "code", "name", "title", "message", "type"];

/// Compares the code with the names that a service gives the error in its answer: the whole body, or a member of it.
fn by_reported_name(error: &ErrorMatch, failure: &Failure) -> bool {
    let Some(body) = failure.detail.as_deref().filter(|_| failure.kind == FailureKind::Service) else {
        return false;
    };
    if body.trim() == &*error.code {
        return true;
    }
    if !body.trim_start().starts_with('{') || !body.contains(&*error.code) {
        return false;
    }
    let Ok(body) = Val::from_json(body.as_bytes()) else { return false };
    REPORTED.iter().any(|name| {
        let reported = body.get(name).map(Val::to_text);
        reported.is_some_and(|reported| reported == *error.code)
    })
}

fn by_class(error: &ErrorMatch, failure: &Failure) -> bool {
    error.class.contains(failure.kind, failure.origin)
}

/// Compares the status of an answer with those that the class of an earlier version stood for.
fn by_status(error: &ErrorMatch, failure: &Failure) -> bool {
    let statuses = error.statuses.as_ref().filter(|_| failure.kind == FailureKind::Service);
    statuses.zip(failure.status).is_some_and(|(statuses, status)| statuses.contains(&status))
}

fn by_message(error: &ErrorMatch, failure: &Failure) -> bool {
    error.text != TextMatch::No && *failure.match_text() == *error.code
}

fn by_cause(error: &ErrorMatch, failure: &Failure) -> bool {
    error.cause.contains(failure.kind, failure.origin)
}

/// Searches for the code as a regular expression in the text of the failure, with the engine of jq's `test`.
fn by_pattern(error: &ErrorMatch, failure: &Failure) -> bool {
    error.text == TextMatch::Pattern && rondo_expression::pattern_found(&error.code, failure.match_text())
}

fn by_superclass(error: &ErrorMatch, failure: &Failure) -> bool {
    error.superclass.contains(failure.kind, failure.origin)
}

#[cfg(test)]
mod tests {
    use rondo_program::{Origin, TextMatch, sonataflow};

    use super::*;

    fn definition(code: &str, text: TextMatch) -> ErrorMatch {
        let sonataflow::ClassMatch { class, cause, superclass } = sonataflow::match_class(code);
        ErrorMatch { name: "e".into(), code: code.into(), class, cause, superclass, statuses: None, text }
    }

    fn failure(code: &str, message: &str) -> Failure {
        let origin = Origin::OpenApi;
        Failure { code: Some(code.into()), origin, ..Failure::new(FailureKind::Service, message) }
    }

    #[test]
    fn a_code_matches_by_status_class_message_pattern_or_superclass() {
        let work_item = "org.kie.kogito.internal.process.workitem.WorkItemExecutionException";
        for (code, text, expected) in [
            ("404", TextMatch::Whole, true),
            ("HTTP:404", TextMatch::Pattern, true),
            ("403", TextMatch::Whole, false),
            ("service", TextMatch::No, true),
            (work_item, TextMatch::No, true),
            ("no such pet 17", TextMatch::Pattern, true),
            ("no such .* [0-9]+", TextMatch::Pattern, true),
            ("17", TextMatch::Whole, false),
            ("pet 18", TextMatch::Pattern, false),
            ("java.lang.RuntimeException", TextMatch::No, true),
            ("java.lang.Exception", TextMatch::No, true),
            ("java.io.IOException", TextMatch::No, false),
            ("TimedOut", TextMatch::No, false),
        ] {
            let definition = [definition(code, text)];
            let found = find_match([definition.as_slice()].into_iter(), &failure("404", "no such pet 17"));
            assert_eq!(found.is_some(), expected, "{code}");
        }
    }

    #[test]
    fn a_class_of_an_earlier_version_matches_the_statuses_that_it_stood_for() {
        let not_found = ErrorMatch {
            statuses: Some(404..=404),
            ..definition("javax.ws.rs.NotFoundException", TextMatch::No)
        };
        for (kind, status, expected) in [
            (FailureKind::Service, Some(404), true),
            (FailureKind::Service, Some(403), false),
            (FailureKind::Connection, None, false),
        ] {
            let failed = Failure { status, ..Failure::new(kind, "no") };
            let found = find_match([std::slice::from_ref(&not_found)].into_iter(), &failed);
            assert_eq!(found.is_some(), expected, "{status:?}");
        }
    }

    #[test]
    fn a_code_is_not_searched_for_in_addresses_and_bodies() {
        let mut failed = failure(
            "500",
            "function `f`: GET http://h/users/1404 answered 500 Internal Server Error: upstream said 404",
        );
        failed.match_text = Some("Unknown error, status code 500".into());
        for (code, text, expected) in [
            ("404", TextMatch::Whole, false),
            ("Internal Server Error", TextMatch::Pattern, false),
            ("Unknown error.*", TextMatch::Pattern, true),
            ("500", TextMatch::Whole, true),
        ] {
            let definition = [definition(code, text)];
            let found = find_match([definition.as_slice()].into_iter(), &failed).is_some();
            assert_eq!(found, expected, "{code}");
        }
    }

    #[test]
    fn a_code_is_compared_with_the_names_that_a_service_gives_its_error() {
        for (body, expected) in [
            ("Missing order id", true),
            (r#"{"message": "Missing order id"}"#, true),
            (r#"{"status": 400, "error": "Missing order id"}"#, true),
            (r#"{"message": "Missing order id 7"}"#, false),
            (r#"{"other": "Missing order id"}"#, false),
            (r#"{"message": "Missing"#, false),
        ] {
            let mut failed = failure("400", "function `f` answered 400");
            failed.detail = Some(body.to_owned());
            let definition = [definition("Missing order id", TextMatch::Whole)];
            let found = find_match([definition.as_slice()].into_iter(), &failed);
            assert_eq!(found.is_some(), expected, "{body}");
        }
    }

    #[test]
    fn a_comparison_is_applied_to_all_handlers_before_the_next_comparison() {
        let groups = [
            vec![definition("java.lang.Exception", TextMatch::No)],
            vec![definition("404", TextMatch::Whole)],
        ];
        let found = find_match(groups.iter().map(Vec::as_slice), &failure("404", "gone"));
        assert_eq!(found, Some(1), "the exact code wins over the superclass that stands first");
    }
}
