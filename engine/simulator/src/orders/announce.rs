//! Tells the platform of confirmed orders, until it has taken them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::OrderState;
use crate::world::Shared;

/// Between two attempts when the platform does not take an event.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends the event of each order, in their order. Ends with the process or the task.
pub(crate) async fn run(shared: Arc<Shared>, client: reqwest::Client, platform_url: String) {
    loop {
        // Registered before the look, so that no order is overlooked.
        let changed = shared.changed.notified();
        let next = shared.world().orders.orders.iter().find(|order| !order.announced).cloned();
        let Some(order) = next else {
            changed.await;
            continue;
        };
        let sent = client
            .post(&platform_url)
            .header("content-type", "application/cloudevents+json")
            .body(event(&order.id, &order.data).to_string())
            .send()
            .await;
        match sent {
            Ok(response) if response.status().is_success() => {
                let mut world = shared.world();
                let announced = world.orders.orders.iter_mut().find(|known| known.id == order.id);
                if let Some(order) = announced {
                    order.announced = true;
                }
            }
            // Asking again would not help, and the orders behind it wait.
            Ok(response) if response.status().is_client_error() => {
                tracing::warn!(order = order.id, status = %response.status(), "the platform refuses a confirmed order");
                let mut world = shared.world();
                let refused = world.orders.orders.iter_mut().find(|known| known.id == order.id);
                if let Some(order) = refused {
                    order.announced = true;
                    order.state = OrderState::Failed;
                }
            }
            other => {
                let why = match other {
                    Ok(response) => response.status().to_string(),
                    Err(error) => error.to_string(),
                };
                tracing::warn!(order = order.id, why, "the platform does not take a confirmed order");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// `order.confirmed`, with an id that stays the same when it is sent again.
fn event(id: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "type": "order.confirmed", "source": "/shop", "id": id,
        "datacontenttype": "application/json", "data": data,
    })
}
