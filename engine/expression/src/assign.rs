//! `toStateData`: where in the data a result goes.

mod path;

use crate::{EvalError, Exceeded, Expression, MergeRules, Scope, merge::merge, value::Val};
use path::Step;

/// Merges a value into the data at the place that an expression names.
///
/// The value is merged with what the expression gives for the data, and the outcome is put at the expression's path. `.` and `$` name
/// the data as a whole. A name on the way that is not there becomes an object; an index beyond the end of its array leaves the data as
/// they are, and so does null at a name that is not there. Of an expression that is no path the names at its end are the path, as on
/// `SonataFlow` (`ExpressionHandlerUtils.assign`); without any the data stay as they are.
///
/// # Errors
/// The expression fails on the data, or its path is longer than the budget's depth.
pub fn assign(
    data: Val,
    place: &Expression,
    value: Val,
    scope: &Scope<'_>,
    rules: MergeRules,
) -> Result<Val, EvalError> {
    let path = path::of(place.source());
    if path.is_empty() {
        return Ok(if path::is_whole(place.source()) { merge(data, value, rules) } else { data });
    }
    if path.len() > scope.budget.depth {
        return Err(EvalError::Budget {
            expression: place.source().into(),
            exceeded: Exceeded::Depth(scope.budget.depth),
        });
    }
    let here = match place.eval(&data, scope) {
        // A JSONPath fails where it finds nothing; there the path is made.
        Err(EvalError::Failed { .. }) if place.is_json_path() => Val::Null,
        here => here?,
    };
    Ok(if is_reachable(&data, &path) { set(data, &path, merge(here, value, rules)) } else { data })
}

/// Whether an expression is a path, which a result can be merged at as it stands.
pub fn is_path(place: &Expression) -> bool {
    path::is_path(place.source())
}

/// Whether every index on a path is one of its array.
fn is_reachable(data: &Val, path: &[Step]) -> bool {
    match path.split_first() {
        None => true,
        Some((Step::Name(name), rest)) => match data.get(name) {
            Some(inner) => is_reachable(inner, rest),
            None => rest.iter().all(|step| matches!(step, Step::Name(_))),
        },
        Some((Step::Index(index), rest)) => {
            data.element(*index).is_some_and(|element| is_reachable(element, rest))
        }
    }
}

/// Sets a value at a path. What is no object becomes one where the path has a name.
fn set(mut data: Val, path: &[Step], value: Val) -> Val {
    match path.split_first() {
        None => value,
        Some((Step::Name(name), rest)) => {
            let mut members = data.take_members();
            let old = members.get_mut(name.as_str()).map(std::mem::take);
            if old.is_some() || !rest.is_empty() || !value.is_null() {
                members.insert(name.as_str().into(), set(old.unwrap_or_default(), rest, value));
            }
            Val::from_members(members)
        }
        Some((Step::Index(index), rest)) => {
            let position = data.position(*index);
            let mut items = data.take_items();
            if let Some(element) = position.and_then(|position| items.get_mut(position)) {
                *element = set(std::mem::take(element), rest, value);
            }
            Val::from_items(items)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Language, compile};
    use serde_json::{Value, json};

    fn assigned(language: Language, data: &Value, place: &str, value: &Value) -> Value {
        let budget = Budget::default();
        let compiled = compile(language, place).unwrap();
        let (data, value) = (data.clone().into(), value.clone().into());
        assign(data, &compiled, value, &Scope::bare(&budget), MergeRules::default()).unwrap().into()
    }

    #[test]
    fn a_value_goes_where_the_path_says() {
        for (data, place, value, expected) in [
            (json!({"a": 1}), ".b", json!(2), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), ".b.c", json!({"x": 1}), json!({"a": 1, "b": {"c": {"x": 1}}})),
            (json!({"b": {"c": {"y": 2}}}), ".b.c", json!({"x": 1}), json!({"b": {"c": {"y": 2, "x": 1}}})),
            (json!({"a": 1}), ".b", json!(null), json!({"a": 1})),
            (json!({"a": 1}), ".b.c", json!(null), json!({"a": 1, "b": {}})),
            (json!({"b": {"x": 1}}), ".b", json!(null), json!({"b": {"x": 1}})),
            (json!({"b": [1]}), ".b", json!([2]), json!({"b": [2]})),
            (json!({"a": 1}), ".", json!({"b": 2}), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), ".a", json!(null), json!({"a": null})),
            (json!({}), ".\"a b\"", json!(1), json!({"a b": 1})),
            (json!({}), ".[\"a b\"].c", json!(1), json!({"a b": {"c": 1}})),
            (json!({}), ".a | .b", json!(1), json!({"a": {"b": 1}})),
            (json!({"l": [{"a": 1}, 2]}), ".l[0]", json!({"n": 1}), json!({"l": [{"a": 1, "n": 1}, 2]})),
            (json!({"l": [{"a": 1}, 2]}), ".l[-2].b.c", json!(3), json!({"l": [{"a": 1, "b": {"c": 3}}, 2]})),
            (json!({"l": [{"a": 1}, 2]}), ".l[1]", json!(3), json!({"l": [{"a": 1}, 3]})),
            (json!({"l": [[1]]}), ".l[0][0]", json!([2]), json!({"l": [[[1, 2]]]})),
            (json!({"l": [1]}), ".l[1]", json!(3), json!({"l": [1]})),
            (json!({}), ".l[0].n", json!(3), json!({})),
        ] {
            assert_eq!(assigned(Language::Jq, &data, place, &value), expected, "{place} of {data}");
        }
    }

    #[test]
    fn of_what_is_no_path_the_names_at_the_end_count() {
        let data = json!({"l": [{"n": {"v": 1}}, {"n": {"v": 2}}], "o": {"x": 1}});
        let expected = json!({"l": data["l"], "o": {"x": 1}, "n": [{"v": 1}, {"v": 2}, {"v": 3}]});
        assert_eq!(assigned(Language::Jq, &data, ".l | .[] | .n", &json!({"v": 3})), expected);
        for place in [".l[:1]", "{a: .o}", "null", ".l | first", "(.o)"] {
            assert_eq!(assigned(Language::Jq, &data, place, &json!({"n": 1})), data, "{place}");
        }
    }

    #[test]
    fn what_a_json_path_does_not_find_is_made() {
        for (place, expected) in [
            ("$.new", json!({"o": {"x": 1}, "l": [{}, {"y": 2}], "new": {"n": 1}})),
            ("$.o", json!({"o": {"x": 1, "n": 1}, "l": [{}, {"y": 2}]})),
            ("$.o.new", json!({"o": {"x": 1, "new": {"n": 1}}, "l": [{}, {"y": 2}]})),
            ("$.l[1]", json!({"o": {"x": 1}, "l": [{}, {"y": 2, "n": 1}]})),
            ("$.l[*]", json!({"o": {"x": 1}, "l": [{}, {"y": 2}]})),
            ("$", json!({"o": {"x": 1}, "l": [{}, {"y": 2}], "n": 1})),
        ] {
            let data = json!({"o": {"x": 1}, "l": [{}, {"y": 2}]});
            assert_eq!(assigned(Language::JsonPath, &data, place, &json!({"n": 1})), expected, "{place}");
        }
    }
}
