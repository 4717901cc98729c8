//! `toStateData`: where a result goes.

use indexmap::IndexMap;

use crate::{
    EvalError, Exceeded, Expression, Scope,
    merge::{Renewed, merge},
    value::Val,
};

/// Merges a value into the data at the place that an expression names.
///
/// The value is merged with what the expression evaluates to, and put at the path that the trailing names of its text make;
/// objects on the way are created (SonataFlow, `ExpressionHandlerUtils.assign`). What the expression picks out of the data
/// is changed there too, as an object in a list by `.list[0]`. Without trailing names nothing else happens, unless the expression
/// is the data as a whole.
pub fn assign(
    data: Val,
    place: &Expression,
    value: Val,
    scope: &Scope<'_>,
    renewed: &mut Renewed,
) -> Result<Val, EvalError> {
    let source = place.source().trim();
    if [".", "$"].contains(&source) {
        return Ok(merge(data, value, renewed));
    }
    let path = trailing_names(source);
    if path.len() > scope.budget.depth {
        return Err(EvalError::Budget {
            expression: place.source().into(),
            exceeded: Exceeded::Depth(scope.budget.depth),
        });
    }
    let here = match place.eval(&data, scope) {
        // What a path does not find is made.
        Err(EvalError::Failed { .. }) if place.is_json_path() => Val::Null,
        here => here?,
    };
    let merged = merge(here, value, renewed);
    if path.is_empty() {
        return Ok(renewed.apply(&data));
    }
    let is_elsewhere = source.trim_start_matches(['$', '.']) != path.join(".");
    let data = if is_elsewhere && !renewed.is_empty() { renewed.apply(&data) } else { data };
    Ok(set(data, &path, merged, renewed))
}

/// Sets a value at a path. Objects that are made on the way are like the one around them.
fn set(mut data: Val, path: &[String], value: Val, renewed: &mut Renewed) -> Val {
    let Some((name, rest)) = path.split_first() else { return value };
    let (before, made) = (Renewed::kept(&data), data.is_made());
    if rest.is_empty() && value.is_null() && !made && data.is_object() && data.get(name).is_none() {
        return data;
    }
    let mut members = data.take_members();
    let value = match rest {
        [] => value,
        rest => {
            let inner = members.get_mut(name.as_str()).map(std::mem::take).filter(Val::is_object);
            set(inner.unwrap_or_else(|| Val::object_of(IndexMap::new(), made)), rest, value, renewed)
        }
    };
    members.insert(name.as_str().into(), value);
    let changed = Val::object_of(members, made);
    renewed.note(before, &changed);
    changed
}

