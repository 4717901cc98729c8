//! A service on loopback. A test takes its calls one after the other, and answers each when it likes.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, oneshot},
};

/// The service.
pub(crate) struct Service {
    /// Its address.
    pub(crate) url: String,
    calls: Mutex<mpsc::UnboundedReceiver<Call>>,
}

/// A call that waits for its answer.
pub(crate) struct Call {
    /// Path of the request.
    pub(crate) path: String,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    answer: oneshot::Sender<(StatusCode, Value)>,
}

impl Service {
    /// Starts the service on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, receiver) = mpsc::unbounded_channel();
        let routes = Router::new().fallback(take).with_state(sender);
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, calls: Mutex::new(receiver) }
    }

    /// Waits for the next call.
    pub(crate) async fn call(&self) -> Call {
        self.calls.lock().await.recv().await.unwrap()
    }

    /// Whether a call has arrived that the test has not taken.
    pub(crate) async fn has_call(&self) -> bool {
        !self.calls.lock().await.is_empty()
    }
}

impl Call {
    /// Answers with 200.
    pub(crate) fn answer(self, body: Value) {
        self.answer_with(200, body);
    }

    /// Answers with a status.
    pub(crate) fn answer_with(self, status: u16, body: Value) {
        // This fails if the engine has stopped meanwhile, which is fine.
        let _ = self.answer.send((StatusCode::from_u16(status).unwrap(), body));
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn take(State(calls): State<mpsc::UnboundedSender<Call>>, request: Request) -> Response {
    let (answer, answered) = oneshot::channel();
    let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
    if calls.send(Call { path, headers, answer }).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answered.await {
        Ok((status, body)) => (status, axum::Json(body)).into_response(),
        // The test has dropped the call, so it gets no answer.
        Err(_) => std::future::pending().await,
    }
}
