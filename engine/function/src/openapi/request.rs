//! Distributes an action's arguments over path, query, headers, cookies and body of an operation.
//!
//! Promises: pure and total; any arguments give a request or a text that names the argument at fault.

use serde_json::{Map, Value};

use super::body;
use super::convert::to_send;
use super::operation::{Operation, Parameter, Place};
use super::style;
use crate::draft::Draft;
use crate::encoding::has_dot_segment;

/// The request, its URL being the path and query only; the base address is put before it later.
pub(crate) fn draft(operation: &Operation, arguments: Value) -> Result<Draft, String> {
    let mut draft = Draft::new(&operation.method);
    let (mut named, whole) = match arguments {
        Value::Object(named) => (named, None),
        Value::Null => (Map::new(), None),
        other => (Map::new(), Some(other)),
    };
    let mut path = operation.path.clone();
    let mut query = Vec::new();
    let mut cookies = Vec::new();
    for parameter in &operation.parameters {
        let Some(value) = argument(parameter, &named, operation)? else { continue };
        match &parameter.place {
            Place::Path(style) => {
                path =
                    path.replace(&format!("{{{}}}", parameter.name), &style::path(parameter, style, &value));
            }
            Place::Query(style) => query.extend(style::query(parameter, style, &value)),
            Place::Header => draft.headers.set(&parameter.name, style::plain(parameter, &value)),
            Place::Cookie => cookies.push(format!("{}={}", parameter.name, style::plain(parameter, &value))),
        }
    }
    for parameter in &operation.parameters {
        named.remove(&parameter.name);
    }
    if !cookies.is_empty() {
        draft.headers.set("Cookie", cookies.join("; "));
    }
    if has_dot_segment(&path) {
        return Err(format!("the arguments make `{path}` of the path, which would be another path"));
    }
    draft.url = path;
    draft.query = query;
    if let Some(declared) = &operation.body {
        let chosen = match whole {
            Some(value) => to_send(value, &declared.shape, &operation.shapes).map(Some),
            None => body::choose(declared, &operation.method, named, &operation.shapes),
        };
        if let Some(value) = chosen.map_err(|mismatch| format!("the body {mismatch}"))? {
            draft.body = Some(body::encode(declared, &value));
        }
    }
    Ok(draft)
}

/// The value of a parameter: the argument of its name. Only a path cannot do without one; it has the default then. Whether a service
/// really needs what its document calls required is for the service to say, and published flows leave such parameters out.
fn argument(
    parameter: &Parameter,
    named: &Map<String, Value>,
    operation: &Operation,
) -> Result<Option<Value>, String> {
    let name = &parameter.name;
    let in_path = matches!(parameter.place, Place::Path(_));
    let given = named.get(name).filter(|value| !value.is_null());
    let Some(value) = given.or(parameter.default.as_ref().filter(|_| in_path)) else {
        return if in_path { Err(format!("missing parameter `{name}`")) } else { Ok(None) };
    };
    let value = to_send(value.clone(), &parameter.shape, &operation.shapes)
        .map_err(|mismatch| format!("parameter `{name}` {mismatch}"))?;
    if in_path && style::text_of(&value).is_empty() {
        return Err(format!("parameter `{name}` is empty, which would make another path"));
    }
    Ok(Some(value))
}