/// The names at the end of a path: `.a.b` of `.[0].a.b` and of `.a | .b`, also quoted ones.
fn trailing_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text.trim();
    loop {
        rest = rest.trim_end().trim_end_matches('|').trim_end();
        if let Some(before) = rest.strip_suffix("\"]").or_else(|| rest.strip_suffix("']")) {
            let quote = if rest.ends_with("\"]") { "[\"" } else { "['" };
            let Some((before, name)) = before.rsplit_once(quote) else { break };
            names.push(name.to_owned());
            rest = before.strip_suffix('.').unwrap_or(before);
        } else if let Some(before) = rest.strip_suffix('"') {
            let Some((before, name)) = before.rsplit_once(".\"") else { break };
            names.push(name.to_owned());
            rest = before;
        } else {
            let Some((before, name)) = rest.rsplit_once('.') else { break };
            let plain = name.chars().all(|next| next.is_alphanumeric() || next == '_' || next == '-');
            if name.is_empty() || !plain {
                break;
            }
            names.push(name.to_owned());
            rest = before;
        }
    }
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Language, compile};
    use serde_json::{Value, json};

    #[test]
    fn what_is_picked_out_of_lists_is_changed_there() {
        const DATA: &str =
            r#"{"objs":[{"a":1},{"a":{"x":2}},{}],"list":[1,[2]],"o":{"x":{"y":1}},"none":null}"#;
        let budget = Budget::default();
        let objs = |objs: &str| DATA.replacen(r#"[{"a":1},{"a":{"x":2}},{}]"#, objs, 1);
        for (place, value, expected) in [
            (".objs[0]", r#"{"n":1}"#, objs(r#"[{"a":1,"n":1},{"a":{"x":2}},{}]"#)),
            (".objs[-2]", r#"{"a":{"y":3}}"#, objs(r#"[{"a":1},{"a":{"x":2,"y":3}},{}]"#)),
            (".objs[0]", "5", objs(r#"[{"a":1,"response":5},{"a":{"x":2}},{}]"#)),
            (".objs | first", r#"{"n":1}"#, objs(r#"[{"a":1,"n":1},{"a":{"x":2}},{}]"#)),
            (
                ".objs[1].a",
                r#"{"n":1}"#,
                objs(r#"[{"a":1},{"a":{"x":2,"n":1}},{}]"#).replacen(
                    "null}",
                    r#"null,"a":{"x":2,"n":1}}"#,
                    1,
                ),
            ),
            (".list[1]", "9", DATA.replacen("[2]", "[2,9]", 1)),
            ("(.o)", r#"{"n":1}"#, DATA.replacen(r#"{"y":1}}"#, r#"{"y":1},"n":1}"#, 1)),
            // Nothing of the data is picked, or nothing that can be merged into.
            (".list[0]", r#"{"n":1}"#, DATA.to_owned()),
            (".objs[2]", r#"{"n":1}"#, DATA.to_owned()),
            (".objs[5]", r#"{"n":1}"#, DATA.to_owned()),
            (".objs[0]", "null", DATA.to_owned()),
            (".objs[:1]", r#"{"n":1}"#, DATA.to_owned()),
            ("{a: .o}", r#"{"n":1}"#, DATA.to_owned()),
            ("null", r#"{"n":1}"#, DATA.to_owned()),
        ] {
            let read = |text: &str| Val::from_json(text.as_bytes()).unwrap();
            let compiled = compile(Language::Jq, place).unwrap();
            let assigned =
                assign(read(DATA), &compiled, read(value), &Scope::bare(&budget), &mut Renewed::default());
            assert_eq!(assigned.unwrap().to_json(), expected, "{place} {value}");
        }
    }

    #[test]
    fn a_value_goes_where_the_trailing_names_say() {
        let budget = Budget::default();
        for (data, place, value, expected) in [
            (json!({"a": 1}), ".b", json!(2), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), ".b.c", json!({"x": 1}), json!({"a": 1, "b": {"c": {"x": 1}}})),
            (json!({"b": {"c": {"y": 2}}}), ".b.c", json!({"x": 1}), json!({"b": {"c": {"y": 2, "x": 1}}})),
            (json!({"a": 1}), ".b", json!(null), json!({"a": 1})),
            (json!({"a": 1}), ".b.c", json!(null), json!({"a": 1, "b": {}})),
            (json!({"b": {"x": 1}}), ".b", json!(null), json!({"b": {"x": 1}})),
            (json!({"b": [1]}), ".b", json!([2]), json!({"b": [2]})),
            (json!({"a": 1}), ".", json!({"b": 2}), json!({"a": 1, "b": 2})),
            (json!({}), ".\"a b\"", json!(1), json!({"a b": 1})),
            (json!({}), ".[\"a b\"].c", json!(1), json!({"a b": {"c": 1}})),
            (json!({}), ".a | .b", json!(1), json!({"a": {"b": 1}})),
            (json!({"a": 1}), ".a", json!(null), json!({"a": null})),
            (
                json!({"l": [{"n": {"v": 1}}, {"n": {"v": 2}}]}),
                ".l | .[] | .n",
                json!({"v": 3}),
                json!({"l": [{"n": {"v": 1}}, {"n": {"v": 2}}], "n": [{"v": 1}, {"v": 2}, {"v": 3}]}),
            ),
        ] {
            let place = compile(Language::Jq, place).unwrap();
            let assigned =
                assign(data.into(), &place, value.into(), &Scope::bare(&budget), &mut Renewed::default())
                    .unwrap();
            assert_eq!(Value::from(assigned), expected, "{place:?}");
        }
    }

    #[test]
    fn what_a_path_does_not_find_is_made() {
        let budget = Budget::default();
        for (place, expected) in [
            ("$.new", json!({"o": {"x": 1}, "l": [{}, {"y": 2}], "new": {"n": 1}})),
            ("$.o", json!({"o": {"x": 1, "n": 1}, "l": [{}, {"y": 2}]})),
            ("$.o.new", json!({"o": {"x": 1, "new": {"n": 1}}, "l": [{}, {"y": 2}]})),
            ("$.l[1]", json!({"o": {"x": 1}, "l": [{}, {"y": 2, "n": 1}]})),
            ("$.l[*]", json!({"o": {"x": 1}, "l": [{}, {"y": 2}]})),
            ("$", json!({"o": {"x": 1}, "l": [{}, {"y": 2}], "n": 1})),
        ] {
            let data = json!({"o": {"x": 1}, "l": [{}, {"y": 2}]});
            let compiled = compile(Language::JsonPath, place).unwrap();
            let value = json!({"n": 1}).into();
            let assigned =
                assign(data.into(), &compiled, value, &Scope::bare(&budget), &mut Renewed::default());
            assert_eq!(assigned.map(Value::from), Ok(expected), "{place}");
        }
    }
}
