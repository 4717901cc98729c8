//! Arithmetic of values, as in jq: a result that is whole is a whole number.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use jaq_core::{Error, ValR, ops::Math};

use super::{Size, Val, memory::of_text, whole};
use crate::budget;

type Outcome = ValR<Val>;

/// A computed number: without a fraction it is whole, and prints without `.0`.
fn number(value: f64) -> Val {
    whole(value).map_or(Val::Float(value), Val::Int)
}

fn fails(left: &Val, operation: Math, right: &Val) -> Outcome {
    let done = match operation {
        Math::Add => "added",
        Math::Sub => "subtracted",
        Math::Mul => "multiplied",
        Math::Div => "divided",
        Math::Rem => "divided (remainder)",
    };
    Err(Error::str(format!("{} and {} cannot be {done}", left.preview(), right.preview())))
}

fn divisor_is_zero(left: &Val, operation: &str, right: &Val) -> Outcome {
    let (left, right) = (left.preview(), right.preview());
    Err(Error::str(format!("{left} and {right} cannot be {operation} because the divisor is zero")))
}

/// Applies the operation to numbers: exactly while it fits, else as floats.
fn compute(
    left: &Val,
    right: &Val,
    exact: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
) -> Option<Val> {
    if let (Val::Int(a), Val::Int(b)) = (left, right)
        && let Some(result) = exact(*a, *b)
    {
        return Some(Val::Int(result));
    }
    Some(number(float(left.as_number()?, right.as_number()?)))
}

impl Add for Val {
    type Output = Outcome;

    fn add(self, other: Self) -> Outcome {
        let (mut left, mut right) = (self.plain(), other.plain());
        match (&left, &right) {
            (Self::Null, _) => Ok(right),
            (_, Self::Null) => Ok(left),
            (Self::Text(a), Self::Text(b)) => {
                budget::check_text(a.len() + b.len());
                Ok(Self::text([&**a, &**b].concat()))
            }
            (Self::Array(_), Self::Array(_)) => {
                // An array that nothing else holds grows in place, so `reduce … (. + [$x])` costs the elements that it adds.
                budget::spend_on_new_elements(right.elements().len());
                let inner = left.size().inside(left.elements().len());
                let inner = right.elements().iter().fold(inner, Size::with);
                let mut items = left.take_items();
                items.reserve(right.elements().len());
                items.append(&mut right.take_items());
                Ok(Self::of_size(items, inner))
            }
            (Self::Object(_), Self::Object(_)) => {
                let mut members = left.take_members();
                for (name, value) in right.members().shared() {
                    members.insert(name.clone(), value.clone());
                }
                Ok(Self::from_members(members))
            }
            _ => match compute(&left, &right, i64::checked_add, |a, b| a + b) {
                Some(sum) => Ok(sum),
                None => fails(&left, Math::Add, &right),
            },
        }
    }
}

impl Sub for Val {
    type Output = Outcome;

    fn sub(self, other: Self) -> Outcome {
        let (mut left, right) = (self.plain(), other.plain());
        if let (Self::Array(_), Self::Array(gone)) = (&left, &right) {
            budget::spend_on_elements(left.elements().len());
            budget::spend_on_new_elements(gone.items.len());
            let mut items = left.take_items();
            let gone: std::collections::BTreeSet<_> = gone.items.iter().collect();
            items.retain(|item| !gone.contains(item));
            return Ok(Self::from_items(items));
        }
        match compute(&left, &right, i64::checked_sub, |a, b| a - b) {
            Some(difference) => Ok(difference),
            None => fails(&left, Math::Sub, &right),
        }
    }
}

impl Mul for Val {
    type Output = Outcome;

