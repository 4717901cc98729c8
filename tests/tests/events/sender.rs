//! Sends events as a careful partner does: again and again until somebody has taken one.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::route::Route;

/// An event to send.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    /// Extension attributes.
    pub(crate) extensions: Vec<(&'static str, String)>,
    pub(crate) data: Value,
}

/// Sends events to an engine or a broker that may be away. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sender {
    route: Route,
    at_once: Arc<Semaphore>,
    accepted: watch::Sender<usize>,
}

impl Sender {
    /// Sends so many events at once.
    pub(crate) fn new(route: Route, at_once: usize) -> Self {
        let (at_once, accepted) = (Arc::new(Semaphore::new(at_once)), watch::Sender::new(0));
        Self { route, at_once, accepted }
    }

    /// How many events have been taken.
    pub(crate) fn accepted(&self) -> watch::Receiver<usize> {
        self.accepted.subscribe()
    }

    /// Sends an event until it is taken.
    pub(crate) async fn send(&self, event: &Event) {
        let _place = self.at_once.acquire().await.unwrap();
        while !self.try_send(event).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.accepted.send_modify(|number| *number += 1);
    }

    /// Sends an event once; whether it was taken.
    pub(crate) async fn try_send(&self, event: &Event) -> bool {
        self.route.send(event).await
    }
}
