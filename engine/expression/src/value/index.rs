//! Where indices and ranges point in arrays and strings, and the errors of what cannot be indexed.

use jaq_core::{Error, Exn, ValX, val::Range};

use super::{Val, whole};
use crate::budget;

/// Where an index points, counted from the end when negative.
pub(super) fn absolute(index: &Val, length: usize) -> Option<usize> {
    let index = whole(index.as_number()?.floor())?;
    if index < 0 {
        return length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
    }
    usize::try_from(index).ok()
}

pub(super) fn bounds(range: &Range<&Val>, length: usize) -> Result<(usize, usize), Error<Val>> {
    let bound = |value: Option<&Val>, default: usize, round: fn(f64) -> f64| match value {
        None | Some(Val::Null) => Ok(default),
        Some(value) => {
            let number = value.as_number().ok_or_else(|| Error::str("array slice bounds must be numbers"))?;
            let number = round(number);
            let length_number = i64::try_from(length).unwrap_or(i64::MAX);
            let number = whole(number).unwrap_or(if number < 0.0 { i64::MIN } else { i64::MAX });
            let number = if number < 0 { number.saturating_add(length_number) } else { number };
            Ok(usize::try_from(number.clamp(0, length_number)).unwrap_or(length))
        }
    };
    let start = bound(range.start, 0, f64::floor)?;
    let end = bound(range.end, length, f64::ceil)?;
    Ok((start, end.max(start)))
}

/// Where a sequence occurs in another.
pub(super) fn positions(items: &[Val], wanted: &[Val]) -> Val {
    if wanted.is_empty() {
        return Val::array([]);
    }
    let windows = items.windows(wanted.len()).enumerate();
    let is_there = |window: &[Val]| {
        window.iter().zip(wanted).all(|(one, other)| {
            budget::step();
            one == other
        })
    };
    Val::array(windows.filter(|(_, window)| is_there(window)).map(|(index, _)| Val::from(index)))
}

/// The error of an update that gives no new value, as `.a |= empty`. SonataFlow's jq refuses it too.
pub(super) fn undefined<'a>() -> ValX<'a, Val> {
    Err(Exn::from(Error::str("`|= empty` is undefined")))
}

pub(crate) fn cannot_iterate(value: &Val) -> Error<Val> {
    Error::str(format!("Cannot iterate over {}", value.preview()))
}

pub(crate) fn cannot_index(value: &Val, index: &Val) -> Error<Val> {
    match index {
        Val::Text(name) => Error::str(format!("Cannot index {} with string \"{name}\"", value.type_name())),
        other => Error::str(format!("Cannot index {} with {}", value.type_name(), other.type_name())),
    }
}
