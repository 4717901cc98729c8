//! Sends requests: the one place where this crate meets the network.
//!
//! Owns: connection pools, TLS, proxies, deadlines, redirects and size limits. Promises: every request ends within its
//! deadline; credentials go to no other host than the one they are meant for; no more than the limit of an
//! answer is read. Never: knows what a workflow is.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Certificate, Client, Method, StatusCode, redirect};
use url::Url;

use crate::address::{AddressPolicy, CheckedResolver, Denied};
use crate::error::CallErrorKind;
use crate::request_builder::Headers;

/// Limits and trust that hold for every call.
#[derive(Debug, Clone)]
pub(crate) struct TransportOptions {
    pub(crate) addresses: AddressPolicy,
    /// Bytes of an answer, after decompression.
    pub(crate) max_answer_bytes: u64,
    /// Certificate authorities that are trusted besides the system's.
    pub(crate) authorities: Vec<Certificate>,
    /// Certificates are not checked at all.
    pub(crate) trust_all: bool,
}

/// A request to send.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    /// Content type and bytes.
    pub(crate) body: Option<(String, Vec<u8>)>,
    pub(crate) connect_timeout: Duration,
    /// For everything from connecting to the last byte of the answer.
    pub(crate) deadline: Duration,
    pub(crate) redirects: Redirects,
}

/// Where redirects may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// To the same scheme, host and port.
    SameHost,
    /// Anywhere, but not from https to http; credentials stay behind when the host changes.
    Anywhere,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Incoming {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body without a byte order mark.
    pub(crate) fn text(&self) -> &[u8] {
        rondo_definition::without_byte_order_mark(&self.body)
    }

    pub(crate) fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends requests.
pub(crate) struct Transport {
    options: TransportOptions,
    /// By connect timeout, which is a property of a client.
    clients: Mutex<HashMap<Duration, Client>>,
}

/// Most redirects of one call; services need one or two, and a longer chain is a loop.
const MAX_REDIRECTS: usize = 5;

impl Transport {
    /// Fails when the client cannot be made, which is when a certificate cannot be used.
    pub(crate) fn new(options: TransportOptions) -> Result<Self, String> {
        // Another part of the process may have installed it already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let transport = Self { options, clients: Mutex::default() };
        transport.client(Duration::from_secs(10))?;
        Ok(transport)
    }

    /// Sends a request and reads the answer, of whatever status.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Incoming, CallErrorKind> {
        let deadline = outgoing.deadline;
        match tokio::time::timeout(deadline, self.follow(outgoing)).await {
            Ok(result) => result,
            Err(_) => Err(CallErrorKind::Timeout(deadline)),
        }
    }

    async fn follow(&self, outgoing: Outgoing) -> Result<Incoming, CallErrorKind> {
        let client = self.client(outgoing.connect_timeout).map_err(CallErrorKind::NotConfigured)?;
        let mut method = Method::from_bytes(outgoing.method.as_bytes()).map_err(|_| {
            CallErrorKind::InvalidArgument(format!("`{}` is no HTTP method", outgoing.method))
        })?;
        let mut url = outgoing.url;
        let mut headers = header_map(&outgoing.headers)?;
        let mut body = outgoing.body;
        if let Some((content_type, _)) = &body {
            let value = HeaderValue::from_bytes(content_type.as_bytes());
            headers
                .entry(CONTENT_TYPE)
                .or_insert(value.unwrap_or(HeaderValue::from_static("application/json")));
        }
        let mut redirects = 0;
        loop {
            self.options
                .addresses
                .check(&url)
                .map_err(|denied| CallErrorKind::Forbidden(denied.to_string()))?;
            let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
            if let Some((_, bytes)) = &body {
                request = request.body(bytes.clone());
            }
            let response = request.send().await.map_err(|error| to_call_error(&error, outgoing.deadline))?;
            let target = redirect_target(&method, &url, &response).filter(|_| redirects < MAX_REDIRECTS);
            let Some(target) = target.filter(|target| match outgoing.redirects {
                Redirects::SameHost => same_host(&url, target),
                Redirects::Anywhere => url.scheme() == "http" || target.scheme() == "https",
            }) else {
                return self.read(response, outgoing.deadline).await;
            };
            redirects += 1;
            if !same_host(&url, &target) {
                headers.remove(AUTHORIZATION);
            }
            if response.status() == StatusCode::SEE_OTHER && method != Method::HEAD {
                method = Method::GET;
                body = None;
                headers.remove(CONTENT_TYPE);
            }
            url = target;
        }
    }

    async fn read(
        &self,
        mut response: reqwest::Response,
        deadline: Duration,
    ) -> Result<Incoming, CallErrorKind> {
        let limit = self.options.max_answer_bytes;
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| to_call_error(&error, deadline))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(CallErrorKind::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        let reason = status.canonical_reason().unwrap_or_default().to_owned();
        Ok(Incoming { status: status.as_u16(), reason, headers, body })
    }

    fn client(&self, connect_timeout: Duration) -> Result<Client, String> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(&connect_timeout) {
            return Ok(client.clone());
        }
        let mut builder = Client::builder()
            .user_agent(concat!("rondo/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::new(CheckedResolver(self.options.addresses)))
            .connect_timeout(connect_timeout)
            .tls_danger_accept_invalid_certs(self.options.trust_all);
        if !self.options.authorities.is_empty() {
            builder = builder.tls_certs_merge(self.options.authorities.iter().cloned());
        }
        let client = builder
            .build()
            .map_err(|error| format!("the HTTP client cannot be made: {}", innermost_cause(&error)))?;
        clients.insert(connect_timeout, client.clone());
        Ok(client)
    }
}

/// Where to go on, if the answer is a redirect that can be followed: of a request without side effects, or by a status
/// that keeps method and body.
fn redirect_target(method: &Method, from: &Url, response: &reqwest::Response) -> Option<Url> {
    let status = response.status();
    let keeps = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let safe = matches!(*method, Method::GET | Method::HEAD)
        && matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND);
    if !keeps && !safe && status != StatusCode::SEE_OTHER {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    from.join(location).ok().filter(|target| matches!(target.scheme(), "http" | "https"))
}

fn same_host(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn header_map(headers: &Headers) -> Result<HeaderMap, CallErrorKind> {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        let invalid = || {
            CallErrorKind::InvalidArgument(format!(
                "header `{name}` cannot be sent: its name or value has characters that HTTP forbids"
            ))
        };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        map.insert(key, HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| invalid())?);
    }
    Ok(map)
}

fn to_call_error(error: &reqwest::Error, deadline: Duration) -> CallErrorKind {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(denied) = cause.downcast_ref::<Denied>() {
            return CallErrorKind::Forbidden(denied.to_string());
        }
        source = cause.source();
    }
    if error.is_connect() {
        CallErrorKind::Connect(if error.is_timeout() {
            "timed out".to_owned()
        } else {
            innermost_cause(error)
        })
    } else if error.is_timeout() {
        CallErrorKind::Timeout(deadline)
    } else {
        CallErrorKind::Interrupted(innermost_cause(error))
    }
}

/// The innermost cause, without the number of the operating system's error.
fn innermost_cause(error: &dyn StdError) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
