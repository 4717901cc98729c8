//! Chooses the request body from the arguments that no parameter takes, and writes it.
//!
//! Source: `SonataFlow` 10.1.0. If the body declares properties, the arguments are its members; otherwise a single remaining argument is the body
//! itself, unless it is a scalar and the body an object of any members. Of several remaining arguments `SonataFlow` sends one; here they are
//! members of an object. `POST`, `PUT` and `PATCH` send a body even if it is empty.

use rondo_expression::Val;

use super::convert::{Mismatch, to_request_value, without_null_members};
use super::multipart::{self, Part};
use super::operation::{Body, Format};
use super::shape::{Members, Shape, Shapes};
use super::style::text_of;

/// Which of the arguments that no parameter takes become the body; see [`choose`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Takes<'a> {
    /// No argument, because there is no body.
    Nothing,
    /// One argument, which is the body itself.
    One,
    /// All arguments, whatever their names.
    All,
    /// Arguments that are declared as members, and others only if the object is open.
    Members(&'a Members),
}

impl<'a> Takes<'a> {
    pub(crate) fn of(body: Option<&'a Body>, shapes: &'a Shapes) -> Self {
        match body.map(|body| shapes.resolve(&body.shape)) {
            None => Self::Nothing,
            Some(Shape::Object(members)) if !members.declared.is_empty() => Self::Members(members),
            Some(Shape::Object(_) | Shape::Any | Shape::Named(_)) => Self::All,
            Some(_) => Self::One,
        }
    }
}

/// Whether a body is sent even without arguments.
pub(crate) fn is_always_sent(body: &Body, method: &str) -> bool {
    body.required || matches!(method, "POST" | "PUT" | "PATCH")
}

/// The body's value; `None` when no body is sent. `left` is the object of the arguments that no parameter takes.
pub(crate) fn choose(body: &Body, method: &str, left: Val, shapes: &Shapes) -> Result<Option<Val>, Mismatch> {
    let shape = shapes.resolve(&body.shape);
    let wanted = is_always_sent(body, method);
    let value = match shape {
        Shape::Object(members) if !members.declared.is_empty() => {
            let known = |name: &str| members.open || members.declared.contains_key(name);
            if left.members().is_empty() && !wanted {
                return Ok(None);
            }
            let left = left.members().shared().filter(|(name, _)| known(name));
            let left = Val::object(left.map(|(name, value)| (name.clone(), value.clone())));
            return to_request_value(left, shape, shapes).map(without_null_members).map(Some);
        }
        Shape::Object(members)
            if members.open && left.members().into_iter().any(|(_, value)| !value.is_object()) =>
        {
            Some(left)
        }
        _ => match left.clone().members().into_iter().find(|(_, value)| has_type(value, shape)) {
            Some((_, value)) => Some(value.clone()),
            None if left.members().is_empty() => {
                let is_object = matches!(shape, Shape::Object(_) | Shape::Any)
                    && !matches!(body.format, Format::Text | Format::Bytes);
                (wanted && is_object).then_some(left)
            }
            None if left.members().len() == 1 => {
                left.members().into_iter().next().map(|(_, value)| value.clone())
            }
            None => Some(left),
        },
    };
    value.map(|value| to_request_value(value, shape, shapes)).transpose()
}

/// Whether a value has the type of a body without members, so that the value is the body.
fn has_type(value: &Val, shape: &Shape) -> bool {
    matches!((shape, value), (Shape::Array(_), Val::Array(_)) | (Shape::Text | Shape::Binary, Val::Text(_)))
}

/// The body's `Content-Type` and its bytes. An argument cannot give bytes that are not text: its text is sent in UTF-8.
pub(crate) fn encode(body: &Body, value: &Val, shapes: &Shapes) -> (String, Vec<u8>) {
    match body.format {
        // A string is sent without quotes: it is JSON already, or the service accepts it instead of JSON.
        Format::Json => (body.media_type.clone(), text_of(value).into_bytes()),
        Format::Text | Format::Bytes => (body.media_type.clone(), text_of(value).into_bytes()),
        Format::Form => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields(value) {
                form.append_pair(name, &text_of(value));
            }
            (body.media_type.clone(), form.finish().into_bytes())
        }
        Format::Multipart => multipart::encode(&parts(body, value, shapes)),
    }
}

/// The parts of a multipart body.
fn parts<'a>(body: &'a Body, value: &'a Val, shapes: &'a Shapes) -> Vec<Part<'a>> {
    let members = match shapes.resolve(&body.shape) {
        Shape::Object(members) => Some(members),
        _ => None,
    };
    let is_file = |name: &str| {
        let Some(member) = members.and_then(|members| members.declared.get(name)) else { return false };
        match shapes.resolve(&member.shape) {
            Shape::Array(items) => *shapes.resolve(items) == Shape::Binary,
            shape => *shape == Shape::Binary,
        }
    };
    let part = |(name, value)| Part {
        name,
        value,
        is_file: is_file(name),
        media_type: body.part_types.get(name).map(String::as_str),
    };
    fields(value).into_iter().map(part).collect()
}

/// Name and value of each field; an array gives one field for each of its elements.
fn fields(value: &Val) -> Vec<(&str, &Val)> {
    let mut fields = Vec::new();
    for (name, value) in value.members() {
        match value {
            Val::Null => {}
            Val::Array(_) => fields.extend(value.elements().iter().map(|element| (name, element))),
            value => fields.push((name, value)),
        }
    }
    fields
}
