//! A receiver of webhooks that repeats in its answer what it was sent, and refuses every second delivery.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use tokio::net::TcpListener;

use crate::platform::canary;

pub(crate) struct Receiver {
    url: String,
    count: Arc<AtomicUsize>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let router = Router::new().fallback(take).with_state(Arc::clone(&count));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, count }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How many deliveries it was sent.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

async fn take(State(count): State<Arc<AtomicUsize>>, headers: HeaderMap) -> (StatusCode, String) {
    let status = if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
        StatusCode::OK
    } else {
        StatusCode::FORBIDDEN
    };
    let authorization = headers["authorization"].to_str().unwrap();
    let known = [canary("receiver-secret"), canary("receiver-password")].join(" and ");
    (status, format!("you came with {authorization}, that is {known}"))
}
