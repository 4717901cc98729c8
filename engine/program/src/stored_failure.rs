//! The stored forms of a failure.
//!
//! Owns: reading the failures that any earlier build stored. The current form is that of [`Failure`]'s `Serialize`; format 1 is only read.

use serde::Deserialize;

use crate::{Failure, FailureKind, Origin, sonataflow};

/// A failure in any stored form. Format 1 has fewer kinds; it stores the Java class names in addition to the kind, and the answer to the
/// client with a class name before it.
#[derive(Deserialize)]
pub(crate) struct StoredFailure {
    #[serde(rename = "k")]
    kind: StoredKind,
    #[serde(rename = "o", default)]
    origin: Origin,
    #[serde(rename = "c", default)]
    code: Option<Box<str>>,
    #[serde(rename = "s", default)]
    status: Option<u16>,
    #[serde(rename = "m")]
    message: String,
    #[serde(rename = "d", default)]
    detail: Option<String>,
    #[serde(rename = "t", default)]
    match_text: Option<Box<str>>,
    #[serde(rename = "b", default)]
    body: Option<Box<str>>,
    /// Format 1 only: the exception and its causes.
    #[serde(rename = "x", default)]
    classes: Vec<String>,
    /// Format 1 only: the answer to the client.
    #[serde(rename = "a", default)]
    client_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StoredKind {
    Current(FailureKind),
    Format1(Format1Kind),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format1Kind {
    Communication,
}

impl From<StoredFailure> for Failure {
    fn from(stored: StoredFailure) -> Self {
        let StoredFailure {
            origin,
            code,
            status,
            message,
            detail,
            match_text,
            body,
            classes,
            client_message,
            ..
        } = stored;
        let kind = match stored.kind {
            StoredKind::Current(kind) => kind,
            StoredKind::Format1(Format1Kind::Communication) => FailureKind::Interrupted,
        };
        if classes.is_empty() {
            return Self { kind, origin, code, status, message, detail, match_text, body };
        }
        let (kind, origin) = sonataflow::kind_and_origin(&classes, kind);
        let status = match kind {
            FailureKind::Service => code.as_deref().and_then(|code| code.parse().ok()),
            _ => None,
        };
        let detail = client_message.map(|text| match classes.last().map(|class| format!("{class} - ")) {
            Some(class) => text.strip_prefix(&class).map(str::to_owned).unwrap_or(text),
            None => text,
        });
        Self { kind, origin, code, status, message, detail, match_text, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_in_the_first_format_keeps_its_meaning() {
        let work_item = "org.kie.kogito.internal.process.workitem.WorkItemExecutionException";
        for (stored, kind, origin, status, detail) in [
            (
                format!(r#"{{"k":"service","c":"404","x":["{work_item}"],"m":"no","a":"gone"}}"#),
                FailureKind::Service,
                Origin::OpenApi,
                Some(404),
                Some("gone"),
            ),
            (
                r#"{"k":"communication","x":["java.util.concurrent.CompletionException","java.net.ConnectException"],"m":"no","a":"java.net.ConnectException - refused"}"#.into(),
                FailureKind::Connection,
                Origin::Rest,
                None,
                Some("refused"),
            ),
            (
                r#"{"k":"timeout","c":"timeout","x":["org.kie.kogito.process.ProcessInstanceTimeoutException"],"m":"late"}"#.into(),
                FailureKind::Timeout,
                Origin::Engine,
                None,
                None,
            ),
            (
                r#"{"k":"timeout","x":["jakarta.ws.rs.ProcessingException","java.net.SocketTimeoutException"],"m":"late"}"#.into(),
                FailureKind::NoAnswer,
                Origin::OpenApi,
                None,
                None,
            ),
            (
                r#"{"k":"runtime","x":["java.lang.IllegalArgumentException"],"m":"no way"}"#.into(),
                FailureKind::Runtime,
                Origin::Engine,
                None,
                None,
            ),
        ] {
            let failure: Failure = serde_json::from_str(&stored).unwrap();
            let found = (failure.kind, failure.origin, failure.status, failure.detail.as_deref());
            assert_eq!(found, (kind, origin, status, detail), "{stored}");
        }
    }

    #[test]
    fn a_failure_is_read_as_it_was_written() {
        for kind in FailureKind::ALL {
            for origin in Origin::ALL {
                let failure = Failure {
                    origin,
                    status: Some(500),
                    detail: Some("d".into()),
                    ..Failure::new(kind, "m")
                };
                let text = serde_json::to_string(&failure).unwrap();
                assert_eq!(serde_json::from_str::<Failure>(&text).unwrap(), failure);
            }
        }
    }
}
