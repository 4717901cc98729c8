//! Sends events as a careful partner does: again and again until one is answered 202.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::{Semaphore, watch};

/// An event to send.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    /// Extension attributes.
    pub(crate) extensions: Vec<(&'static str, String)>,
    pub(crate) data: Value,
}

/// Sends events to an engine that may be away. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sender {
    engine: String,
    client: reqwest::Client,
    at_once: Arc<Semaphore>,
    accepted: watch::Sender<usize>,
}

impl Sender {
    /// Sends so many events at once.
    pub(crate) fn new(engine: String, at_once: usize) -> Self {
        let (at_once, accepted) = (Arc::new(Semaphore::new(at_once)), watch::Sender::new(0));
        Self { engine, client: reqwest::Client::new(), at_once, accepted }
    }

    /// How many events have been answered 202.
    pub(crate) fn accepted(&self) -> watch::Receiver<usize> {
        self.accepted.subscribe()
    }

    /// Sends an event until it is answered 202.
    pub(crate) async fn send(&self, event: &Event) {
        let _place = self.at_once.acquire().await.unwrap();
        while !self.try_send(event).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.accepted.send_modify(|number| *number += 1);
    }

    /// Sends an event once; whether it was answered 202. Any other answer than 202 fails the test.
    pub(crate) async fn try_send(&self, event: &Event) -> bool {
        let mut request = self
            .client
            .post(format!("{}/", self.engine))
            .header("ce-specversion", "1.0")
            .header("ce-id", &event.id)
            .header("ce-source", "/partner")
            .header("ce-type", event.kind);
        for (name, value) in &event.extensions {
            request = request.header(format!("ce-{name}"), value);
        }
        let Ok(answer) = request.json(&event.data).send().await else { return false };
        assert_eq!(answer.status(), 202, "{event:?}");
        true
    }
}
