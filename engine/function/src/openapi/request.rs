//! Distributes an action's arguments over path, query, headers, cookies and body of an operation.
//!
//! Promises: pure and total: any arguments give a request or an error that names the argument at fault.

use std::collections::{HashMap, HashSet};

use rondo_expression::Val;

use super::body;
use super::convert::to_request_value;
use super::operation::{Operation, Parameter, Place};
use super::style;
use crate::encoding::has_dot_segment;
use crate::request_builder::RequestBuilder;

/// Builds the request without its base address: the URL is path and query only. Pieces of the query, cookies and members of the body have the
/// order of the arguments; those without an argument follow. `multi_segment` says whether a `/` in an argument of the path separates segments if
/// the document does not.
pub(crate) fn build(
    operation: &Operation,
    arguments: &Val,
    multi_segment: bool,
) -> Result<RequestBuilder, String> {
    let mut builder = RequestBuilder::new(&operation.method);
    let (named, whole) = match arguments {
        Val::Object(_) => (arguments, None),
        Val::Null => (&Val::Null, None),
        other => (&Val::Null, Some(other)),
    };
    let mut path = operation.path.clone();
    let mut query = Vec::new();
    let mut cookies = Vec::new();
    for parameter in in_order(&operation.parameters, named) {
        let Some(value) = argument(parameter, named, operation)? else { continue };
        match &parameter.place {
            Place::Path(style) => {
                let written = style::path(parameter, style, &value, multi_segment);
                path = path.replace(&format!("{{{}}}", parameter.name), &written);
            }
            Place::Query(style) => query.extend(style::query(parameter, style, &value)),
            Place::Header => builder.headers.set(&parameter.name, style::header(parameter, &value)),
            Place::Cookie => cookies.push(style::cookie(parameter, &value)),
        }
    }
    if !cookies.is_empty() {
        builder.headers.set("Cookie", cookies.join("; "));
    }
    if has_dot_segment(&path) {
        return Err(format!("the arguments make `{path}` of the path, which would be another path"));
    }
    builder.url = path;
    builder.query = query;
    if let Some(declared) = &operation.body {
        let chosen = if let Some(value) = whole {
            to_request_value(value.clone(), &declared.shape, &operation.shapes).map(Some)
        } else {
            let names: HashSet<&str> =
                operation.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            let left = named.members().shared().filter(|(name, _)| !names.contains(&***name));
            let left = Val::object(left.map(|(name, value)| (name.clone(), value.clone())));
            body::choose(declared, &operation.method, left, &operation.shapes)
        };
        if let Some(value) = chosen.map_err(|mismatch| format!("the body {mismatch}"))? {
            builder.body = Some(body::encode(declared, &value, &operation.shapes));
        }
    }
    Ok(builder)
}

/// The parameters in the order of their arguments.
fn in_order<'a>(parameters: &'a [Parameter], named: &Val) -> Vec<&'a Parameter> {
    let places: HashMap<&str, usize> =
        named.members().into_iter().enumerate().map(|(place, (name, _))| (name, place)).collect();
    let mut parameters: Vec<&Parameter> = parameters.iter().collect();
    parameters.sort_by_key(|parameter| places.get(parameter.name.as_str()).copied().unwrap_or(usize::MAX));
    parameters
}

/// The value of a parameter: the argument of its name. Only a path parameter is required here, and falls back to its default. Published flows
/// omit other parameters that their documents require, so the service checks those.
fn argument(parameter: &Parameter, named: &Val, operation: &Operation) -> Result<Option<Val>, String> {
    let name = &parameter.name;
    let in_path = matches!(parameter.place, Place::Path(_));
    let given = named.get(name).filter(|value| !value.is_null());
    let default = parameter.default.as_ref();
    let default = default.filter(|default| in_path && operation.shapes.allow(default, &parameter.shape));
    let Some(value) = given.or(default) else {
        return if in_path { Err(format!("missing parameter `{name}`")) } else { Ok(None) };
    };
    let value = to_request_value(value.clone(), &parameter.shape, &operation.shapes)
        .map_err(|mismatch| format!("parameter `{name}` {mismatch}"))?;
    if in_path && style::text_of(&value).is_empty() {
        return Err(format!("parameter `{name}` is empty, which would make another path"));
    }
    Ok(Some(value))
}
