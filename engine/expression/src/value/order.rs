//! Equality and order of values: null, false, true, numbers, texts, arrays, objects, as in jq.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::Val;

impl Val {
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(false) => 1,
            Self::Bool(true) => 2,
            Self::Int(_) | Self::Large(_) | Self::Float(_) => 3,
            Self::Text(_) => 4,
            Self::Array(_) => 5,
            Self::Object(_) | Self::Lookup(_) => 6,
        }
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => Arc::ptr_eq(a, b) || a.items == b.items,
            // The order of members does not count.
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b) || a.members == b.members,
            (Self::Lookup(a), Self::Lookup(b)) if Arc::ptr_eq(a, b) => true,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Val {}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Lookup(lookup), other) => lookup.value().cmp(other),
            (this, Self::Lookup(lookup)) => this.cmp(&lookup.value()),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Large(a), Self::Large(b)) => a.cmp(b),
            (Self::Int(_), Self::Large(_)) => Ordering::Less,
            (Self::Large(_), Self::Int(_)) => Ordering::Greater,
            (Self::Float(a), Self::Float(b)) => {
                a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
            }
            (Self::Int(a), Self::Float(b)) => whole_and_float(i128::from(*a), *b),
            (Self::Large(a), Self::Float(b)) => whole_and_float(i128::from(*a), *b),
            (Self::Float(a), Self::Int(b)) => whole_and_float(i128::from(*b), *a).reverse(),
            (Self::Float(a), Self::Large(b)) => whole_and_float(i128::from(*b), *a).reverse(),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Array(a), Self::Array(b)) => a.items.cmp(&b.items),
            (Self::Object(a), Self::Object(b)) => {
                let names = |object: &super::Object| {
                    let mut names: Vec<_> = object.members.keys().cloned().collect();
                    names.sort();
                    names
                };
                let (ours, theirs) = (names(a), names(b));
                ours.cmp(&theirs).then_with(|| {
                    let values = ours.iter().map(|name| a.members.get(name).cmp(&b.members.get(name)));
                    values.fold(Ordering::Equal, Ordering::then)
                })
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// Compares without rounding, for sorting needs a total order. `nan` is less than every number, as in jq, but equal to itself.
fn whole_and_float(whole: i128, float: f64) -> Ordering {
    if float.is_nan() {
        return Ordering::Greater;
    }
    // What is beyond the bounds becomes a bound, which lies beyond all whole numbers that there are here.
    #[allow(clippy::cast_possible_truncation, reason = "the fraction is looked at by itself")]
    let integer = float.trunc() as i128;
    whole.cmp(&integer).then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

impl Hash for Val {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Int(_) | Self::Large(_) | Self::Float(_) => {
                self.as_number().unwrap_or_default().to_bits().hash(state);
            }
            Self::Text(text) => text.hash(state),
            Self::Array(array) => array.items.hash(state),
            Self::Object(object) => object.members.len().hash(state),
            _ => {}
        }
    }
}
