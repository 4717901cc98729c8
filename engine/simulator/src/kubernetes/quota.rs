//! What is used of a `ResourceQuota`, and whether another object fits.
//!
//! Counts pods and claims, their requests and limits. Other members of a quota are shown as used by nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::quantity;
use super::resource::{CLAIMS, PODS, QUOTAS, Resource};
use super::status::Problem;

/// What objects take, by the names that quotas have for it, in thousandths.
pub(super) type Usage = BTreeMap<String, u128>;

/// What one object takes.
fn usage_of(resource: &Resource, object: &Value) -> Usage {
    let mut usage = Usage::new();
    let mut add = |name: String, value: &Value| {
        let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        *usage.entry(name).or_default() += quantity::parse(&given).unwrap_or_default();
    };
    if *resource == PODS {
        add("pods".to_owned(), &json!("1"));
        for container in object["spec"]["containers"].as_array().into_iter().flatten() {
            for kind in ["requests", "limits"] {
                for (what, value) in container["resources"][kind].as_object().into_iter().flatten() {
                    add(format!("{kind}.{what}"), value);
                }
            }
        }
    } else if *resource == CLAIMS {
        add("persistentvolumeclaims".to_owned(), &json!("1"));
        add("requests.storage".to_owned(), &object["spec"]["resources"]["requests"]["storage"]);
    }
    usage
}

/// What all objects of a namespace take.
pub(super) fn usage<'a>(objects: impl Iterator<Item = (&'static Resource, &'a Value)>) -> Usage {
    let mut sum = Usage::new();
    for (resource, object) in objects {
        for (name, value) in usage_of(resource, object) {
            *sum.entry(name).or_default() += value;
        }
    }
    sum
}

/// The `status` of a quota: what it allows, and what is used of it.
pub(super) fn status(quota: &Value, usage: &Usage) -> Value {
    let hard = &quota["spec"]["hard"];
    let used = |name: &String| quantity::text(usage.get(name).copied().unwrap_or_default());
    let used: Map<String, Value> =
        hard.as_object().into_iter().flatten().map(|(name, _)| (name.clone(), used(name).into())).collect();
    json!({ "hard": hard, "used": used })
}

/// Refuses an object that is more than a quota of its namespace allows.
pub(super) fn check(
    resource: &'static Resource,
    name: &str,
    object: &Value,
    quotas: &[Value],
    usage: &Usage,
) -> Result<(), Problem> {
    let asked = usage_of(resource, object);
    for quota in quotas {
        for (what, hard) in quota["spec"]["hard"].as_object().into_iter().flatten() {
            let hard = hard.as_str().map_or_else(|| hard.to_string(), str::to_owned);
            let (Some(limit), Some(asked)) = (quantity::parse(&hard), asked.get(what)) else { continue };
            let used = usage.get(what).copied().unwrap_or_default();
            if used + asked > limit {
                let (asked, used) = (quantity::text(*asked), quantity::text(used));
                let quota = quota["metadata"]["name"].as_str().unwrap_or(QUOTAS.plural);
                let why = format!(
                    "exceeded quota: {quota}, requested: {what}={asked}, used: {what}={used}, limited: {what}={hard}"
                );
                return Err(Problem::forbidden(resource, name, &why));
            }
        }
    }
    Ok(())
}
