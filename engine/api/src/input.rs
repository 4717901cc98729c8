//! Reads the body of a start, `PUT` or `PATCH`, and separates the state data from other variables.
//!
//! | body | data | other variables |
//! | --- | --- | --- |
//! | none, `{}`, `null`, `{"workflowdata": null}` | `{}` | |
//! | object without `workflowdata` | the object | |
//! | `{"workflowdata": X, "other": …}` | X, which may be any JSON | the others |
//!
//! Source: `SonataFlow`'s `JsonNodeModel`.

use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use rondo_expression::{ReadError, ReadLimits, Val};
use rondo_memory::{LargeWork, Share};

use crate::{
    errors::ErrorAnswer,
    receive::{Received, Whole},
};

/// Bodies of this many bytes are large: eight megabytes take some 100 ms to read.
const LARGE: usize = 64 * 1024;

/// At most two large bodies are read at once: while the arrays of a body grow, they take up to three times their final memory.
static LARGE_READS: LazyLock<LargeWork> = LazyLock::new(|| LargeWork::new(2, LARGE));

/// The content of a body.
#[derive(Debug)]
pub(crate) struct Input {
    /// The state data.
    pub(crate) data: Val,
    /// Other variables: an object, or null when there are none.
    pub(crate) extra: Val,
    /// The memory that both take.
    pub(crate) share: Share,
}

/// Why a body is refused.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    /// It is not JSON, or no object. The text says where.
    #[error("{0}")]
    NotAnObject(String),
    /// Its values are too many or too large.
    #[error("the body cannot be taken: {0}")]
    TooLarge(ReadError),
    /// There is no memory for its values now.
    #[error("there is no memory for the values of this body now (`rondo.limits.memory`); try again later")]
    NoMemory,
}

impl From<Unusable> for ErrorAnswer {
    fn from(error: Unusable) -> Self {
        match error {
            Unusable::NotAnObject(reason) => Self::not_an_object(&reason),
            // The body is within the limit of bytes, so 413 would mislead.
            Unusable::TooLarge(_) => Self::new(StatusCode::BAD_REQUEST, error.to_string()),
            Unusable::NoMemory => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        }
    }
}

/// Reads a body whose `Content-Type` must be JSON.
pub(crate) async fn input(headers: &HeaderMap, body: Received) -> Result<Input, ErrorAnswer> {
    if !is_json(headers) {
        return Err(ErrorAnswer::unsupported_media_type());
    }
    let body = body.0?;
    Ok(read_in_turn(body.bytes.len(), || parse(body)).await??)
}

/// Reads a body of `bytes` bytes: a small one at once, a large one in turn and on a blocking thread.
pub(crate) async fn read_in_turn<T: Send + 'static>(
    bytes: usize,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ErrorAnswer> {
    LARGE_READS.run(bytes, read).await.map_err(|error| ErrorAnswer::defect(&error))
}

/// Reads a body that has arrived, on this thread.
pub(crate) fn read(headers: &HeaderMap, body: Whole) -> Result<Input, ErrorAnswer> {
    if !is_json(headers) {
        return Err(ErrorAnswer::unsupported_media_type());
    }
    Ok(parse(body)?)
}

/// Whether `Content-Type` is `application/json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = label.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Parses a body. The error says where the text is not JSON, or that the value is no object.
fn parse(body: Whole) -> Result<Input, Unusable> {
    let empty = || Val::object::<&str>([]);
    let Whole { bytes, mut share } = body;
    let text = rondo_definition::without_byte_order_mark(&bytes);
    if text.trim_ascii().is_empty() {
        return Ok(Input { data: empty(), extra: Val::Null, share });
    }
    let limits = ReadLimits { skips_null_elements: true, ..ReadLimits::default() };
    let value = Val::read_json(text, limits, &mut |more| share.grow(more as u64).is_ok());
    let mut value = value.map_err(|error| match error {
        ReadError::Syntax(error) => Unusable::NotAnObject(format!("The body is not JSON: {error}")),
        ReadError::Depth(_) => Unusable::NotAnObject(format!("The body cannot be read: {error}")),
        ReadError::NoRoom => Unusable::NoMemory,
        error => Unusable::TooLarge(error),
    })?;
    drop(bytes);
    share.shrink_to(value.memory() as u64);
    if value.is_null() {
        return Ok(Input { data: empty(), extra: Val::Null, share });
    }
    if !value.is_object() {
        let kind = value.type_name();
        let reason = format!("The body must be an object like {{\"name\": \"value\"}}, not of type {kind}.");
        return Err(Unusable::NotAnObject(reason));
    }
    let Some(data) = value.remove("workflowdata") else {
        return Ok(Input { data: value, extra: Val::Null, share });
    };
    let data = if data.is_null() { empty() } else { data };
    let extra = if value.members().is_empty() { Val::Null } else { value };
    Ok(Input { data, extra, share })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rondo_memory::MemoryBudget;
    use serde_json::{Value, json};

    fn parse_text(text: &[u8]) -> Result<Input, Unusable> {
        let share = MemoryBudget::new(1 << 30).try_take(text.len() as u64).unwrap();
        parse(Whole { bytes: text.to_vec(), share })
    }

    #[test]
    fn values_take_memory_before_they_are_made() {
        let text = format!("{{\"a\": [{}1]}}", "1,".repeat(500_000));
        let parsed = parse_text(text.as_bytes()).unwrap();
        let needed = parsed.share.bytes();
        assert!(needed >= parsed.data.memory() as u64 && needed < parsed.data.memory() as u64 + 2048);
        let budget = MemoryBudget::new(needed);
        let share = budget.try_take(text.len() as u64).unwrap();
        let refused = parse(Whole { bytes: text.into(), share }).unwrap_err();
        assert!(
            matches!(refused, Unusable::NoMemory) && budget.used() == 0,
            "text and values do not fit at once"
        );
        let many = format!("[{}1]", "1,".repeat(2_000_000));
        assert!(matches!(parse_text(many.as_bytes()), Err(Unusable::TooLarge(_))));
    }

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
            let input = parse_text(body.as_bytes())
                .ok()
                .map(|input| (Value::from(input.data), Value::from(input.extra)));
            assert_eq!(input, expected, "{body}");
        }
    }

    #[test]
    fn a_body_nested_without_end_is_refused() {
        for opening in ["[", "{\"a\":"] {
            let reason = parse_text(opening.repeat(100_000).as_bytes()).unwrap_err().to_string();
            assert!(reason.contains("deep"), "{reason}");
        }
    }

    #[test]
    fn an_error_names_the_place() {
        for (body, reason) in [
            ("{\n  \"a\": }", "The body is not JSON: expected value at line 2 column 8"),
            ("[1]", "The body must be an object like {\"name\": \"value\"}, not of type array."),
            ("7", "The body must be an object like {\"name\": \"value\"}, not of type number."),
        ] {
            assert_eq!(parse_text(body.as_bytes()).unwrap_err().to_string(), reason);
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
