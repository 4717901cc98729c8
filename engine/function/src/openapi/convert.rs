//! Converts arguments into the form that a document declares, strictly.
//!
//! Promises: [`to_request_value`] fails only if the JSON type differs and no conversion of scalars helps; a single string or number where a
//! member is a list becomes a list of one. Source: `SonataFlow` 10.1.0, which passes arguments through classes generated from the document.
//! Unlike these classes, it keeps members that no schema declares and enum values that they would refuse; it adds declared defaults that the
//! schema itself allows.

use rondo_expression::Val;

use super::shape::{Members, Shape, Shapes};

/// Converts an argument to the shape; the error says where and how it differs. Absent and null members get their declared default; an object
/// without declared members may be any value.
pub(crate) fn to_request_value(value: Val, shape: &Shape, shapes: &Shapes) -> Result<Val, Mismatch> {
    match (shapes.resolve(shape), value) {
        (Shape::Any, value) | (_, value @ Val::Null) => Ok(value),
        (shape @ (Shape::Boolean | Shape::Integer | Shape::Number | Shape::Text | Shape::Binary), value) => {
            scalar(&value, shape).ok_or_else(|| Mismatch::new(shape, &value))
        }
        (Shape::Array(items), value @ Val::Array(_)) => {
            let elements = value.elements().iter().enumerate().map(|(i, value)| {
                to_request_value(value.clone(), items, shapes).map_err(|error| error.below(&i.to_string()))
            });
            Ok(Val::array(elements.collect::<Result<Vec<_>, _>>()?))
        }
        (Shape::Object(members), value @ Val::Object(_)) => {
            let value = with_defaults(value, members, shapes);
            let members = value.members().shared().map(|(name, value)| {
                let value = match members.declared.get(&**name) {
                    Some(member) => {
                        to_request_value(listed(value, &member.shape, shapes), &member.shape, shapes)
                            .map_err(|error| error.below(name))?
                    }
                    None => value.clone(),
                };
                Ok((name.clone(), value))
            });
            Ok(Val::object(members.collect::<Result<Vec<_>, _>>()?))
        }
        (Shape::Object(members), value) if members.declared.is_empty() => {
            Ok(object_in_text(&value).and_then(|text| object_of(text.as_bytes())).unwrap_or(value))
        }
        (shape, value) => Err(Mismatch::new(shape, &value)),
    }
}

/// Makes a list of one from a string or number where a list is declared: published flows give one recipient to a service that takes several.
fn listed(value: &Val, shape: &Shape, shapes: &Shapes) -> Val {
    match (shapes.resolve(shape), value) {
        (Shape::Array(_), Val::Text(_) | Val::Int(_) | Val::Large(_) | Val::Float(_)) => {
            Val::array([value.clone()])
        }
        _ => value.clone(),
    }
}

/// The string of a value, if it may hold an object.
pub(crate) fn object_in_text(value: &Val) -> Option<&str> {
    value.as_str().filter(|text| text.trim_start().starts_with('{'))
}

fn object_of(text: &[u8]) -> Option<Val> {
    Val::from_json(text).ok().filter(Val::is_object)
}

/// Gives absent and null members their declared default. Defaults that are lists are not used, as on `SonataFlow`.
fn with_defaults(value: Val, members: &Members, shapes: &Shapes) -> Val {
    let missing = |name: &str| value.get(name).is_none_or(Val::is_null);
    let defaults: Vec<(&String, &Val)> = members
        .declared
        .iter()
        .filter_map(|(name, member)| Some((name, shapes.default_of(member)?)))
        .filter(|(name, default)| !default.is_array() && missing(name))
        .collect();
    if defaults.is_empty() {
        return value;
    }
    let given = value.members().shared().map(|(name, value)| (name.clone(), value.clone()));
    let defaults = defaults.into_iter().map(|(name, default)| (name.as_str().into(), default.clone()));
    // If two members have one name, the later value wins, in the place of the first.
    Val::object(given.chain(defaults))
}

/// Removes null members, at every depth.
pub(crate) fn without_null_members(value: Val) -> Val {
    match value {
        Val::Array(_) => Val::array(value.elements().iter().cloned().map(without_null_members)),
        Val::Object(_) => {
            let members = value.members().shared().filter(|(_, value)| !value.is_null());
            Val::object(members.map(|(name, value)| (name.clone(), without_null_members(value.clone()))))
        }
        value => value,
    }
}

/// Converts a scalar to the type of the shape; `None` if it has no value of that type.
pub(crate) fn scalar(value: &Val, shape: &Shape) -> Option<Val> {
    match (shape, value) {
        (Shape::Integer, Val::Float(number)) => Some(whole(*number).map_or_else(|| value.clone(), Val::Int)),
        (Shape::Text | Shape::Binary, Val::Text(_))
        | (Shape::Boolean, Val::Bool(_))
        | (Shape::Number, Val::Float(_))
        | (Shape::Number | Shape::Integer, Val::Int(_) | Val::Large(_)) => Some(value.clone()),
        (Shape::Text | Shape::Binary, Val::Int(_) | Val::Large(_) | Val::Float(_) | Val::Bool(_)) => {
            Some(Val::text(value.to_json()))
        }
        (Shape::Integer | Shape::Number, Val::Text(text)) => number(text.trim()),
        (Shape::Boolean, Val::Text(text)) => match text.trim() {
            text if text.eq_ignore_ascii_case("true") => Some(Val::Bool(true)),
            text if text.eq_ignore_ascii_case("false") => Some(Val::Bool(false)),
            _ => None,
        },
        _ => None,
    }
}

/// Parses a text that is a number.
fn number(text: &str) -> Option<Val> {
    let is_one = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    is_one.then(|| Val::from_json(text.as_bytes()).ok()).flatten()
}

/// The integer part of a float, which Java takes where an integer is declared; `None` if it is not exact.
fn whole(number: f64) -> Option<i64> {
    /// Floats up to here have an exact integer part.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "it is within the bounds of both")]
    (number.abs() <= LARGEST).then_some(number.trunc() as i64)
}

/// A value has another JSON type than declared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}must be {wanted}, not {got}", Path(path))]
pub(crate) struct Mismatch {
    path: Vec<String>,
    wanted: &'static str,
    got: &'static str,
}

impl Mismatch {
    fn new(shape: &Shape, value: &Val) -> Self {
        let wanted = match shape {
            Shape::Boolean => "a boolean",
            Shape::Integer => "an integer",
            Shape::Number => "a number",
            Shape::Text | Shape::Binary => "a string",
            Shape::Array(_) => "an array",
            Shape::Object(_) | Shape::Any | Shape::Named(_) => "an object",
        };
        Self { path: Vec::new(), wanted, got: type_name(value) }
    }

    /// The same mismatch with its path extended by the member that contains it.
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

fn type_name(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "a boolean",
        Val::Int(_) | Val::Large(_) | Val::Float(_) => "a number",
        Val::Text(_) => "a text of another form",
        Val::Array(_) => "an array",
        Val::Object(_) | Val::Lookup(_) => "an object",
    }
}
