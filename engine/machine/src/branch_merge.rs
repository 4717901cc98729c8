//! What a branch changed in its copy of the data.
//!
//! Each branch of a fork works on a copy. When it ends, only what it changed goes back, so that branches do not
//! overwrite each other with what they did not touch (spec-0.8, "Parallel State").

use std::collections::HashSet;

use rondo_expression::{MergeRules, Val};

/// Writes into `target` what differs between `before` and `after`.
///
/// Objects are compared member by member, into depth; everything else as a whole. A member that is gone in `after` is
/// removed from `target`. What both have added, members of a new object or elements of a list, is merged as if one result came after
/// the other, as it does on SonataFlow, where branches share the data: a text, number or object that is in a list already is not put into
/// it again.
pub(crate) fn apply(target: Val, before: &Val, after: &Val, rules: MergeRules) -> Val {
    if before == after {
        return target;
    }
    match (&target, before, after) {
        (Val::Object(_), Val::Object(_), Val::Object(_)) => {}
        (Val::Array(_), Val::Array(_), Val::Array(_)) if target != *before => {
            return append(target, before, after);
        }
        _ => return after.clone(),
    }
    let mut target = target;
    for (name, value) in after.members() {
        let changed = match (target.get(name).cloned(), before.get(name)) {
            (_, Some(old)) if old == value => continue,
            (Some(here), Some(old)) => apply(here, old, value, rules),
            (Some(here), None) => rondo_expression::merge(here, value.clone(), rules),
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

/// Appends what `after` has behind the elements of `before`; a list that was changed otherwise counts as a whole.
fn append(target: Val, before: &Val, after: &Val) -> Val {
    let (old, new) = (before.elements(), after.elements());
    let kept =
        |list: &[Val]| list.len() >= old.len() && list.iter().zip(old).all(|(one, other)| one == other);
    if !kept(new) || !kept(target.elements()) {
        return after.clone();
    }
    let there: HashSet<&Val> = target.elements().iter().collect();
    let added = new.iter().skip(old.len()).filter(|element| element.is_array() || !there.contains(element));
    let all: Vec<_> = target.elements().iter().chain(added).cloned().collect();
    Val::array(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_changed_is_written() {
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
            let changed = apply(of.clone(), from, to, MergeRules::SonataFlow);
            assert_eq!(serde_json::Value::from(changed), expected, "{target} {before} {after}");
        }
    }

    #[test]
    fn members_stay_where_they_are() {
        let changed = apply(
            json!({"a": 1, "b": {"x": 1}, "c": 3}).into(),
            &json!({"a": 1, "b": {"x": 1}}).into(),
            &json!({"new": 0, "a": 2, "b": {"x": 2}}).into(),
            MergeRules::SonataFlow,
        );
        assert_eq!(changed.to_json(), r#"{"a":2,"b":{"x":2},"c":3,"new":0}"#);
    }
}
