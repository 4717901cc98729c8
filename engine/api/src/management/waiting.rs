//! Shows the waits of an instance as Kogito's work items and timers.

use axum::{extract::State, http::StatusCode, response::Response};
use rondo_runtime::{Engine, Refusal, WaitView, Waiting};
use serde::Serialize;
use uuid::Uuid;

use super::operations::find;
use crate::{answers, app::App, errors::ErrorAnswer, extract::Path, moments, node_kinds::node_instance_id};

/// A call that has not been answered yet.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkItem {
    id: String,
    node_instance_id: String,
    name: String,
    process_instance_id: Uuid,
}

/// A moment at which an instance continues by itself.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timer {
    #[serde(rename = "timerId")]
    id: String,
    process_instance_id: Uuid,
    node_instance_id: String,
    description: String,
    expiration_time: String,
}

/// The calls of an instance that have not been answered yet.
pub(crate) async fn work_items(engine: &Engine, id: Uuid) -> Result<Vec<WorkItem>, Refusal> {
    let waits = engine.waits(id).await?;
    Ok(waits.iter().filter_map(|wait| work_item(id, wait)).collect())
}

pub(super) async fn node_instances(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
) -> Result<Response, ErrorAnswer> {
    let id = find(&app, &place).await?;
    Ok(answers::json(&app.memory, StatusCode::OK, &work_items(&app.engine, id).await?))
}

pub(super) async fn timers(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
) -> Result<Response, ErrorAnswer> {
    let id = find(&app, &place).await?;
    let waits = app.engine.waits(id).await?;
    let timers: Vec<Timer> = waits.iter().filter_map(|wait| timer(id, wait)).collect();
    Ok(answers::json(&app.memory, StatusCode::OK, &timers))
}

fn work_item(id: Uuid, wait: &WaitView) -> Option<WorkItem> {
    let Waiting::Call { function, .. } = &wait.waiting else { return None };
    let node_instance_id = node_instance_id(id, wait.visit);
    Some(WorkItem {
        id: node_instance_id.clone(),
        node_instance_id,
        name: function.to_string(),
        process_instance_id: id,
    })
}

fn timer(id: Uuid, wait: &WaitView) -> Option<Timer> {
    let (until, what) = match &wait.waiting {
        Waiting::Sleep { until } => (*until, "sleeps in"),
        Waiting::Retry { until, .. } => (*until, "tries again in"),
        Waiting::Events { until: Some(until), .. } => (*until, "waits for an event in"),
        _ => return None,
    };
    let node_instance_id = node_instance_id(id, wait.visit);
    Some(Timer {
        id: node_instance_id.clone(),
        process_instance_id: id,
        node_instance_id,
        description: format!("{what} state {}", wait.state),
        expiration_time: moments::date_time(until),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_wait_is_a_timer_if_it_ends_by_itself_and_a_work_item_if_a_service_ends_it() {
        for (waiting, description, work_item_name) in [
            (Waiting::Sleep { until: 0 }, Some("sleeps in state S"), None),
            (Waiting::Retry { until: 0, attempt: 2 }, Some("tries again in state S"), None),
            (
                Waiting::Events { events: vec![], correlation: BTreeMap::new(), until: Some(0) },
                Some("waits for an event in state S"),
                None,
            ),
            (Waiting::Events { events: vec![], correlation: BTreeMap::new(), until: None }, None, None),
            (Waiting::Call { function: "f".into(), attempt: 1 }, None, Some("f")),
            (Waiting::Subflow { workflow: "w".into() }, None, None),
            (Waiting::Repair, None, None),
        ] {
            let wait = WaitView { state: "S".into(), action: None, waiting, visit: 4, since: None };
            assert_eq!(
                timer(Uuid::nil(), &wait).map(|timer| timer.description).as_deref(),
                description,
                "{wait:?}"
            );
            assert_eq!(
                work_item(Uuid::nil(), &wait).map(|item| item.name).as_deref(),
                work_item_name,
                "{wait:?}"
            );
        }
    }
}
