//! Paths: `delpaths`, for which a path that does not exist is ignored and creates nothing; and the bound on how long a path gets.

use jaq_core::{
    Error, Native, ValR, ValT as _,
    native::{Fun, v},
};

use crate::{
    budget,
    jackson_jq::FURTHER,
    jq::Data,
    value::{Val, cannot_index},
};

/// The identity, which stands where a path goes further in a loop or a recursion. The interpreter frees a path recursively, so a long one
/// would exhaust the stack.
pub(super) fn further() -> Fun<Data> {
    let native = Native::new(|cv| Val::once(Ok(cv.1)));
    let native = native.with_paths(|cv| {
        budget::check_path(cv.1.1.iter().count());
        Box::new(std::iter::once(Ok(cv.1)))
    });
    let native = native.with_update(|cv, update| update(cv.1));
    (FURTHER, v(0), native)
}

/// `delpaths`: deletes from the last path to the first, so that no deletion moves the target of another.
pub(super) fn delete(value: Val, paths: &Val) -> ValR<Val> {
    if !paths.is_array() {
        return Err(Error::str("Paths must be specified as an array"));
    }
    let mut sorted = paths.clone().take_items();
    sorted.sort();
    sorted.dedup();
    let mut value = value.plain();
    for path in sorted.iter().rev() {
        if !path.is_array() {
            let kind = path.type_name();
            return Err(Error::str(format!("Path must be specified as array, not {kind}")));
        }
        value = without(value, path.elements())?.unwrap_or_default();
    }
    Ok(value)
}

/// The value without the target of the path; `None` if the value itself is the target.
fn without(mut value: Val, path: &[Val]) -> Result<Option<Val>, Error<Val>> {
    budget::step();
    let Some((step, rest)) = path.split_first() else { return Ok(None) };
    match (&value, step) {
        (Val::Null, _) => Ok(Some(Val::Null)),
        (Val::Object(_), Val::Text(name)) if value.get(name).is_none() => Ok(Some(value)),
        (Val::Object(_), Val::Text(name)) => {
            let mut members = value.take_members();
            let inner = members.get_mut(&**name).map(std::mem::take).unwrap_or_default();
            match without(inner, rest)? {
                Some(inner) => members.insert(name.clone(), inner),
                None => members.shift_remove(&**name),
            };
            Ok(Some(Val::from_members(members)))
        }
        (Val::Array(_), Val::Int(_) | Val::Large(_) | Val::Float(_)) => {
            let Some(index) = step.as_i64().and_then(|index| value.position(index)) else {
                return Ok(Some(value));
            };
            let mut items = value.take_items();
            let inner = items.get_mut(index).map(std::mem::take).unwrap_or_default();
            let left = without(inner, rest)?;
            items.splice(index..=index, left);
            Ok(Some(Val::from_items(items)))
        }
        (Val::Array(_), Val::Object(_)) => {
            let part = value.clone().index(step)?;
            let left = without(part, rest)?;
            let (start, end) = (step.get("start"), step.get("end"));
            let opt = jaq_core::path::Opt::Essential;
            let new = left.unwrap_or_else(|| Val::array([]));
            let replaced = value.map_range(start..end, opt, |_| std::iter::once(Ok(new.clone())));
            replaced
                .map(Some)
                .map_err(|_| Error::str("A slice of an array can only be assigned another array"))
        }
        _ => Err(cannot_index(&value, step)),
    }
}
