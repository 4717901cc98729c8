//! The handlers of the order service.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ring::hmac;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{MOST, Order, OrderState, ReceivedEvent, refusal_body};
use crate::world::Shared;

/// The header of the signature: `sha256=` and the HMAC of the body in hexadecimal digits.
const SIGNATURE: &str = "x-hub-signature-256";

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(refusal_body(message))).into_response()
}

/// `POST /orders`: `{"orderId"?, "pool", "customer", "items"}`. The same order again is answered with 200.
pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let mut data: Value = match serde_json::from_slice(&body) {
        Ok(data) => data,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let has_items = data["items"].as_array().is_some_and(|items| !items.is_empty());
    if !data["pool"].is_string() || !data["customer"].is_string() || !has_items {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "an order has `pool`, `customer` and `items`");
    }
    let mut world = shared.world();
    let given = data["orderId"].as_str().map(str::to_owned);
    let id = given.unwrap_or_else(|| format!("ord-{}", &Uuid::new_v4().simple().to_string()[..8]));
    data["orderId"] = id.clone().into();
    if let Some(known) = world.orders.orders.iter().find(|order| order.id == id) {
        return Json(known).into_response();
    }
    if world.orders.orders.len() >= MOST {
        return refuse(
            StatusCode::INSUFFICIENT_STORAGE,
            "there are too many orders: reset with `POST /_sim/reset`",
        );
    }
    let confirmed = world.clock.now();
    let (state, requests) = (OrderState::Confirmed, BTreeMap::new());
    let order = Order { id, data, state, confirmed, announced: false, requests };
    world.orders.orders.push(order.clone());
    drop(world);
    shared.changed.notify_waiters();
    (StatusCode::CREATED, Json(order)).into_response()
}

/// `GET /orders`
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "items": shared.world().orders.orders }))
}

/// `GET /orders/{id}`
pub(super) async fn read(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    match shared.world().orders.orders.iter().find(|order| order.id == id) {
        Some(order) => Json(order).into_response(),
        None => refuse(StatusCode::NOT_FOUND, &format!("there is no order `{id}`")),
    }
}

/// `POST /hooks/provisioning`: a structured CloudEvent with the signature of a webhook.
pub(super) async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_signed(shared.options.webhook_secret.as_bytes(), &body, signature) {
        return refuse(StatusCode::UNAUTHORIZED, &format!("the header {SIGNATURE} does not sign the body"));
    }
    let mut event: Value = match serde_json::from_slice(&body) {
        Ok(event) => event,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let (Some(id), Some(event_type)) = (event["id"].as_str(), event["type"].as_str()) else {
        return refuse(StatusCode::BAD_REQUEST, "the body is no CloudEvent: it has no `id` and `type`");
    };
    let (id, event_type) = (id.to_owned(), event_type.to_owned());
    let mut world = shared.world();
    let time = world.clock.now();
    let orders = &mut world.orders;
    if orders.events.iter().any(|event| event.id == id) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let data = event["data"].take();
    if let Some(order) = orders.orders.iter_mut().find(|order| data["orderId"] == order.id) {
        order.take(&event_type, &data);
    }
    if orders.events.len() >= MOST {
        orders.events.pop_front();
    }
    orders.events.push_back(ReceivedEvent { time, event_type, id, data });
    StatusCode::NO_CONTENT.into_response()
}

/// Whether `sha256=<hex>` is the HMAC of a body with this secret.
fn is_signed(secret: &[u8], body: &[u8], signature: &str) -> bool {
    let digits = signature.strip_prefix("sha256=").unwrap_or_default();
    let bytes = (0..digits.len())
        .step_by(2)
        .map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    let bytes: Option<Vec<u8>> = bytes.collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    bytes.is_some_and(|bytes| hmac::verify(&key, body, &bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_secret_and_body() {
        // From GitHub's documentation of webhooks, "Testing the webhook payload validation".
        let secret = b"It's a Secret to Everybody";
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(secret, b"Hello, World!", right));
        assert!(!is_signed(secret, b"Hello, World?", right));
        for wrong in ["", "sha256=", "sha1=757107", "sha256=7571", "sha256=zz", "sha256=ä"] {
            assert!(!is_signed(secret, b"Hello, World!", wrong), "{wrong}");
        }
    }
}
