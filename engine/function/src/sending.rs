//! Sends the request of a call, and repeats it if that is harmless.
//!
//! Promises: a request whose answer finds no memory is repeated after a pause, if its method or its idempotency key allows it; no other request
//! is repeated here.

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
use crate::transport::{Incoming, Outgoing, Transport};

/// How a request is sent.
pub(crate) struct Sending {
    pub(crate) connect_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) redirects: Redirects,
    pub(crate) proxying: Proxying,
    /// Whether the service declares that it takes idempotency keys, so that a repeated request has no second effect.
    pub(crate) knows_keys: bool,
    /// Whether an error status is an error of the call.
    pub(crate) cuts_errors: bool,
    pub(crate) before_large_answer: BeforeLargeAnswer,
}

/// Most bytes of an address: the HTTP library counts with 16 bits, and most services refuse a tenth of this.
const LONGEST_ADDRESS: usize = 60_000;

/// How long a request is repeated whose answer finds no memory, and the pauses before: the answers that fill the memory are merged into the data
/// of their instances after a second or so.
const PATIENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Caller {
    /// Sends a request and reads the answer, whose memory the share claims.
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
        let mut request = Request { transport: &self.transport, outgoing };
        let incoming = again_without_room(is_repeatable, share, &mut request).await?;
        drop(request);
        share.shrink_to(CALL_BYTES + incoming.body.bytes.len() as u64);
        Ok(incoming)
    }
}

/// A request that can be sent several times.
trait Repeatable {
    type Answer;

    fn send(&mut self, share: &mut Share)
    -> impl Future<Output = Result<Self::Answer, CallErrorKind>> + Send;
}

struct Request<'a> {
    transport: &'a Transport,
    outgoing: Outgoing,
}

impl Repeatable for Request<'_> {
    type Answer = Incoming;

    async fn send(&mut self, share: &mut Share) -> Result<Incoming, CallErrorKind> {
        self.transport.send(&self.outgoing, share).await
    }
}

/// Sends a request, and repeats it after a pause while its answer finds no memory and a repetition is harmless. Between two tries the share
/// shrinks to its first size, so that other answers can use the memory.
async fn again_without_room<R: Repeatable>(
    is_repeatable: bool,
    share: &mut Share,
    request: &mut R,
) -> Result<R::Answer, CallErrorKind> {
    let (held, end, mut pause) = (share.bytes(), Instant::now() + PATIENCE, FIRST_PAUSE);
    loop {
        match request.send(share).await {
            Err(CallErrorKind::NoRoom(refused))
                if is_repeatable && held + refused.wanted <= refused.total && Instant::now() < end =>
            {
                share.shrink_to(held);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
}

/// Whether HTTP defines the method as idempotent. Source: RFC 9110, section 9.2.2.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
}

/// Host and port in a text that may be an address.
pub(crate) fn service_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Masks the credentials of the engine, and of the client that started the instance.
fn hide_credentials(builder: &RequestBuilder, mask: &mut Mask) {
    for (_, value) in builder.headers.iter().filter(|(name, _)| is_credential_header(name)) {
        mask.hide(value);
    }
}

#[cfg(test)]
mod tests {
    use rondo_memory::MemoryBudget;

    use super::*;

    const KIB: u64 = 1024;

    /// A request whose answer finds no memory for `wanted` bytes before the try with the number `succeeds_at`.
    struct Refused {
        memory: MemoryBudget,
        wanted: u64,
        succeeds_at: usize,
        tries: usize,
    }

    impl Repeatable for Refused {
        type Answer = usize;

        async fn send(&mut self, share: &mut Share) -> Result<usize, CallErrorKind> {
            self.tries += 1;
            assert_eq!(share.bytes(), 10 * KIB, "what a try took is given back before the next one");
            share.grow(20 * KIB).unwrap();
            let _others = self.memory.try_take(self.memory.total() - self.memory.used()).unwrap();
            let refused = share.grow(self.wanted).map_err(CallErrorKind::NoRoom);
            if self.tries == self.succeeds_at { Ok(self.tries) } else { refused.map(|()| 0) }
        }
    }

    /// Sends with a budget of 100 KiB, of which the call holds 10. Returns the result, the number of tries and their time.
    async fn send_with(
        is_repeatable: bool,
        wanted: u64,
        succeeds_at: usize,
    ) -> (Result<usize, CallErrorKind>, usize, Duration) {
        let memory = MemoryBudget::new(100 * KIB);
        let mut share = memory.try_take(10 * KIB).unwrap();
        let mut request = Refused { memory, wanted, succeeds_at, tries: 0 };
        let began = Instant::now();
        let result = again_without_room(is_repeatable, &mut share, &mut request).await;
        (result, request.tries, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_whose_answer_finds_no_room_is_sent_again_after_growing_pauses() {
        let (result, tries, waited) = send_with(true, KIB, 8).await;
        assert_eq!((result, tries), (Ok(8), 8));
        let pauses = [250, 500, 1000, 2000, 4000, 5000, 5000];
        let least: u128 = pauses.iter().sum();
        assert!((least..least + 20).contains(&waited.as_millis()), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_minute_without_room_the_call_fails() {
        let (result, tries, waited) = send_with(true, KIB, usize::MAX).await;
        assert!(matches!(result, Err(CallErrorKind::NoRoom(refused)) if refused.wanted == KIB), "{result:?}");
        assert!(
            tries > 10 && waited >= PATIENCE && waited <= PATIENCE + LONGEST_PAUSE,
            "{tries} in {waited:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_an_effect_or_never_fits_is_sent_once() {
        for (is_repeatable, wanted) in [(false, KIB), (true, 91 * KIB)] {
            let (result, tries, _) = send_with(is_repeatable, wanted, usize::MAX).await;
            assert!(
                matches!(result, Err(CallErrorKind::NoRoom(_))) && tries == 1,
                "{result:?} after {tries}"
            );
        }
    }

    #[test]
    fn only_methods_without_further_effect_are_repeated() {
        let repeated: Vec<_> = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "get"]
            .into_iter()
            .filter(|method| is_idempotent(method))
            .collect();
        assert_eq!(repeated, ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
    }
}
