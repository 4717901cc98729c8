//! The threads on which instances are worked on, apart from those that answer clients.
//!
//! An expression may compute for half a second without a pause. On the threads of the HTTP server it would hold up every client that the
//! thread has, health included; so instances have threads of their own. And what is known to compute for long needs a *place*, of which
//! there is one fewer than there are threads: so there is a thread for what is quick, however much there is that is not.
//!
//! What is known is what it cost before, in steps of expressions: [`Cost`] keeps it for a workflow, the instance itself for its last turn.
//! The first turn of a workflow counts as quick.

use std::{
    io,
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{Semaphore, SemaphorePermit},
};
use tokio_util::task::TaskTracker;

/// Steps of a turn that is quick: some milliseconds.
const QUICK: u64 = 100_000;

/// Evaluations recurse; `rondo_expression::Budget` bounds the depth for this size.
const STACK: usize = 8 * 1024 * 1024;

/// The threads.
pub(crate) struct Computing {
    handle: Handle,
    /// Theirs, if there are own threads.
    threads: Option<Runtime>,
    places: Semaphore,
}

/// What turns of a workflow cost of late, in steps of expressions.
#[derive(Debug, Default)]
pub(crate) struct Cost(AtomicU64);

impl Computing {
    /// Threads of their own: one for each processor, and at least two.
    pub(crate) fn on_own_threads() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZeroUsize::get).max(2);
        let threads = Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("rondo-compute")
            .thread_stack_size(STACK)
            .enable_all()
            .build()?;
        let (handle, places) = (threads.handle().clone(), Semaphore::new(count - 1));
        Ok(Self { handle, threads: Some(threads), places })
    }

    /// The threads of the caller, for tests that have a single one.
    pub(crate) fn here() -> Self {
        Self { handle: Handle::current(), threads: None, places: Semaphore::new(1) }
    }

    /// Runs a task.
    pub(crate) fn spawn(&self, tasks: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
        tasks.spawn_on(task, &self.handle);
    }

    /// Waits for a place for what computes for long; the others need none.
    pub(crate) async fn place(&self, steps: u64) -> Option<SemaphorePermit<'_>> {
        if steps <= QUICK {
            return None;
        }
        // Never closed.
        self.places.acquire().await.ok()
    }

    /// Runs something that computes for long, and nothing else, for somebody who must not be held up.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _place = self.places.acquire().await;
        self.handle.spawn(async move { work() }).await.ok()
    }
}

impl Drop for Computing {
    fn drop(&mut self) {
        // Waiting for its threads is not possible here: the last one who knows the engine may be one of them.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

impl Cost {
    /// What the next turn is taken to cost.
    pub(crate) fn expected(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A turn has cost so much. One that costs much is noticed at once, and forgotten over some turns that do not. Two that are noted at
    /// the same time may count as one.
    pub(crate) fn note(&self, steps: u64) {
        let before = self.expected();
        let next = steps.max(before - before / 4);
        if next != before {
            self.0.store(next, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_much_is_noticed_at_once_and_forgotten_over_some_turns() {
        let cost = Cost::default();
        cost.note(7);
        assert_eq!(cost.expected(), 7);
        cost.note(10 * QUICK);
        assert!(cost.expected() > QUICK);
        let turns = (0..100).take_while(|_| {
            cost.note(7);
            cost.expected() > QUICK
        });
        assert!((5..20).contains(&turns.count()));
        (0..100).for_each(|_| cost.note(7));
        assert!(cost.expected() < 20, "{}", cost.expected());
    }

    #[tokio::test]
    async fn what_is_quick_never_waits_for_what_is_not() {
        let computing = Computing::here();
        let taken = computing.place(QUICK + 1).await;
        assert!(taken.is_some());
        assert!(computing.place(QUICK).await.is_none(), "it needs no place");
        let mut second = Box::pin(computing.place(QUICK + 1));
        assert!(futures_poll(&mut second).is_none(), "there is one place");
        drop(taken);
        assert!(second.await.is_some());
    }

    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
