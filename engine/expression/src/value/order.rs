//! Equality and order of values: null, false, true, numbers, texts, arrays, objects, as in jq.

use std::{
    cmp::Ordering,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::{Object, Val};
use crate::budget;

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
            (Self::Array(a), Self::Array(b)) => {
                budget::spend_on_elements(a.items.len().min(b.items.len()));
                Arc::ptr_eq(a, b) || *a.items == *b.items
            }
            // The order of members does not count.
            (Self::Object(a), Self::Object(b)) => {
                budget::spend_on_members(a.members.len().min(b.members.len()));
                Arc::ptr_eq(a, b) || *a.members == *b.members
            }
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
            (Self::Int(_), Self::Large(large)) => large.cmp_small().reverse(),
            (Self::Large(large), Self::Int(_)) => large.cmp_small(),
            (Self::Float(a), Self::Float(b)) => {
                a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
            }
            (Self::Int(a), Self::Float(b)) => whole_and_float(i128::from(*a), *b),
            (Self::Large(a), Self::Float(b)) => a.cmp_float(*b),
            (Self::Float(a), Self::Int(b)) => whole_and_float(i128::from(*b), *a).reverse(),
            (Self::Float(a), Self::Large(b)) => b.cmp_float(*a).reverse(),
            (Self::Text(a), Self::Text(b)) => {
                budget::spend_on_bytes(a.len().min(b.len()));
                a.cmp(b)
            }
            (Self::Array(a), Self::Array(b)) => {
                budget::spend_on_elements(a.items.len().min(b.items.len()));
                a.items.cmp(&*b.items)
            }
            (Self::Object(a), Self::Object(b)) => {
                // Their names are sorted first.
                budget::spend_on_new_members(a.members.len() + b.members.len());
                let (ours, theirs) = (sorted_names(a), sorted_names(b));
                ours.cmp(&theirs).then_with(|| {
                    let values = ours.iter().map(|name| a.members.get(*name).cmp(&b.members.get(*name)));
                    values.fold(Ordering::Equal, Ordering::then)
                })
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn sorted_names(object: &Object) -> Vec<&str> {
    let mut names: Vec<_> = object.members.keys().map(|name| &**name).collect();
    names.sort_unstable();
    names
}

/// Compares without rounding, because sorting needs a total order. `nan` is less than every number, as in jq, but equal to itself.
fn whole_and_float(whole: i128, float: f64) -> Ordering {
    if float.is_nan() {
        return Ordering::Greater;
    }
    // The cast saturates at the bounds of `i128`, which are beyond every `i64`.
    #[allow(clippy::cast_possible_truncation, reason = "the fraction is looked at by itself")]
    let integer = float.trunc() as i128;
    whole.cmp(&integer).then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

/// Values that are equal have one hash: 1 and 1.0, 0.0 and -0.0, objects whose members come in another order, a lookup and its value.
impl Hash for Val {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Self::Lookup(lookup) = self {
            return lookup.value().hash(state);
        }
        self.rank().hash(state);
        match self {
            Self::Int(_) | Self::Large(_) | Self::Float(_) => {
                // Equal numbers are equal as floats. Adding 0.0 turns -0.0 into 0.0.
                let number = self.as_number().unwrap_or_default();
                let number = if number.is_nan() { f64::NAN } else { number + 0.0 };
                number.to_bits().hash(state);
            }
            Self::Text(text) => text.hash(state),
            Self::Array(array) => array.items.hash(state),
            Self::Object(object) => {
                let members = object.members.iter().map(|member| {
                    let mut hasher = DefaultHasher::new();
                    member.hash(&mut hasher);
                    hasher.finish()
                });
                // A sum of hashes does not depend on the order of the members.
                members.fold(0, u64::wrapping_add).hash(state);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn hash(value: &Val) -> u64 {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    }

    #[derive(Debug)]
    struct Looked;

    impl crate::Lookup for Looked {
        fn get(&self, _: &str) -> Result<Val, String> {
            Ok(Val::Null)
        }

        fn value(&self) -> Val {
            json!({"a": 1}).into()
        }
    }

    #[test]
    fn equal_values_have_one_hash() {
        const TWO_TO_63: u64 = 1 << 63;
        for (one, other) in [
            (Val::Float(0.0), Val::Float(-0.0)),
            (Val::Int(0), Val::Float(-0.0)),
            (Val::Int(1), Val::Float(1.0)),
            (Val::from(TWO_TO_63), Val::Float(9_223_372_036_854_775_808.0)),
            (Val::Int(i64::MIN), Val::Float(-9_223_372_036_854_775_808.0)),
            (Val::Float(f64::NAN), Val::Float(-f64::NAN)),
            (json!({"a": 1, "b": [0.0]}).into(), json!({"b": [-0.0], "a": 1.0}).into()),
            (Val::Lookup(Arc::new(Looked)), json!({"a": 1.0}).into()),
        ] {
            assert_eq!(one, other);
            assert_eq!(hash(&one), hash(&other), "{one}");
        }
        // Beyond 2^53 not every whole number is a float; they differ, whatever their hash.
        assert_ne!(Val::Int((1 << 53) + 1), Val::Float(9_007_199_254_740_992.0));
    }

    /// Values of which many are equal to another.
    fn value() -> impl Strategy<Value = Val> {
        let leaf = prop_oneof![
            Just(Val::Null),
            any::<bool>().prop_map(Val::Bool),
            prop::sample::select(vec![0, 1, -1, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN])
                .prop_map(Val::Int),
            prop::sample::select(vec![1_u64 << 63, u64::MAX]).prop_map(Val::from),
            prop::sample::select(vec![
                0.0,
                -0.0,
                1.0,
                -1.0,
                0.5,
                9e15,
                2_f64.powi(53),
                2_f64.powi(63),
                2_f64.powi(64)
            ])
            .prop_map(Val::Float),
            prop::sample::select(vec![f64::NAN, -f64::NAN, f64::INFINITY]).prop_map(Val::Float),
            "[ab]?".prop_map(Val::text),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Val::array),
                prop::collection::vec(("[ab]", inner), 0..3).prop_map(Val::object),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hash_and_order_agree_with_equality(one in value(), other in value(), third in value()) {
            prop_assert_eq!(one == other, one.cmp(&other) == Ordering::Equal);
            prop_assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
            if one == other {
                prop_assert_eq!(hash(&one), hash(&other));
            }
            if one <= other && other <= third {
                prop_assert!(one <= third);
            }
        }
    }
}
