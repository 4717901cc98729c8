//! The outcome of a call, made of what the service answered.
//!
//! Promises: no body in an error holds a secret, or is longer than [`MAX_ERROR_BODY`].

use rondo_expression::Val;
use serde::Deserialize as _;
use serde_json::Value;

use crate::error::CallErrorKind;
use crate::headers;
use crate::mask::Mask;
use crate::transport::Incoming;

/// The outcome of a call that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The result of the action; null when the service answered nothing.
    pub result: Val,
    /// HTTP status.
    pub status: u16,
    /// Reason phrase.
    pub status_message: String,
    /// Headers of the answer, names as they are usually written (`X-Custom-Header`).
    pub headers: Vec<(String, String)>,
}

/// Most bytes of an error's body that are kept: enough for the message to the client, too few to fill a database.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// The error of a call that the service answered with an error status.
pub(crate) fn status_error(incoming: &Incoming, mask: &Mask) -> CallErrorKind {
    CallErrorKind::Status {
        status: incoming.status,
        reason: incoming.reason.clone(),
        body: masked_body(&incoming.body, mask),
    }
}

/// The error of a call whose answer has not the expected form.
pub(crate) fn bad_answer(incoming: &Incoming, expected: &str, mask: &Mask) -> CallErrorKind {
    CallErrorKind::BadAnswer {
        status: incoming.status,
        expected: expected.to_owned(),
        body: masked_body(&incoming.body, mask),
    }
}

/// Text, or compact JSON.
fn masked_body(body: &[u8], mask: &Mask) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    let mut masked = mask.apply(&text);
    masked.truncate(masked.floor_char_boundary(MAX_ERROR_BODY));
    masked
}

/// The answer with this result.
pub(crate) fn to_answer(result: Value, incoming: &Incoming) -> Answer {
    let headers = incoming
        .headers
        .iter()
        .map(|(name, value)| {
            (headers::canonical_case(name.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    Answer {
        // Every JSON value is a value of the engine, so this cannot fail.
        result: Val::deserialize(result).unwrap_or_default().without_null_elements(),
        status: incoming.status,
        status_message: incoming.reason.clone(),
        headers,
    }
}
