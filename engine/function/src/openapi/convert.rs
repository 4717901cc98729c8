//! Converts values into the form that a document declares: arguments strictly, answers leniently.
//!
//! Promises: [`to_request_value`] fails only where the JSON type is another one and no conversion of scalars helps;
//! [`to_result`] never fails and keeps what it does not understand. Source: `SonataFlow` 10.1.0, which passes both
//! directions through classes made from the document. Members that these drop because no schema declares them, and enum
//! values that they refuse, stay here; declared defaults are added and nulls left out as there.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::shape::{Members, Shape, Shapes};

/// Converts an argument to the shape; the error says where and how it differs. Members that are absent or null get their
/// declared default; an object without declared members may be any value.
pub(crate) fn to_request_value(value: Value, shape: &Shape, shapes: &Shapes) -> Result<Value, Mismatch> {
    match (shapes.resolve(shape), value) {
        (Shape::Any, value) | (_, value @ Value::Null) => Ok(value),
        (shape @ (Shape::Boolean | Shape::Integer | Shape::Number | Shape::Text), value) => {
            scalar(&value, shape).ok_or_else(|| Mismatch::new(shape, &value))
        }
        (Shape::Array(items), Value::Array(values)) => values
            .into_iter()
            .enumerate()
            .map(|(i, value)| {
                to_request_value(value, items, shapes).map_err(|error| error.below(&i.to_string()))
            })
            .collect(),
        (Shape::Object(members), Value::Object(mut values)) => {
            fill_in(&mut values, members);
            let members = values.into_iter().map(|(name, value)| {
                let value = match members.declared.get(&name) {
                    Some(member) => {
                        to_request_value(value, &member.shape, shapes).map_err(|error| error.below(&name))?
                    }
                    None => value,
                };
                Ok((name, value))
            });
            members.collect()
        }
        (Shape::Object(members), value) if members.declared.is_empty() => Ok(parse_object_text(value)),
        (shape, value) => Err(Mismatch::new(shape, &value)),
    }
}

/// Converts an answer to the shape: scalars are converted, declared defaults filled in, null members left out, and texts
/// that hold an object replaced by it where no member is declared. Nulls in lists stay; the caller leaves them out.
pub(crate) fn to_result(value: Value, shape: &Shape, shapes: &Shapes) -> Value {
    match (shapes.resolve(shape), value) {
        (shape @ (Shape::Boolean | Shape::Integer | Shape::Number | Shape::Text), value) => {
            scalar(&value, shape).unwrap_or(value)
        }
        (Shape::Array(items), Value::Array(values)) => {
            values.into_iter().map(|value| to_result(value, items, shapes)).collect()
        }
        (Shape::Object(members), Value::Object(values)) if !members.declared.is_empty() => {
            Value::Object(received_object(values, members, shapes))
        }
        (_, value) => free(value),
    }
}

/// Converts an answer of which nothing is declared.
fn free(value: Value) -> Value {
    match parse_object_text(value) {
        Value::Array(values) => values.into_iter().map(free).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(name, value)| (name, free(value))).collect())
        }
        value => value,
    }
}

/// The object that a text holds; every other value as it is.
pub(crate) fn parse_object_text(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    let looks_like_one = text.trim_start().starts_with('{');
    let object = looks_like_one.then(|| serde_json::from_str::<Map<String, Value>>(text).ok()).flatten();
    object.map_or(value, Value::Object)
}

/// Gives members that are absent or null their declared default. Those of lists are not used, as on `SonataFlow`.
fn fill_in(values: &mut Map<String, Value>, members: &Members) {
    for (name, member) in &members.declared {
        if let Some(default) = &member.default
            && !default.is_array()
            && values.get(name).is_none_or(Value::is_null)
        {
            values.insert(name.clone(), default.clone());
        }
    }
}

/// Leaves members out that are null, at every depth.
pub(crate) fn without_null_members(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(without_null_members).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(name, value)| (name, without_null_members(value))).collect())
        }
        value => value,
    }
}

fn received_object(
    mut values: Map<String, Value>,
    members: &Arc<Members>,
    shapes: &Shapes,
) -> Map<String, Value> {
    for (name, member) in &members.declared {
        if let (false, Some(default)) = (values.contains_key(name), &member.default) {
            values.insert(name.clone(), default.clone());
        }
    }
    let known = |name: &str| members.declared.get(name);
    values
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match known(&name) {
            Some(member) => {
                let value = to_result(value, &member.shape, shapes);
                (name, value)
            }
            None => (name, free(value)),
        })
        .collect()
}

/// A scalar as the type of the shape; `None` where the text of one is no value of the other.
fn scalar(value: &Value, shape: &Shape) -> Option<Value> {
    match (shape, value) {
        (Shape::Integer, Value::Number(number)) => {
            Some(whole(number).map_or_else(|| value.clone(), Value::from))
        }
        (Shape::Text, Value::String(_))
        | (Shape::Boolean, Value::Bool(_))
        | (Shape::Number, Value::Number(_)) => Some(value.clone()),
        (Shape::Text, Value::Number(_) | Value::Bool(_)) => Some(value.to_string().into()),
        (Shape::Integer | Shape::Number, Value::String(text)) => {
            serde_json::from_str::<serde_json::Number>(text.trim()).ok().map(Value::Number)
        }
        (Shape::Boolean, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        _ => None,
    }
}

/// The integer part of a fraction, which Java reads where an integer is declared; `None` for a whole number.
fn whole(number: &serde_json::Number) -> Option<i64> {
    /// Fractions up to here have an exact integer part.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let number = number.as_f64().filter(|_| number.is_f64())?;
    #[allow(clippy::cast_possible_truncation, reason = "it is within the bounds of both")]
    (number.abs() <= LARGEST).then_some(number.trunc() as i64)
}

/// A value of another JSON type than declared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}must be {wanted}, not {got}", Path(path))]
pub(crate) struct Mismatch {
    path: Vec<String>,
    wanted: &'static str,
    got: &'static str,
}

impl Mismatch {
    fn new(shape: &Shape, value: &Value) -> Self {
        let wanted = match shape {
            Shape::Boolean => "a boolean",
            Shape::Integer => "an integer",
            Shape::Number => "a number",
            Shape::Text => "a string",
            Shape::Array(_) => "an array",
            Shape::Object(_) | Shape::Any | Shape::Named(_) => "an object",
        };
        Self { path: Vec::new(), wanted, got: type_name(value) }
    }

    /// The same mismatch, seen from one level above.
    pub(crate) fn below(mut self, name: &str) -> Self {
        self.path.insert(0, name.to_owned());
        self
    }
}

struct Path<'a>(&'a [String]);

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "`{}` ", self.0.join(".")) }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text of another form",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
