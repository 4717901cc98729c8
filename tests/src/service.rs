//! A service that answers every request by its path, and remembers it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Uri},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A request that the service was sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// The part of the path behind the last slash.
    pub what: String,
    /// Its `Idempotency-Key`; empty when it has none.
    pub key: String,
    /// The body; null when it is no JSON.
    pub body: Value,
}

/// Answers `/<how>/<what>` with `{"answer": "<what>"}`, but never when `how` is `silent`.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    calls: Calls,
}

type Calls = Arc<Mutex<Vec<Call>>>;

impl Service {
    /// Starts it at a free port of the loopback. It ends with the runtime.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Calls::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&calls));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, calls }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that it was sent, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(State(calls): State<Calls>, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let what = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { what: what.clone(), key, body });
    if uri.path().starts_with("/silent/") {
        std::future::pending::<()>().await;
    }
    Json(json!({"answer": what}))
}
