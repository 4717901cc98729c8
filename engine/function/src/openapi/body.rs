//! Chooses the request body among the arguments that are left, and writes it.
//!
//! Source: `SonataFlow` 10.1.0. With declared properties the arguments are the body's members; without them a single
//! argument left is the body itself, unless it is a scalar and the body an object of any members. Of several left `SonataFlow` sends one;
//! here they are members of an object. A method that has a body sends one, even if it is empty.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::convert::{Mismatch, to_send, without_null_members};
use super::operation::{Body, Format};
use super::shape::{Shape, Shapes};
use super::style::text_of;

/// The body's value; `None` when nothing is to be sent.
pub(crate) fn choose(
    body: &Body,
    method: &str,
    mut left: Map<String, Value>,
    shapes: &Shapes,
) -> Result<Option<Value>, Mismatch> {
    let shape = shapes.resolve(&body.shape);
    let wanted = body.required || matches!(method, "POST" | "PUT" | "PATCH");
    let value = match shape {
        Shape::Object(members) if !members.declared.is_empty() => {
            let known = |name: &str| members.open || members.declared.contains_key(name);
            let given = !left.is_empty();
            left.retain(|name, _| known(name));
            if !given && !wanted {
                return Ok(None);
            }
            return to_send(Value::Object(left), shape, shapes).map(without_null_members).map(Some);
        }
        Shape::Object(members) if members.open && left.values().any(|value| !value.is_object()) => {
            Some(Value::Object(left))
        }
        _ => match left.iter().find(|(_, value)| has_type(value, shape)) {
            Some((_, value)) => Some(value.clone()),
            None if left.is_empty() => {
                (wanted && matches!(shape, Shape::Object(_) | Shape::Any)).then(|| Value::Object(Map::new()))
            }
            None if left.len() == 1 => left.into_iter().next().map(|(_, value)| value),
            None => Some(Value::Object(left)),
        },
    };
    value.map(|value| to_send(value, shape, shapes)).transpose()
}

/// Whether a value is of the type that a body without members wants, so that it is sent itself.
fn has_type(value: &Value, shape: &Shape) -> bool {
    matches!((shape, value), (Shape::Array(_), Value::Array(_)) | (Shape::Text, Value::String(_)))
}

/// The body's bytes and its `Content-Type`.
pub(crate) fn encode(body: &Body, value: &Value) -> (String, Vec<u8>) {
    match body.format {
        // A text is sent as it is: it is JSON already, or what the service takes for it.
        Format::Json => (body.media_type.clone(), text_of(value).into_bytes()),
        Format::Text | Format::Bytes => (body.media_type.clone(), text_of(value).into_bytes()),
        Format::Form => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields(value) {
                form.append_pair(name, &text_of(value));
            }
            (body.media_type.clone(), form.finish().into_bytes())
        }
        Format::Multipart => multipart(value),
    }
}

/// Name and value of each field; an array gives one field for each of its elements.
fn fields(value: &Value) -> Vec<(&str, &Value)> {
    let mut fields = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Array(elements) => fields.extend(elements.iter().map(|element| (name.as_str(), element))),
            value => fields.push((name.as_str(), value)),
        }
    }
    fields
}

fn multipart(value: &Value) -> (String, Vec<u8>) {
    let fields = fields(value);
    let texts: Vec<_> = fields.iter().map(|(_, value)| text_of(value)).collect();
    let mut boundary = "rondo-part".to_owned();
    while texts.iter().any(|text| text.contains(&boundary)) {
        boundary.push('-');
    }
    let mut body = String::new();
    for ((name, value), text) in fields.iter().zip(&texts) {
        let name: String = name.chars().map(|c| if c.is_control() || c == '"' { '_' } else { c }).collect();
        // Writing to a String cannot fail.
        let _ = write!(body, "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n");
        if value.is_object() {
            body.push_str("Content-Type: application/json\r\n");
        }
        let _ = write!(body, "\r\n{text}\r\n");
    }
    let _ = write!(body, "--{boundary}--\r\n");
    (format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}
