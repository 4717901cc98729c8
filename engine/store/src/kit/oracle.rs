//! The meaning of filters in Rust, which every database is compared with.

use std::{cmp::Ordering, collections::HashMap};

use serde_json::Value;
use uuid::Uuid;

use crate::{Condition, Field, Filter, Instance, State};

/// Whether an instance passes a filter.
pub fn passes(filter: &Filter, instance: &Instance) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| passes(filter, instance)),
        Filter::Or(filters) => filters.iter().any(|filter| passes(filter, instance)),
        Filter::Not(filter) => !passes(filter, instance),
        Filter::Compare { field, condition } => column_passes(*field, condition, instance),
        Filter::Json { path, condition } => json_passes(value(instance, path).as_ref(), condition),
    }
}

#[derive(Debug, PartialEq, PartialOrd)]
enum Key {
    Text(String),
    Number(i64),
    Id(Uuid),
}

fn column_passes(field: Field, condition: &Condition, instance: &Instance) -> bool {
    let column = column(field, instance);
    let compare = |value: &Value| column.as_ref()?.partial_cmp(&operand(field, value)?);
    match condition {
        Condition::Equal(value) => compare(value).is_some_and(Ordering::is_eq),
        Condition::In(values) => values.iter().any(|value| compare(value).is_some_and(Ordering::is_eq)),
        Condition::Greater(value) => compare(value).is_some_and(Ordering::is_gt),
        Condition::GreaterOrEqual(value) => compare(value).is_some_and(Ordering::is_ge),
        Condition::Less(value) => compare(value).is_some_and(Ordering::is_lt),
        Condition::LessOrEqual(value) => compare(value).is_some_and(Ordering::is_le),
        Condition::Between(from, to) => {
            compare(from).is_some_and(Ordering::is_ge) && compare(to).is_some_and(Ordering::is_le)
        }
        Condition::IsNull(null) => column.is_none() == *null,
        Condition::Like(pattern) => matches!(column, Some(Key::Text(text)) if like(pattern, &text)),
        Condition::Contains(_) | Condition::ContainsAll(_) | Condition::ContainsAny(_) => false,
    }
}

fn column(field: Field, instance: &Instance) -> Option<Key> {
    let text = |text: &str| Some(Key::Text(text.to_owned()));
    let error = |name: &str| {
        let error: HashMap<String, Value> = serde_json::from_str(instance.error.as_deref()?).ok()?;
        error.get(name)?.as_str().map(|text| Key::Text(text.to_owned()))
    };
    match field {
        Field::Id => Some(Key::Id(instance.id)),
        Field::Workflow => text(&instance.workflow),
        Field::Version => text(&instance.version),
        Field::Name => text(&instance.name),
        Field::State => Some(Key::Number(instance.state.number())),
        Field::BusinessKey => text(instance.business_key.as_deref()?),
        Field::ReferenceId => text(instance.reference_id.as_deref()?),
        Field::Parent => instance.parent.map(Key::Id),
        Field::Root => instance.root.map(Key::Id),
        Field::RootWorkflow => text(instance.root_workflow.as_deref()?),
        Field::StartedAt => Some(Key::Number(instance.started_at)),
        Field::EndedAt => instance.ended_at.map(Key::Number),
        Field::UpdatedAt => Some(Key::Number(instance.updated_at)),
        Field::ErrorNode => error("action").or_else(|| error("state")).or_else(|| error("nodeDefinitionId")),
        Field::ErrorMessage => error("message"),
    }
}

fn operand(field: Field, value: &Value) -> Option<Key> {
    match field {
        Field::Id | Field::Parent | Field::Root => value.as_str()?.parse().ok().map(Key::Id),
        Field::State => value.as_str()?.parse().ok().map(|state: State| Key::Number(state.number())),
        Field::StartedAt | Field::EndedAt | Field::UpdatedAt => value.as_i64().map(Key::Number),
        _ => value.as_str().map(|text| Key::Text(text.to_owned())),
    }
}

/// The value at a path; `None` when nothing is there.
fn value(instance: &Instance, path: &[String]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let (document, path) = match first.as_str() {
        "workflowdata" => (instance.data.as_str(), rest),
        "workflowdatainput" => return None,
        _ => (instance.extra.as_deref()?, path),
    };
    let mut value: Value = serde_json::from_str(document).ok()?;
    for name in path {
        value = value.as_object_mut()?.remove(name)?;
    }
    Some(value)
}

fn json_passes(value: Option<&Value>, condition: &Condition) -> bool {
    let Some(value) = value else {
        return match condition {
            Condition::IsNull(null) => *null,
            Condition::ContainsAll(operands) => operands.is_empty(),
            _ => false,
        };
    };
    let compare = |operand: &Value| compare(value, operand);
    match condition {
        Condition::Equal(operand) => equal(value, operand),
        Condition::In(operands) => operands.iter().any(|operand| equal(value, operand)),
        Condition::Greater(operand) => compare(operand).is_some_and(Ordering::is_gt),
        Condition::GreaterOrEqual(operand) => compare(operand).is_some_and(Ordering::is_ge),
        Condition::Less(operand) => compare(operand).is_some_and(Ordering::is_lt),
        Condition::LessOrEqual(operand) => compare(operand).is_some_and(Ordering::is_le),
        Condition::Between(from, to) => {
            compare(from).is_some_and(Ordering::is_ge) && compare(to).is_some_and(Ordering::is_le)
        }
        Condition::IsNull(null) => value.is_null() == *null,
        Condition::Like(pattern) => text(value).is_some_and(|text| like(pattern, &text)),
        Condition::Contains(operand) => contains(value, operand),
        Condition::ContainsAll(operands) => operands.iter().all(|operand| contains(value, operand)),
        Condition::ContainsAny(operands) => operands.iter().any(|operand| contains(value, operand)),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn equal(value: &Value, operand: &Value) -> bool {
    match operand {
        Value::String(operand) => text(value).as_ref() == Some(operand),
        Value::Number(_) => compare(value, operand).is_some_and(Ordering::is_eq),
        _ => *value == *operand && value.is_string() == operand.is_string(),
    }
}

fn compare(value: &Value, operand: &Value) -> Option<Ordering> {
    match operand {
        Value::String(operand) => text(value).map(|text| text.cmp(operand)),
        Value::Number(_) => match (value.as_i64(), operand.as_i64()) {
            (Some(value), Some(operand)) => Some(value.cmp(&operand)),
            _ => value.as_f64()?.partial_cmp(&operand.as_f64()?),
        },
        _ => None,
    }
}

fn contains(value: &Value, operand: &Value) -> bool {
    match value {
        Value::Array(items) => {
            items.iter().any(|item| item.is_string() == operand.is_string() && equal(item, operand))
        }
        Value::Object(members) => operand.as_str().is_some_and(|name| members.contains_key(name)),
        _ => false,
    }
}

fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}
