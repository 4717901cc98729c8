//! What a branch changed in its copy of the data.
//!
//! Each branch of a fork works on a copy. When it ends, only what it changed goes back, so that branches do not
//! overwrite each other with what they did not touch (spec-0.8, "Parallel State").

use rondo_expression::Val;

/// Writes into `target` what differs between `before` and `after`.
///
/// Objects are compared member by member, into depth; everything else as a whole. A member that is gone in `after` is
/// removed from `target`.
pub(crate) fn apply(target: Val, before: &Val, after: &Val) -> Val {
    if before == after {
        return target;
    }
    let (Val::Object(_), Val::Object(_), Val::Object(_)) = (&target, before, after) else {
        return after.clone();
    };
    let mut target = target;
    for (name, value) in after.members() {
        let changed = match (target.remove(name), before.get(name)) {
            (here, Some(old)) if old == value => here,
            (Some(here), Some(old)) => Some(apply(here, old, value)),
            (_, _) => Some(value.clone()),
        };
        if let Some(changed) = changed {
            target.insert(name, changed);
        }
    }
    for (name, _) in before.members() {
        if after.get(name).is_none() {
            target.remove(name);
        }
    }
    target
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
            (json!({"l": [1]}), json!({"l": []}), json!({"l": [2]}), json!({"l": [2]})),
            (json!({}), json!({}), json!("text"), json!("text")),
            (json!({"n": 1}), json!({}), json!({"n": null}), json!({"n": null})),
        ] {
            let changed = apply(target.clone().into(), &before.clone().into(), &after.clone().into());
            assert_eq!(serde_json::Value::from(changed), expected, "{target} {before} {after}");
        }
    }
}
