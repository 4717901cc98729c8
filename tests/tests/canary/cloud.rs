//! A man in the middle before the simulated cloud: learns the tokens of its sessions and the passwords of its servers, and can make it repeat
//! in an error what it was sent.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// More than any body of the cloud.
const MOST: usize = 1 << 20;

#[derive(Clone)]
pub(crate) struct Cloud(Arc<Shared>);

struct Shared {
    own: String,
    real: String,
    tokens: Mutex<Vec<String>>,
    hashes: Mutex<Vec<String>>,
    repeats: AtomicBool,
}

impl Cloud {
    /// Starts before the cloud at this address.
    pub(crate) async fn start(real: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let repeats = AtomicBool::new(false);
        let cloud =
            Self(Arc::new(Shared { own, real, tokens: Mutex::default(), hashes: Mutex::default(), repeats }));
        let router = Router::new().fallback(pass).with_state(cloud.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        cloud
    }

    pub(crate) fn url(&self) -> String {
        self.0.own.clone()
    }

    /// From now on the search for an image is answered with an error that has all headers of the request.
    pub(crate) fn repeat_headers(&self) {
        self.0.repeats.store(true, Ordering::Relaxed);
    }

    /// Tokens of sessions that Keystone gave.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hashes of passwords in what servers were begun with.
    pub(crate) fn hashes(&self) -> Vec<String> {
        self.0.hashes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(State(Cloud(shared)): State<Cloud>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST).await.unwrap();
    if shared.repeats.load(Ordering::Relaxed) && parts.uri.path().ends_with("/images") {
        let headers: Vec<String> =
            parts.headers.values().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
        let repeated =
            json!({"forbidden": {"code": 403, "message": format!("not with {}", headers.join(" and "))}});
        return (StatusCode::FORBIDDEN, axum::Json(repeated)).into_response();
    }
    if let Some(user_data) = user_data(&body) {
        let hash = user_data
            .split(|letter: char| letter.is_whitespace() || "\"'".contains(letter))
            .find(|word| word.starts_with("$6$"));
        let hash = hash.unwrap_or_else(|| panic!("cloud-init has no password: {user_data}")).to_owned();
        shared.hashes.lock().unwrap_or_else(PoisonError::into_inner).push(hash);
    }
    let mut headers = parts.headers;
    headers.remove("host");
    headers.remove("accept-encoding");
    let url = format!("{}{}", shared.real, parts.uri);
    let passed =
        reqwest::Client::new().request(parts.method, url).headers(headers).body(body).send().await.unwrap();
    let (status, mut headers) = (passed.status(), passed.headers().clone());
    if let Some(token) = headers.get("x-subject-token") {
        shared.tokens.lock().unwrap_or_else(PoisonError::into_inner).push(token.to_str().unwrap().to_owned());
    }
    // The catalog leads back here.
    let text =
        String::from_utf8(passed.bytes().await.unwrap().to_vec()).unwrap().replace(&shared.real, &shared.own);
    for name in ["content-length", "transfer-encoding"] {
        headers.remove(name);
    }
    answer(status, headers, text)
}

fn answer(status: StatusCode, headers: HeaderMap, text: String) -> Response {
    let mut response = (status, text).into_response();
    *response.headers_mut() = headers;
    response
}

/// What a server is begun with.
fn user_data(body: &Bytes) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let encoded = body.pointer("/server/user_data")?.as_str()?;
    Some(String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap())
}
