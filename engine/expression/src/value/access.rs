//! The parts of values: members and elements, read and changed.

use std::sync::Arc;

use super::{Items, MemberMap, Text, Val, counted::Named};
use crate::budget;

impl Val {
    /// Whether something else holds this array or object too, so that a change copies it.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Array(array) => Arc::strong_count(array) > 1,
            Self::Object(object) => Arc::strong_count(object) > 1,
            _ => false,
        }
    }

    /// A member of an object. Other values have none.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.members.get(name),
            _ => None,
        }
    }

    /// Sets a member of an object. Any other value is replaced by an object.
    pub fn insert(&mut self, name: &str, value: Self) {
        let mut members = self.take_members();
        members.insert(name.into(), value.plain());
        *self = Self::from_members(members);
    }

    /// Removes a member of an object, keeping the order of the others.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        self.get(name)?;
        let mut members = self.take_members();
        let removed = members.shift_remove(name);
        *self = Self::from_members(members);
        removed
    }

    /// Takes the members out, to change them; copies them only if something else holds them too.
    pub(crate) fn take_members(&mut self) -> MemberMap {
        if self.is_shared() {
            budget::spend_on_new_members(self.members().len());
        }
        match std::mem::take(self) {
            Self::Object(object) => Arc::unwrap_or_clone(object).members,
            _ => MemberMap::default(),
        }
    }

    /// Takes the elements out, to change them; copies them only if something else holds them too.
    pub(crate) fn take_items(&mut self) -> Items {
        if self.is_shared() {
            budget::spend_on_new_elements(self.elements().len());
        }
        match std::mem::take(self) {
            Self::Array(array) => Arc::unwrap_or_clone(array).items,
            _ => Items::default(),
        }
    }

    /// The elements of an array. Other values have none.
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::Array(array) => &array.items,
            _ => &[],
        }
    }

    /// The element at an index, which counts from the end when negative.
    pub(crate) fn element(&self, index: i64) -> Option<&Self> {
        self.position(index).and_then(|position| self.elements().get(position))
    }

    /// Where in an array an index points, which counts from the end when negative; `None` outside of it.
    pub(crate) fn position(&self, index: i64) -> Option<usize> {
        let length = self.elements().len();
        let distance = usize::try_from(index.unsigned_abs()).ok()?;
        let position = if index < 0 { length.checked_sub(distance)? } else { distance };
        (position < length).then_some(position)
    }

    /// The members of an object in order. Other values have none.
    pub fn members(&self) -> Members<'_> {
        match self {
            Self::Object(object) => Members(Some(&object.members)),
            _ => Members(None),
        }
    }
}

/// The members of an object.
#[derive(Clone, Copy)]
pub struct Members<'a>(Option<&'a Named>);

impl<'a> Members<'a> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none_or(Named::is_empty)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.map_or(0, Named::len)
    }

    /// The member of this name.
    pub fn get(self, name: &str) -> Option<&'a Val> {
        self.0?.get(name)
    }

    /// The members with their names as they are in memory, to make another object of the same names.
    pub fn shared(self) -> impl Iterator<Item = (&'a Text, &'a Val)> {
        self.0.into_iter().flatten()
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (&'a str, &'a Val);
    type IntoIter = Box<dyn Iterator<Item = Self::Item> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.0.into_iter().flatten().map(|(name, value)| (&**name, value)))
    }
}
