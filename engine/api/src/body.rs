//! The body of a request: receiving it, and which part of a start, `PUT` or `PATCH` is the state data.
//!
//! | body | data | variables beside them |
//! | --- | --- | --- |
//! | none, `{}`, `null`, `{"workflowdata": null}` | `{}` | |
//! | object without `workflowdata` | the object | |
//! | `{"workflowdata": X, "other": …}` | X, which may be any JSON | the others |
//!
//! Source: `SonataFlow`'s `JsonNodeModel`.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::BodyExt;
use rondo_expression::Val;

use crate::{app::App, errors::ErrorAnswer};

/// The content of a body.
#[derive(Debug, PartialEq)]
pub(crate) struct Input {
    /// The state data.
    pub(crate) data: Val,
    /// Variables beside them: an object, or null when there are none.
    pub(crate) extra: Val,
}

/// The bytes of a body, or the answer to one that is too large, too slow or breaks off.
pub(crate) struct Received(pub(crate) Result<Bytes, ErrorAnswer>);

impl FromRequest<App> for Received {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &App) -> Result<Self, Infallible> {
        let pause = app.settings.body_timeout;
        let whole = pause.saturating_mul(WHOLE_BODY);
        // With `Expect`, the client waits for the answer and sends no body after a refusal.
        let sends_at_once = !request.headers().contains_key(header::EXPECT);
        let mut body = request.into_body();
        let receiving = async {
            let received = receive(&mut body, app.settings.max_body_bytes, pause).await;
            let is_too_large = |error: &ErrorAnswer| error.status == StatusCode::PAYLOAD_TOO_LARGE;
            if sends_at_once && received.as_ref().is_err_and(is_too_large) {
                discard(&mut body, pause).await;
            }
            received
        };
        let received = tokio::time::timeout(whole, receiving).await;
        Ok(Self(received.unwrap_or_else(|_| Err(too_slow(format!("was not there whole after {whole:?}"))))))
    }
}

/// Longest time for a whole body, as a multiple of one pause: with the default of 30 seconds five minutes, in which the
/// largest body arrives over a line of 220 kbit/s.
const WHOLE_BODY: u32 = 10;

/// Most bytes that are read of a refused body: a client that sends more gets a closed connection instead of its answer.
const DISCARDED: usize = 64 << 20;

/// Reads the rest of a refused body: many clients read an answer only when they have sent everything, and a connection
/// that is closed before loses the answer.
async fn discard(body: &mut Body, pause: Duration) {
    let mut left = DISCARDED;
    while let Ok(Some(Ok(piece))) = tokio::time::timeout(pause, body.frame()).await {
        let Some(rest) = left.checked_sub(piece.data_ref().map_or(0, Bytes::len)) else { return };
        left = rest;
    }
}

async fn receive(body: &mut Body, limit: usize, pause: Duration) -> Result<Bytes, ErrorAnswer> {
    let too_large = || {
        ErrorAnswer::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {limit} bytes, the limit that `rondo.http.max-body-bytes` sets"),
        )
    };
    if usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX) > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    loop {
        let piece = tokio::time::timeout(pause, body.frame()).await;
        let piece = piece.map_err(|_| too_slow(format!("stopped coming for {pause:?}")))?;
        let Some(piece) = piece else { return Ok(bytes.into()) };
        let piece =
            piece.map_err(|_| ErrorAnswer::new(StatusCode::BAD_REQUEST, "the body cannot be read"))?;
        // Frames without data are trailers.
        let Ok(piece) = piece.into_data() else { continue };
        if piece.len() > limit - bytes.len() {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
}

fn too_slow(what: String) -> ErrorAnswer {
    let text = format!("the body {what}; `rondo.http.body-timeout` sets how long it may pause");
    ErrorAnswer::new(StatusCode::REQUEST_TIMEOUT, text)
}

/// Reads a body whose `Content-Type` must be JSON.
pub(crate) fn input(headers: &HeaderMap, body: Received) -> Result<Input, ErrorAnswer> {
    if !is_json(headers) {
        return Err(ErrorAnswer::unsupported_media_type());
    }
    parse(&body.0?).map_err(|reason| ErrorAnswer::not_an_object(&reason))
}

/// Whether `Content-Type` is `application/json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = label.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Reads the bytes of a body. The error says where they are not JSON, or that the value is no object.
fn parse(body: &[u8]) -> Result<Input, String> {
    let empty = || Val::object::<&str>([]);
    let body = rondo_definition::without_byte_order_mark(body);
    if body.trim_ascii().is_empty() {
        return Ok(Input { data: empty(), extra: Val::Null });
    }
    let value: Val =
        serde_json::from_slice(body).map_err(|error| format!("The body is not JSON: {error}"))?;
    let mut value = value.without_null_elements();
    if value.is_null() {
        return Ok(Input { data: empty(), extra: Val::Null });
    }
    if !value.is_object() {
        let kind = value.type_name();
        return Err(format!("The body must be an object like {{\"name\": \"value\"}}, not of type {kind}."));
    }
    let Some(data) = value.remove("workflowdata") else {
        return Ok(Input { data: value, extra: Val::Null });
    };
    let data = if data.is_null() { empty() } else { data };
    let extra = if value.members().is_empty() { Val::Null } else { value };
    Ok(Input { data, extra })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn workflowdata_separates_the_data_from_variables_beside_them() {
        for (body, expected) in [
            ("", Some((json!({}), json!(null)))),
            (" \n", Some((json!({}), json!(null)))),
            ("null", Some((json!({}), json!(null)))),
            ("{}", Some((json!({}), json!(null)))),
            (r#"{"a": 1}"#, Some((json!({"a": 1}), json!(null)))),
            (r#"{"workflowdata": null}"#, Some((json!({}), json!(null)))),
            (r#"{"workflowdata": ""}"#, Some((json!(""), json!(null)))),
            (r#"{"workflowdata": [1]}"#, Some((json!([1]), json!(null)))),
            (
                r#"{"workflowdata": {"a": 1}, "initiatorEntity": "user:default/x"}"#,
                Some((json!({"a": 1}), json!({"initiatorEntity": "user:default/x"}))),
            ),
            ("\u{feff}{\"a\": [null, 1]}", Some((json!({"a": [1]}), json!(null)))),
            ("[1]", None),
            ("\"text\"", None),
            ("5", None),
            ("{bad", None),
        ] {
            let input =
                parse(body.as_bytes()).ok().map(|input| (Value::from(input.data), Value::from(input.extra)));
            assert_eq!(input, expected, "{body}");
        }
    }

    #[test]
    fn a_body_nested_without_end_is_refused() {
        for opening in ["[", "{\"a\":"] {
            let reason = parse(opening.repeat(100_000).as_bytes()).unwrap_err();
            assert!(reason.contains("deep") && reason.contains("line 1 column"), "{reason}");
        }
    }

    #[test]
    fn an_error_names_the_place() {
        for (body, reason) in [
            ("{\n  \"a\": }", "The body is not JSON: expected value at line 2 column 8"),
            ("[1]", "The body must be an object like {\"name\": \"value\"}, not of type array."),
            ("7", "The body must be an object like {\"name\": \"value\"}, not of type number."),
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap_err(), reason);
        }
    }

    #[test]
    fn only_json_is_accepted() {
        for (label, accepted) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=UTF-8"), true),
            (Some("text/plain"), false),
            (Some("application/jsonp"), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(label) = label {
                headers.insert(header::CONTENT_TYPE, label.parse().unwrap());
            }
            assert_eq!(is_json(&headers), accepted, "{label:?}");
        }
    }
}
