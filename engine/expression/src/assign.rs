//! `toStateData`: where a result goes.

use crate::{
    EvalError, Expression, Scope,
    merge::{Nulls, merge},
    value::Val,
};

/// Merges a value into the data at the place that an expression names.
///
/// The value is merged with what the expression evaluates to, and put at the path that the trailing names of its text make;
/// objects on the way are created (SonataFlow, `ExpressionHandlerUtils.assign`). Without trailing names it is merged at the
/// top.
pub fn assign(
    data: Val,
    place: &Expression,
    value: Val,
    nulls: Nulls,
    scope: &Scope<'_>,
) -> Result<Val, EvalError> {
    let path = trailing_names(place.source());
    if path.is_empty() {
        return Ok(merge(data, value, nulls));
    }
    let here = place.eval(&data, scope)?;
    Ok(set(data, &path, merge(here, value, Nulls::Dropped), nulls))
}

fn set(mut data: Val, path: &[String], value: Val, nulls: Nulls) -> Val {
    let Some((name, rest)) = path.split_first() else { return value };
    let value = match rest {
        [] if value.is_null() && nulls == Nulls::Dropped && data.get(name).is_none() => {
            return data.or_object();
        }
        [] => value,
        rest => {
            let inner = data.remove_for_change(name);
            // An object that is there came with the data; one that is made here is like the data around it.
            let nulls = if inner.is_object() { Nulls::Dropped } else { nulls };
            set(inner, rest, value, nulls)
        }
    };
    data.insert(name, value);
    data
}

/// The names at the end of a path: `.a.b` of `.x | .a.b`, also quoted ones.
fn trailing_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text.trim();
    loop {
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

impl Val {
    /// The value itself if it is an object, else an empty one.
    fn or_object(self) -> Self {
        if self.is_object() { self } else { Self::object::<&str>([]) }
    }

    /// Takes a member out, so that it can be changed without being copied; null where there is none.
    fn remove_for_change(&mut self, name: &str) -> Self {
        let mut members = self.take_members();
        // The place is kept, so that the order of the members stays.
        let taken = members.get_mut(name).map(std::mem::take).unwrap_or_default();
        *self = Self::from_members(members);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Language, compile};
    use serde_json::{Value, json};

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
            (
                json!({"l": [{"n": {"v": 1}}, {"n": {"v": 2}}]}),
                ".l | .[] | .n",
                json!({"v": 3}),
                json!({"l": [{"n": {"v": 1}}, {"n": {"v": 2}}], "n": [{"v": 1}, {"v": 2}, {"v": 3}]}),
            ),
        ] {
            let place = compile(Language::Jq, place).unwrap();
            let assigned =
                assign(data.into(), &place, value.into(), Nulls::Dropped, &Scope::bare(&budget)).unwrap();
            assert_eq!(Value::from(assigned), expected, "{place:?}");
        }
    }
}
