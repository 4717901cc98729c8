//! Receives the body of a request.
//!
//! Promises: memory is claimed before bytes are read, and is held as long as the [`Received`] body is; a body that is too large, finds no memory,
//! pauses too long or is too slow is refused at once. Never: reads the content of a body.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use http_body_util::BodyExt;
use rondo_memory::Share;
use tokio::time::{Instant, timeout_at};

use crate::{
    app::App,
    connection_timeouts::Arriving,
    errors::ErrorAnswer,
    paced_body::Pace,
    request_memory::{Claim, RequestMemory},
};

/// A body and the memory that it holds.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    pub(crate) share: Share,
}

/// A body, or the answer to one that cannot be received.
pub(crate) struct Received(pub(crate) Result<Whole, ErrorAnswer>);

/// Limits of one body.
#[derive(Clone, Copy)]
struct Limits {
    bytes: usize,
    /// The pace at which they must arrive.
    pace: Pace,
}

impl FromRequest<App> for Received {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &App) -> Result<Self, Infallible> {
        let settings = &app.settings;
        let pace = Pace { pause: settings.body_timeout, rate: settings.min_rate };
        let limits = Limits { bytes: settings.max_body_bytes, pace };
        // With `Expect`, the client waits for the answer and sends no body after a refusal.
        let sends_at_once = !request.headers().contains_key(header::EXPECT);
        let _arriving = request.extensions().get::<Arriving>().map(Arriving::begin);
        let mut body = request.into_body();
        let received = receive(&mut body, limits, &app.memory).await;
        if sends_at_once && received.as_ref().is_err_and(|error| is_final(error.status)) {
            discard(&mut body, limits).await;
        }
        Ok(Self(received))
    }
}

/// Whether a refusal with this status is sent while the client is still sending its body.
fn is_final(status: StatusCode) -> bool {
    matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::SERVICE_UNAVAILABLE)
}

/// Most bytes that are read of a refused body: if a client sends more, the connection closes before the client has the answer.
const DISCARDED: usize = 64 << 20;

/// Reads the rest of a refused body: many clients read an answer only after they have sent everything, and lose it if the connection closes
/// before.
async fn discard(body: &mut Body, limits: Limits) {
    let begin = Instant::now();
    let mut read = 0_usize;
    while let Ok(Some(Ok(piece))) = timeout_at(deadline(begin, read, limits), body.frame()).await {
        read += piece.data_ref().map_or(0, Bytes::len);
        if read > DISCARDED {
            return;
        }
    }
}

/// When the next piece must have arrived, if `received` bytes have arrived.
fn deadline(begin: Instant, received: usize, limits: Limits) -> Instant {
    let Pace { pause, .. } = limits.pace;
    (Instant::now() + pause).min(begin + pause.saturating_add(limits.pace.time_for(received as u64)))
}

async fn receive(body: &mut Body, limits: Limits, memory: &RequestMemory) -> Result<Whole, ErrorAnswer> {
    let too_large = || {
        ErrorAnswer::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the body is larger than {} bytes, the limit that `rondo.http.max-body-bytes` sets",
                limits.bytes
            ),
        )
    };
    let length = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if length > limits.bytes {
        return Err(too_large());
    }
    let mut claim = memory.body(length as u64).await?;
    let mut bytes = Vec::with_capacity(length);
    let begin = Instant::now();
    loop {
        let next = deadline(begin, bytes.len(), limits);
        let piece = timeout_at(next, body.frame()).await.map_err(|_| too_slow(begin, limits))?;
        let Some(piece) = piece else { return Ok(Whole { bytes, share: claim.into_share() }) };
        let piece =
            piece.map_err(|_| ErrorAnswer::new(StatusCode::BAD_REQUEST, "the body cannot be read"))?;
        // Frames without data are trailers.
        let Ok(piece) = piece.into_data() else { continue };
        if piece.len() > limits.bytes - bytes.len() {
            return Err(too_large());
        }
        make_room(&mut bytes, piece.len(), &mut claim)?;
        bytes.extend_from_slice(&piece);
    }
}

