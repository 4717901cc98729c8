//! Sends requests: the only HTTP access of this crate to the network.
//!
//! Owns: deadlines, redirects and size limits. Promises: every request ends within its deadline, which excludes waiting for memory or for a file
//! handle; credentials go only to the host that they are meant for; no more of an answer than the limit is read. Never: knows what a workflow is.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use rondo_memory::{MemoryBudget, Share};
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::address::{AddressPolicy, Denied};
use crate::answer::{self, Unreadable};
use crate::answer_body::{self, Body, Deadline, Limit};
use crate::connections::{ConnectionKind, Connections, innermost_cause, is_out_of_handles};
use crate::error::CallErrorKind;
use crate::handle_shortage::{Asked, HandleShortage};
use crate::large_answer::BeforeLargeAnswer;
use crate::proxy::{Proxying, Route};
use crate::redirects::{Redirects, keep_headers_for_other_hosts, same_host};
use crate::request_builder::Headers;
use crate::tls;

/// Limits and trust that apply to every call.
#[derive(Debug, Clone)]
pub(crate) struct TransportOptions {
    pub(crate) addresses: AddressPolicy,
    /// Most bytes of an answer, after decompression.
    pub(crate) max_answer_bytes: u64,
    /// Certificate authorities that are trusted in addition to the system's.
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    /// Whether certificates are not checked at all.
    pub(crate) trust_all: bool,
}

/// A request to send.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    /// Content type and bytes.
    pub(crate) body: Option<(String, Bytes)>,
    /// Most bytes of the answer, if fewer than for other calls.
    pub(crate) max_answer_bytes: Option<u64>,
    /// Whether only the beginning of an answer with an error status is read, which is enough for messages.
    pub(crate) cuts_errors: bool,
    pub(crate) connect_timeout: Duration,
    /// Time limit from connecting to the last byte of the answer.
    pub(crate) deadline: Duration,
    pub(crate) redirects: Redirects,
    pub(crate) proxying: Proxying,
    pub(crate) before_large_answer: BeforeLargeAnswer,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// For a redirect that was not followed: its target and the reason, not masked.
    pub(crate) not_followed: Option<String>,
}

impl Incoming {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The target of a redirect that was not followed.
    pub(crate) fn location(&self) -> Option<&str> {
        let is_redirect = (300..400).contains(&self.status);
        self.headers.get(LOCATION).filter(|_| is_redirect).and_then(|value| value.to_str().ok())
    }

    /// The body in UTF-8, without a byte order mark. Asks `grant` for the memory that decoding takes.
    pub(crate) fn utf8(&self, grant: &mut dyn FnMut(usize) -> bool) -> Result<Cow<'_, [u8]>, Unreadable> {
        answer::utf8(&self.body.bytes, self.content_type(), grant)
    }

    pub(crate) fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends requests.
pub(crate) struct Transport {
    options: TransportOptions,
    connections: Connections,
    /// Memory for the texts of answers that are not small.
    texts: MemoryBudget,
    patience: Duration,
    shortage: HandleShortage,
}

/// Most bytes that are read of an answer with an error status if only messages show it.
const MAX_ERROR_BYTES: u64 = 256 * 1024;

/// Method, address, headers and body.
type RequestParts<'a> = (&'a Method, &'a Url, &'a HeaderMap, Option<&'a Bytes>);

impl Transport {
    /// Keeps at most `idle` connections open between calls. The texts of answers take their memory from `texts`, and wait for it no longer than
    /// `patience`. Fails if a certificate cannot be used.
    pub(crate) fn new(
        options: TransportOptions,
        idle: usize,
        texts: MemoryBudget,
        patience: Duration,
    ) -> Result<Self, String> {
        let tls = tls::config(&options.authorities, options.trust_all)?;
        let max_answer_bytes = options.max_answer_bytes.min(texts.total());
        let options = TransportOptions { max_answer_bytes, ..options };
        let connections = Connections::new(idle, tls);
        Ok(Self { options, connections, texts, patience, shortage: HandleShortage::default() })
    }

    /// A separate client for requests that are no calls of functions.
    pub(crate) fn client(&self, connect_timeout: Duration) -> Result<reqwest::Client, String> {
        self.connections.build(&self.options, &ConnectionKind { connect_timeout, route: Route::OfProcess })
    }

    /// The TLS configuration of every call.
    pub(crate) fn tls(&self) -> rustls::ClientConfig {
        self.connections.tls().clone()
    }

    /// Limits and trust of every call.
    pub(crate) fn options(&self) -> &TransportOptions {
        &self.options
    }

