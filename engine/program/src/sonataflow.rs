//! The names by which SonataFlow's users know failures: the classes of Java exceptions.
//!
//! Owns: the one table of them. Error definitions of published workflows name such classes, so the lowering looks up which
//! failures they mean; the Data Index and REST clients are shown them. Nothing between these two edges knows a class name.
//! Source: `apache/incubator-kie-kogito-runtimes`, `ExceptionHandlerPolicyFactory` and the handlers of the work items.

use crate::{Failure, FailureKind, FailureSet, Origin};

const WORK_ITEM: &str = "org.kie.kogito.internal.process.workitem.WorkItemExecutionException";
const WORKFLOW_ERROR: &str = "org.kie.kogito.serverless.workflow.actions.WorkflowErrorException";
const TIME_LIMIT: &str = "org.kie.kogito.process.ProcessInstanceTimeoutException";
const PROCESSING: &str = "jakarta.ws.rs.ProcessingException";
const COMPLETION: &str = "java.util.concurrent.CompletionException";
const CONNECT: &str = "java.net.ConnectException";
const READ_TIMEOUT: &str = "java.net.SocketTimeoutException";
const FUTURE_TIMEOUT: &str = "java.util.concurrent.TimeoutException";
const IO: &str = "java.io.IOException";
const JSON_PARSE: &str = "com.fasterxml.jackson.core.JsonParseException";
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";
const UNSUPPORTED: &str = "java.lang.UnsupportedOperationException";
const RUNTIME: &str = "java.lang.RuntimeException";

/// The exceptions that SonataFlow raises for a failure: the one that is caught first, then its causes.
pub fn classes(kind: FailureKind, origin: Origin) -> &'static [&'static str] {
    let is_rest = origin == Origin::Rest;
    match kind {
        FailureKind::Service => &[WORK_ITEM],
        FailureKind::Connection if is_rest => &[COMPLETION, CONNECT],
        FailureKind::Connection => &[PROCESSING, CONNECT],
        FailureKind::Interrupted if is_rest => &[COMPLETION, IO],
        FailureKind::Interrupted => &[PROCESSING, IO],
        FailureKind::NoAnswer if is_rest => &[COMPLETION, FUTURE_TIMEOUT],
        FailureKind::NoAnswer => &[PROCESSING, READ_TIMEOUT],
        FailureKind::BadAnswer if is_rest => &[COMPLETION, JSON_PARSE],
        FailureKind::BadAnswer => &[PROCESSING, JSON_PARSE],
        FailureKind::Token => &[PROCESSING],
        FailureKind::Unsupported => &[UNSUPPORTED],
        FailureKind::Timeout => &[TIME_LIMIT],
        FailureKind::Declared => &[WORKFLOW_ERROR],
        FailureKind::Expression | FailureKind::Validation | FailureKind::Runtime => &[ILLEGAL_ARGUMENT],
    }
}

/// The classes above those that [`classes`] gives.
fn superclasses(class: &str) -> &'static [&'static str] {
    match class {
        CONNECT => &["java.net.SocketException", IO],
        READ_TIMEOUT => &["java.io.InterruptedIOException", IO],
        JSON_PARSE => &["com.fasterxml.jackson.core.JsonProcessingException", IO],
        _ => &[],
    }
}

/// Every exception is one of these, for our purposes: users write them to catch whatever comes.
const ROOTS: [&str; 3] = [RUNTIME, "java.lang.Exception", "java.lang.Throwable"];

/// The class that is shown for a failure.
pub fn class_name(kind: FailureKind, origin: Origin) -> &'static str {
    classes(kind, origin).first().copied().unwrap_or(RUNTIME)
}

/// `<class name> - <message>`, as the Data Index shows errors. An error message of the workflow itself stands alone.
pub fn described(kind: FailureKind, origin: Origin, message: &str) -> String {
    match kind {
        FailureKind::Declared => message.to_owned(),
        _ => format!("{} - {message}", class_name(kind, origin)),
    }
}

