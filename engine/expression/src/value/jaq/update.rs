//! Updates of parts: what `|=`, `=` and the like do to values, indices and ranges.
//!
//! The elements and members stay in the collection that counts their memory while the update's filter runs.

use jaq_core::{Error, Exn, ValX, path::Opt, val::Range};

use super::{
    super::{
        Val, cannot_index, cannot_iterate,
        index::{absolute, bounds, undefined},
    },
    part,
};

/// The largest array that an assignment behind its end may make: `.[1e9] = 1` must not take the memory.
const LONGEST_PADDING: usize = 1 << 20;

/// Updates all elements or members.
pub(super) fn values<'a, I: Iterator<Item = ValX<'a, Val>>>(
    mut this: Val,
    opt: Opt,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    let update = |value: &mut Val| -> Result<(), Exn<'a, Val>> {
        let new = f(std::mem::take(value)).next().unwrap_or_else(undefined)?;
        *value = new.plain();
        Ok(())
    };
    match &this {
        Val::Array(_) => {
            let mut items = this.take_items();
            items.iter_mut().try_for_each(update)?;
            Ok(Val::from_items(items))
        }
        Val::Object(_) => {
            let mut members = this.take_members();
            members.values_mut().try_for_each(update)?;
            Ok(Val::from_members(members))
        }
        _ => opt.fail(this, |this| Exn::from(cannot_iterate(&this))),
    }
}

/// Updates one element or member.
pub(super) fn index<'a, I: Iterator<Item = ValX<'a, Val>>>(
    mut this: Val,
    index: &Val,
    opt: Opt,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    match (&this, index) {
        (Val::Null | Val::Object(_), Val::Text(name)) => {
            let mut members = this.take_members();
            let value = members.get_mut(&**name).map(std::mem::take).unwrap_or_default();
            let new = f(value).next().unwrap_or_else(undefined)?;
            members.insert(name.clone(), new.plain());
            Ok(Val::from_members(members))
        }
        (Val::Null | Val::Array(_), Val::Object(places)) => {
            let (start, end) = (places.members.get("start").cloned(), places.members.get("end").cloned());
            range(this, start.as_ref()..end.as_ref(), opt, f)
        }
        (Val::Null | Val::Array(_), Val::Int(_) | Val::Large(_) | Val::Float(_)) => {
            let mut items = this.take_items();
            let Some(index) = absolute(index, items.len()) else {
                let this = Val::from_items(items);
                return opt.fail(this, |_| Exn::from(Error::str("out of bounds negative array index")));
            };
            let value = items.get_mut(index).map(std::mem::take).unwrap_or_default();
            if index > items.len() + LONGEST_PADDING {
                return Err(Exn::from(Error::str(format!("array index {index} is too large"))));
            }
            let new = f(value).next().unwrap_or_else(undefined)?;
            if index >= items.len() {
                let more = index + 1 - items.len();
                crate::budget::spend_on_new_elements(more);
                items.reserve(more);
                items.resize(index + 1, Val::Null);
            }
            if let Some(place) = items.get_mut(index) {
                *place = new.plain();
            }
            Ok(Val::from_items(items))
        }
        _ => opt.fail(this, |this| Exn::from(cannot_index(&this, index))),
    }
}

/// Updates the elements between two places, as an array.
pub(super) fn range<'a, I: Iterator<Item = ValX<'a, Val>>>(
    mut this: Val,
    range: Range<&Val>,
    opt: Opt,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    if !matches!(this, Val::Array(_) | Val::Null) {
        return opt.fail(this, |this| Exn::from(Error::typ(this, "array")));
    }
    let is_array = this.is_array();
    let mut items = this.take_items();
    let (start, end) = bounds(&range, items.len()).map_err(Exn::from)?;
    let old = if is_array { part(&items, start, end) } else { Val::Null };
    let new = f(old).next().unwrap_or_else(undefined)?;
    if !new.is_array() {
        return Err(Exn::from(Error::str("A slice of an array can only be assigned another array")));
    }
    items.reserve(new.elements().len());
    items.splice(start..end, new.elements().iter().cloned());
    Ok(Val::from_items(items))
}
