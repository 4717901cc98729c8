//! Time limits of a connection: for being idle, for the head of a request, and for each piece of an answer.
//!
//! Promises: [`ConnectionTimer::expired`] finds a client that sends a head in small pieces, sends nothing, or does not read its answer. While a
//! request is being answered, only the limit for a piece of the answer applies. Only written bytes count as activity: the engine answers a ping
//! of HTTP/2, so the bytes read before were no head, whereas a head that never ends gets no answer.

use std::{
    collections::HashMap,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use rondo_memory::{NoRoom, Share};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::connections;

/// The activity of a connection, shared by its stream, its requests and its answers.
pub(crate) struct ConnectionTimer(Mutex<Activity>);

/// Longest times of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimits {
    /// For the head of a request to arrive.
    pub(crate) head: Duration,
    /// For a connection without a request and without written bytes.
    pub(crate) idle: Duration,
    /// For one piece of an answer. A late piece is noticed at most this long after its deadline.
    pub(crate) piece: Duration,
}

struct Activity {
    /// Requests that are being answered, until the last byte of the answer is handed to the connection.
    active_requests: usize,
    /// Active requests whose bodies are still arriving.
    arriving_bodies: usize,
    /// Since when nothing was written and no request was being answered.
    idle_since: Instant,
    /// When the first bytes arrived of a head that is not complete.
    head_since: Option<Instant>,
    /// Bytes of an unfinished head, and the memory that a long head holds.
    head_bytes: u64,
    head_memory: Share,
    /// Answers whose current piece the connection has not written yet, each with its deadline.
    unwritten: HashMap<u64, Instant>,
}

impl Activity {
    fn new(now: Instant, head_memory: Share) -> Self {
        Self {
            active_requests: 0,
            arriving_bodies: 0,
            idle_since: now,
            head_since: None,
            head_bytes: 0,
            head_memory,
            unwritten: HashMap::new(),
        }
    }

    /// Notes bytes of a head and claims memory if the head is long. Fails when there is no memory.
    fn bytes_read(&mut self, now: Instant, bytes: u64) -> Result<(), NoRoom> {
        if self.active_requests > 0 {
            return Ok(());
        }
        self.head_since.get_or_insert(now);
        self.head_bytes = self.head_bytes.saturating_add(bytes).min(connections::LONGEST_HEAD as u64);
        if self.head_bytes > UNCLAIMED { self.head_memory.grow_to(self.head_bytes) } else { Ok(()) }
    }

    fn bytes_written(&mut self, now: Instant) {
        self.idle_since = now;
        self.head_ended();
    }

    fn request_started(&mut self) {
        self.active_requests += 1;
        self.head_ended();
    }

    fn head_ended(&mut self) {
        self.head_since = None;
        self.head_bytes = 0;
        self.head_memory.shrink_to(0);
    }

    fn request_ended(&mut self, now: Instant) {
        self.active_requests = self.active_requests.saturating_sub(1);
        self.idle_since = now;
    }

    /// When to check again; `None` when the connection has expired.
    fn next_check(&self, now: Instant, limits: TimeLimits) -> Option<Instant> {
        let unwritten = self.unwritten.values().min().copied();
        // A head may begin, or a piece be handed over, right after this check, so the next check comes no later than the shortest limit.
        let mut moment = now + limits.head.min(limits.idle).min(limits.piece);
        if self.active_requests == 0 {
            let head = self.head_since.map(|since| since + limits.head);
            moment = moment.min(self.idle_since + limits.idle).min(head.unwrap_or(moment));
        }
        let moment = unwritten.map_or(moment, |unwritten| unwritten.min(moment));
        (moment > now).then_some(moment)
    }
}

