//! The threads on which turns are computed, apart from the threads that answer clients.
//!
//! An expression may compute for half a second without a pause. On a thread of the HTTP server it would hold up all clients of that thread,
//! health checks included, so turns have threads of their own. A turn that is expected to compute for long needs a *place*, and there are
//! two places fewer than threads. So one thread is always free for quick turns, and one for the first turn of a workflow whose cost is
//! unknown.
//!
//! The expected cost comes from earlier turns, in steps of expressions: [`Cost`] holds it for a workflow, `ActiveInstance::last_cost` for
//! an instance.

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

/// Largest cost of a quick turn, in steps: they take some milliseconds.
const QUICK: u64 = 100_000;

/// Evaluations recurse; `rondo_expression::Budget` bounds the depth for this size.
const STACK: usize = 8 * 1024 * 1024;

/// The threads, and the places for long turns.
pub(crate) struct Computing {
    handle: Handle,
    /// The runtime that owns the threads; `None` if turns run on the caller's runtime.
    threads: Option<Runtime>,
    /// Places for long turns.
    places: Semaphore,
    /// The place for a turn of unknown cost.
    first: Semaphore,
}

/// The expected cost of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// No turn of the workflow has been computed.
    Unknown,
    /// It takes some milliseconds.
    Quick,
    /// It may take longer.
    Long,
}

/// The cost of recent turns of a workflow, in steps of expressions; [`UNKNOWN`] before the first.
#[derive(Debug)]
pub(crate) struct Cost(AtomicU64);

const UNKNOWN: u64 = u64::MAX;

impl Computing {
    /// Starts threads: one more than there are processors, and at least three.
    pub(crate) fn on_own_threads() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZeroUsize::get).max(2) + 1;
        let threads = Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("rondo-compute")
            .thread_stack_size(STACK)
            .enable_all()
            .build()?;
        let (handle, places) = (threads.handle().clone(), Semaphore::new(count - 2));
        Ok(Self { handle, threads: Some(threads), places, first: Semaphore::new(1) })
    }

    /// Uses the caller's runtime, for tests with a single thread.
    pub(crate) fn here() -> Self {
        Self { handle: Handle::current(), threads: None, places: Semaphore::new(1), first: Semaphore::new(1) }
    }

    /// Whether turns have threads of their own.
    pub(crate) fn has_own_threads(&self) -> bool {
        self.threads.is_some()
    }

    /// Runs a task, and counts it among `tasks` until it ends.
    pub(crate) fn spawn(&self, tasks: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
        tasks.spawn_on(task, &self.handle);
    }

    /// Waits for a place to compute a turn; `None` for a quick turn, which needs none. Calls `expected` again after a wait, because another
    /// turn may have shown the cost by then.
    pub(crate) async fn place(&self, expected: impl Fn() -> Expected) -> Option<SemaphorePermit<'_>> {
        // Nobody closes the semaphores, so `acquire` does not fail.
        if expected() == Expected::Unknown {
            let place = self.first.acquire().await.ok();
            if expected() == Expected::Unknown {
                return place;
            }
        }
        match expected() {
            Expected::Quick => None,
            Expected::Unknown | Expected::Long => self.places.acquire().await.ok(),
        }
    }

    /// Runs a long computation for a caller whose thread must not be blocked. `None` if it panicked.
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
        // The last owner of the engine may run on one of these threads, so dropping must not wait for them.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self(AtomicU64::new(UNKNOWN))
    }
}

impl Expected {
    /// Classes a cost in steps.
    pub(crate) fn of(steps: u64) -> Self {
        if steps <= QUICK { Self::Quick } else { Self::Long }
    }
}

impl Cost {
    /// The expected cost of the next turn.
    pub(crate) fn expected(&self) -> Expected {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => Expected::Unknown,
            steps => Expected::of(steps),
        }
    }

    /// Notes the cost of a turn. A higher cost counts at once; each cheaper turn after it lowers the value by a quarter at most. If two
    /// threads note a cost at the same time, one may be lost.
    pub(crate) fn note(&self, steps: u64) {
        let before = self.0.load(Ordering::Relaxed);
        let next = match before {
            UNKNOWN => steps,
            before => steps.max(before - before / 4),
        };
        if next != before {
            self.0.store(next.min(UNKNOWN - 1), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    #[test]
    fn what_costs_much_is_noticed_at_once_and_forgotten_over_some_turns() {
        let cost = Cost::default();
        assert_eq!(cost.expected(), Expected::Unknown);
        cost.note(7);
        assert_eq!(cost.expected(), Expected::Quick);
        cost.note(10 * QUICK);
        assert_eq!(cost.expected(), Expected::Long);
        let turns = (0..100).take_while(|_| {
            cost.note(7);
            cost.expected() == Expected::Long
        });
        assert!((5..20).contains(&turns.count()));
    }

    #[tokio::test]
    async fn what_is_quick_never_waits_for_what_is_not() {
        let computing = Computing::here();
        let mut context = Context::from_waker(Waker::noop());
        let long = computing.place(|| Expected::Long).await;
        let first = computing.place(|| Expected::Unknown).await;
        assert!(long.is_some() && first.is_some());
        assert!(computing.place(|| Expected::Quick).await.is_none(), "it needs no place");
        let mut second = pin!(computing.place(|| Expected::Long));
        assert!(second.as_mut().poll(&mut context).is_pending(), "there is one place");
        let cost = Cost::default();
        let mut unknown = pin!(computing.place(|| cost.expected()));
        assert!(unknown.as_mut().poll(&mut context).is_pending());
        drop(long);
        assert!(second.await.is_some());
        cost.note(1);
        drop(first);
        assert!(unknown.await.is_none(), "it is known to be quick by now");
    }
}
