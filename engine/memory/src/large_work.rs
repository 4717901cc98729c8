//! Bounds how many pieces of work on large data run at once.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinError,
};

/// Places for work whose memory is more than its share.
///
/// A [`Share`](crate::Share) counts what data take while they are kept. To read, encode or load them takes a multiple of that while it lasts: a
/// growing array is copied, a text is in memory together with its values. Nobody knows these bytes before, so the budget cannot count them. A
/// few places bound them instead: only work on data of at least `large` bytes takes a place, and waits for one in the order of arrival.
///
/// Clones have the same places.
///
/// ```
/// # async fn example() {
/// use rondo_memory::LargeWork;
///
/// let reads = LargeWork::new(2, 64 * 1024);
/// let text = "[1, 2]";
/// let read = reads.run(text.len(), move || text.len()).await;
/// assert_eq!(read.ok(), Some(6));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct LargeWork {
    places: Arc<Semaphore>,
    large: usize,
}

/// The right to work on large data, given back when it is dropped. Work on small data needs none, and holds nothing.
#[derive(Debug)]
#[must_use = "the place is free again when this is dropped"]
pub struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl LargeWork {
    /// Places for `at_once` pieces of work on data of `large` bytes or more. Where the size shows only during the work, `large` is 0, and all
    /// work takes a place.
    pub fn new(at_once: usize, large: usize) -> Self {
        let places = at_once.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), large }
    }

    /// Whether work on so many bytes takes a place.
    pub fn is_large(&self, bytes: usize) -> bool {
        bytes >= self.large
    }

    /// Waits for a place to work on so many bytes; for small data there is no wait. Who drops the future leaves the queue.
    pub async fn enter(&self, bytes: usize) -> Place {
        let permit = match self.is_large(bytes) {
            // Fails only when the semaphore is closed, which it never is.
            true => Arc::clone(&self.places).acquire_owned().await.ok(),
            false => None,
        };
        Place { _permit: permit }
    }

    /// Works on so many bytes: at once on this thread where they are small, else in turn on a thread that may block, so that other tasks go
    /// on. Large work that has begun keeps its place to its end, also when nobody waits for the result any more. Fails when large work panics.
    pub async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        if !self.is_large(bytes) {
            return Ok(work());
        }
        let place = self.enter(bytes).await;
        let work = move || {
            let _place = place;
            work()
        };
        tokio::task::spawn_blocking(work).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Polls once; `None` when the future would have to wait.
    fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn few_large_ones_at_once_and_any_number_of_small_ones() {
        let work = LargeWork::new(2, 10);
        let try_enter = |bytes| poll_once(&mut Box::pin(work.enter(bytes)));
        let held = (try_enter(10).unwrap(), try_enter(1000).unwrap());
        assert!(try_enter(10).is_none(), "both places are taken");
        assert!(try_enter(9).is_some(), "small work needs no place");
        let mut first = Box::pin(work.enter(10));
        let mut second = Box::pin(work.enter(10));
        assert!(poll_once(&mut first).is_none() && poll_once(&mut second).is_none());
        drop(held.0);
        assert!(poll_once(&mut second).is_none(), "in the order of arrival");
        drop(first);
        assert!(poll_once(&mut second).is_some(), "who gave up lets the next pass");
        let every = LargeWork::new(0, 0);
        let only = poll_once(&mut Box::pin(every.enter(0)));
        assert!(only.is_some() && poll_once(&mut Box::pin(every.enter(0))).is_none(), "one place at least");
    }

    #[tokio::test]
    async fn work_keeps_its_place_when_nobody_waits_for_it_any_more() {
        let work = LargeWork::new(1, 1);
        let (finish, finished) = mpsc::channel::<()>();
        let mut abandoned = Box::pin(work.run(1, move || finished.recv()));
        assert!(poll_once(&mut abandoned).is_none());
        drop(abandoned);
        assert!(poll_once(&mut Box::pin(work.enter(1))).is_none());
        finish.send(()).unwrap();
        let _place = work.enter(1).await;
    }

    #[tokio::test]
    async fn small_work_stays_on_the_thread_and_a_panic_costs_only_its_own_result() {
        let work = LargeWork::new(1, 10);
        let thread = || std::thread::current().id();
        assert_eq!(work.run(9, thread).await.unwrap(), thread());
        assert_ne!(work.run(10, thread).await.unwrap(), thread());
        assert!(work.run(10, || -> u8 { panic!("a defect") }).await.unwrap_err().is_panic());
        assert_eq!(work.run(10, || 1).await.unwrap(), 1, "the place came back");
    }
}
