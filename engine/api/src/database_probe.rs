//! Checks periodically whether the database can be read.
//!
//! Promises: health answers at once from the last check, also while the database is slow.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use rondo_runtime::Engine;
use tokio::time::Instant;
use uuid::Uuid;

/// Time between two checks: the probes of a cluster ask every few seconds.
const PAUSE: Duration = Duration::from_secs(2);

/// How long the database may take for one row before it counts as down. Lists for other clients can occupy its readers for seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// The result of the last check; clones share it.
#[derive(Clone)]
pub(crate) struct DatabaseProbe(Arc<Mutex<Seen>>);

struct Seen {
    /// When the running check began.
    asked: Option<Instant>,
    /// The result of the last finished check.
    gives: bool,
}

impl DatabaseProbe {
    pub(crate) fn new() -> Self {
        // The engine has just read the database to start.
        Self(Arc::new(Mutex::new(Seen { asked: None, gives: true })))
    }

    /// Checks until the future is dropped.
    pub(crate) async fn run(&self, engine: &Engine) {
        loop {
            self.0.lock().asked = Some(Instant::now());
            let row = engine.store().instance(Uuid::nil()).await;
            *self.0.lock() = Seen { asked: None, gives: row.is_ok() };
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the database can be read.
    pub(crate) fn gives(&self) -> bool {
        let seen = self.0.lock();
        seen.gives && seen.asked.is_none_or(|asked| asked.elapsed() < PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_does_not_answer_is_down_after_a_while() {
        let probe = DatabaseProbe::new();
        assert!(probe.gives());
        probe.0.lock().asked = Some(Instant::now());
        tokio::time::advance(PATIENCE.saturating_sub(Duration::from_secs(1))).await;
        assert!(probe.gives());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!probe.gives());
        *probe.0.lock() = Seen { asked: None, gives: false };
        assert!(!probe.gives());
    }
}
