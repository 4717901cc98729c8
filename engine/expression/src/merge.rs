//! Merging a result into state data.
//!
//! The rules are SonataFlow's (`MergeUtils`), read in its code and seen on the real engine; the text of the specification asks
//! for values of one type and leaves the rest open.
//!
//! SonataFlow merges into arrays and objects in place. So where an expression has put one and the same array at two places of the
//! data, as `toStateData: .all` of the result `.list` does, a change at one place is seen at the other. [`Renewed`] tells what was
//! changed in place, for whoever knows about such places.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::value::Val;

/// Merges `source` into `target`.
///
/// | target | source | outcome |
/// | --- | --- | --- |
/// | null | anything | the source as a whole |
/// | `{}` | anything but null | the source as a whole |
/// | object | object | merged into depth |
/// | object | scalar, array | property `response` |
/// | object | null | the target |
/// | array | array | the source |
/// | array | scalar, object | appended, unless it is there |
/// | scalar | array | the target put before the elements, unless it is there |
/// | scalar | object | the source, with the old value as `_target` |
/// | scalar | scalar, null | the source |
///
/// A null for which the target has no member is left out, as is a null appended to an array, unless an expression made the target
/// ([`Val::is_made`]): SonataFlow's data that came with a request tell listeners of changes, and take "nothing there" and "null
/// there" as equal; what jq makes does not.
#[must_use]
pub fn merge(target: Val, source: Val, renewed: &mut Renewed) -> Val {
    let source = source.plain();
    match (&target, &source) {
        (Val::Null, _) => source,
        (Val::Object(_), Val::Null) => target,
        (Val::Object(_), _) if target.members().is_empty() => source,
        (Val::Object(_), Val::Object(_)) => merge_objects(target, &source, renewed),
        (Val::Object(_), _) => renewed.change(target, |mut target| {
            target.insert("response", source);
            target
        }),
        (Val::Array(_), Val::Array(_)) => source,
        (Val::Array(_), Val::Null) if !target.is_made() => target,
        (Val::Array(_), _) if target.elements().contains(&source) => target,
        (Val::Array(_), _) => renewed.change(target, |target| with_items(target, |items| items.push(source))),
        (_, Val::Array(_)) if source.elements().contains(&target) => source,
        (_, Val::Array(_)) => {
            renewed.change(source, |source| with_items(source, |items| items.insert(0, target)))
        }
        (_, Val::Object(_)) => renewed.change(source, |mut source| {
            source.insert("_target", target);
            source
        }),
        _ => source,
    }
}

fn with_items(mut array: Val, change: impl FnOnce(&mut Vec<Val>)) -> Val {
    let made = array.is_made();
    let mut items = array.take_items();
    change(&mut items);
    Val::array_of(items, made)
}

fn merge_objects(target: Val, source: &Val, renewed: &mut Renewed) -> Val {
    let (before, made) = (Renewed::kept(&target), target.is_made());
    let mut target = target;
    let mut members = target.take_members();
    for (name, value) in source.members().shared() {
        let merged = match members.get_mut(name) {
            Some(here) => merge(std::mem::take(here), value.clone(), renewed),
            None if value.is_null() && !made => continue,
            None => value.clone(),
        };
        members.insert(name.clone(), merged);
    }
    let merged = Val::object_of(members, made);
    renewed.note(before, &merged);
    merged
}

/// Arrays and objects that were changed in place: as they were, and as they are now.
#[derive(Debug, Default)]
pub struct Renewed(Vec<(Val, Val)>);

impl Renewed {
    /// Changes an array or object in place.
    fn change(&mut self, container: Val, change: impl FnOnce(Val) -> Val) -> Val {
        let before = Self::kept(&container);
        let changed = change(container);
        self.note(before, &changed);
        changed
    }

    /// What is about to be changed, if somebody else holds it too: otherwise it can stand at no other place.
    pub(crate) fn kept(container: &Val) -> Option<Val> {
        container.is_shared().then(|| container.clone())
    }

    pub(crate) fn note(&mut self, before: Option<Val>, now: &Val) {
        self.0.extend(before.map(|before| (before, now.clone())));
    }

    /// Whether nothing was changed that could stand elsewhere too.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The data with every place renewed at which something stands that was changed.
    #[must_use]
    pub fn apply(&self, data: &Val) -> Val {
        let changes = self.0.iter().filter_map(|(before, now)| Some((before.place()?, now)));
        // Of several changes of one and the same the last counts, which has the others in it.
        Renewing { changes: changes.collect(), seen: HashMap::new() }.renew(data)
    }
}

