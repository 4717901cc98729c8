//! Reads an answer into the result of the action, as the document declares it.
//!
//! Promises: an empty answer is null; an answer without declared content is the result as it is; an answer that is not JSON is an error only if
//! the document declares an object, a list, a number or a boolean, or if the answer claims to be JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rondo_expression::{ReadError, ReadLimits, Val};

use super::operation::{AnswerForm, Format, Operation};
use super::result::Conversion;
use super::shape::Shape;
use crate::answer::Unreadable;

/// Reads an answer into the result.
pub(crate) fn read(
    operation: &Operation,
    status: u16,
    content_type: &str,
    body: &[u8],
    limits: ReadLimits,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Result<Val, Unreadable> {
    if body.is_empty() {
        return Ok(Val::Null);
    }
    let form = operation.answers.form(status);
    let shape = form.map_or(&Shape::Any, |form| operation.shapes.resolve(&form.shape));
    // A declared string stays the text that was sent, quotes included, unless it is an object, which SonataFlow parses.
    if matches!(shape, Shape::Text | Shape::Binary) {
        let text = text_or_base64(body, grant)?;
        return Ok(Conversion { shapes: &operation.shapes, limits, grant }.parse_object_text(text)?);
    }
    let value = match Val::read_json(body, limits, grant) {
        Ok(value) => value,
        Err(error @ (ReadError::Syntax(_) | ReadError::Depth(_))) => match shape {
            Shape::Any if !promises_json(form, content_type) => text_or_base64(body, grant)?,
            Shape::Any => return Err(error.into()),
            Shape::Array(_) => return Err(Unreadable::not("a JSON array")),
            Shape::Object(_) => return Err(Unreadable::not("a JSON object")),
            Shape::Boolean => return Err(Unreadable::not("a boolean")),
            _ => return Err(Unreadable::not("a number")),
        },
        Err(other) => return Err(other.into()),
    };
    let mut conversion = Conversion { shapes: &operation.shapes, limits, grant };
    let received = conversion.convert(value, shape)?;
    // SonataFlow also parses each string of a list that is the whole answer.
    match (shape, received) {
        (Shape::Array(_), list @ Val::Array(_)) => Ok(conversion.parse_object_texts(list)?),
        (_, received) => Ok(received),
    }
}

/// Whether the answer claims to be JSON: by its content type or, if it has none, by the document.
fn promises_json(form: Option<&AnswerForm>, content_type: &str) -> bool {
    let declared = form.and_then(|form| form.media_types.first());
    let json = |media_type: &str| Format::of(media_type) == Some(Format::Json);
    if content_type.is_empty() {
        declared.is_some_and(|media_type| json(media_type))
    } else {
        json(content_type)
    }
}

/// UTF-8 becomes a string, other bytes a string in base64.
fn text_or_base64(body: &[u8], grant: &mut dyn FnMut(usize) -> bool) -> Result<Val, ReadError> {
    let text = std::str::from_utf8(body);
    let bytes = if text.is_ok() { body.len() } else { 3 * body.len() };
    if !grant(bytes) {
        return Err(ReadError::NoRoom);
    }
    Ok(text.map_or_else(|_| Val::text(STANDARD.encode(body)), Val::text))
}
