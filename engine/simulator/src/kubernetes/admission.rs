//! Whether the server accepts an object: its shape, its name, `KubeVirt`'s rules, and the rights of the token.
//!
//! Promises: an object that passed can be stored and changed without a further look at the type of its members.

use serde_json::Value;

use super::resource::{MACHINES, NAMESPACES, Resource};
use super::status::Problem;

/// Checks the members that every object must have; gives its name.
pub(super) fn check(resource: &Resource, namespace: &str, object: &Value) -> Result<String, Problem> {
    let Some(fields) = object.as_object() else {
        return Err(Problem::bad_request("the object provided is unrecognized: it is no JSON object"));
    };
    for (field, expected) in [("apiVersion", resource.api_version()), ("kind", resource.kind.to_owned())] {
        let given = fields.get(field).and_then(Value::as_str).unwrap_or_default();
        if given != expected {
            let message =
                format!("the {field} in the data ({given}) does not match the expected {field} ({expected})");
            return Err(Problem::bad_request(message));
        }
    }
    for field in ["metadata", "spec"] {
        if !fields.get(field).is_none_or(|value| value.is_object() || value.is_null()) {
            return Err(Problem::bad_request(format!("the {field} of the object is no JSON object")));
        }
    }
    let metadata = &object["metadata"];
    if !matches!(metadata["labels"], Value::Null | Value::Object(_)) {
        return Err(Problem::bad_request("the labels of the object are no JSON object"));
    }
    let within = metadata["namespace"].as_str().filter(|_| resource.namespaced);
    if within.is_some_and(|within| within != namespace) {
        return Err(Problem::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let name = metadata["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return Err(Problem::invalid(
            resource,
            "",
            "metadata.name",
            "Required value: name or generateName is required",
        ));
    }
    if !is_label(name) {
        let why = format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 label must consist of lower case alphanumeric \
             characters or '-', and must start and end with an alphanumeric character"
        );
        return Err(Problem::invalid(resource, name, "metadata.name", &why));
    }
    Ok(name.to_owned())
}

/// `KubeVirt`'s rules about running; `spec` becomes part of the object that they refuse.
pub(super) fn check_run_strategy(name: &str, spec: &Value) -> Result<(), Problem> {
    let invalid = |field: &str, why: &str| Err(Problem::invalid(&MACHINES, name, field, why));
    if !spec["template"].is_object() {
        return invalid("spec.template", "Required value");
    }
    match (spec["running"].is_null(), spec["runStrategy"].is_null()) {
        (false, false) => invalid("spec.running", "Running and RunStrategy are mutually exclusive"),
        (true, true) => invalid("spec.running", "One of Running or RunStrategy must be specified"),
        _ => Ok(()),
    }
}

/// Refuses changes for which the token has no right.
pub(super) fn guard(resource: &Resource, namespace: &str, name: &str) -> Result<(), Problem> {
    let of_system = |namespace: &str| namespace.starts_with("kube-") || namespace.starts_with("openshift-");
    let within = if *resource == NAMESPACES { name } else { namespace };
    if of_system(within) {
        let why = format!(
            "User \"system:serviceaccount:self-service:bot\" cannot change resource \"{}\" in API group \"{}\" in the \
             namespace \"{within}\"",
            resource.plural, resource.group
        );
        return Err(Problem::forbidden(resource, name, &why));
    }
    if *resource == NAMESPACES && name == "default" {
        return Err(Problem::forbidden(resource, name, "this namespace may not be deleted or changed"));
    }
    Ok(())
}

/// RFC 1123 label: letters, digits, hyphens within, at most 63.
fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 63 && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
