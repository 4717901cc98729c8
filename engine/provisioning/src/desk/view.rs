//! What the desk shows: the JSON of the contract. Nothing secret is in any of it.

use rondo_store::rusqlite::{Connection, Result};
use serde_json::{Map, Value, json};

use crate::{
    model::{Approval, Cluster, Delivery, Pool, Request, Resources, Webhook},
    tables::{self, events::Logged},
};

fn object(value: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// A request, with its history.
pub(crate) fn request_view(connection: &Connection, request: &Request) -> Result<Value> {
    let mut view = short_request_view(request);
    if let Some(name) = &request.cluster
        && let Some(cluster) = tables::clusters::get(connection, name)?
    {
        let place = json!({"name": cluster.name, "region": cluster.region, "apiUrl": cluster.api_url, "consoleUrl": cluster.console_url, "settings": cluster.settings});
        view["clusterDetails"] = place;
    }
    view["history"] = json!(tables::requests::history(connection, &request.id)?);
    Ok(view)
}

/// A request as lists have it.
pub(crate) fn short_request_view(request: &Request) -> Value {
    let mut view = object(&request.asked);
    let own = json!({
        "id": request.id,
        "state": request.state.name(),
        "steps": request.steps,
        "attempt": request.attempt,
        "recorded": request.recorded,
        "createdAt": request.created_at.to_string(),
        "changedAt": request.changed_at.to_string(),
    });
    view.extend(object(&own));
    // What it waits for now is more to the point than why it was asked for.
    if let Some(waits) = &request.waits_for {
        view.insert("reason".to_owned(), waits.clone().into());
    }
    for (name, value) in [
        ("ruleId", &request.rule_id),
        ("approvalId", &request.approval_id),
        ("cluster", &request.cluster),
        ("instanceId", &request.instance_id),
    ] {
        if let Some(value) = value {
            view.insert(name.to_owned(), value.clone().into());
        }
    }
    if let Some(access) = &request.access {
        view.insert("access".to_owned(), json!(access));
    }
    if let Some(failure) = &request.failure {
        view.insert("failure".to_owned(), json!(failure));
    }
    if let Some(cause) = &request.cause {
        view.insert("cause".to_owned(), json!(cause));
    }
    Value::Object(view)
}

/// A pool with what is used of it.
pub(crate) fn pool_view(id: &str, pool: &Pool, usage: &Resources) -> Value {
    let mut view = object(pool);
    view.insert("id".to_owned(), id.into());
    view.insert("usage".to_owned(), json!(usage));
    Value::Object(view)
}

/// An approval.
pub(crate) fn approval_view(approval: &Approval) -> Value {
    let mut view = object(&approval.asked);
    let own = json!({
        "id": approval.id,
        "state": approval.state,
        "votes": approval.votes,
        "createdAt": approval.created_at.to_string(),
    });
    view.extend(object(&own));
    for (name, moment) in [("deadlineAt", approval.deadline_at), ("decidedAt", approval.decided_at)] {
        if let Some(moment) = moment {
            view.insert(name.to_owned(), moment.to_string().into());
        }
    }
    Value::Object(view)
}

/// A cluster with what is used of it.
pub(crate) fn cluster_view(cluster: &Cluster, used: &Resources) -> Value {
    let mut view = object(cluster);
    let used = json!({"slots": used.instances, "cpu": used.cpu, "memoryGiB": used.memory, "storageGiB": used.storage});
    view.insert("used".to_owned(), used);
    Value::Object(view)
}

/// A webhook, without its secret and password.
pub(crate) fn webhook_view(id: &str, webhook: &Webhook) -> Value {
    let mut view = object(webhook);
    view.insert("id".to_owned(), id.into());
    view.insert("enabled".to_owned(), webhook.disabled_reason.is_none().into());
    Value::Object(view)
}

/// A delivery.
pub(crate) fn delivery_view(delivery: &Delivery) -> Value {
    Value::Object(object(delivery))
}

/// An event in the JSON form of CloudEvents.
pub(crate) fn event_view(event: &Logged) -> Value {
    json!({
        "specversion": "1.0",
        "id": event.id,
        "source": super::work::SOURCE,
        "type": event.event_type,
        "time": event.at.to_string(),
        "subject": event.request,
        "datacontenttype": "application/json",
        "pool": event.pool,
        "sequence": format!("{:020}", event.sequence),
        "data": event.data,
    })
}
