//! The exception classes that earlier versions of `SonataFlow` raised, and what is raised today instead.
//!
//! Owns: the one table of them. Published workflows name these classes in error definitions: `javax` became `jakarta`, packages moved, and an
//! answer of a service was an exception of its own class for each status, where it is one class with a code today.
//! Source: JAX-RS 2.1 and 3.1 (`javax.ws.rs`, `jakarta.ws.rs`), `RESTEasy`, `apache/incubator-kie-kogito-runtimes` from 1.0 to 10.1.

use std::ops::RangeInclusive;

use crate::sonataflow::{self, CONNECT, FUTURE_TIMEOUT, IO, READ_TIMEOUT, RUNTIME, WORK_ITEM};

/// What a class of an earlier version is today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CurrentName {
    /// A class that is raised today.
    Class(&'static str),
    /// An answer of a service with one of these statuses.
    Statuses(RangeInclusive<u16>),
}

/// Packages that classes of today's names were in: the last part of the name is still the same.
const PACKAGES: [&str; 5] = ["javax.ws.rs.", "org.kie.kogito.", "org.kie.api.", "org.kogito.", "org.jbpm."];

/// Exceptions for the statuses of answers, in `javax.ws.rs` and `jakarta.ws.rs`.
const ANSWERS: [(&str, RangeInclusive<u16>); 13] = [
    ("BadRequestException", 400..=400),
    ("NotAuthorizedException", 401..=401),
    ("ForbiddenException", 403..=403),
    ("NotFoundException", 404..=404),
    ("NotAllowedException", 405..=405),
    ("NotAcceptableException", 406..=406),
    ("NotSupportedException", 415..=415),
    ("InternalServerErrorException", 500..=500),
    ("ServiceUnavailableException", 503..=503),
    ("RedirectionException", 300..=399),
    ("ClientErrorException", 400..=499),
    ("ServerErrorException", 500..=599),
    ("WebApplicationException", 300..=599),
];

/// Classes of other libraries, or with other names. Of what keeps a connection from being made there is one class today.
const OTHERS: [(&str, &str); 14] = [
    ("java.net.UnknownHostException", CONNECT),
    ("java.net.NoRouteToHostException", CONNECT),
    ("java.nio.channels.UnresolvedAddressException", CONNECT),
    ("java.net.http.HttpConnectTimeoutException", CONNECT),
    ("org.apache.http.conn.HttpHostConnectException", CONNECT),
    ("org.apache.http.conn.ConnectTimeoutException", CONNECT),
    ("io.netty.channel.ConnectTimeoutException", CONNECT),
    ("io.netty.channel.AbstractChannel$AnnotatedConnectException", CONNECT),
    ("java.net.http.HttpTimeoutException", READ_TIMEOUT),
    ("org.apache.http.NoHttpResponseException", IO),
    ("io.vertx.core.http.HttpClosedException", IO),
    ("io.vertx.core.impl.NoStackTraceTimeoutException", FUTURE_TIMEOUT),
    ("org.kie.kogito.process.workitem.WorkItemExecutionError", WORK_ITEM),
    ("org.jbpm.workflow.instance.WorkflowRuntimeException", RUNTIME),
];

/// What a class of an earlier version is today; `None` for a class of today, and for a text that is no class of any version.
pub fn current(name: &str) -> Option<CurrentName> {
    if let Some((_, class)) = OTHERS.iter().find(|(earlier, _)| *earlier == name) {
        return Some(CurrentName::Class(class));
    }
    let (package, simple) = name.rsplit_once('.')?;
    if matches!(package, "javax.ws.rs" | "jakarta.ws.rs") || simple.ends_with("WebApplicationException") {
        let simple = if package.contains("resteasy") { "WebApplicationException" } else { simple };
        if let Some((_, statuses)) = ANSWERS.iter().find(|(answer, _)| *answer == simple) {
            return Some(CurrentName::Statuses(statuses.clone()));
        }
    }
    let is_moved = |class: &&&str| class.rsplit_once('.').is_some_and(|(_, last)| last == simple);
    let is_earlier = PACKAGES.iter().any(|package| name.starts_with(package));
    let class = sonataflow::CLASSES.iter().filter(|_| is_earlier).find(is_moved)?;
    (*class != name).then_some(CurrentName::Class(class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sonataflow::PROCESSING;

    #[test]
    fn a_class_of_an_earlier_version_has_a_name_today() {
        let (class, statuses) = (CurrentName::Class, CurrentName::Statuses);
        for (name, expected) in [
            ("javax.ws.rs.ProcessingException", Some(class(PROCESSING))),
            ("javax.ws.rs.NotFoundException", Some(statuses(404..=404))),
            ("jakarta.ws.rs.WebApplicationException", Some(statuses(300..=599))),
            ("org.jboss.resteasy.reactive.ClientWebApplicationException", Some(statuses(300..=599))),
            ("org.kie.kogito.process.workitem.WorkItemExecutionException", Some(class(WORK_ITEM))),
            ("java.net.UnknownHostException", Some(class(CONNECT))),
            (WORK_ITEM, None),
            (PROCESSING, None),
            ("java.lang.RuntimeException", None),
            ("org.acme.NotFoundException", None),
            ("404", None),
        ] {
            assert_eq!(current(name), expected, "{name}");
        }
    }

    #[test]
    fn the_classes_of_the_table_are_raised_today() {
        for (earlier, class) in OTHERS {
            let is_root = sonataflow::match_class(class).cause.is_empty();
            assert!(!is_root || class == RUNTIME, "{earlier} leads to {class}, which nothing raises");
        }
    }
}
