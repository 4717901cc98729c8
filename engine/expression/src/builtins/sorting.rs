//! Functions that order elements: `sort`, `sort_by`, `group_by`, and what `min_by`, `max_by` and `unique_by` are made of.
//!
//! Promises: the elements and what they are ordered by count as memory of the evaluation while the filter runs for them, which may order
//! others itself.

use jaq_core::{
    Bind, Cv, Error, Exn, ValR, ValX, ValXs,
    box_iter::box_once,
    native::{Fun, bome, run, v},
};

use crate::{
    budget::{self, memory::Held},
    jq::Data,
    value::{Items, Val},
};

/// All functions.
pub(super) fn funs() -> impl Iterator<Item = Fun<Data>> {
    let filter = || [Bind::Fun(())].into();
    let functions: [Fun<Data>; 5] = [
        run(("sort", v(0), |cv| bome(sort(cv.1)))),
        run(("sort_by", filter(), |cv| box_once(sort_by(cv)))),
        run(("group_by", filter(), |cv| box_once(group_by(cv)))),
        run(("min_by_or_empty", filter(), |cv| extreme(cv, |least, key| key < least))),
        run(("max_by_or_empty", filter(), |cv| extreme(cv, |greatest, key| key >= greatest))),
    ];
    functions.into_iter()
}

/// An element, and the outputs of the filter for it.
type Keyed = (Items, Val);

/// The elements of an array, each with its key; also the memory of the list.
fn keyed(mut cv: Cv<'_, Data>) -> Result<(Vec<Keyed>, Held), Exn<'_, Val>> {
    let (filter, context) = cv.0.pop_fun();
    let array = array(cv.1)?;
    let held = Held::new(array.elements().len() * size_of::<Keyed>());
    let mut keyed = Vec::with_capacity(array.elements().len());
    for element in array.elements() {
        let mut key = Items::default();
        for output in filter.run((context.clone(), element.clone())) {
            key.push(output?.plain());
        }
        keyed.push((key, element.clone()));
    }
    Ok((keyed, held))
}

fn array(value: Val) -> ValR<Val> {
    let value = value.plain();
    if value.is_array() { Ok(value) } else { Err(Error::typ(value, "array")) }
}

/// Spends what the comparisons of sorting so many elements take, apart from looking into them.
fn spend_on_sorting(elements: usize) {
    budget::spend_on_elements(elements.saturating_mul(elements.max(1).ilog2() as usize));
}

fn sort(value: Val) -> ValR<Val> {
    let mut array = array(value)?;
    let mut items = array.take_items();
    spend_on_sorting(items.len());
    items.sort();
    Ok(Val::from_items(items))
}

fn sort_by(cv: Cv<'_, Data>) -> ValX<'_, Val> {
    let (mut keyed, _held) = keyed(cv)?;
    spend_on_sorting(keyed.len());
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut items = Items::with_capacity(keyed.len());
    items.extend(keyed.into_iter().map(|(_, element)| element));
    Ok(Val::from_items(items))
}

fn group_by(cv: Cv<'_, Data>) -> ValX<'_, Val> {
    let (mut keyed, _held) = keyed(cv)?;
    spend_on_sorting(keyed.len());
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let groups = keyed.chunk_by(|(one, _), (other, _)| **one == **other);
    let groups = groups.map(|group| {
        let mut items = Items::with_capacity(group.len());
        items.extend(group.iter().map(|(_, element)| element.clone()));
        Val::from_items(items)
    });
    Ok(groups.collect())
}

/// The element whose key takes the place of all others; nothing of an empty array.
fn extreme(cv: Cv<'_, Data>, takes_place: fn(&[Val], &[Val]) -> bool) -> ValXs<'_, Val> {
    let found = keyed(cv).map(|(keyed, _held)| {
        let mut found: Option<Keyed> = None;
        for (key, element) in keyed {
            if found.as_ref().is_none_or(|(best, _)| takes_place(best, &key)) {
                found = Some((key, element));
            }
        }
        found.map(|(_, element)| element)
    });
    Box::new(found.transpose().into_iter())
}
