//! The one value type of the engine: JSON in shared memory.
//!
//! Owns: [`Val`]. Promises: cloning costs a few nanoseconds whatever the size; objects keep the order of their members; every
//! array and object knows how many values it holds and how deep it is, so that growth can be bounded where it happens.
//! Never: panics; shares a change. A change to an array or object that something else holds too copies one level first.

mod access;
mod arithmetic;
mod counted;
mod index;
mod jaq;
mod json;
mod large;
mod memory;
mod nulls;
mod order;
mod print;
mod read;
mod size;
mod text;

use std::{fmt::Debug, sync::Arc};

pub use self::{
    access::Members,
    large::Large,
    read::{ReadError, ReadLimits},
    size::Size,
    text::Text,
};
pub(crate) use self::{
    counted::{Items, MemberMap},
    index::{cannot_index, cannot_iterate},
    print::Numbers,
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
    /// A whole number that `i64` does not hold: it is passed on and compared exactly; arithmetic takes it as a float.
    Large(Large),
    /// Any other number. `1.0` stays `1.0`.
    Float(f64),
    /// Text.
    Text(Text),
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
    items: Items,
    size: Size,
}

/// Members in order and their size together.
#[derive(Clone, Default)]
pub struct Object {
    members: MemberMap,
    size: Size,
}

impl Val {
    /// Most levels of arrays and objects of a value that is read. Readers of JSON commonly take 128 levels; the difference is room for
    /// the objects that the engine puts around data.
    pub const DEEPEST: usize = 100;

    /// A text.
    pub fn text(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        budget::check_text(text.len());
        budget::spend_on_bytes(text.len());
        Self::Text(text.into())
    }

    /// An array of these elements.
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().collect()
    }

    /// An object of these members, in this order. The later of two members of one name wins.
    pub fn object<K: Into<Text>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::from_members(members.into_iter().map(|(name, value)| (name.into(), value.plain())).collect())
    }

    pub(crate) fn from_items(items: impl Into<Items>) -> Self {
        let items = items.into();
        budget::spend_on_elements(items.len());
        let inner = items.iter().fold(Size::default(), Size::with);
        Self::of_size(items, inner)
    }

    /// An array of items, with their size together.
    pub(crate) fn of_size(items: impl Into<Items>, inner: Size) -> Self {
        let mut items = items.into();
        items.settle();
        let size = inner.enclosed(2, memory::of_array(items.len()));
        budget::check_value(size);
        Self::Array(Arc::new(Array { items, size }))
    }

    pub(crate) fn from_members(mut members: MemberMap) -> Self {
        members.settle();
        budget::spend_on_members(members.len());
        let inner = members.values().fold(Size::default(), Size::with);
        let (mut json, mut memory) = (2, memory::of_object(members.len()));
        for name in members.keys() {
            json += name.len() + 3;
            memory += memory::of_text(name.len());
        }
        let size = inner.enclosed(json, memory);
        budget::check_value(size);
        Self::Object(Arc::new(Object { members, size }))
    }

    /// How much it holds; costs a few nanoseconds, for arrays and objects know it.
    pub fn size(&self) -> Size {
        match self {
            Self::Array(array) => array.size,
            Self::Object(object) => object.size,
            Self::Text(text) => {
                Size { nodes: 1, depth: 0, bytes: text.len() + 2, memory: memory::of_text(text.len()) }
            }
            Self::Large(number) => {
                let bytes = number.digits().len();
                Size { nodes: 1, depth: 0, bytes, memory: memory::of_text(bytes) }
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
            Self::Large(number) => Some(number.as_f64()),
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

/// A float as a whole number, if it is one that `i64` holds.
#[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
pub(crate) fn whole(number: f64) -> Option<i64> {
    // 2^63 itself is out of range; every float below it, and -2^63, converts exactly.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}
