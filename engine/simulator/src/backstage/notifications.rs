//! `/api/notifications`: send and list.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, Refusal};
use crate::clock::millis;
use crate::world::Shared;

/// `POST {recipients: {type, entityRef}, payload: {title, …}}`: the notifications, one for each recipient.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    asked: Asked,
    body: Bytes,
) -> Result<Json<Vec<Value>>, Refusal> {
    let invalid = |message: &str| asked.refuse(StatusCode::BAD_REQUEST, message);
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| invalid(&format!("Malformed request: {error}")))?;
    let (recipients, payload) = (&body["recipients"], &body["payload"]);
    let title = payload["title"].as_str().is_some_and(|title| !title.is_empty());
    let missing: Vec<&str> = [(!title).then_some("title"), recipients.is_null().then_some("recipients")]
        .into_iter()
        .flatten()
        .collect();
    if !missing.is_empty() {
        let message = format!("Invalid notification request received. Missing: {}", missing.join(", "));
        return Err(invalid(&message));
    }
    let users: Vec<Value> = match (recipients["type"].as_str(), &recipients["entityRef"]) {
        (Some("broadcast"), _) => vec![Value::Null],
        (Some("entity"), Value::Array(references)) => references.clone(),
        (Some("entity"), reference @ Value::String(_)) => vec![reference.clone()],
        _ => return Err(invalid("Invalid recipients: `type` is `entity` with `entityRef`, or `broadcast`")),
    };

    let mut payload = payload.clone();
    if payload["severity"].is_null() {
        payload["severity"] = "normal".into();
    }
    let mut world = shared.world();
    let created = millis(world.clock.now());
    let sent = users.into_iter().map(|user| {
        let id = uuid::Uuid::new_v4().to_string();
        json!({ "id": id, "user": user, "created": created, "origin": "external:rondo", "payload": payload })
    });
    let sent: Vec<Value> = sent.collect();
    for notification in &sent {
        world.backstage.notify(notification.clone());
    }
    Ok(Json(sent))
}

/// `GET`: all notifications of everybody, the newest first.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.world();
    let notifications: Vec<&Value> = world.backstage.notifications().iter().rev().collect();
    Json(json!({ "totalCount": notifications.len(), "notifications": notifications }))
}
