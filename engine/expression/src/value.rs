//! The one value type of the engine: JSON in shared memory.
//!
//! Owns: [`Val`]. Promises: cloning costs a few nanoseconds whatever the size; objects keep the order of their members; every
//! array and object knows how many values it holds and how deep it is, so that growth can be bounded where it happens.
//! Never: panics; shares a change. A change to an array or object that something else holds too copies one level first.

mod arithmetic;
mod index;
mod jaq;
mod json;
mod memory;
mod nulls;
mod order;
mod print;
mod read;
mod size;

use std::{fmt::Debug, sync::Arc};

use indexmap::IndexMap;

pub(crate) use self::{
    index::{cannot_index, cannot_iterate},
    print::Numbers,
};
pub use self::{
    read::{ReadError, ReadLimits},
    size::Size,
};
use crate::budget::{self, Budget};

/// A JSON value, or something that is looked up when it is needed.
#[derive(Clone, Default)]
pub enum Val {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above `i64::MAX`: it is passed on and compared exactly; arithmetic takes it as a float.
    Large(u64),
    /// Any other number. `1.0` stays `1.0`.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// An array.
    Array(Arc<Array>),
    /// An object.
    Object(Arc<Object>),
    /// An object whose members are found when they are asked for.
    Lookup(Arc<dyn Lookup>),
}

/// Finds members when they are asked for: `$WORKFLOW`, `$SECRET`.
pub trait Lookup: Send + Sync + Debug {
    /// The member of this name.
    ///
    /// # Errors
    /// Says why the member cannot be read; the expression fails with it.
    fn get(&self, key: &str) -> Result<Val, String>;

    /// The whole as a plain value, for functions that need one.
    fn value(&self) -> Val;
}

/// Elements and their size together.
#[derive(Clone, Default)]
pub struct Array {
    items: Vec<Val>,
    size: Size,
}

/// Members in order and their size together.
#[derive(Clone, Default)]
pub struct Object {
    members: IndexMap<Arc<str>, Val>,
    size: Size,
}

impl Val {
    /// Most levels of arrays and objects of a value that is read. Readers of JSON commonly take 128 levels; the difference is room for
    /// the objects that the engine puts around data.
    pub const DEEPEST: usize = 100;

    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        budget::check_text(text.len());
        budget::spend_on_bytes(text.len());
        Self::Text(text)
    }

    /// An array of these elements.
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().collect()
    }

    /// An object of these members, in this order. The later of two members of one name wins.
    pub fn object<K: Into<Arc<str>>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::from_members(members.into_iter().map(|(name, value)| (name.into(), value.plain())).collect())
    }

    pub(crate) fn from_items(items: Vec<Self>) -> Self {
        budget::spend_on_elements(items.len());
        let inner = items.iter().fold(Size::default(), Size::with);
        Self::of_size(items, inner)
    }

    /// An array of items, with their size together.
    pub(crate) fn of_size(items: Vec<Self>, inner: Size) -> Self {
        let size = inner.enclosed(2, memory::of_array(items.len()));
        budget::check_value(size);
        Self::Array(Arc::new(Array { items, size }))
    }

    pub(crate) fn from_members(members: IndexMap<Arc<str>, Self>) -> Self {
        budget::spend_on_members(members.len());
        let inner = members.values().fold(Size::default(), Size::with);
        let (mut json, mut memory) = (2, memory::OF_OBJECT + memory::of_members(members.len()));
        for name in members.keys() {
            json += name.len() + 3;
            memory += memory::of_text(name.len());
        }
        let size = inner.enclosed(json, memory);
        budget::check_value(size);
        Self::Object(Arc::new(Object { members, size }))
    }

    /// Whether something else holds this array or object too, so that a change copies it.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Array(array) => Arc::strong_count(array) > 1,
            Self::Object(object) => Arc::strong_count(object) > 1,
            _ => false,
        }
    }

    /// How much it holds; costs a few nanoseconds, for arrays and objects know it.
    pub fn size(&self) -> Size {
        match self {
            Self::Array(array) => array.size,
            Self::Object(object) => object.size,
            Self::Text(text) => {
                Size { nodes: 1, depth: 0, bytes: text.len() + 2, memory: memory::of_text(text.len()) }
            }
            _ => Size { nodes: 1, depth: 0, bytes: 4, memory: 0 },
        }
    }

    /// Whether the sum of this and another value is within the bounds.
    pub fn fits_with(&self, other: &Self, budget: &Budget) -> bool {
        self.size().with(other).check(budget).is_ok()
    }

    /// How many values it holds, itself included.
    pub fn nodes(&self) -> usize {
        self.size().nodes
    }

    /// The value itself; of a lookup the value that it stands for.
    #[must_use]
    pub fn plain(self) -> Self {
        match self {
            Self::Lookup(lookup) => lookup.value(),
            other => other,
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
    pub(crate) fn take_members(&mut self) -> IndexMap<Arc<str>, Self> {
        if self.is_shared() {
            budget::spend_on_new_members(self.members().len());
        }
        match std::mem::take(self) {
            Self::Object(object) => Arc::unwrap_or_clone(object).members,
            _ => IndexMap::new(),
        }
    }

    /// Takes the elements out, to change them; copies them only if something else holds them too.
    pub(crate) fn take_items(&mut self) -> Vec<Self> {
        if self.is_shared() {
            budget::spend_on_new_elements(self.elements().len());
        }
        match std::mem::take(self) {
            Self::Array(array) => Arc::unwrap_or_clone(array).items,
            _ => Vec::new(),
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

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one, also written as `1.0`.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(number) => whole(*number),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[allow(clippy::cast_precision_loss, reason = "a number too large to be exact is rounded, as jq does")]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Large(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is exactly `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Its type, in jq's words.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Large(_) | Self::Float(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) | Self::Lookup(_) => "object",
        }
    }

    /// The text itself, or compact JSON of anything else: jq's `tostring`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            Self::Lookup(lookup) => lookup.value().to_text(),
            other => other.to_json(),
        }
    }
}

/// The members of an object.
#[derive(Clone, Copy)]
pub struct Members<'a>(Option<&'a IndexMap<Arc<str>, Val>>);

impl<'a> Members<'a> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none_or(IndexMap::is_empty)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.map_or(0, IndexMap::len)
    }

    /// The member of this name.
    pub fn get(self, name: &str) -> Option<&'a Val> {
        self.0?.get(name)
    }

    /// The members with their names as they are in memory, to make another object of the same names.
    pub fn shared(self) -> impl Iterator<Item = (&'a Arc<str>, &'a Val)> {
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

/// A float as a whole number, if it is one that `i64` holds.
#[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
pub(crate) fn whole(number: f64) -> Option<i64> {
    // 2^63 itself is out of range; every float below it, and -2^63, converts exactly.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}
