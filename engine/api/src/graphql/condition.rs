//! A `where` argument as a tree, and its evaluation on values in memory.
//!
//! Source: the filters of the Data Index. These rules of theirs are part of the contract:
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

use crate::moments;

/// The objects that a filter selects.
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

/// Most conditions of a filter; the values that a condition within JSON is given count as well. Each is looked at for each
/// instance, and a database nests expressions only so deep. The plugin sends about ten.
const CONDITIONS: usize = 500;

/// Most values of all lists that columns are compared with.
const VALUES: usize = 10_000;

/// Reads a `where` argument. The error says what cannot be understood, or is too much.
pub(super) fn parse(filter: &Value) -> Result<Where, String> {
    let wanted = match filter {
        Value::Null => Where::All(Vec::new()),
        Value::Object(members) => Where::All(keys(members, &[])?),
        _ => return Err("a filter must be an object".into()),
    };
    let (conditions, values) = wanted.size();
    if conditions > CONDITIONS {
        return Err(format!(
            "the filter has {conditions} conditions, more than the {CONDITIONS} that are allowed; `in` compares with many values at once"
        ));
    }
    if values > VALUES {
        return Err(format!(
            "the filter compares with {values} values, more than the {VALUES} that are allowed"
        ));
    }
    Ok(wanted)
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

    /// How many conditions it has, and how many values columns are compared with.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::All(list) | Self::Any(list) => list
                .iter()
                .map(Self::size)
                .fold((0, 0), |(sum, values), (more, others)| (sum + more, values + others)),
            Self::Not(one) => one.size(),
            Self::Test(path, condition) => {
                let values = match condition {
                    Condition::In(list) | Condition::ContainsAll(list) | Condition::ContainsAny(list) => {
                        list.len()
                    }
                    _ => 1,
                };
                let in_json = path.first().is_some_and(|first| JSON_FIELDS.contains(&first.as_str()));
                if in_json { (values, 0) } else { (1, values) }
            }
        }
    }

    /// Whether the filter selects an object in memory.
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

/// The order of a value and an operand; `None` when they cannot be compared.
fn compare(value: &Value, operand: &Value) -> Option<Ordering> {
    match (value, operand) {
        (Value::Null, _) => None,
        (Value::String(value), Value::String(operand)) => {
            let moments = moments::parse(value).and_then(|value| Some((value, moments::parse(operand)?)));
            Some(moments.map_or_else(|| value.cmp(operand), |(value, operand)| value.cmp(&operand)))
        }
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
mod tests;
