//! Access tokens from `OAuth2` token endpoints.
//!
//! Owns: the cache of tokens. Promises: one request at a time for a token, which is used until shortly before it expires;
//! neither tokens nor client secrets appear in errors. Source: RFC 6749, sections 4.3 and 4.4; `OpenID` Connect
//! Discovery 1.0, section 4.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rondo_memory::{MemoryBudget, Share};
use serde::Deserialize;
use url::Url;

use crate::large_answer::BeforeLargeAnswer;
use crate::redirects::Redirects;
use crate::request_builder::Headers;
use crate::secret::Secret;
use crate::security;
use crate::transport::{Outgoing, Transport};

/// How to get a token; equal requests share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenRequest {
    pub(crate) endpoint: Endpoint,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    /// The secret is sent in the body, not as HTTP basic.
    pub(crate) secret_in_body: bool,
    /// Name and password, for the password grant.
    pub(crate) user: Option<(String, Secret)>,
    pub(crate) scopes: Vec<String>,
}

/// The address of a token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    Known(String),
    /// The address of the discovery document that names it.
    Discovered(String),
}

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// The cache.
#[derive(Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<TokenRequest, Slot>>,
}

struct Token {
    secret: Secret,
    until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<Lifetime>,
}

#[derive(Deserialize)]
struct Discovery {
    token_endpoint: String,
}

/// The seconds for which a token holds: a number, which some servers write as text; `None` for anything else.
struct Lifetime(Option<u64>);

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written<'a> {
            Number(u64),
            Text(&'a str),
        }
        let written = <&serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(Self(match serde_json::from_str(written.get()) {
            Ok(Written::Number(seconds)) => Some(seconds),
            Ok(Written::Text(text)) => text.parse().ok(),
            Err(_) => None,
        }))
    }
}

/// Most bytes of the answer of a token endpoint. Tokens with many claims have some ten thousand.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// A token is renewed this long before it expires, so that it does not expire during the call.
const MARGIN: Duration = Duration::from_secs(10);

/// How long a token is used whose endpoint gives no `expires_in`: short, because it may expire at any time, but long enough
/// for a burst of calls.
const UNKNOWN_LIFETIME: Duration = Duration::from_mins(1);

/// Longest time for an answer of a token endpoint.
const DEADLINE: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Tokens {
    /// A valid token. While one caller waits for the endpoint the others wait for the same answer.
    pub(crate) async fn get(
        &self,
        request: &TokenRequest,
        transport: &Transport,
        memory: &MemoryBudget,
    ) -> Result<Secret, String> {
        let slot = self.slot(request);
        let mut cached = slot.lock().await;
        if let Some(token) = cached.as_ref().filter(|token| token.until > Instant::now()) {
            return Ok(token.secret.clone());
        }
        let token = fetch_token(request, transport, memory).await?;
        let secret = token.secret.clone();
        *cached = Some(token);
        Ok(secret)
    }

    /// Forgets a token that a service did not accept.
    pub(crate) async fn forget(&self, request: &TokenRequest) {
        *self.slot(request).lock().await = None;
    }

    fn slot(&self, request: &TokenRequest) -> Slot {
        let mut slots = self.slots.lock();
        Arc::clone(slots.entry(request.clone()).or_default())
    }
}

async fn fetch_token(
    request: &TokenRequest,
    transport: &Transport,
    memory: &MemoryBudget,
) -> Result<Token, String> {
    let mut share = memory.share();
    let address = match &request.endpoint {
        Endpoint::Known(address) => address.clone(),
        Endpoint::Discovered(address) => {
            let body = send(transport, &mut share, "GET", address, Headers::default(), None).await?;
            let found: Result<Discovery, _> = serde_json::from_slice(&body);
            found.map_err(|_| format!("`{address}` names no token_endpoint"))?.token_endpoint
        }
    };
    let (headers, form) = token_form(request);
    let asked = Instant::now();
    let body = send(transport, &mut share, "POST", &address, headers, Some(form)).await?;
    let answer: TokenAnswer =
        serde_json::from_slice(&body).map_err(|_| format!("`{address}` answered without an access_token"))?;
    let seconds = answer.expires_in.and_then(|lifetime| lifetime.0);
    let lifetime = seconds.map_or(UNKNOWN_LIFETIME, Duration::from_secs).saturating_sub(MARGIN);
    let until = asked.checked_add(lifetime).unwrap_or(asked);
    Ok(Token { secret: Secret::new(answer.access_token), until })
}

/// Headers and form of the request for a token.
fn token_form(request: &TokenRequest) -> (Headers, String) {
    let mut headers = Headers::default();
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    match &request.user {
        None => {
            form.append_pair("grant_type", "client_credentials");
        }
        Some((name, password)) => {
            form.append_pair("grant_type", "password");
            form.append_pair("username", name).append_pair("password", password.expose());
        }
    }
    if !request.scopes.is_empty() {
        form.append_pair("scope", &request.scopes.join(" "));
    }
    if request.secret_in_body {
        form.append_pair("client_id", &request.client_id);
        form.append_pair("client_secret", request.client_secret.expose());
    } else {
        headers.set("Authorization", security::basic(&request.client_id, request.client_secret.expose()));
    }
    (headers, form.finish())
}

async fn send(
    transport: &Transport,
    share: &mut Share,
    method: &str,
    address: &str,
    mut headers: Headers,
    form: Option<String>,
) -> Result<Vec<u8>, String> {
    headers.add("Accept", "application/json");
    let url = Url::parse(address).map_err(|error| format!("`{address}` is no address: {error}"))?;
    let body = form.map(|form| ("application/x-www-form-urlencoded".to_owned(), form.into()));
    let outgoing = Outgoing {
        method: method.to_owned(),
        url,
        headers,
        body,
        max_answer_bytes: Some(MAX_ANSWER_BYTES),
        cuts_errors: true,
        connect_timeout: CONNECT_TIMEOUT,
        deadline: DEADLINE,
        redirects: Redirects::SameHost,
        before_large_answer: BeforeLargeAnswer::default(),
    };
    let incoming =
        transport.send(&outgoing, share).await.map_err(|error| format!("{method} {address} {error}"))?;
    if incoming.is_success() {
        Ok(incoming.body.bytes)
    } else {
        Err(format!("{method} {address} answered {} {}", incoming.status, incoming.reason))
    }
}
