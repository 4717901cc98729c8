//! Reads an answer into the result of the action, in the form that the document declares.
//!
//! Promises: an empty answer is null; an answer without declared content is the result as it is; only an answer that is not
//! JSON is an error, where the document declares an object, a list, a number or a boolean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::convert::{parse_object_text, to_result};
use super::operation::{AnswerForm, Format, Operation};
use super::shape::Shape;

/// Reads an answer into the result. The error names the expected form.
pub(crate) fn read(
    operation: &Operation,
    status: u16,
    content_type: &str,
    body: &[u8],
) -> Result<Value, &'static str> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let form = operation.answers.form(status);
    let shape = form.map_or(&Shape::Any, |form| operation.shapes.resolve(&form.shape));
    // A declared string is the text as it was sent, quotes included, unless it is an object, which is what SonataFlow makes of it.
    if *shape == Shape::Text {
        return Ok(parse_object_text(text_or_base64(body)));
    }
    let value = match serde_json::from_slice::<Value>(body) {
        Ok(value) => value,
        Err(_) => match shape {
            Shape::Any if !promises_json(form, content_type) => text_or_base64(body),
            Shape::Any => return Err("JSON"),
            Shape::Array(_) => return Err("a JSON array"),
            Shape::Object(_) => return Err("a JSON object"),
            Shape::Boolean => return Err("a boolean"),
            _ => return Err("a number"),
        },
    };
    let received = to_result(value, shape, &operation.shapes);
    // So is each text of a list, if the list is the whole answer.
    Ok(match (shape, received) {
        (Shape::Array(_), Value::Array(items)) => items.into_iter().map(parse_object_text).collect(),
        (_, received) => received,
    })
}

/// Whether both what the service says and what the document says call it JSON.
fn promises_json(form: Option<&AnswerForm>, content_type: &str) -> bool {
    let declared = form.and_then(|form| form.media_types.first());
    let json = |media_type: &str| Format::of(media_type) == Some(Format::Json);
    if content_type.is_empty() {
        declared.is_some_and(|media_type| json(media_type))
    } else {
        json(content_type)
    }
}

/// Text as it is, other bytes in base64.
fn text_or_base64(body: &[u8]) -> Value {
    match std::str::from_utf8(body) {
        Ok(text) => text.into(),
        Err(_) => STANDARD.encode(body).into(),
    }
}
