//! Merges the changes of a branch into the data.
//!
//! Each branch of a fork works on a copy of the data. When it ends, only its changes are merged, so a branch does not overwrite the changes of
//! another one with values that it did not change (spec-0.8, "Parallel State").

use std::collections::HashSet;

use rondo_expression::{MergeRules, Val};

/// Applies the differences between `before` and `after` to `target`.
///
/// Objects are compared member by member, recursively; all other values as a whole. A member that `after` does not have is removed from
/// `target`. If both `target` and `after` have added members to a new object, or elements to a list, these are merged like two results one
/// after the other, as on SonataFlow, where branches share the data: a text, number or object that the list already contains is not added
/// again.
pub(crate) fn apply_changes(target: Val, before: &Val, after: &Val, rules: MergeRules) -> Val {
    if before == after {
        return target;
    }
    match (&target, before, after) {
        (Val::Object(_), Val::Object(_), Val::Object(_)) => {}
        (Val::Array(_), Val::Array(_), Val::Array(_)) if target != *before => {
            return append_new_elements(target, before, after);
        }
        _ => return after.clone(),
    }
    let mut target = target;
    for (name, value) in after.members() {
        let changed = match (target.get(name).cloned(), before.get(name)) {
            (_, Some(old)) if old == value => continue,
            (Some(current), Some(old)) => apply_changes(current, old, value, rules),
            (Some(current), None) => rondo_expression::merge(current, value.clone(), rules),
            (None, _) => value.clone(),
        };
        target.insert(name, changed);
    }
    for (name, _) in before.members() {
        if after.get(name).is_none() {
            target.remove(name);
        }
    }
    target
}

/// Appends the elements that `after` has in addition to `before`. If one of the lists does not begin with `before`, `after` replaces `target`.
fn append_new_elements(target: Val, before: &Val, after: &Val) -> Val {
    let (old, new) = (before.elements(), after.elements());
    let begins_with_old =
        |list: &[Val]| list.len() >= old.len() && list.iter().zip(old).all(|(one, other)| one == other);
    if !begins_with_old(new) || !begins_with_old(target.elements()) {
        return after.clone();
    }
    let present: HashSet<&Val> = target.elements().iter().collect();
    let added = new.iter().skip(old.len()).filter(|element| element.is_array() || !present.contains(element));
    let all: Vec<_> = target.elements().iter().chain(added).cloned().collect();
    Val::array(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_changes_are_applied() {
        for (target, before, after, expected) in [
            (
                json!({"a": 1, "b": 2}),
                json!({"a": 1, "b": 1}),
                json!({"a": 5, "b": 1}),
                json!({"a": 5, "b": 2}),
            ),
            (
                json!({"o": {"x": 1, "y": 9}}),
                json!({"o": {"x": 1}}),
                json!({"o": {"x": 2}}),
                json!({"o": {"x": 2, "y": 9}}),
            ),
            (json!({"a": 1, "b": 1}), json!({"a": 1, "b": 1}), json!({"b": 1}), json!({"b": 1})),
            (json!({"l": [0, 1]}), json!({"l": [0]}), json!({"l": [0, 2]}), json!({"l": [0, 1, 2]})),
            (json!({"l": [0, 1]}), json!({"l": [0]}), json!({"l": [2]}), json!({"l": [2]})),
            (
                json!({"l": [[0], [1]]}),
                json!({"l": [[0]]}),
                json!({"l": [[0], [1], [2]]}),
                json!({"l": [[0], [1], [1], [2]]}),
            ),
            (
                json!({"l": ["done"]}),
                json!({"l": []}),
                json!({"l": ["done", null]}),
                json!({"l": ["done", null]}),
            ),
            (json!({"l": [0]}), json!({"l": [0]}), json!({"l": [2]}), json!({"l": [2]})),
            (
                json!({"r": {"one": 1}}),
                json!({}),
                json!({"r": {"two": 2}}),
                json!({"r": {"one": 1, "two": 2}}),
            ),
            (
                json!({"r": {"s": {"one": 1}}}),
                json!({"r": {}}),
                json!({"r": {"s": {"two": 2}}}),
                json!({"r": {"s": {"one": 1, "two": 2}}}),
            ),
            (json!({}), json!({}), json!("text"), json!("text")),
            (json!({"n": 1}), json!({}), json!({"n": null}), json!({"n": null})),
        ] {
            let values: [Val; 3] = [&target, &before, &after].map(|value| value.clone().into());
            let [of, from, to] = &values;
            let changed = apply_changes(of.clone(), from, to, MergeRules::SonataFlow);
            assert_eq!(serde_json::Value::from(changed), expected, "{target} {before} {after}");
        }
    }

    #[test]
    fn members_keep_their_order() {
        let changed = apply_changes(
            json!({"a": 1, "b": {"x": 1}, "c": 3}).into(),
            &json!({"a": 1, "b": {"x": 1}}).into(),
            &json!({"new": 0, "a": 2, "b": {"x": 2}}).into(),
            MergeRules::SonataFlow,
        );
        assert_eq!(changed.to_json(), r#"{"a":2,"b":{"x":2},"c":3,"new":0}"#);
    }
}
