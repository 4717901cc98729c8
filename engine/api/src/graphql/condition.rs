//! A `where` argument as a tree, and its evaluation on values in memory.
//!
//! Source: the Data Index's filters, whose odd corners are part of the contract:
//!
//! * several keys of an object must all hold; so must the keys of `and`, a list or one object;
//! * the keys of all elements of `or` are alternatives: `or: {a, b}` and `or: [{a}, {b}]` are the same;
//! * an empty object and an operand null restrict nothing, but an `or` without any alternative matches nothing: what filters by
//!   owner must not open up when its filter turns out empty;
//! * below `variables` and `metadata` keys form a path until an operator is met; a text operand is compared with the
//!   text of the value.

use std::cmp::Ordering;

use rondo_store::Condition;
use serde_json::{Map, Value};

use crate::times;

/// Which objects are wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Where {
    /// All hold; none: true.
    All(Vec<Where>),
    /// At least one holds; none: false.
    Any(Vec<Where>),
    /// It does not hold.
    Not(Box<Where>),
    /// The value at a path, names of members outermost first, fulfils a condition.
    Test(Vec<String>, Condition),
}

/// Fields below which keys form a path.
const JSON_FIELDS: [&str; 2] = ["variables", "metadata"];

/// Reads a `where` argument. The error says what cannot be understood.
pub(super) fn parse(filter: &Value) -> Result<Where, String> {
    match filter {
        Value::Null => Ok(Where::All(Vec::new())),
        Value::Object(members) => Ok(Where::All(keys(members, &[])?)),
        _ => Err("a filter must be an object".into()),
    }
}

/// One condition for each key that restricts anything.
fn keys(members: &Map<String, Value>, path: &[String]) -> Result<Vec<Where>, String> {
    let mut conditions = Vec::new();
    for (key, value) in members {
        match (key.as_str(), value) {
            (_, Value::Null) => {}
            ("and", value) => conditions.extend(elements(value, path)?),
            ("or", value) => conditions.push(Where::Any(elements(value, path)?)),
            ("not", value) => {
                let negated = elements(value, path)?.into_iter().map(|one| Where::Not(Box::new(one)));
                conditions.extend(negated);
            }
            (_, value) => {
                let path = [path, std::slice::from_ref(key)].concat();
                let in_json = path.len() == 1 && JSON_FIELDS.contains(&key.as_str());
                let mut found = if in_json { json(value, &path)? } else { field(value, &path)? };
                match found.len() {
                    0 => {}
                    1 => conditions.append(&mut found),
                    _ => conditions.push(Where::All(found)),
                }
            }
        }
    }
    Ok(conditions)
}

/// The keys of all objects of a list, or of one object, in one list.
fn elements(value: &Value, path: &[String]) -> Result<Vec<Where>, String> {
    let mut conditions = Vec::new();
    let objects = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    for object in objects.iter().filter_map(Value::as_object) {
        conditions.extend(keys(object, path)?);
    }
    Ok(conditions)
}

/// The tests of an ordinary field, or the keys of an object field.
fn field(value: &Value, path: &[String]) -> Result<Vec<Where>, String> {
    let Value::Object(members) = value else {
        return Err(format!("the filter on {} must be an object", path.join(".")));
    };
    let mut conditions = Vec::new();
    for (key, operand) in members {
        if operand.is_null() {
            continue;
        }
        if !is_operator(key) {
            let member = Map::from_iter([(key.clone(), operand.clone())]);
            conditions.extend(keys(&member, path)?);
        } else if !is_empty_in(key, operand) {
            conditions.push(Where::Test(path.to_vec(), test(key, operand)?));
        }
    }
    Ok(conditions)
}

/// The tests below a field of JSON.
fn json(value: &Value, path: &[String]) -> Result<Vec<Where>, String> {
    let Value::Object(members) = value else {
        return Err(format!("{}: an operator such as `equal` is missing", path.join(".")));
    };
    let mut conditions = Vec::new();
    for (key, operand) in members {
        if !is_operator(key) {
            conditions.extend(json(operand, &[path, std::slice::from_ref(key)].concat())?);
        } else if !is_empty_in(key, operand) {
            conditions.push(Where::Test(path.to_vec(), test(key, operand)?));
        }
    }
    Ok(conditions)
}

