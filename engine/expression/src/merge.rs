//! Merging a result into state data.
//!
//! The rules are SonataFlow's (`MergeUtils`), all of them seen on the real engine; the text of the specification asks for
//! values of one type and leaves the rest open.

use crate::value::Val;

/// What becomes of a null for which the target has no member.
///
/// SonataFlow leaves it out of data that came with a request or an answer, and keeps it in data that a filter made: its
/// objects that tell listeners of changes take "nothing there" and "null there" as equal, those that jq makes do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Nulls {
    /// It is left out.
    #[default]
    Dropped,
    /// It is kept.
    Kept,
}

/// Merges `source` into `target`.
///
/// | target | source | outcome |
/// | --- | --- | --- |
/// | `{}`, null | anything | the source as a whole |
/// | object | object | merged into depth; of nulls see [`Nulls`] |
/// | object | scalar, array | property `response` |
/// | object | null, `[]` | the target |
/// | array | array | the source |
/// | array | scalar, object | appended, unless it is there |
/// | scalar | array | the target put before the elements |
/// | scalar | object | the source, with the old value as `_target` |
/// | scalar | scalar, null | the source |
#[must_use]
pub fn merge(target: Val, source: Val, nulls: Nulls) -> Val {
    let source = source.plain();
    match (&target, &source) {
        (Val::Null, _) => source,
        (Val::Object(_), Val::Null) => target,
        (Val::Object(_), Val::Array(_)) if source.elements().is_empty() && !target.members().is_empty() => {
            target
        }
        (Val::Object(_), _) if target.members().is_empty() => source,
        (Val::Object(_), Val::Object(_)) => merge_objects(target, source, nulls),
        (Val::Object(_), _) => {
            let mut target = target;
            target.insert("response", source);
            target
        }
        (Val::Array(_), Val::Array(_)) => source,
        (Val::Array(_), Val::Null) => target,
        (Val::Array(_), _) => {
            let mut target = target;
            let mut items = target.take_items();
            if !items.contains(&source) {
                items.push(source);
            }
            Val::from_items(items)
        }
        (_, Val::Array(_)) => {
            let mut source = source;
            let mut items = source.take_items();
            items.insert(0, target);
            Val::from_items(items)
        }
        (_, Val::Object(_)) => {
            let mut source = source;
            source.insert("_target", target);
            source
        }
        _ => source,
    }
}

fn merge_objects(mut target: Val, source: Val, nulls: Nulls) -> Val {
    let mut members = target.take_members();
    for (name, value) in source.members().shared() {
        let merged = match members.get_mut(name) {
            // What lies deeper mostly came with the data, whatever was made around it.
            Some(here) => merge(std::mem::take(here), value.clone(), Nulls::Dropped),
            None if value.is_null() && nulls == Nulls::Dropped => continue,
            None => value.clone(),
        };
        members.insert(name.clone(), merged);
    }
    Val::from_members(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn results_are_merged_as_users_of_sonataflow_know_it() {
        for (target, source, expected) in [
            (json!({}), json!("text"), json!("text")),
            (json!({}), json!({"n": null}), json!({"n": null})),
            (json!(null), json!([1]), json!([1])),
            (json!({"b": 1}), json!({"b": 2, "n": null}), json!({"b": 2})),
            (json!({"a": {"x": 1}}), json!({"a": {"y": 2}}), json!({"a": {"x": 1, "y": 2}})),
            (json!({"a": 1}), json!("text"), json!({"a": 1, "response": "text"})),
            (json!({"a": 1}), json!([]), json!({"a": 1})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
            (json!({"a": 1}), json!([2]), json!({"a": 1, "response": [2]})),
            (json!({"a": 1}), json!(null), json!({"a": 1})),
            (json!({"l": [1, 2]}), json!({"l": [3]}), json!({"l": [3]})),
            (json!([1, 2]), json!([3]), json!([3])),
            (json!([1, 2]), json!(2), json!([1, 2])),
            (json!([1, 2]), json!({"a": 1}), json!([1, 2, {"a": 1}])),
            (json!(1), json!([2]), json!([1, 2])),
            (json!("old"), json!({"a": 1}), json!({"a": 1, "_target": "old"})),
            (json!(1), json!("two"), json!("two")),
            (json!(1), json!(null), json!(null)),
        ] {
            let merged = merge(target.clone().into(), source.clone().into(), Nulls::Dropped);
            assert_eq!(Value::from(merged), expected, "{target} {source}");
        }
    }

    #[test]
    fn data_that_a_filter_made_keep_nulls() {
        let merged = merge(json!({"a": 1}).into(), json!({"n": null}).into(), Nulls::Kept);
        assert_eq!(Value::from(merged), json!({"a": 1, "n": null}));
    }
}
