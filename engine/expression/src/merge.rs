//! Merging a result into state data.
//!
//! Owns: the one table of what becomes of an old value and a new one. Promises: the outcome depends on the two values alone, never on
//! where they came from or what else holds them. Never: bounds the outcome; its caller checks the size of the data.
//!
//! | target | source | outcome |
//! | --- | --- | --- |
//! | null | anything | the source |
//! | `{}` | null | the target |
//! | `{}` | anything else | the source |
//! | object | object | each member of the source is merged into the target's member of its name, by this table |
//! | object | null | the target |
//! | object | scalar, array | the target with the source as its member `response` |
//! | array | array | the source; by the specification the target, then the elements of the source that it does not have |
//! | array | null | the target |
//! | array | scalar, object | the target with the source appended, unless it has an equal element |
//! | scalar | array | the source with the target put in front, unless it has an equal element |
//! | scalar | object | the source with the target as its member `_target` |
//! | scalar | scalar, null | the source |
//!
//! A member of the source that is null, and that a target with members does not have, is left out: "nothing there" and "null there"
//! read the same in every expression. A null for a member that the target does have replaces a scalar and leaves an object or array
//! as it is.
//!
//! The table is `SonataFlow`'s (`MergeUtils`, spec-0.8 rules 33 to 36), where a null is left out of data that came with a request.

use std::collections::HashSet;

use crate::value::Val;

/// Whose rules hold where the specification and `SonataFlow` merge differently (`rondo.compat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MergeRules {
    /// An array replaces an array, as on `SonataFlow`.
    #[default]
    SonataFlow,
    /// The elements of an array are added to those of the other, as the specification says (spec-0.8, rule 34).
    Specification,
}

/// Merges `source` into `target`, by the table at the top of this file.
#[must_use]
pub fn merge(target: Val, source: Val, rules: MergeRules) -> Val {
    let source = source.plain();
    match (&target, &source) {
        (Val::Null, _) => source,
        (Val::Object(_) | Val::Array(_), Val::Null) => target,
        (Val::Object(_), _) if target.members().is_empty() => source,
        (Val::Object(_), Val::Object(_)) => merge_members(target, &source, rules),
        (Val::Object(_), _) => with_member(target, "response", source),
        (Val::Array(_), Val::Array(_)) => match rules {
            MergeRules::SonataFlow => source,
            MergeRules::Specification => with_new_elements(target, &source),
        },
        (Val::Array(_), _) if target.elements().contains(&source) => target,
        (Val::Array(_), _) => with_element(target, usize::MAX, source),
        (_, Val::Array(_)) if source.elements().contains(&target) => source,
        (_, Val::Array(_)) => with_element(source, 0, target),
        (_, Val::Object(_)) => with_member(source, "_target", target),
        _ => source,
    }
}

fn merge_members(mut target: Val, source: &Val, rules: MergeRules) -> Val {
    let mut members = target.take_members();
    for (name, value) in source.members().shared() {
        match members.get_mut(&**name) {
            Some(old) => *old = merge(std::mem::take(old), value.clone(), rules),
            None if value.is_null() => {}
            None => {
                members.insert(name.clone(), value.clone());
            }
        }
    }
    Val::from_members(members)
}

fn with_member(mut object: Val, name: &str, value: Val) -> Val {
    object.insert(name, value);
    object
}

fn with_element(mut array: Val, index: usize, element: Val) -> Val {
    let mut items = array.take_items();
    items.reserve(1);
    let index = index.min(items.len());
    items.insert(index, element);
    Val::from_items(items)
}

/// The elements of the target, then those of the source that are not there yet, each once.
fn with_new_elements(mut target: Val, source: &Val) -> Val {
    let mut known: HashSet<&Val> = target.elements().iter().collect();
    let new: Vec<Val> = source.elements().iter().filter(|element| known.insert(element)).cloned().collect();
    let mut items = target.take_items();
    items.reserve(new.len());
    items.extend(new);
    Val::from_items(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn merged(target: &Value, source: &Value, rules: MergeRules) -> Value {
        merge(target.clone().into(), source.clone().into(), rules).into()
    }

    #[test]
    fn results_are_merged_by_the_table() {
        for (target, source, expected) in [
            (json!(null), json!([1]), json!([1])),
            (json!(null), json!({"n": null}), json!({"n": null})),
            (json!({}), json!(null), json!({})),
            (json!({}), json!("text"), json!("text")),
            (json!({}), json!({"n": null}), json!({"n": null})),
            (json!({"b": 1}), json!({"b": 2, "n": null}), json!({"b": 2})),
            (json!({"a": {"x": 1}}), json!({"a": {"y": 2}}), json!({"a": {"x": 1, "y": 2}})),
            (json!({"a": {"x": 1}}), json!({"a": {"y": null}}), json!({"a": {"x": 1}})),
            (json!({"a": {"x": 1}}), json!({"a": null}), json!({"a": {"x": 1}})),
            (json!({"a": [1]}), json!({"a": null}), json!({"a": [1]})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
            (json!({"a": 1}), json!(null), json!({"a": 1})),
            (json!({"a": 1}), json!("text"), json!({"a": 1, "response": "text"})),
            (json!({"a": 1}), json!([]), json!({"a": 1, "response": []})),
            (json!({"a": 1}), json!([2]), json!({"a": 1, "response": [2]})),
            (json!({"l": [1, 2]}), json!({"l": [3]}), json!({"l": [3]})),
            (json!([1, 2]), json!([3]), json!([3])),
            (json!([1, 2]), json!(null), json!([1, 2])),
            (json!([1, 2]), json!(2), json!([1, 2])),
            (json!([1, 2]), json!({"a": 1}), json!([1, 2, {"a": 1}])),
            (json!(1), json!([2]), json!([1, 2])),
            (json!(2), json!([1, 2]), json!([1, 2])),
            (json!("old"), json!({"a": 1}), json!({"a": 1, "_target": "old"})),
            (json!(1), json!("two"), json!("two")),
            (json!(1), json!(null), json!(null)),
        ] {
            assert_eq!(merged(&target, &source, MergeRules::SonataFlow), expected, "{target} {source}");
        }
    }

    #[test]
    fn the_specification_adds_the_elements_of_arrays() {
        for (target, source, expected) in [
            (json!([1, 2]), json!([3, 1, 4, 3]), json!([1, 2, 3, 4])),
            (json!([1, 1]), json!([]), json!([1, 1])),
            (json!([]), json!([1]), json!([1])),
            (
                json!({"l": [{"a": 1}]}),
                json!({"l": [{"a": 1.0}, {"b": 2}]}),
                json!({"l": [{"a": 1}, {"b": 2}]}),
            ),
            (json!([[1]]), json!([[1], [2]]), json!([[1], [2]])),
            (json!({"a": 1}), json!([2]), json!({"a": 1, "response": [2]})),
            (json!([1]), json!(2), json!([1, 2])),
        ] {
            assert_eq!(merged(&target, &source, MergeRules::Specification), expected, "{target} {source}");
        }
    }

    #[test]
    fn what_else_holds_a_value_does_not_see_the_merge() {
        let list = Val::from(json!([1]));
        let data = Val::object([("one", list.clone()), ("two", list.clone())]);
        let merged = merge(data.clone(), json!({"one": "s"}).into(), MergeRules::SonataFlow);
        assert_eq!(Value::from(merged), json!({"one": [1, "s"], "two": [1]}));
        assert_eq!(Value::from(data), json!({"one": [1], "two": [1]}));
    }
}
