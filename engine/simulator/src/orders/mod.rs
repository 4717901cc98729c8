//! The order service of a shop: takes orders, has them provisioned, and follows what becomes of them.
//!
//! ```text
//!  customer ──▶ POST /orders ──▶ order.confirmed ──▶ platform
//!  platform ──▶ POST /hooks/provisioning, signed ──▶ state of the order
//! ```
//!
//! Promises: an order is announced until the platform takes the event; an event that comes again changes nothing; an
//! event whose signature is wrong is refused. Never: knows what the platform does with an order.

mod announce;
mod handler;
mod order;

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use announce::run;
pub use order::{Order, OrderState};

use crate::world::Shared;

/// Secret of the service's webhook, unless the options say otherwise.
pub const WEBHOOK_SECRET: &str = "simulated-webhook-secret";

/// Orders, and events received, at most.
const MOST: usize = 2000;

/// An event that the platform sent to the webhook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceivedEvent {
    /// When it came, by the simulator's clock.
    pub time: Timestamp,
    /// `provisioning.started`, …
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its id.
    pub id: String,
    /// Its data.
    pub data: Value,
}

/// All orders, oldest first, and the latest events.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    orders: Vec<Order>,
    events: VecDeque<ReceivedEvent>,
}

impl Orders {
    pub(crate) fn orders(&self) -> &[Order] {
        &self.orders
    }

    pub(crate) fn events(&self) -> &VecDeque<ReceivedEvent> {
        &self.events
    }
}

/// The API.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/orders", get(handler::list).post(handler::create))
        .route("/orders/{id}", get(handler::read))
        .route("/hooks/provisioning", post(handler::receive))
}

/// `{"error": "message"}`.
pub(crate) fn refusal_body(message: &str) -> Value {
    json!({ "error": message })
}
