//! An order, and how events about its requests move it on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderState {
    /// Taken; nothing is known of its provisioning yet.
    Confirmed,
    /// Some of it is being provisioned.
    Provisioning,
    /// All of it is there.
    Delivered,
    /// Some of it failed; what was paid is not given back yet.
    Failed,
    /// Some of it failed or was cancelled, and was taken back: the customer gets the money.
    Refunded,
    /// All of it was there once, and the customer gave it back.
    Ended,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its id, which events about it carry as `orderId`.
    pub id: String,
    /// What was ordered: data of `order.confirmed`.
    pub data: Value,
    /// Where it stands.
    pub state: OrderState,
    /// When it was taken.
    pub confirmed: Timestamp,
    /// Whether the platform took the event.
    pub announced: bool,
    /// Requests of the platform for it, with the last that was heard of each.
    pub requests: BTreeMap<String, OrderState>,
}

impl Order {
    /// Takes an event of the platform about one of its requests.
    pub(super) fn take(&mut self, event_type: &str, data: &Value) {
        let Some(request) = data["requestId"].as_str() else { return };
        let state = match (event_type, data["cause"].as_str()) {
            ("provisioning.completed", _) => OrderState::Delivered,
            ("provisioning.failed", _) => OrderState::Failed,
            ("provisioning.rolled-back", Some("deprovisioned")) => OrderState::Ended,
            ("provisioning.rolled-back", _) => OrderState::Refunded,
            ("provisioning.started", _) => OrderState::Provisioning,
            _ => {
                self.requests.entry(request.to_owned()).or_insert(OrderState::Provisioning);
                return self.settle();
            }
        };
        self.requests.insert(request.to_owned(), state);
        self.settle();
    }

    fn settle(&mut self) {
        let items = self.data["items"].as_array().map_or(1, Vec::len);
        let has = |state| self.requests.values().any(|other| *other == state);
        let all = |state| self.requests.len() >= items && self.requests.values().all(|other| *other == state);
        self.state = if has(OrderState::Refunded) {
            OrderState::Refunded
        } else if has(OrderState::Failed) {
            OrderState::Failed
        } else if all(OrderState::Ended) {
            OrderState::Ended
        } else if all(OrderState::Delivered) {
            OrderState::Delivered
        } else {
            OrderState::Provisioning
        };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn after(items: usize, events: &[(&str, &str, &str)]) -> OrderState {
        let mut order = Order {
            id: "ord-1".to_owned(),
            data: json!({ "items": vec![json!({}); items] }),
            state: OrderState::Confirmed,
            confirmed: Timestamp::UNIX_EPOCH,
            announced: true,
            requests: BTreeMap::new(),
        };
        for (event, request, cause) in events {
            order.take(&format!("provisioning.{event}"), &json!({ "requestId": request, "cause": cause }));
        }
        order.state
    }

    #[test]
    fn an_order_is_delivered_when_all_of_it_is() {
        assert_eq!(after(2, &[]), OrderState::Confirmed);
        assert_eq!(after(2, &[("started", "a", "")]), OrderState::Provisioning);
        assert_eq!(after(2, &[("completed", "a", "")]), OrderState::Provisioning);
        assert_eq!(
            after(2, &[("completed", "a", ""), ("step-completed", "b", "")]),
            OrderState::Provisioning
        );
        assert_eq!(after(2, &[("completed", "a", ""), ("completed", "b", "")]), OrderState::Delivered);
    }

    #[test]
    fn the_customer_gets_the_money_unless_they_gave_it_back_themselves() {
        assert_eq!(after(1, &[("failed", "a", "")]), OrderState::Failed);
        assert_eq!(after(1, &[("failed", "a", ""), ("rolled-back", "a", "failure")]), OrderState::Refunded);
        assert_eq!(after(1, &[("rolled-back", "a", "cancelled")]), OrderState::Refunded);
        assert_eq!(
            after(1, &[("completed", "a", ""), ("rolled-back", "a", "deprovisioned")]),
            OrderState::Ended
        );
    }
}