fn is_operator(key: &str) -> bool {
    matches!(
        key,
        "equal"
            | "in"
            | "like"
            | "isNull"
            | "greaterThan"
            | "greaterThanEqual"
            | "lessThan"
            | "lessThanEqual"
            | "between"
            | "contains"
            | "containsAll"
            | "containsAny"
    )
}

/// `in: []` restricts nothing.
fn is_empty_in(operator: &str, operand: &Value) -> bool {
    operator == "in" && operand.as_array().is_some_and(Vec::is_empty)
}

fn test(operator: &str, operand: &Value) -> Result<Condition, String> {
    let operand = || operand.clone();
    let list = || operand().as_array().cloned().unwrap_or_else(|| vec![operand()]);
    Ok(match operator {
        "equal" => Condition::Equal(operand()),
        "in" => Condition::In(list()),
        "like" => {
            Condition::Like(operand().as_str().ok_or("the operand of `like` must be a text")?.to_owned())
        }
        "isNull" => {
            Condition::IsNull(operand().as_bool().ok_or("the operand of `isNull` must be true or false")?)
        }
        "greaterThan" => Condition::Greater(operand()),
        "greaterThanEqual" => Condition::GreaterOrEqual(operand()),
        "lessThan" => Condition::Less(operand()),
        "lessThanEqual" => Condition::LessOrEqual(operand()),
        "between" => {
            let end = |name| operand().get(name).cloned().ok_or_else(|| format!("`between` needs `{name}`"));
            Condition::Between(end("from")?, end("to")?)
        }
        "contains" => Condition::Contains(operand()),
        "containsAll" => Condition::ContainsAll(list()),
        _ => Condition::ContainsAny(list()),
    })
}

impl Where {
    /// True or false whatever is looked at.
    pub(super) fn constant(holds: bool) -> Self {
        if holds { Self::All(Vec::new()) } else { Self::Any(Vec::new()) }
    }

    /// Whether an object in memory is wanted.
    pub(super) fn holds(&self, object: &Value) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(object)),
            Self::Any(any) => any.iter().any(|one| one.holds(object)),
            Self::Not(one) => !one.holds(object),
            Self::Test(path, condition) => {
                let found =
                    path.iter().try_fold(object, |object, key| object.get(key)).unwrap_or(&Value::Null);
                passes(found, condition)
            }
        }
    }
}

/// Whether a value in memory fulfils a condition.
pub(super) fn passes(value: &Value, condition: &Condition) -> bool {
    let order = |operand: &Value, wanted: fn(Ordering) -> bool| compare(value, operand).is_some_and(wanted);
    let held = |operand: &Value| match value {
        Value::Array(items) => items.contains(operand),
        Value::Object(members) => operand.as_str().is_some_and(|key| members.contains_key(key)),
        _ => false,
    };
    match condition {
        Condition::Equal(operand) => order(operand, Ordering::is_eq),
        Condition::In(operands) => operands.iter().any(|operand| order(operand, Ordering::is_eq)),
        Condition::Like(pattern) => value.as_str().is_some_and(|text| like(pattern, text)),
        Condition::IsNull(wanted) => is_null(value) == *wanted,
        Condition::Greater(operand) => order(operand, Ordering::is_gt),
        Condition::GreaterOrEqual(operand) => order(operand, Ordering::is_ge),
        Condition::Less(operand) => order(operand, Ordering::is_lt),
        Condition::LessOrEqual(operand) => order(operand, Ordering::is_le),
        Condition::Between(from, to) => order(from, Ordering::is_ge) && order(to, Ordering::is_le),
        Condition::Contains(operand) => held(operand),
        Condition::ContainsAll(operands) => operands.iter().all(held),
        Condition::ContainsAny(operands) => operands.iter().any(held),
    }
}

