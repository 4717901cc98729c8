//! The error at which an instance stands, as its row holds it for lists and filters.
//!
//! `{"v":2,"state":…,"action":…,"visit":7,"kind":"service","origin":"openapi","code":"503","status":503,"message":…}`, without unknown
//! members. `action` is the name of the function, subflow or event of the action; `message` is the text that lists show and filters match.
//! Version 1 was `{"nodeDefinitionId":…,"nodeInstanceId":"7","message":…}`, where `nodeDefinitionId` is the action, or the state if no
//! action failed.

use rondo_program::{FailureKind, Origin};
use serde::{Deserialize, Serialize};

use super::FormatError;
use crate::views::{ErrorSummary, FailureView};

const WHAT: &str = "the error of the instance";
const VERSION: u8 = 2;

#[derive(Serialize)]
struct Written<'a> {
    v: u8,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    visit: u64,
    kind: FailureKind,
    origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    message: &'a str,
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    v: u64,
    #[serde(default)]
    message: String,
    state: Option<String>,
    action: Option<String>,
    visit: Option<u64>,
    kind: Option<FailureKind>,
    #[serde(default)]
    origin: Origin,
    code: Option<String>,
    status: Option<u16>,
    #[serde(rename = "nodeDefinitionId")]
    node: Option<String>,
    #[serde(rename = "nodeInstanceId")]
    node_instance: Option<String>,
}

/// Encodes an error as the text of the column.
pub(crate) fn encode(failure: &FailureView) -> Result<String, FormatError> {
    let written = Written {
        v: VERSION,
        state: &failure.state,
        action: failure.action.as_deref(),
        visit: failure.visit,
        kind: failure.kind,
        origin: failure.origin,
        code: failure.code.as_deref(),
        status: failure.status,
        message: &failure.described,
    };
    serde_json::to_string(&written).map_err(FormatError::unwritable(WHAT))
}

/// Decodes the text of the column.
pub(crate) fn decode(text: &str) -> Result<ErrorSummary, FormatError> {
    let read: Read = serde_json::from_str(text).map_err(|error| FormatError::damaged(WHAT, error))?;
    FormatError::check_version(WHAT, read.v, VERSION)?;
    let old_visit = || read.node_instance.as_deref().and_then(|visit| visit.parse().ok());
    Ok(ErrorSummary {
        place: read.action.clone().or(read.node).or_else(|| read.state.clone()).unwrap_or_default(),
        state: read.state,
        action: read.action,
        visit: read.visit.or_else(old_visit),
        kind: read.kind,
        origin: read.origin,
        code: read.code,
        status: read.status,
        message: read.message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_written_in_the_words_of_the_engine() {
        let failure = FailureView {
            kind: FailureKind::Service,
            origin: Origin::OpenApi,
            code: Some("503".into()),
            status: Some(503),
            message: "busy".into(),
            described: "a.B - busy".into(),
            state: "Call".into(),
            action: Some("ask".into()),
            visit: 7,
        };
        let text = encode(&failure).unwrap();
        assert_eq!(
            text,
            r#"{"v":2,"state":"Call","action":"ask","visit":7,"kind":"service","origin":"openapi","code":"503","status":503,"message":"a.B - busy"}"#
        );
        let read = decode(&text).unwrap();
        assert_eq!((read.place.as_str(), read.visit, read.message.as_str()), ("ask", Some(7), "a.B - busy"));
        let of_state = encode(&FailureView { action: None, code: None, status: None, ..failure }).unwrap();
        assert_eq!(decode(&of_state).unwrap().place, "Call");
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let read =
            decode(r#"{"nodeDefinitionId":"call","nodeInstanceId":"7","message":"a.B - no"}"#).unwrap();
        let summary = ErrorSummary {
            place: "call".into(),
            visit: Some(7),
            message: "a.B - no".into(),
            ..ErrorSummary::default()
        };
        assert_eq!(read, summary);
        assert!(decode("{").is_err());
        assert!(decode(r#"{"v":3}"#).is_err());
    }
}
