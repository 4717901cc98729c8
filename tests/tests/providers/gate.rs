//! A gate between flows and the desk, which keeps a chosen call from being answered.
//!
//! Owns: an HTTP server that passes every request on. Promises: changes are counted in the order in which they come, reads are not; a call
//! that is held reaches the desk before it is held, or not at all.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use rondo_tests::Engine;
use tokio::net::TcpListener;

use crate::kills::Moment;

#[derive(Debug, Default)]
struct Book {
    target: String,
    /// Method and path of every change since [`Gate::watch`].
    changes: Vec<String>,
    /// The change that is held, counted from 0.
    holds: Option<(usize, Moment)>,
    held: usize,
}

/// The gate. It is closed with the runtime.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl Gate {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Self { address, book: Arc::default() };
        let router = Router::new().fallback(pass).with_state((gate.clone(), reqwest::Client::new()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        gate
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes requests on to this engine.
    pub(crate) fn lead_to(&self, engine: &Engine) {
        self.book().target = engine.url("");
    }

    /// Counts changes from here on, and holds the one of this number.
    pub(crate) fn watch(&self, holds: Option<(usize, Moment)>) {
        let mut book = self.book();
        book.changes.clear();
        book.holds = holds;
    }

    /// The changes since it watches.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.book().changes.clone()
    }

    /// How many changes were held.
    pub(crate) fn held(&self) -> usize {
        self.book().held
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a change down; says whether it is to be held.
    fn note(&self, change: String) -> Option<Moment> {
        let mut book = self.book();
        let number = book.changes.len();
        book.changes.push(change);
        let (_, moment) = book.holds.take_if(|(wanted, _)| *wanted == number)?;
        Some(moment)
    }

    /// Gives no answer for as long as the client waits for one.
    async fn keep(&self) -> Response {
        self.book().held += 1;
        std::future::pending().await
    }
}

async fn pass(State((gate, client)): State<(Gate, reqwest::Client)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let moment = match parts.method {
        Method::GET => None,
        _ => gate.note(format!("{} {}", parts.method, parts.uri.path())),
    };
    if moment == Some(Moment::Before) {
        return gate.keep().await;
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{}{}", gate.book().target, parts.uri);
    let passed = client.request(parts.method, url).headers(parts.headers).body(body).send().await;
    let Ok(answer) = passed else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    if moment == Some(Moment::After) {
        return gate.keep().await;
    }
    (status, headers, Body::from(body)).into_response()
}
