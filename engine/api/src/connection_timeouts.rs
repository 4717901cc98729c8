//! How long a connection has been idle, and how long the head of a request has been arriving.
//!
//! Promises: no limit applies while a request is being answered; [`ConnectionTimer::expired`] finds a client that sends a
//! head in small pieces, sends nothing, or does not read its answer. Only bytes that are written make a connection active:
//! the answer to a ping of HTTP/2 shows that the bytes read before were no head, whereas a head that never ends is not
//! answered at all.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// The activity of a connection, shared by its stream and its requests.
pub(crate) struct ConnectionTimer(Mutex<Activity>);

struct Activity {
    /// Requests that are being answered.
    active_requests: usize,
    /// Since when nothing was written and no request was being answered.
    idle_since: Instant,
    /// Since when bytes have arrived that are no request yet.
    head_since: Option<Instant>,
}

impl Activity {
    fn new(now: Instant) -> Self {
        Self { active_requests: 0, idle_since: now, head_since: None }
    }

    fn bytes_read(&mut self, now: Instant) {
        if self.active_requests == 0 && self.head_since.is_none() {
            self.head_since = Some(now);
        }
    }

    fn bytes_written(&mut self, now: Instant) {
        self.idle_since = now;
        self.head_since = None;
    }

    fn request_started(&mut self) {
        self.active_requests += 1;
        self.head_since = None;
    }

    fn request_ended(&mut self, now: Instant) {
        self.active_requests = self.active_requests.saturating_sub(1);
        self.idle_since = now;
    }

    /// When to check again; `None` when the connection has expired.
    fn next_check(&self, now: Instant, head: Duration, idle: Duration) -> Option<Instant> {
        if self.active_requests > 0 {
            return Some(now + head.min(idle));
        }
        // A head may begin to arrive right after this check, so the next one is due when that head would expire.
        let head_since = self.head_since.unwrap_or(now) + head;
        let moment = head_since.min(self.idle_since + idle);
        (moment > now).then_some(moment)
    }
}

impl ConnectionTimer {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Activity::new(Instant::now()))))
    }

    /// A request is being answered until the guard is dropped.
    pub(crate) fn start_request(self: &Arc<Self>) -> ActiveRequest {
        self.activity().request_started();
        ActiveRequest(Arc::clone(self))
    }

    /// Resolves when a head has been arriving for longer than `head`, or the connection has been idle for longer than `idle`.
    pub(crate) async fn expired(&self, head: Duration, idle: Duration) {
        loop {
            let next = self.activity().next_check(Instant::now(), head, idle);
            let Some(moment) = next else { return };
            tokio::time::sleep_until(moment).await;
        }
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.0.lock()
    }
}

/// A request that is being answered.
pub(crate) struct ActiveRequest(Arc<ConnectionTimer>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.activity().request_ended(Instant::now());
    }
}

/// A stream that notes its reads and writes.
pub(crate) struct TimedStream<T> {
    inner: T,
    timer: Arc<ConnectionTimer>,
}

impl<T> TimedStream<T> {
    pub(crate) fn new(inner: T, timer: Arc<ConnectionTimer>) -> Self {
        Self { inner, timer }
    }

    fn note_write(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.timer.activity().bytes_written(Instant::now());
        }
        written
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for TimedStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.timer.activity().bytes_read(Instant::now());
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for TimedStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Duration = Duration::from_secs(30);
    const IDLE: Duration = Duration::from_secs(75);

    enum Event {
        BytesRead,
        BytesWritten,
        RequestStarted,
        RequestEnded,
    }

    /// After how many seconds a connection with these events expires; each event has the second at which it happens.
    fn expires(events: &[(u64, Event)]) -> Option<u64> {
        let start = Instant::now();
        let mut activity = Activity::new(start);
        for second in 0..1000 {
            let now = start + Duration::from_secs(second);
            for (_, event) in events.iter().filter(|(at, _)| *at == second) {
                match event {
                    Event::BytesRead => activity.bytes_read(now),
                    Event::BytesWritten => activity.bytes_written(now),
                    Event::RequestStarted => activity.request_started(),
                    Event::RequestEnded => activity.request_ended(now),
                }
            }
            let next = activity.next_check(now, HEAD, IDLE);
            if next.is_none() {
                return Some(second);
            }
            assert!(next.is_some_and(|next| next <= now + HEAD), "a check every {HEAD:?} at least");
        }
        None
    }

    #[test]
    fn unfinished_heads_and_idle_connections_expire() {
        use Event::{BytesRead, BytesWritten, RequestEnded, RequestStarted};
        for (what, events, second) in [
            ("nothing ever arrives", &[][..], Some(75)),
            ("a head begins and does not end", &[(10, BytesRead), (35, BytesRead)], Some(40)),
            (
                "nothing arrives after an answer",
                &[(10, BytesRead), (10, RequestStarted), (20, RequestEnded), (20, BytesWritten)],
                Some(95),
            ),
            (
                "a head does not end after an answer",
                &[(10, RequestStarted), (20, RequestEnded), (30, BytesRead)],
                Some(60),
            ),
            (
                "an answer is not read",
                &[(10, RequestStarted), (11, RequestEnded), (12, BytesWritten)],
                Some(87),
            ),
            ("pings are answered", &[(50, BytesRead), (50, BytesWritten)], Some(125)),
            ("a request may take its time", &[(10, BytesRead), (10, RequestStarted)], None),
        ] {
            assert_eq!(expires(events), second, "{what}");
        }
    }
}
