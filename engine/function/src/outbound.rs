//! HTTP requests of components that call services without being functions.
//!
//! Owns: [`Outbound`], which has the trust, the proxies, the allowed addresses and the memory of calls. Promises: no redirect is followed;
//! nothing is sent to a forbidden address, neither by name nor written out in a URL; an answer is no larger than its limit; an error says
//! whether the service may have got the request. Never: repeats a request; masks or logs anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use rondo_memory::{MemoryBudget, Share};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use crate::error::CallErrorKind;
use crate::large_answer::BeforeLargeAnswer;
use crate::proxy::Proxying;
use crate::redirects::Redirects;
use crate::request_builder::Headers;
use crate::transport::{Outgoing, Transport, TransportOptions};

/// Sends requests. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    transport: Arc<Transport>,
    options: TransportOptions,
    client: reqwest::Client,
    memory: MemoryBudget,
}

/// A request to send.
#[derive(Clone)]
pub struct OutboundRequest {
    /// Method in upper case.
    pub method: String,
    /// Address with its query.
    pub url: Url,
    /// Headers; one of the same name replaces an earlier one.
    pub headers: Vec<(String, String)>,
    /// Body, whose type is JSON unless a header says another.
    pub body: Option<Vec<u8>>,
    /// Time from connecting to the last byte of the answer.
    pub time_limit: Duration,
    /// Most bytes of the answer, after decompression.
    pub max_answer_bytes: u64,
}

/// An answer, whatever its status.
pub struct OutboundAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
    /// Memory of the body.
    _share: Share,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The request was not sent: no connection, or an address that must not be called.
    #[error("{0}")]
    NotSent(String),
    /// The request was sent and not answered, so the service may have acted on it.
    #[error("{0}")]
    Unanswered(String),
    /// The service answered, and the answer cannot be taken: it is too large.
    #[error("{0}")]
    Unusable(String),
}

/// Connections that stay open between requests. Components call few services, again and again.
const IDLE: usize = 32;

/// One part in this many of the memory is for the texts of answers, beside those of functions.
const PART_OF_TEXTS: u64 = 8;

/// How long an answer may wait for memory before it is read.
const PATIENCE_FOR_ROOM: Duration = Duration::from_secs(10);

/// Time to connect. An address that takes longer is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Outbound {
    pub(crate) fn new(options: TransportOptions, memory: &MemoryBudget) -> Result<Self, String> {
        let texts = MemoryBudget::new(memory.total() / PART_OF_TEXTS);
        let transport = Transport::new(options.clone(), IDLE, texts, PATIENCE_FOR_ROOM)?;
        let client = transport.client(CONNECT_TIMEOUT)?;
        Ok(Self { transport: Arc::new(transport), options, client, memory: memory.clone() })
    }

    /// The same, which also trusts the certificate authorities of a text in PEM form. Fails if it holds none.
    pub fn trusting(&self, pem: &str) -> Result<Self, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates =
            certificates.map_err(|error| format!("the certificate authority cannot be read: {error}"))?;
        if certificates.is_empty() {
            return Err("the certificate authority is no certificate in PEM form".to_owned());
        }
        let mut options = self.options.clone();
        options.authorities.extend(certificates);
        Self::new(options, &self.memory)
    }

    /// The HTTP client, for requests that this type does not fit. It resolves names to allowed addresses only; check addresses that are
    /// written out with [`Outbound::check`].
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Refuses a URL whose host is a forbidden address. The error is for people.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        self.options.addresses.check(url).map_err(|denied| denied.to_string())
    }

    /// The allowed addresses of a host, for connections that do not use HTTP. The error is for people.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found.map_err(|_| format!("`{host}` has no address"))?;
        let allowed =
            self.options.addresses.choose(host, found.collect()).map_err(|denied| denied.to_string())?;
        if allowed.is_empty() { Err(format!("`{host}` has no address")) } else { Ok(allowed) }
    }

    /// Sends a request and reads its answer.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let OutboundRequest { method, url, headers, body, time_limit, max_answer_bytes } = request;
        let mut sent = Headers::default();
        for (name, value) in headers {
            sent.set(&name, value);
        }
        let outgoing = Outgoing {
            method,
            url,
            headers: sent,
            body: body.map(|bytes| ("application/json".to_owned(), Bytes::from(bytes))),
            max_answer_bytes: Some(max_answer_bytes),
            cuts_errors: false,
            connect_timeout: CONNECT_TIMEOUT.min(time_limit),
            deadline: time_limit,
            redirects: Redirects::Nowhere,
            proxying: Proxying::OfProcess,
            before_large_answer: BeforeLargeAnswer::default(),
        };
        let mut share = self.memory.share();
        match self.transport.send(&outgoing, &mut share).await {
            Ok(incoming) => Ok(OutboundAnswer {
                status: incoming.status,
                headers: incoming.headers,
                body: incoming.body.bytes,
                _share: share,
            }),
            Err(error) => Err(match error {
                CallErrorKind::Interrupted(_) | CallErrorKind::Timeout(_) => {
                    OutboundError::Unanswered(error.to_string())
                }
                CallErrorKind::TooLarge { limit } => OutboundError::Unusable(format!(
                    "answered with more than {limit} bytes, which is the limit"
                )),
                CallErrorKind::NoRoom(_) => OutboundError::Unusable(error.to_string()),
                _ => OutboundError::NotSent(error.to_string()),
            }),
        }
    }
}
