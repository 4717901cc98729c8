//! Calls in flight, counted, so that a stop can wait for them.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::watch;

/// A set of running tasks.
pub(crate) struct Tasks {
    running: Arc<watch::Sender<usize>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { running: Arc::new(watch::Sender::new(0)) }
    }
}

impl Tasks {
    /// Runs a task on its own.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let guard = Guard::new(Arc::clone(&self.running));
        tokio::spawn(async move {
            task.await;
            drop(guard);
        });
    }

    /// Waits until all have ended, at most for `grace`.
    pub(crate) async fn finish(&self, grace: Duration) {
        let mut running = self.running.subscribe();
        let done = running.wait_for(|running| *running == 0);
        if tokio::time::timeout(grace, done).await.is_err() {
            tracing::info!(calls = *self.running.borrow(), "calls are left for recovery at the next start");
        }
    }
}

/// Counts a task for as long as it lives, however it ends.
struct Guard(Arc<watch::Sender<usize>>);

impl Guard {
    fn new(running: Arc<watch::Sender<usize>>) -> Self {
        running.send_modify(|running| *running += 1);
        Self(running)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