    /// Sends a request and reads the answer, whatever its status. The share claims the memory of the answer.
    pub(crate) async fn send(
        &self,
        outgoing: &Outgoing,
        share: &mut Share,
    ) -> Result<Incoming, CallErrorKind> {
        let mut deadline = Deadline::in_(outgoing.deadline);
        let mut method = Method::from_bytes(outgoing.method.as_bytes()).map_err(|_| {
            CallErrorKind::InvalidArgument(format!("`{}` is no HTTP method", outgoing.method))
        })?;
        let mut url = outgoing.url.clone();
        let mut headers = header_map(&outgoing.headers)?;
        let mut body = outgoing.body.clone();
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
            let request = (&method, &url, &headers, body.as_ref().map(|(_, bytes)| bytes));
            let connect_timeout = outgoing.connect_timeout;
            let kind = ConnectionKind { connect_timeout, route: outgoing.proxying.route(&url) };
            let response = self.answer(request, &kind, &mut deadline).await?;
            let target = match outgoing.redirects.next(&method, &url, &response, redirects) {
                Ok(Some(target)) => target,
                ended => {
                    let incoming = self.read(response, outgoing, share, &mut deadline).await?;
                    return Ok(Incoming { not_followed: ended.err(), ..incoming });
                }
            };
            redirects += 1;
            if !same_host(&url, &target) {
                keep_headers_for_other_hosts(&mut headers);
            }
            if response.status() == StatusCode::SEE_OTHER && method != Method::HEAD {
                method = Method::GET;
                body = None;
                headers.remove(CONTENT_TYPE);
            }
            url = target;
        }
    }

    /// The head of the answer. If no file handle is free, nothing has been sent, so the request is sent again when it is the call's turn, with
    /// its full deadline.
    async fn answer(
        &self,
        request: RequestParts<'_>,
        kind: &ConnectionKind,
        deadline: &mut Deadline,
    ) -> Result<reqwest::Response, CallErrorKind> {
        if let Asked::Ended(result) = self.ask(request, kind, *deadline).await {
            return result.map(|(response, _)| response);
        }
        let whole = deadline.whole;
        let close_idle = || self.connections.close_idle();
        let ask = || self.ask(request, kind, Deadline::in_(whole));
        let (response, new_deadline) = self.shortage.ask_in_turn(close_idle, ask).await?;
        *deadline = new_deadline;
        Ok(response)
    }

    /// Sends a request, and returns the head of its answer with the deadline for the rest.
    async fn ask(
        &self,
        request: RequestParts<'_>,
        kind: &ConnectionKind,
        deadline: Deadline,
    ) -> Asked<(reqwest::Response, Deadline)> {
        let sent = match self.request(request, kind) {
            Ok(request) => deadline.within(request.send()).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(Err(error)) if error.is_connect() && is_out_of_handles(&error) => Asked::NoHandle,
            Ok(Err(error)) => Asked::Ended(Err(to_call_error(&error, deadline.whole))),
            Ok(Ok(response)) => Asked::Ended(Ok((response, deadline))),
            Err(error) => Asked::Ended(Err(error)),
        }
    }

    fn request(
        &self,
        (method, url, headers, body): RequestParts<'_>,
        kind: &ConnectionKind,
    ) -> Result<reqwest::RequestBuilder, CallErrorKind> {
        let client = self.connections.client(&self.options, kind, url);
        let client = client.map_err(CallErrorKind::NotConfigured)?;
        let request = client.request(method.clone(), url.clone()).headers(headers.clone());
        Ok(match body {
            Some(bytes) => request.body(bytes.clone()),
            None => request,
        })
    }

    async fn read(
        &self,
        response: reqwest::Response,
        outgoing: &Outgoing,
        share: &mut Share,
        deadline: &mut Deadline,
    ) -> Result<Incoming, CallErrorKind> {
        let most = outgoing.max_answer_bytes.unwrap_or(u64::MAX).min(self.options.max_answer_bytes);
        let status = response.status();
        let limit = match outgoing.cuts_errors && !status.is_success() {
            true => Limit::CutAt(most.min(MAX_ERROR_BYTES)),
            false => Limit::Most(most),
        };
        let headers = response.headers().clone();
        let body = answer_body::read(
            response,
            limit,
            share,
            (&self.texts, self.patience),
            deadline,
            &outgoing.before_large_answer,
        )
        .await?;
        let reason = status.canonical_reason().unwrap_or_default().to_owned();
        Ok(Incoming { status: status.as_u16(), reason, headers, body, not_followed: None })
    }
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

/// Converts a failure of the HTTP client to the error of the call.
pub(crate) fn to_call_error(error: &reqwest::Error, deadline: Duration) -> CallErrorKind {
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