/// Makes room for more bytes of a body of unknown length. The claim covers the old and the new buffer, because both exist while bytes are moved.
fn make_room(bytes: &mut Vec<u8>, more: usize, claim: &mut Claim) -> Result<(), ErrorAnswer> {
    if bytes.capacity() - bytes.len() >= more {
        return Ok(());
    }
    let capacity = (bytes.len() + more).max(bytes.capacity() * 3 / 2);
    claim.grow_to((bytes.capacity() + capacity) as u64)?;
    bytes.reserve_exact(capacity - bytes.len());
    claim.give_back(bytes.capacity() as u64);
    Ok(())
}

fn too_slow(begin: Instant, limits: Limits) -> ErrorAnswer {
    let Pace { pause, rate } = limits.pace;
    let text = format!(
        "the body is not there after {:?}: it may pause for {pause:?} (`rondo.http.body-timeout`), and {rate} bytes a second must arrive \
         (`rondo.http.min-rate`)",
        begin.elapsed()
    );
    ErrorAnswer::new(StatusCode::REQUEST_TIMEOUT, text)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
        time::Duration,
    };

    use hyper::body::Frame;
    use rondo_memory::MemoryBudget;

    use super::*;

    const MEBIBYTE: usize = 1024 * 1024;

    /// A body of pieces, each after a pause.
    struct Slow {
        pause: Duration,
        piece: usize,
        left: usize,
        length: Option<u64>,
        timer: Option<Pin<Box<tokio::time::Sleep>>>,
    }

    impl HttpBody for Slow {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            let pause = self.pause;
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            std::task::ready!(timer.as_mut().poll(cx));
            self.timer = None;
            let piece = self.piece.min(self.left);
            self.left -= piece;
            Poll::Ready(Some(Ok(Frame::data(vec![b' '; piece].into()))))
        }

        fn size_hint(&self) -> hyper::body::SizeHint {
            self.length.map_or_else(hyper::body::SizeHint::default, hyper::body::SizeHint::with_exact)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_be_small_quick_and_find_memory() {
        let limits =
            Limits { bytes: 2 * MEBIBYTE, pace: Pace { pause: Duration::from_secs(10), rate: 1024 } };
        for (what, pause, piece, whole, has_length, status) in [
            ("an ordinary one", 0, 1000, 1000, true, None),
            ("one in pieces", 0, 1000, 100_000, false, None),
            ("a slow one", 1000, 4096, 100_000, true, None),
            ("a larger one than there is memory for uploads", 0, 65_536, MEBIBYTE + 1, true, Some(503)),
            ("the same of unknown length", 0, 65_536, MEBIBYTE + 1, false, Some(503)),
            ("one above the limit", 0, 65_536, 2 * MEBIBYTE + 1, true, Some(413)),
            ("one that pauses", 10_001, 1000, 3000, true, Some(408)),
            ("one that drips", 9000, 1, 1000, true, Some(408)),
            ("the same of unknown length", 9000, 1, 1000, false, Some(408)),
        ] {
            let budget = MemoryBudget::new(4 * MEBIBYTE as u64);
            let memory = RequestMemory::new(&budget);
            let slow = Slow {
                pause: Duration::from_millis(pause),
                piece,
                left: whole,
                length: has_length.then_some(whole as u64),
                timer: None,
            };
            let begin = Instant::now();
            let received = receive(&mut Body::new(slow), limits, &memory).await;
            assert_eq!(received.as_ref().err().map(|error| error.status.as_u16()), status, "{what}");
            assert!(begin.elapsed() < Duration::from_secs(110), "{what}");
            let held = received.as_ref().map_or(0, |whole| whole.bytes.capacity());
            assert!(budget.used() >= held as u64, "{what}");
            drop(received);
            assert_eq!(budget.used(), 0, "{what}");
        }
    }
}
