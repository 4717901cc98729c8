//! The elements of an array and the members of an object, with the memory that they hold.
//!
//! Promises: what they are about to grow by is taken before it is allocated, and given back when they are dropped, also while they are
//! outside of their array or object to be changed.

use std::{
    mem::size_of,
    ops::{Deref, DerefMut},
};

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{
    Text, Val,
    memory::{of_array, of_object},
};
use crate::budget::memory::{self, Held};

/// A collection, and the memory that it has taken.
#[derive(Debug, Default)]
pub(crate) struct Counted<T> {
    inner: T,
    held: Held,
}

/// Elements of an array.
pub(crate) type Items = Counted<Vec<Val>>;

/// Members by their names, in order. The hashes are seeded at random, so nobody can choose names that collide.
pub(super) type Named = IndexMap<Text, Val, RandomState>;

/// Members of an object.
pub(crate) type MemberMap = Counted<Named>;

impl<T> Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

/// What is changed through it must not grow, but by [`Counted::reserve`] first.
impl<T> DerefMut for Counted<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl Items {
    /// Room for so many elements.
    pub(crate) fn with_capacity(elements: usize) -> Self {
        let held = Held::new(of_array(elements));
        Self { inner: Vec::with_capacity(elements), held }
    }

    /// Takes the room for so many elements more.
    pub(crate) fn reserve(&mut self, more: usize) {
        let (length, room) = (self.inner.len(), self.inner.capacity());
        let Some(wanted) = length.checked_add(more) else { return memory::check(usize::MAX) };
        if wanted > room {
            // A large one grows by half, for what it has not filled counts as well.
            let grown = if room < LARGE { 2 * room } else { room + room / 2 };
            self.grow_to(wanted.max(grown).max(4));
        }
    }

    /// Takes the room for so many elements in all.
    pub(crate) fn grow_to(&mut self, elements: usize) {
        // While it moves, both places are taken.
        memory::check(of_array(elements));
        self.held.set(of_array(elements));
        self.inner.reserve_exact(elements.saturating_sub(self.inner.len()));
    }

    /// Counts what an array of them takes.
    pub(super) fn settle(&mut self) {
        self.held.set(of_array(self.inner.capacity()));
    }

    /// Adds an element.
    pub(crate) fn push(&mut self, item: Val) {
        if self.inner.len() == self.inner.capacity() {
            self.reserve(1);
        }
        self.inner.push(item);
    }
}

/// Elements from which on an array grows by half: 1 MiB of them.
const LARGE: usize = (1 << 20) / size_of::<Val>();

impl From<Vec<Val>> for Items {
    fn from(inner: Vec<Val>) -> Self {
        let held = Held::new(of_array(inner.capacity()));
        Self { inner, held }
    }
}

impl Clone for Items {
    fn clone(&self) -> Self {
        let held = Held::new(of_array(self.inner.len()));
        Self { inner: self.inner.clone(), held }
    }
}

impl MemberMap {
    /// Takes the room for so many members more.
    pub(crate) fn reserve(&mut self, more: usize) {
        let wanted = self.inner.len().saturating_add(more);
        if wanted > self.inner.capacity() {
            let grown = of_object(wanted);
            memory::check(grown);
            self.held.set(grown);
            self.inner.reserve(more);
        }
    }

    /// Counts what an object of them takes.
    pub(super) fn settle(&mut self) {
        self.held.set(of_object(self.inner.capacity()));
    }

    /// Sets a member; one that is there stays at its place.
    pub(crate) fn insert(&mut self, name: Text, value: Val) -> Option<Val> {
        if self.inner.len() == self.inner.capacity() {
            self.reserve(1);
        }
        self.inner.insert(name, value)
    }
}

impl Clone for MemberMap {
    fn clone(&self) -> Self {
        let held = Held::new(of_object(self.inner.len()));
        Self { inner: self.inner.clone(), held }
    }
}

impl Extend<(Text, Val)> for MemberMap {
    fn extend<I: IntoIterator<Item = (Text, Val)>>(&mut self, members: I) {
        for (name, value) in members {
            self.insert(name, value);
        }
    }
}

impl FromIterator<(Text, Val)> for MemberMap {
    fn from_iter<I: IntoIterator<Item = (Text, Val)>>(members: I) -> Self {
        let mut map = Self::default();
        map.extend(members);
        map
    }
}