    fn mul(self, other: Self) -> Outcome {
        let (left, right) = (self.plain(), other.plain());
        match (&left, &right) {
            (Self::Text(text), count @ (Self::Int(_) | Self::Large(_) | Self::Float(_)))
            | (count @ (Self::Int(_) | Self::Large(_) | Self::Float(_)), Self::Text(text)) => {
                Ok(repeat(text, count))
            }
            (Self::Object(_), Self::Object(_)) => Ok(merged(left, &right)),
            _ => match compute(&left, &right, i64::checked_mul, |a, b| a * b) {
                Some(product) => Ok(product),
                None => fails(&left, Math::Mul, &right),
            },
        }
    }
}

/// A text `count` times; null if `count` is not positive.
fn repeat(text: &str, count: &Val) -> Val {
    let count = count.as_number().unwrap_or_default();
    if count <= 0.0 {
        return Val::Null;
    }
    let times =
        whole(count.max(1.0).floor()).and_then(|times| usize::try_from(times).ok()).unwrap_or(usize::MAX);
    budget::check_text(text.len().saturating_mul(times));
    Val::text(text.repeat(times))
}

/// Objects merged into depth, the right one winning: jq's `*`.
fn merged(mut left: Val, right: &Val) -> Val {
    budget::spend_on_members(right.members().len());
    let mut members = left.take_members();
    for (name, value) in right.members().shared() {
        let value = match members.get_mut(&**name) {
            Some(here) if here.is_object() && value.is_object() => merged(std::mem::take(here), value),
            _ => value.clone(),
        };
        members.insert(name.clone(), value);
    }
    Val::from_members(members)
}

impl Div for Val {
    type Output = Outcome;

    fn div(self, other: Self) -> Outcome {
        let (left, right) = (self.plain(), other.plain());
        if let (Self::Text(text), Self::Text(separator)) = (&left, &right) {
            return Ok(split(text, separator));
        }
        match (left.as_number(), right.as_number()) {
            (Some(_), Some(0.0)) => divisor_is_zero(&left, "divided", &right),
            (Some(a), Some(b)) => Ok(match (&left, &right) {
                (Self::Int(a), Self::Int(b)) if a.checked_rem(*b) == Some(0) => Self::Int(a / b),
                _ => number(a / b),
            }),
            _ => fails(&left, Math::Div, &right),
        }
    }
}

fn split(text: &str, separator: &str) -> Val {
    if text.is_empty() {
        return Val::array([]);
    }
    budget::spend_on_bytes(text.len());
    let parts = match separator {
        "" => text.chars().count(),
        separator => text.matches(separator).count() + 1,
    };
    budget::look_at(parts, size_of::<Val>() + of_text(1));
    if separator.is_empty() {
        let mut bytes = [0; 4];
        return Val::array(text.chars().map(|character| Val::text(character.encode_utf8(&mut bytes))));
    }
    Val::array(text.split(separator).map(Val::text))
}

impl Rem for Val {
    type Output = Outcome;

    fn rem(self, other: Self) -> Outcome {
        let (left, right) = (self.plain(), other.plain());
        let (Some(a), Some(b)) = (left.as_number(), right.as_number()) else {
            return fails(&left, Math::Rem, &right);
        };
        if a.is_nan() || b.is_nan() {
            return Ok(Self::Float(f64::NAN));
        }
        let truncated =
            |value: f64| whole(value.trunc()).unwrap_or(if value < 0.0 { i64::MIN } else { i64::MAX });
        match truncated(a).checked_rem(truncated(b).saturating_abs()) {
            Some(rest) => Ok(Self::Int(rest)),
            None => divisor_is_zero(&left, "divided (remainder)", &right),
        }
    }
}

impl Neg for Val {
    type Output = Outcome;

    fn neg(self) -> Outcome {
        match self {
            Self::Int(value) => {
                Ok(value.checked_neg().map_or(Self::Float(9_223_372_036_854_775_808.0), Self::Int))
            }
            Self::Float(value) => Ok(number(-value)),
            Self::Large(_) => Ok(number(-self.as_number().unwrap_or_default())),
            other => Err(Error::str(format!("{} cannot be negated", other.preview()))),
        }
    }
}
