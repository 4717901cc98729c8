//! Access tokens from `OAuth2` token endpoints.
//!
//! Owns: the cache of tokens. Promises: at most one request at a time for a token, which is used until shortly before it expires; neither tokens
//! nor client secrets appear in errors; an error repeats the endpoint's reason for a refusal. Source: RFC 6749, sections 4.3, 4.4 and 5.2;
//! `OpenID` Connect Discovery 1.0, section 4.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rondo_memory::{MemoryBudget, Share};
use serde::Deserialize;

use crate::secret::Secret;
use crate::token_request::{Endpoint, TokenRequest, parse_address, to_discovery, to_endpoint};
use crate::transport::{Outgoing, Transport};

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

/// The endpoint's answer instead of a token.
#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Deserialize)]
struct Discovery {
    token_endpoint: String,
}

/// The seconds until a token expires: a number, which some servers write as a string; `None` for anything else.
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

/// A token is renewed this long before it expires, so that it does not expire during the call.
const MARGIN: Duration = Duration::from_secs(10);

/// How long a token without `expires_in` is used: short, because it may expire at any time, but long enough for a burst of calls.
const UNKNOWN_LIFETIME: Duration = Duration::from_mins(1);

impl Tokens {
    /// A valid token. While one caller waits for the endpoint, the others wait for the same answer.
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
        Endpoint::Known(address) => parse_address(address)?,
        Endpoint::Discovered(address) => {
            let discovery = to_discovery(request, parse_address(address)?);
            let body = send(transport, &mut share, &discovery).await?;
            let found: Result<Discovery, _> = serde_json::from_slice(&body);
            let found = found.map_err(|_| format!("`{address}` names no token_endpoint"))?;
            parse_address(&found.token_endpoint)?
        }
    };
    let shown = address.clone();
    let asked = Instant::now();
    let body = send(transport, &mut share, &to_endpoint(request, address)?).await?;
    let answer: TokenAnswer =
        serde_json::from_slice(&body).map_err(|_| format!("`{shown}` answered without an access_token"))?;
    let seconds = answer.expires_in.and_then(|lifetime| lifetime.0);
    let lifetime = seconds.map_or(UNKNOWN_LIFETIME, Duration::from_secs).saturating_sub(MARGIN);
    let until = asked.checked_add(lifetime).unwrap_or(asked);
    Ok(Token { secret: Secret::new(answer.access_token), until })
}

async fn send(transport: &Transport, share: &mut Share, outgoing: &Outgoing) -> Result<Vec<u8>, String> {
    // Without the query, which may hold the client's secret.
    let mut shown = outgoing.url.clone();
    shown.set_query(None);
    let method = &outgoing.method;
    let incoming =
        transport.send(outgoing, share).await.map_err(|error| format!("{method} {shown} {error}"))?;
    // The answer is small, so decoding needs no claim.
    let text = incoming.utf8(&mut |_| true).unwrap_or_default();
    if incoming.is_success() {
        return Ok(text.into_owned());
    }
    let redirect = incoming.not_followed.as_ref().map(|redirect| format!(": {redirect}")).unwrap_or_default();
    let (status, reason) = (incoming.status, &incoming.reason);
    Err(format!("{method} {shown} answered {status} {reason}{redirect}{}", refusal(&text)))
}

/// The endpoint's reason for a refusal: `error` and `error_description` of its answer.
fn refusal(answer: &[u8]) -> String {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(answer) else { return String::new() };
    let words = [refusal.error, refusal.error_description].into_iter().flatten();
    let words = words.map(|text| text.replace(char::is_control, " ").trim().to_owned());
    words.filter(|text| !text.is_empty()).map(|text| format!(": {text}")).collect()
}
