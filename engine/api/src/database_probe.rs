//! Looks now and then whether the database gives what is asked for.
//!
//! Promises: health is answered from what was seen last, at once, also while the database takes long.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use rondo_runtime::Engine;
use tokio::time::Instant;
use uuid::Uuid;

/// Time between two looks: a probe of a cluster asks every few seconds.
const PAUSE: Duration = Duration::from_secs(2);

/// How long the database may take for one row before it counts as down. Lists of other clients may keep its readers for seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was seen last; clones are the same.
#[derive(Clone)]
pub(crate) struct DatabaseProbe(Arc<Mutex<Seen>>);

struct Seen {
    /// When the look began that has not ended.
    asked: Option<Instant>,
    /// What the last look that ended saw.
    gives: bool,
}

impl DatabaseProbe {
    pub(crate) fn new() -> Self {
        // The engine has just read from it.
        Self(Arc::new(Mutex::new(Seen { asked: None, gives: true })))
    }

    /// Looks until the future is dropped.
    pub(crate) async fn run(&self, engine: &Engine) {
        loop {
            self.0.lock().asked = Some(Instant::now());
            let row = engine.store().instance(Uuid::nil()).await;
            *self.0.lock() = Seen { asked: None, gives: row.is_ok() };
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the database gives what is asked for.
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
