//! The Java exception classes that SonataFlow raises for each failure.
//!
//! Owns: the one table of them. Error definitions of published workflows name these classes, so the lowering looks up the failures that a
//! class means. The Data Index and REST clients show the classes. No code between the lowering and these views uses a class name.
//! Source: `apache/incubator-kie-kogito-runtimes`, `ExceptionHandlerPolicyFactory` and the handlers of the work items.

use crate::{Failure, FailureKind, FailureSet, Origin};

pub(crate) const WORK_ITEM: &str = "org.kie.kogito.internal.process.workitem.WorkItemExecutionException";
const WORKFLOW_ERROR: &str = "org.kie.kogito.serverless.workflow.actions.WorkflowErrorException";
const TIME_LIMIT: &str = "org.kie.kogito.process.ProcessInstanceTimeoutException";
pub(crate) const PROCESSING: &str = "jakarta.ws.rs.ProcessingException";
const COMPLETION: &str = "java.util.concurrent.CompletionException";
pub(crate) const CONNECT: &str = "java.net.ConnectException";
pub(crate) const READ_TIMEOUT: &str = "java.net.SocketTimeoutException";
const MUTINY_TIMEOUT: &str = "io.smallrye.mutiny.TimeoutException";
pub(crate) const FUTURE_TIMEOUT: &str = "java.util.concurrent.TimeoutException";
pub(crate) const IO: &str = "java.io.IOException";
const JSON_PARSE: &str = "com.fasterxml.jackson.core.JsonParseException";
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";
const UNSUPPORTED: &str = "java.lang.UnsupportedOperationException";
pub(crate) const RUNTIME: &str = "java.lang.RuntimeException";

/// All classes that are raised.
pub(crate) const CLASSES: [&str; 14] = [
    WORK_ITEM,
    WORKFLOW_ERROR,
    TIME_LIMIT,
    PROCESSING,
    COMPLETION,
    CONNECT,
    READ_TIMEOUT,
    MUTINY_TIMEOUT,
    FUTURE_TIMEOUT,
    IO,
    JSON_PARSE,
    ILLEGAL_ARGUMENT,
    UNSUPPORTED,
    RUNTIME,
];

/// The classes of the exception that SonataFlow raises for a failure, and of its causes, the outermost first.
pub fn exception_classes(kind: FailureKind, origin: Origin) -> &'static [&'static str] {
    let is_rest = matches!(origin, Origin::Rest | Origin::Knative);
    match kind {
        FailureKind::Service => &[WORK_ITEM],
        FailureKind::Connection if is_rest => &[COMPLETION, CONNECT],
        FailureKind::Connection => &[PROCESSING, CONNECT],
        FailureKind::Interrupted if is_rest => &[COMPLETION, IO],
        FailureKind::Interrupted => &[PROCESSING, IO],
        FailureKind::NoAnswer if origin == Origin::Knative => &[MUTINY_TIMEOUT],
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

/// The superclasses of a class of [`exception_classes`], without those of [`ROOTS`].
fn superclasses(class: &str) -> &'static [&'static str] {
    match class {
        CONNECT => &["java.net.SocketException", IO],
        READ_TIMEOUT => &["java.io.InterruptedIOException", IO],
        JSON_PARSE => &["com.fasterxml.jackson.core.JsonProcessingException", IO],
        _ => &[],
    }
}

/// The classes that match every failure: users write them to catch all exceptions.
const ROOTS: [&str; 3] = [RUNTIME, "java.lang.Exception", "java.lang.Throwable"];

/// The class that views show for a failure.
fn class_name(kind: FailureKind, origin: Origin) -> &'static str {
    exception_classes(kind, origin).first().copied().unwrap_or(RUNTIME)
}

/// `<class name> - <message>`, as the Data Index shows errors. An error message of the workflow itself stays as it is.
pub fn with_class_name(kind: FailureKind, origin: Origin, message: &str) -> String {
    match kind {
        FailureKind::Declared => message.to_owned(),
        _ => format!("{} - {message}", class_name(kind, origin)),
    }
}

/// The message in the answer to a client whose request led to a failure.
pub fn client_message(failure: &Failure) -> String {
    let Some(detail) = &failure.detail else { return failure.message.clone() };
    match failure.kind {
        FailureKind::Service | FailureKind::Validation => detail.clone(),
        kind => {
            let root = exception_classes(kind, failure.origin).last().copied().unwrap_or(RUNTIME);
            format!("{root} - {detail}")
        }
    }
}

/// The failures that a class name matches, by the relation between the class and the failure's exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassMatch {
    /// The outermost exception has this class.
    pub class: FailureSet,
    /// The outermost exception or one of its causes has this class.
    pub cause: FailureSet,
    /// The outermost exception or one of its causes has a subclass of this class.
    pub superclass: FailureSet,
}

impl ClassMatch {
    /// Whether some failure is matched.
    pub fn matches_any(self) -> bool {
        [self.class, self.cause, self.superclass].iter().any(|set| *set != FailureSet::default())
    }
}

/// The classes that a name in an error definition can match, superclasses included.
pub fn known_classes() -> impl Iterator<Item = &'static str> {
    let raised = FailureKind::ALL
        .into_iter()
        .flat_map(|kind| Origin::ALL.into_iter().flat_map(move |origin| exception_classes(kind, origin)));
    raised.flat_map(|class| superclasses(class).iter().chain([class])).chain(&ROOTS).copied()
}

/// The failures that a class name in an error definition matches. A text that is not a known class matches no failure.
pub fn match_class(name: &str) -> ClassMatch {
    let mut matched = ClassMatch::default();
    for kind in FailureKind::ALL {
        for origin in Origin::ALL {
            let classes = exception_classes(kind, origin);
            if classes.first() == Some(&name) {
                matched.class.insert(kind, origin);
            }
            if classes.contains(&name) {
                matched.cause.insert(kind, origin);
            }
            if ROOTS.contains(&name) || classes.iter().any(|class| superclasses(class).contains(&name)) {
                matched.superclass.insert(kind, origin);
            }
        }
    }
    matched
}

/// The kind and the origin of a failure in the first stored format, which has a chain of exception classes and fewer kinds.
pub(crate) fn kind_and_origin(chain: &[String], stored: FailureKind) -> (FailureKind, Origin) {
    let has_chain = |kind, origin| exception_classes(kind, origin).iter().eq(chain.iter());
    // Several kinds have the same classes, so the stored kind is compared first.
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
        if let Some(origin) = origins.into_iter().find(|origin| has_chain(kind, *origin)) {
            return (kind, origin);
        }
    }
    (stored, Origin::Engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_name_matches_the_failures_that_raise_it() {
        let contains = |name: &str, kind, origin| {
            let matched = match_class(name);
            [matched.class, matched.cause, matched.superclass].map(|set| set.contains(kind, origin))
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
    fn clients_get_the_messages_of_sonataflow() {
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