struct Renewing<'a> {
    changes: HashMap<usize, &'a Val>,
    /// What was looked at already, so that what stands at two places stays one.
    seen: HashMap<usize, Val>,
}

impl Renewing<'_> {
    fn renew(&mut self, value: &Val) -> Val {
        let Some(place) = value.place() else { return value.clone() };
        if let Some(now) = self.changes.get(&place) {
            return (*now).clone();
        }
        if let Some(seen) = self.seen.get(&place) {
            return seen.clone();
        }
        let renewed = if value.is_array() {
            let items: Vec<Val> = value.elements().iter().map(|item| self.renew(item)).collect();
            let same = items.iter().zip(value.elements()).all(|(now, before)| now.place() == before.place());
            if same { value.clone() } else { Val::array_of(items, value.is_made()) }
        } else {
            let members = value.members().shared().map(|(name, member)| (name.clone(), self.renew(member)));
            let members: IndexMap<_, _> = members.collect();
            let before = value.members().shared().map(|(_, member)| member);
            let same = members.values().zip(before).all(|(now, before)| now.place() == before.place());
            if same { value.clone() } else { Val::object_of(members, value.is_made()) }
        };
        self.seen.insert(place, renewed.clone());
        renewed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Language, Scope, compile};
    use serde_json::{Value, json};

    fn merged(target: Value, source: Value) -> Value {
        merge(target.into(), source.into(), &mut Renewed::default()).into()
    }

    fn made(expression: &str, data: &Val) -> Val {
        compile(Language::Jq, expression).unwrap().eval(data, &Scope::bare(&Budget::default())).unwrap()
    }

    #[test]
    fn results_are_merged_as_users_of_sonataflow_know_it() {
        for (target, source, expected) in [
            (json!({}), json!("text"), json!("text")),
            (json!({}), json!({"n": null}), json!({"n": null})),
            (json!({}), json!(null), json!({})),
            (json!(null), json!([1]), json!([1])),
            (json!({"b": 1}), json!({"b": 2, "n": null}), json!({"b": 2})),
            (json!({"a": {"x": 1}}), json!({"a": {"y": 2}}), json!({"a": {"x": 1, "y": 2}})),
            (json!({"a": 1}), json!("text"), json!({"a": 1, "response": "text"})),
            (json!({"a": 1}), json!([]), json!({"a": 1, "response": []})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
            (json!({"a": 1}), json!([2]), json!({"a": 1, "response": [2]})),
            (json!({"a": 1}), json!(null), json!({"a": 1})),
            (json!({"l": [1, 2]}), json!({"l": [3]}), json!({"l": [3]})),
            (json!([1, 2]), json!([3]), json!([3])),
            (json!([1, 2]), json!(2), json!([1, 2])),
            (json!([1, 2]), json!(null), json!([1, 2])),
            (json!([1, 2]), json!({"a": 1}), json!([1, 2, {"a": 1}])),
            (json!(1), json!([2]), json!([1, 2])),
            (json!(2), json!([1, 2]), json!([1, 2])),
            (json!("old"), json!({"a": 1}), json!({"a": 1, "_target": "old"})),
            (json!(1), json!("two"), json!("two")),
            (json!(1), json!(null), json!(null)),
        ] {
            assert_eq!(merged(target.clone(), source.clone()), expected, "{target} {source}");
        }
    }

    #[test]
    fn what_an_expression_made_keeps_nulls() {
        let null = json!({"n": null, "came": {"n": null}, "made": {"n": null}, "list": null});
        let data = made("{came, made: {b: 2}, list: [1]}", &json!({"came": {"a": 1}}).into());
        let merged = merge(data, null.into(), &mut Renewed::default());
        let expected = json!({"came": {"a": 1}, "made": {"b": 2, "n": null}, "list": [1, null], "n": null});
        assert_eq!(Value::from(merged), expected);
    }

    #[test]
    fn what_stands_at_two_places_is_changed_at_both() {
        let data =
            made("{one: .list, two: {deep: .list}, c, d: .c}", &json!({"list": [1], "c": {"x": 1}}).into());
        let mut renewed = Renewed::default();
        let merged = merge(data, json!({"one": "s", "d": {"y": 2}}).into(), &mut renewed);
        let c = json!({"x": 1, "y": 2});
        let expected = json!({"one": [1, "s"], "two": {"deep": [1, "s"]}, "c": c, "d": c});
        assert_eq!(Value::from(renewed.apply(&merged)), expected);
    }
}
