//! A connection that is watched: how long it has been still, and for how long a head of a request has been coming.
//!
//! Promises: while a request is at work nothing counts; a client that sends a head in small pieces, sends nothing, or does not
//! take its answer is found by [`Watch::expired`]. What is merely read does not make a connection lively, what is written does:
//! so pings of HTTP/2 are no head, and a head that never ends is no life.

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

/// What is known of a connection.
pub(crate) struct Watch(Mutex<Seen>);

struct Seen {
    /// Requests that are being answered.
    at_work: usize,
    /// Since when nothing was written and no request was at work.
    still: Instant,
    /// Since when bytes have come that are no request yet.
    coming: Option<Instant>,
}

impl Seen {
    fn new(now: Instant) -> Self {
        Self { at_work: 0, still: now, coming: None }
    }

    fn read(&mut self, now: Instant) {
        if self.at_work == 0 && self.coming.is_none() {
            self.coming = Some(now);
        }
    }

    fn written(&mut self, now: Instant) {
        self.still = now;
        self.coming = None;
    }

    fn begun(&mut self) {
        self.at_work += 1;
        self.coming = None;
    }

    fn done(&mut self, now: Instant) {
        self.at_work = self.at_work.saturating_sub(1);
        self.still = now;
    }

    /// When it may have expired; `None` when it has.
    fn next_look(&self, now: Instant, head: Duration, idle: Duration) -> Option<Instant> {
        if self.at_work > 0 {
            return Some(now + head.min(idle));
        }
        // A head that begins to come right after this look must be found in time too.
        let coming = self.coming.unwrap_or(now) + head;
        let moment = coming.min(self.still + idle);
        (moment > now).then_some(moment)
    }
}

impl Watch {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Seen::new(Instant::now()))))
    }

    /// A request is at work until the guard is dropped.
    pub(crate) fn work(self: &Arc<Self>) -> AtWork {
        self.seen().begun();
        AtWork(Arc::clone(self))
    }

    /// Resolves when a head has been coming for longer than `head`, or nothing has happened for longer than `idle`.
    pub(crate) async fn expired(&self, head: Duration, idle: Duration) {
        loop {
            let next = self.seen().next_look(Instant::now(), head, idle);
            let Some(moment) = next else { return };
            tokio::time::sleep_until(moment).await;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock()
    }
}

/// A request that is being answered.
pub(crate) struct AtWork(Arc<Watch>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.seen().done(Instant::now());
    }
}

/// The bytes of a watched connection.
pub(crate) struct Watched<T> {
    inner: T,
    watch: Arc<Watch>,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: T, watch: Arc<Watch>) -> Self {
        Self { inner, watch }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.watch.seen().written(Instant::now());
        }
        written
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.watch.seen().read(Instant::now());
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.note(written)
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

    enum Happens {
        Read,
        Written,
        Begun,
        Done,
    }

    /// After how many seconds a connection expires to which things happen at these seconds.
    fn expires(happens: &[(u64, Happens)]) -> Option<u64> {
        let start = Instant::now();
        let mut seen = Seen::new(start);
        for second in 0..1000 {
            let now = start + Duration::from_secs(second);
            for (_, happens) in happens.iter().filter(|(at, _)| *at == second) {
                match happens {
                    Happens::Read => seen.read(now),
                    Happens::Written => seen.written(now),
                    Happens::Begun => seen.begun(),
                    Happens::Done => seen.done(now),
                }
            }
            let next = seen.next_look(now, HEAD, IDLE);
            if next.is_none() {
                return Some(second);
            }
            assert!(next.is_some_and(|next| next <= now + HEAD), "a look every {HEAD:?} at least");
        }
        None
    }

    #[test]
    fn what_never_ends_and_what_is_still_expires() {
        use Happens::{Begun, Done, Read, Written};
        for (what, happens, second) in [
            ("nothing ever comes", &[][..], Some(75)),
            ("a head begins and does not end", &[(10, Read), (35, Read)], Some(40)),
            (
                "nothing more comes after an answer",
                &[(10, Read), (10, Begun), (20, Done), (20, Written)],
                Some(95),
            ),
            ("a head does not end after an answer", &[(10, Begun), (20, Done), (30, Read)], Some(60)),
            ("an answer is not taken", &[(10, Begun), (11, Done), (12, Written)], Some(87)),
            ("pings are answered", &[(50, Read), (50, Written)], Some(125)),
            ("a request that is at work may take its time", &[(10, Read), (10, Begun)], None),
        ] {
            assert_eq!(expires(happens), second, "{what}");
        }
    }
}
