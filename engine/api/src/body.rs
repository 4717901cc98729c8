//! The body of a start, `PUT` or `PATCH`: which part of it is the state data.
//!
//! | body | data | variables beside them |
//! | --- | --- | --- |
//! | none, `{}`, `null`, `{"workflowdata": null}` | `{}` | |
//! | object without `workflowdata` | the object | |
//! | `{"workflowdata": X, "other": …}` | X, which may be any JSON | the others |
//!
//! Source: `SonataFlow`'s `JsonNodeModel`.

use axum::{
    body::Bytes,
    extract::rejection::BytesRejection,
    http::{HeaderMap, StatusCode, header},
};
use rondo_expression::Val;

use crate::errors::ErrorAnswer;

/// What a body says.
#[derive(Debug, PartialEq)]
pub(crate) struct Input {
    /// The state data.
    pub(crate) data: Val,
    /// Variables beside them: an object, or null when there are none.
    pub(crate) extra: Val,
}

/// The body's bytes, or the answer to a body that is too large or breaks off.
pub(crate) fn bytes(body: Result<Bytes, BytesRejection>, limit: usize) -> Result<Bytes, ErrorAnswer> {
    body.map_err(|rejection| match rejection.status() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => {
            ErrorAnswer::new(status, format!("the body is larger than {limit} bytes"))
        }
        status => ErrorAnswer::new(status, "the body cannot be read"),
    })
}

/// Reads a body that must be labelled as JSON.
pub(crate) fn input(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    limit: usize,
) -> Result<Input, ErrorAnswer> {
    if !is_json(headers) {
        return Err(ErrorAnswer::unsupported_media_type());
    }
    parse(&bytes(body, limit)?).ok_or_else(ErrorAnswer::not_json)
}

/// Whether `Content-Type` is `application/json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = label.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// `None` for what is neither JSON nor an object.
fn parse(body: &[u8]) -> Option<Input> {
    let empty = || Val::object::<&str>([]);
    if body.trim_ascii().is_empty() {
        return Some(Input { data: empty(), extra: Val::Null });
    }
    let mut value: Val = serde_json::from_slice(body).ok()?;
    if value.is_null() {
        return Some(Input { data: empty(), extra: Val::Null });
    }
    if !value.is_object() {
        return None;
    }
    let Some(data) = value.remove("workflowdata") else {
        return Some(Input { data: value, extra: Val::Null });
    };
    let data = if data.is_null() { empty() } else { data };
    let extra = if value.members().is_empty() { Val::Null } else { value };
    Some(Input { data, extra })
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
            ("[1]", None),
            ("\"text\"", None),
            ("5", None),
            ("{bad", None),
        ] {
            let told =
                parse(body.as_bytes()).map(|input| (Value::from(input.data), Value::from(input.extra)));
            assert_eq!(told, expected, "{body}");
        }
    }

    #[test]
    fn a_body_nested_without_end_is_refused() {
        assert_eq!(parse("[".repeat(100_000).as_bytes()), None);
        assert_eq!(parse("{\"a\":".repeat(100_000).as_bytes()), None);
    }

    #[test]
    fn only_json_is_taken() {
        for (label, taken) in [
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
            assert_eq!(is_json(&headers), taken, "{label:?}");
        }
    }
}