/// The message with which a client is answered whose request led to a failure.
pub fn client_message(failure: &Failure) -> String {
    let Some(detail) = &failure.detail else { return failure.message.clone() };
    match failure.kind {
        FailureKind::Service | FailureKind::Validation => detail.clone(),
        kind => {
            let root = classes(kind, failure.origin).last().copied().unwrap_or(RUNTIME);
            format!("{root} - {detail}")
        }
    }
}

/// The failures that a class name means, by how it stands to them: the class itself, one of the causes, a class above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meaning {
    /// The exception is of this class.
    pub class: FailureSet,
    /// The exception, or one of its causes, is of this class.
    pub cause: FailureSet,
    /// The exception, or one of its causes, is of a class below this one.
    pub superclass: FailureSet,
}

/// What a class name in an error definition means. A text that is no known class means no failure.
pub fn meaning(name: &str) -> Meaning {
    let mut meaning = Meaning::default();
    for kind in FailureKind::ALL {
        for origin in Origin::ALL {
            let classes = classes(kind, origin);
            if classes.first() == Some(&name) {
                meaning.class.insert(kind, origin);
            }
            if classes.contains(&name) {
                meaning.cause.insert(kind, origin);
            }
            if ROOTS.contains(&name) || classes.iter().any(|class| superclasses(class).contains(&name)) {
                meaning.superclass.insert(kind, origin);
            }
        }
    }
    meaning
}

/// The kind of a failure that was stored with its class names only, and the kind that was stored beside them.
pub(crate) fn kind_of(chain: &[String], stored: FailureKind) -> (FailureKind, Origin) {
    let same = |kind, origin| classes(kind, origin).iter().eq(chain.iter());
    // Kinds with the same class are told apart by the stored one.
    let kinds = std::iter::once(stored).chain(FailureKind::ALL);
    for kind in kinds {
        let origins = match kind {
            FailureKind::Service
            | FailureKind::Connection
            | FailureKind::Interrupted
            | FailureKind::NoAnswer
            | FailureKind::BadAnswer
            | FailureKind::Token => [Origin::OpenApi, Origin::Rest],
            _ => [Origin::Engine; 2],
        };
        if let Some(origin) = origins.into_iter().find(|origin| same(kind, *origin)) {
            return (kind, origin);
        }
    }
    (stored, Origin::Engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_name_means_the_failures_that_raise_it() {
        let contains = |name: &str, kind, origin| {
            let meaning = meaning(name);
            [meaning.class, meaning.cause, meaning.superclass].map(|set| set.contains(kind, origin))
        };
        let (open_api, rest) = (Origin::OpenApi, Origin::Rest);
        for (name, kind, origin, expected) in [
            (WORK_ITEM, FailureKind::Service, open_api, [true, true, false]),
            (CONNECT, FailureKind::Connection, rest, [false, true, false]),
            (IO, FailureKind::Connection, rest, [false, false, true]),
            (IO, FailureKind::Interrupted, rest, [false, true, false]),
            (PROCESSING, FailureKind::Connection, open_api, [true, true, false]),
            (PROCESSING, FailureKind::Connection, rest, [false, false, false]),
            (RUNTIME, FailureKind::Expression, Origin::Engine, [false, false, true]),
            ("java.lang.Exception", FailureKind::Timeout, Origin::Engine, [false, false, true]),
            ("404", FailureKind::Service, open_api, [false, false, false]),
        ] {
            assert_eq!(contains(name, kind, origin), expected, "{name} {kind:?} {origin:?}");
        }
    }

    #[test]
    fn clients_get_the_words_that_they_know() {
        let failure = |kind, detail: Option<&str>| Failure {
            origin: Origin::Rest,
            detail: detail.map(Into::into),
            ..Failure::new(kind, "GET http://h/a failed")
        };
        for (kind, detail, expected) in [
            (FailureKind::Service, Some("gone"), "gone"),
            (FailureKind::Validation, Some("wrong"), "wrong"),
            (FailureKind::Connection, Some("refused"), "java.net.ConnectException - refused"),
            (FailureKind::Runtime, None, "GET http://h/a failed"),
        ] {
            assert_eq!(client_message(&failure(kind, detail)), expected);
        }
    }
}