impl ConnectionTimer {
    /// `head_memory` is an empty share of the memory for heads.
    pub(crate) fn new(head_memory: Share) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Activity::new(Instant::now(), head_memory))))
    }

    /// Counts a request as active until the guard is dropped.
    pub(crate) fn start_request(self: &Arc<Self>) -> ActiveRequest {
        self.activity().request_started();
        ActiveRequest(Arc::clone(self))
    }

    /// Notes that the connection received a piece of an answer and must write it before `until`.
    pub(crate) fn piece_handed_over(&self, answer: u64, until: Instant) {
        self.activity().unwritten.insert(answer, until);
    }

    /// Notes that the connection has written its piece: it asks for the next one, or the answer has ended.
    pub(crate) fn piece_written(&self, answer: u64) {
        self.activity().unwritten.remove(&answer);
    }

    /// Since when the connection only waits for its client; `None` while the engine prepares or sends an answer.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        let activity = self.activity();
        (activity.active_requests == activity.arriving_bodies).then_some(activity.idle_since)
    }

    /// Resolves when a head takes too long, the connection is idle for too long, or the client does not read an answer.
    pub(crate) async fn expired(&self, limits: TimeLimits) {
        loop {
            let next = self.activity().next_check(Instant::now(), limits);
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

/// An extension of each request, through which the reader of the body tells the connection that the body is still arriving.
#[derive(Clone)]
pub(crate) struct Arriving(pub(crate) Arc<ConnectionTimer>);

impl Arriving {
    /// Counts a body as arriving until the guard is dropped.
    pub(crate) fn begin(&self) -> ArrivingBody {
        self.0.activity().arriving_bodies += 1;
        ArrivingBody(Arc::clone(&self.0))
    }
}

/// A body that is arriving.
pub(crate) struct ArrivingBody(Arc<ConnectionTimer>);

impl Drop for ArrivingBody {
    fn drop(&mut self) {
        let mut activity = self.0.activity();
        activity.arriving_bodies = activity.arriving_bodies.saturating_sub(1);
    }
}

/// Bytes of a head that need no claim, because the limit of connections bounds their sum.
const UNCLAIMED: u64 = 8 * 1024;

/// A stream that reports its reads and writes to the timer.
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
        let bytes = buffer.filled().len().saturating_sub(before) as u64;
        if bytes > 0
            && let Err(error) = self.timer.activity().bytes_read(Instant::now(), bytes)
        {
            return Poll::Ready(Err(io::Error::other(error)));
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
    use rondo_memory::MemoryBudget;

    use super::*;

    #[test]
    fn a_long_head_has_memory_until_its_request_starts() {
        let budget = MemoryBudget::new(36 * 1024);
        let now = Instant::now();
        let mut one = Activity::new(now, budget.share());
        one.bytes_read(now, UNCLAIMED).unwrap();
        assert_eq!(budget.used(), 0);
        one.bytes_read(now, 20 * 1024).unwrap();
        assert_eq!(budget.used(), UNCLAIMED + 20 * 1024);
        let mut other = Activity::new(now, budget.share());
        assert!(other.bytes_read(now, UNCLAIMED + 1024).is_err());
        one.request_started();
        one.bytes_read(now, 1_000_000).unwrap();
        assert_eq!(budget.used(), 0, "these bytes are a body, which claims its own memory");
        other.bytes_read(now, 1_000_000).unwrap();
        assert_eq!(budget.used(), connections::LONGEST_HEAD as u64, "no head is longer");
    }

    const LIMITS: TimeLimits = TimeLimits {
        head: Duration::from_secs(30),
        idle: Duration::from_secs(75),
        piece: Duration::from_mins(1),
    };

    enum Event {
        BytesRead,
        BytesWritten,
        RequestStarted,
        RequestEnded,
        PieceHandedOver(u64),
        PieceWritten,
    }

    /// The second in which a connection with these events expires; each event has the second in which it happens.
    fn expires(events: &[(u64, Event)]) -> Option<u64> {
        let start = Instant::now();
        let mut activity = Activity::new(start, MemoryBudget::new(16 * 1024).share());
        for second in 0..1000 {
            let now = start + Duration::from_secs(second);
            for (_, event) in events.iter().filter(|(at, _)| *at == second) {
                match event {
                    Event::BytesRead => activity.bytes_read(now, 1).unwrap(),
                    Event::PieceHandedOver(seconds) => {
                        activity.unwritten.insert(1, now + Duration::from_secs(*seconds));
                    }
                    Event::PieceWritten => drop(activity.unwritten.remove(&1)),
                    Event::BytesWritten => activity.bytes_written(now),
                    Event::RequestStarted => activity.request_started(),
                    Event::RequestEnded => activity.request_ended(now),
                }
            }
            let next = activity.next_check(now, LIMITS);
            if next.is_none() {
                return Some(second);
            }
            assert!(next.is_some_and(|next| next <= now + LIMITS.head), "a check every {LIMITS:?} at least");
        }
        None
    }

    #[test]
    fn unfinished_heads_and_idle_connections_expire() {
        use Event::{BytesRead, BytesWritten, PieceHandedOver, PieceWritten, RequestEnded, RequestStarted};
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
            (
                "a piece is not written",
                &[(10, RequestStarted), (20, PieceHandedOver(20)), (30, BytesWritten)],
                Some(40),
            ),
            (
                "a piece is written in time",
                &[(10, RequestStarted), (20, PieceHandedOver(20)), (39, PieceWritten)],
                None,
            ),
            ("a request may take its time", &[(10, BytesRead), (10, RequestStarted)], None),
        ] {
            assert_eq!(expires(events), second, "{what}");
        }
    }
}
