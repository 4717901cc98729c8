//! The body of an answer, with a limit on the time in which the client must read it.
//!
//! Promises: an answer that the client does not read is not held for ever, even if the client keeps the connection alive otherwise (pings and
//! other streams of HTTP/2). The time that the engine takes to produce the answer does not count.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::connection_timeouts::{ActiveRequest, ConnectionTimer};

/// The pace at which a client must take an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Longest time for one piece.
    pub(crate) pause: Duration,
    /// Bytes a second that the client must take, with one `pause` in addition.
    pub(crate) rate: u64,
}

impl Pace {
    /// How long this many bytes take at the lowest rate.
    pub(crate) fn time_for(self, bytes: u64) -> Duration {
        Duration::from_millis(bytes.saturating_mul(1000) / self.rate.max(1))
    }

    /// How long the client may take for the next piece, when `bytes` were handed over including that piece and the client took `waited` for the
    /// pieces before.
    fn time_for_next(self, bytes: u64, waited: Duration) -> Duration {
        let all = self.pause.saturating_add(self.time_for(bytes));
        all.saturating_sub(waited).min(self.pause)
    }
}

/// The body of an answer.
pub(crate) struct PacedBody {
    inner: Body,
    /// Identifies the answer within its connection.
    id: u64,
    timer: Arc<ConnectionTimer>,
    _active: ActiveRequest,
    pace: Pace,
    bytes: u64,
    waited: Duration,
    handed_over: Option<Instant>,
}

impl PacedBody {
    pub(crate) fn new(inner: Body, timer: Arc<ConnectionTimer>, active: ActiveRequest, pace: Pace) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { inner, id, timer, _active: active, pace, bytes: 0, waited: Duration::ZERO, handed_over: None }
    }
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(since) = self.handed_over.take() {
            self.waited += since.elapsed();
            self.timer.piece_written(self.id);
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let now = Instant::now();
            self.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
            self.handed_over = Some(now);
            self.timer.piece_handed_over(self.id, now + self.pace.time_for_next(self.bytes, self.waited));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        if self.handed_over.is_some() {
            self.timer.piece_written(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_pause_once_and_must_keep_the_rate() {
        let pace = Pace { pause: Duration::from_secs(30), rate: 1000 };
        for (bytes, waited, left) in [
            (1000, 0, 30),
            (1000, 1, 30),
            (1000, 11, 20),
            (1000, 31, 0),
            (1000, 40, 0),
            (100_000, 99, 30),
            (100_000, 125, 5),
        ] {
            let time = pace.time_for_next(bytes, Duration::from_secs(waited));
            assert_eq!(time.as_secs(), left, "{bytes} {waited}");
        }
    }
}
