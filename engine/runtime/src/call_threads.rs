//! The threads on which services are called, apart from those that answer clients.
//!
//! An answer is decrypted, decompressed and parsed on the thread on which it arrives. A service that floods its connection, for example with
//! interim answers (100 Continue) without end, keeps that thread busy for a second at a time. On the threads of the HTTP server it would hold
//! up all clients, health included.

use std::{io, num::NonZeroUsize, thread};

use tokio::runtime::{Builder, Handle, Runtime};

/// Parsing and writing a value recurse, so these threads have the stack of the threads that compute.
const STACK: usize = 8 * 1024 * 1024;

pub(crate) struct CallThreads {
    handle: Handle,
    /// The runtime that owns the threads; `None` if calls run on the caller's runtime.
    threads: Option<Runtime>,
}

impl CallThreads {
    /// Starts threads: as many as there are processors, and at least two, so that one flood leaves a thread for other calls.
    pub(crate) fn on_own_threads() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZeroUsize::get).max(2);
        let threads = Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("rondo-calls")
            .thread_stack_size(STACK)
            .enable_all()
            .build()?;
        Ok(Self { handle: threads.handle().clone(), threads: Some(threads) })
    }

    /// Uses the caller's runtime: for tests with a single thread, and if no threads can be started.
    pub(crate) fn here() -> Self {
        Self { handle: Handle::current(), threads: None }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for CallThreads {
    fn drop(&mut self) {
        // The last owner of the engine may run on one of these threads, so dropping must not wait for them.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_call_that_keeps_its_thread_busy_holds_up_neither_the_caller_nor_another_call() {
        let threads = CallThreads::on_own_threads().unwrap();
        let (finish, finished) = mpsc::channel::<()>();
        let busy = threads.handle().spawn(async move { finished.recv().is_ok() });
        threads.handle().spawn(tokio::task::yield_now()).await.unwrap();
        finish.send(()).unwrap();
        assert!(busy.await.unwrap());
    }
}
