//! Lets the schema validator read the engine's values without a copy.
//!
//! A copy in the validator's own type would take several times the memory of the data. Every look at a value spends a step of the budget of
//! the check, so neither schema nor data can make a check run without end. After [`MOST_ERRORS`] violations arrays and objects yield no more
//! elements, so the check ends early; the message shows fewer violations anyway.

use std::{borrow::Cow, cell::Cell, collections::HashSet, ptr};

use jsonschema::{
    JsonType,
    json::{self, Json, JsonNumber, Node, NodeIdentity},
};
use rondo_expression::{Members, Val, work};
use serde_json::{Map, Number, Value};

use super::patterns::spend_on_search;

/// Violations after which a check ends. This is more than a message shows, because violations of alternatives (`anyOf`) count too.
const MOST_ERRORS: u32 = 1000;

/// Characters of a text that an error holds at most.
const SHOWN: usize = 1000;

thread_local! {
    /// Violations that the running check has found so far.
    static ERRORS: Cell<u32> = const { Cell::new(0) };
}

/// Runs a check with the count of violations set to zero.
pub(super) fn counting_errors<T>(check: impl FnOnce() -> T) -> T {
    ERRORS.set(0);
    check()
}

/// The engine's values, as a kind of JSON for the validator.
pub(super) struct Values;

impl Json for Values {
    type Node<'a> = &'a Val;
    type PreparedKey = Box<str>;
    type StringBuffer = Val;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut Val, string: &str, check: impl FnOnce(&Val) -> T) -> T {
        *buffer = Val::text(string);
        check(buffer)
    }
}

impl<'a> Node<'a, Values> for &'a Val {
    type Object = Members<'a>;
    type Array = Elements<'a>;
    type Number = Numeral<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        work::step();
        self.is_object().then(|| Val::members(self))
    }

    fn as_array(&self) -> Option<Elements<'a>> {
        work::step();
        self.is_array().then(|| Elements(self.elements()))
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        work::step();
        let text = Val::as_str(self)?;
        spend_on_search(text);
        Some(Cow::Borrowed(text))
    }

    fn as_number(&self) -> Option<Numeral<'a>> {
        work::step();
        matches!(self, Val::Int(_) | Val::Large(_) | Val::Float(_)).then_some(Numeral(self))
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Val::Bool(value) => Some(*value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        Val::is_null(self)
    }

    fn json_type(&self) -> JsonType {
        work::step();
        match self {
            Val::Null => JsonType::Null,
            Val::Bool(_) => JsonType::Boolean,
            Val::Int(_) | Val::Large(_) | Val::Float(_) => JsonType::Number,
            Val::Text(_) => JsonType::String,
            Val::Array(_) => JsonType::Array,
            Val::Object(_) | Val::Lookup(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        work::step();
        match (self, expected) {
            (Val::Array(_), Value::Array(expected)) => {
                self.elements().len() == expected.len()
                    && self.elements().iter().zip(expected).all(|(own, expected)| own.equals_value(expected))
            }
            (Val::Object(_), Value::Object(expected)) => {
                Val::members(self).len() == expected.len()
                    && expected
                        .iter()
                        .all(|(name, expected)| self.get(name).is_some_and(|own| own.equals_value(expected)))
            }
            (Val::Text(own), Value::String(expected)) => **own == **expected,
            (_, Value::Null | Value::Bool(_) | Value::Number(_)) => **self == Val::from(expected.clone()),
            _ => false,
        }
    }

    /// Called for errors only, and counts them. An error needs only the type of an array or object, so those come out empty.
    fn to_value(&self) -> Cow<'a, Value> {
        ERRORS.set(ERRORS.get().saturating_add(1));
        Cow::Owned(match self {
            Val::Array(_) => Value::Array(Vec::new()),
            Val::Object(_) | Val::Lookup(_) => Value::Object(Map::new()),
            Val::Text(text) => Value::String(text.chars().take(SHOWN).collect()),
            scalar => Value::from((*scalar).clone()),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(ptr::from_ref::<Val>(self).addr()))
    }
}

/// A value that is a number.
pub(super) struct Numeral<'a>(&'a Val);

impl JsonNumber for Numeral<'_> {
    fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Val::Large(number) => number.as_u64(),
            Val::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Val::Int(number) => Some(*number),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.as_number()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_number().to_string())
    }

    fn to_number(&self) -> Cow<'_, Number> {
        match Value::from(self.0.clone()) {
            Value::Number(number) => Cow::Owned(number),
            // Not a number (NaN), which becomes `null` in JSON.
            _ => Cow::Owned(Number::from(0)),
        }
    }
}

/// The elements of an array.
pub(super) struct Elements<'a>(&'a [Val]);

impl<'a> json::Array<'a, Values> for Elements<'a> {
    type Node = &'a Val;
    type ElementsIter = Counted<std::slice::Iter<'a, Val>>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        Counted(self.0.iter())
    }

    fn is_unique(&self) -> bool {
        let mut seen = HashSet::new();
        self.0.iter().all(|element| {
            work::spend_on_elements(element.nodes());
            work::step();
            seen.insert(element)
        })
    }
}

impl<'a> json::Object<'a, Values> for Members<'a> {
    type Node = &'a Val;
    type MemberName = &'a str;
    type MembersIter = Named<'a>;

    fn len(&self) -> usize {
        Members::len(self)
    }

    fn get(&self, key: &Box<str>) -> Option<&'a Val> {
        work::step();
        Members::get(*self, key)
    }

    fn members(&self) -> Self::MembersIter {
        Named(Counted((*self).into_iter()))
    }
}

/// The members of an object; each name spends the steps of a search, because `patternProperties` may search it.
pub(super) struct Named<'a>(Counted<<Members<'a> as IntoIterator>::IntoIter>);

impl<'a> Iterator for Named<'a> {
    type Item = (&'a str, &'a Val);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.0.next()?;
        spend_on_search(name);
        Some((name, value))
    }
}

/// Elements or members, each of which spends a step. Ends after [`MOST_ERRORS`] violations.
pub(super) struct Counted<I>(I);

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if ERRORS.get() >= MOST_ERRORS {
            return None;
        }
        work::step();
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_equal_to_what_json_calls_equal() {
        for (own, expected, are_equal) in [
            (json!(1), json!(1.0), true),
            (json!(1.5), json!(1), false),
            (json!(u64::MAX), json!(u64::MAX), true),
            (json!("a"), json!("a"), true),
            (json!(null), json!(null), true),
            (json!(null), json!(false), false),
            (json!({"a": 1, "b": [1, {}]}), json!({"b": [1.0, {}], "a": 1}), true),
            (json!({"a": 1}), json!({"a": 1, "b": 1}), false),
            (json!([1, 2]), json!([1]), false),
            (json!([]), json!({}), false),
        ] {
            let own = Val::from(own);
            assert_eq!((&own).equals_value(&expected), are_equal, "{own:?} and {expected}");
        }
    }

    #[test]
    fn elements_are_unique_by_value() {
        use json::Array;
        for (items, are_unique) in [
            (json!([]), true),
            (json!([1, 2, "1"]), true),
            (json!([1, 1.0]), false),
            (json!([{"a": 1, "b": 2}, {"b": 2, "a": 1}]), false),
            (json!([[1], [2]]), true),
        ] {
            let items = Val::from(items);
            assert_eq!(Elements(items.elements()).is_unique(), are_unique, "{items:?}");
        }
    }
}