/// For lists, null means empty.
fn is_null(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// How a value stands to an operand; `None` when they cannot be compared.
fn compare(value: &Value, operand: &Value) -> Option<Ordering> {
    match (value, operand) {
        (Value::Null, _) => None,
        (Value::String(value), Value::String(operand)) => match (times::read(value), times::read(operand)) {
            (Some(value), Some(operand)) => Some(value.cmp(&operand)),
            _ => Some(value.cmp(operand)),
        },
        (value, Value::String(operand)) => Some(value.to_string().as_str().cmp(operand)),
        (Value::Number(value), Value::Number(operand)) => value.as_f64()?.partial_cmp(&operand.as_f64()?),
        (value, operand) => (value == operand).then_some(Ordering::Equal),
    }
}

/// Whether a text matches a pattern in which `*` is any text.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_filter_becomes_a_tree() {
        let same = |one: Value, other: Value| assert_eq!(parse(&one), parse(&other), "{one} {other}");
        same(
            json!({"or": {"a": {"equal": 1}, "b": {"equal": 2}}}),
            json!({"or": [{"a": {"equal": 1}}, {"b": {"equal": 2}}]}),
        );
        same(
            json!({"or": [{"a": {"equal": 1}, "b": {"equal": 2}}]}),
            json!({"or": [{"a": {"equal": 1}}, {"b": {"equal": 2}}]}),
        );
        same(json!({"and": {"a": {"equal": 1}}}), json!({"a": {"equal": 1}}));
        same(json!({"a": {"in": []}}), json!({}));
        same(json!({"a": {"equal": null}, "b": {}, "and": []}), json!({}));
        same(json!(null), json!({}));
        same(
            json!({"error": {"message": {"like": "x*"}}}),
            json!({"and": [{"error": {"message": {"like": "x*"}}}]}),
        );
    }

    #[test]
    fn filters_match_as_in_the_data_index() {
        let object = json!({
            "id": "greeting", "state": "ERROR", "end": null, "start": "2026-11-23T20:20:07.138Z", "tags": ["a", "b"],
            "variables": {"workflowdata": {"a": 1, "ok": true, "name": "Hello Ada"}, "owner": "user:default/ada"}
        });
        for (filter, holds) in [
            (json!({}), true),
            (json!({"id": {"equal": "greeting"}}), true),
            (json!({"id": {"in": ["x", "greeting"]}}), true),
            (json!({"id": {"like": "gr*ng"}}), true),
            (json!({"id": {"like": "Gr*"}}), false),
            (json!({"end": {"isNull": true}}), true),
            (json!({"end": {"equal": "x"}}), false),
            (
                json!({"start": {"between": {"from": "2026-11-23T22:20:07+02:00", "to": "2026-11-23T20:20:08Z"}}}),
                true,
            ),
            (json!({"start": {"lessThan": "2026-11-23T20:20:07.138Z"}}), false),
            (json!({"or": {"state": {}}}), false),
            (json!({"or": {"state": {}, "id": {"equal": "greeting"}}}), true),
            (json!({"or": {"id": {"equal": "x"}, "state": {"equal": "ERROR"}}}), true),
            (json!({"not": {"id": {"equal": "x"}, "state": {"equal": "ACTIVE"}}}), true),
            (json!({"not": {"id": {"equal": "x"}, "state": {"equal": "ERROR"}}}), false),
            (
                json!({"and": {"variables": {"owner": {"equal": "user:default/ada"}}, "state": {"equal": "ERROR"}}}),
                true,
            ),
            (
                json!({"and": {"variables": {"owner": {"equal": "user:default/bob"}}, "and": {"state": {"equal": "ERROR"}}}}),
                false,
            ),
            (json!({"variables": {"workflowdata": {"a": {"equal": "1"}}}}), true),
            (json!({"variables": {"workflowdata": {"a": {"equal": 1}}}}), true),
            (json!({"variables": {"workflowdata": {"ok": {"equal": "true"}}}}), true),
            (
                json!({"variables": {"workflowdata": {"name": {"like": "Hello*"}, "a": {"greaterThan": 1}}}}),
                false,
            ),
            (json!({"variables": {"nosuch": {"isNull": true}}}), true),
            (json!({"tags": {"containsAll": ["a", "b"]}}), true),
            (json!({"tags": {"containsAny": ["x", "b"]}}), true),
            (json!({"tags": {"contains": "x"}}), false),
        ] {
            assert_eq!(parse(&filter).unwrap().holds(&object), holds, "{filter}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused_and_not_ignored() {
        for filter in [
            json!({"variables": {"owner": "user:default/ada"}}),
            json!({"variables": "x"}),
            json!({"variables": {"a": {"isNull": "yes"}}}),
            json!({"variables": {"a": {"like": 1}}}),
            json!({"start": {"between": {"from": "2026-11-23T22:20:07Z"}}}),
            json!([]),
        ] {
            assert!(parse(&filter).is_err(), "{filter}");
        }
    }

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("a*b*c", "a-b-c", true),
            ("a*c*b", "a-b-c", false),
        ] {
            assert_eq!(like(pattern, text), matches, "{pattern} {text}");
        }
    }
}
