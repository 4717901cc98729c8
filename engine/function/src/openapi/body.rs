//! Chooses the request body among the arguments that are left, and writes it.
//!
//! Source: `SonataFlow` 10.1.0. With declared properties the arguments are the body's members; without them a single
//! argument left is the body itself, unless it is a scalar and the body an object of any members. Of several left
//! `SonataFlow` sends one; here they are members of an object. `POST`, `PUT` and `PATCH` send a body even if it is empty.

use serde_json::{Map, Value};

use super::convert::{Mismatch, to_request_value, without_null_members};
use super::multipart;
use super::operation::{Body, Format};
use super::shape::{Shape, Shapes};
use super::style::text_of;

/// The body's value; `None` when no body is sent.
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
            return to_request_value(Value::Object(left), shape, shapes).map(without_null_members).map(Some);
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
    value.map(|value| to_request_value(value, shape, shapes)).transpose()
}

/// Whether a value has the type of a body without members, so that the value is the body.
fn has_type(value: &Value, shape: &Shape) -> bool {
    matches!((shape, value), (Shape::Array(_), Value::Array(_)) | (Shape::Text, Value::String(_)))
}

/// The body's bytes and its `Content-Type`.
pub(crate) fn encode(body: &Body, value: &Value) -> (String, Vec<u8>) {
    match body.format {
        // A text is sent unquoted: it is JSON already, or the service accepts it instead of JSON.
        Format::Json => (body.media_type.clone(), text_of(value).into_bytes()),
        Format::Text | Format::Bytes => (body.media_type.clone(), text_of(value).into_bytes()),
        Format::Form => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields(value) {
                form.append_pair(name, &text_of(value));
            }
            (body.media_type.clone(), form.finish().into_bytes())
        }
        Format::Multipart => multipart::encode(&fields(value)),
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
