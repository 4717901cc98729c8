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
use tokio::{net::TcpListener, sync::watch};

/// A request that the service was sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// The part of the path behind the last slash.
    pub what: String,
    /// Its `Idempotency-Key`; empty when it has none.
    pub key: String,
    /// Its `Authorization`; empty when it has none.
    pub authorization: String,
    /// Its `ce-id`; empty when it is no event.
    pub event: String,
    /// The body; null when it is no JSON.
    pub body: Value,
}

/// Answers `/<how>/<what>` with `{"answer": "<what>"}`: never when `how` is `silent`, when [`Service::open_gate`] was called when it is
/// `gate`, else at once.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    gate: watch::Sender<bool>,
}

impl Service {
    /// Starts it at a free port of the loopback. It ends with the runtime.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { calls: Mutex::default(), gate: watch::Sender::new(false) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that it was sent, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it was sent a request for this.
    pub fn count(&self, what: &str) -> usize {
        self.calls().iter().filter(|call| call.what == what).count()
    }

    /// From now on `/gate/…` is answered, also what waits there.
    pub fn open_gate(&self) {
        self.shared.gate.send_replace(true);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let what = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (key, authorization, event) = (header("idempotency-key"), header("authorization"), header("ce-id"));
    let body = serde_json::from_slice(&body).unwrap_or_default();
    shared.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call {
        what: what.clone(),
        key,
        authorization,
        event,
        body,
    });
    if uri.path().starts_with("/silent/") {
        std::future::pending::<()>().await;
    }
    if uri.path().starts_with("/gate/") {
        // The sender lives as long as the service.
        let _ = shared.gate.subscribe().wait_for(|open| *open).await;
    }
    Json(json!({"answer": what}))
}
