//! The threads on which queries are answered.
//!
//! A query for ten thousand instances computes for a second without a pause. On a thread of the HTTP server it would hold up all
//! clients of that thread, health included.

use std::{future::Future, io, sync::Arc};

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// How many queries compute at once. Others wait without using a processor.
pub(super) const COUNT: usize = 2;

/// Threads of their own; clones are the same.
#[derive(Clone)]
pub(super) struct Threads(Arc<Own>);

struct Own(Option<Runtime>);

impl Threads {
    pub(super) fn start() -> io::Result<Self> {
        let threads = Builder::new_multi_thread()
            .worker_threads(COUNT)
            .max_blocking_threads(1)
            .thread_name("rondo-graphql")
            .enable_time()
            .build()?;
        Ok(Self(Arc::new(Own(Some(threads)))))
    }

    /// Runs a future there. It ends when its handle is dropped.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<AbortOnDropHandle<T>> {
        Some(AbortOnDropHandle::new(self.0.0.as_ref()?.spawn(future)))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // To wait for threads is not allowed where futures run.
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}
