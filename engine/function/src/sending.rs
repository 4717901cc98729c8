//! Sends the request of a call, again where that does no harm.
//!
//! Promises: a request whose answer finds no memory is made again after a pause, if its method or its idempotency key allows it; nothing
//! else is made again here.

use std::time::Duration;

use rondo_memory::Share;
use tokio::time::Instant;
use url::Url;

use crate::caller::{CALL_BYTES, Caller};
use crate::error::{CallErrorKind, Site};
use crate::large_answer::BeforeLargeAnswer;
use crate::mask::Mask;
use crate::proxy::Proxying;
use crate::redirects::Redirects;
use crate::request_builder::RequestBuilder;
use crate::secret_names::is_credential_header;
use crate::transport::{Incoming, Outgoing};

/// How a request is sent.
pub(crate) struct Sending {
    pub(crate) connect_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) redirects: Redirects,
    pub(crate) proxying: Proxying,
    /// The service declares that it takes idempotency keys, so that the same request again has no second effect.
    pub(crate) knows_keys: bool,
    /// An error status is an error of the call.
    pub(crate) cuts_errors: bool,
    pub(crate) before_large_answer: BeforeLargeAnswer,
}

/// Most bytes of an address: the HTTP library counts with 16 bits, and most services refuse a tenth of it.
const LONGEST_ADDRESS: usize = 60_000;

/// For how long a request is made again whose answer finds no memory, and the pauses before that: the other answers that fill the memory are
/// in the data of their instances after a second or so.
const PATIENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Caller {
    /// Sends a request, and reads the answer with room for it in the share.
    pub(crate) async fn send(
        &self,
        builder: RequestBuilder,
        sending: Sending,
        share: &mut Share,
        mask: &mut Mask,
        site: &mut Site,
    ) -> Result<Incoming, CallErrorKind> {
        hide_credentials(&builder, mask);
        let url = Url::parse(&builder.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| CallErrorKind::NotConfigured(format!("`{}` is no HTTP address", builder.url)))?;
        if url.as_str().len() > LONGEST_ADDRESS {
            return Err(CallErrorKind::InvalidArgument(format!(
                "the arguments make an address of {} bytes; HTTP takes {LONGEST_ADDRESS}",
                url.as_str().len()
            )));
        }
        mask.hide_userinfo(&url);
        mask.hide_query(&url);
        site.method.clone_from(&builder.method);
        url.as_str().clone_into(&mut site.url);
        if tracing::enabled!(tracing::Level::DEBUG) {
            let shown = mask.apply(&site.url);
            tracing::debug!(function = %site.function, method = %site.method, url = shown, "calling");
        }
        let is_repeatable = sending.knows_keys || is_idempotent(&builder.method);
        let outgoing = Outgoing {
            method: builder.method,
            url,
            headers: builder.headers,
            body: builder.body.map(|(content_type, bytes)| (content_type, bytes.into())),
            max_answer_bytes: None,
            cuts_errors: sending.cuts_errors,
            connect_timeout: sending.connect_timeout,
            deadline: sending.deadline,
            redirects: sending.redirects,
            proxying: sending.proxying,
            before_large_answer: sending.before_large_answer,
        };
        let (held, began, mut pause) = (share.bytes(), Instant::now(), FIRST_PAUSE);
        loop {
            match self.transport.send(&outgoing, share).await {
                Err(CallErrorKind::NoRoom(refused))
                    if is_repeatable
                        && held + refused.wanted <= refused.total
                        && began.elapsed() < PATIENCE =>
                {
                    share.shrink_to(held);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                result => {
                    let incoming = result?;
                    // The request is gone.
                    drop(outgoing);
                    share.shrink_to(CALL_BYTES + incoming.body.bytes.len() as u64);
                    return Ok(incoming);
                }
            }
        }
    }
}

/// Whether HTTP says that a request of this method has no other effect when it is made again. Source: RFC 9110, section 9.2.2.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
}

/// Host and port in a text that may be an address.
pub(crate) fn service_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Hides the credentials of the engine and of the client that started the instance in messages.
fn hide_credentials(builder: &RequestBuilder, mask: &mut Mask) {
    for (_, value) in builder.headers.iter().filter(|(name, _)| is_credential_header(name)) {
        mask.hide(value);
    }
}
