//! Functions that look for a value in another: `has`, `contains`, `indices`.

use jaq_core::{Error, ValR, ValT as _};

use crate::{budget, value::Val};

/// `has`
pub(super) fn has(value: Val, key: Val) -> ValR<Val> {
    match (value.plain(), key.plain()) {
        (object @ Val::Object(_), Val::Text(name)) => Ok(Val::Bool(object.get(&name).is_some())),
        (array @ Val::Array(_), Val::Int(index)) => {
            let index = usize::try_from(index).ok();
            Ok(Val::Bool(index.is_some_and(|index| index < array.elements().len())))
        }
        (Val::Null, _) => Ok(Val::Bool(false)),
        (Val::Object(_), _) => Err(Error::str("argument 1 of has() must be string for object input")),
        (Val::Array(_), _) => Err(Error::str("argument 1 of has() must be int for array input")),
        (value, _) => Err(Error::str(format!("has() is not applicable to {}", value.type_name()))),
    }
}

/// `contains`: values of two types are an error at the top, and not contained further in.
pub(super) fn checked_contains(value: Val, other: Val) -> ValR<Val> {
    let (value, other) = (value.plain(), other.plain());
    let same_kind = match (&value, &other) {
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (a, b) => a.type_name() == b.type_name(),
    };
    if same_kind {
        return Ok(Val::Bool(contains(&value, &other)));
    }
    let (value, other) = (value.preview(), other.preview());
    Err(Error::str(format!("{value} and {other} cannot have their containment checked")))
}

/// Whether `value` contains `other`: strings by substring, arrays and objects by their parts. Values of two types do not.
fn contains(value: &Val, other: &Val) -> bool {
    budget::step();
    match (value, other) {
        (Val::Text(text), Val::Text(part)) => {
            budget::spend_on_bytes(text.len());
            text.contains(&**part)
        }
        (Val::Array(_), Val::Array(_)) => {
            other.elements().iter().all(|part| value.elements().iter().any(|item| contains(item, part)))
        }
        (Val::Object(_), Val::Object(_)) => other
            .members()
            .into_iter()
            .all(|(name, part)| value.get(name).is_some_and(|member| contains(member, part))),
        _ => value == other,
    }
}

/// `indices`
pub(super) fn indices(value: Val, wanted: Val) -> ValR<Val> {
    match (value.plain(), wanted.plain()) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Text(text), Val::Text(part)) if !part.is_empty() => {
            budget::spend_on_bytes(8 * text.len());
            let first = part.chars().next();
            let is_there = |(byte, character): (usize, char)| {
                Some(character) == first && {
                    budget::spend_on_bytes(part.len());
                    text.get(byte..).is_some_and(|rest| rest.starts_with(&*part))
                }
            };
            let starts = text.char_indices().enumerate().filter(|(_, place)| is_there(*place));
            Ok(Val::array(starts.map(|(index, _)| Val::from(index))))
        }
        (Val::Text(_), Val::Text(_)) => Ok(Val::array([])),
        (array @ Val::Array(_), wanted @ Val::Array(_)) => array.index(&wanted),
        (array @ Val::Array(_), wanted) => {
            budget::spend_on_elements(array.elements().len());
            let found = array.elements().iter().enumerate().filter(|(_, item)| **item == wanted);
            Ok(Val::array(found.map(|(index, _)| Val::from(index))))
        }
        (value, wanted) => Err(Error::index(value, wanted)),
    }
}
