//! Removes expired events from the database until the engine stops.

use std::{sync::Arc, time::Duration};

use crate::executor::Executor;

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_secs(10);

/// How many events one transaction removes, so that it does not hold up other commits.
const AT_ONCE: usize = 500;

/// Removes expired events until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    loop {
        tokio::select! {
            () = executor.clock.sleep(PAUSE) => {}
            () = executor.stopping() => return,
        }
        // `outbox` reads the counts only when events are published, so they are read here too, for the health check.
        let _ = executor.look_at_events().await;
        loop {
            match executor.store.forget_events(executor.clock.now(), AT_ONCE).await {
                Ok(forgotten) => {
                    for event in &forgotten.expired_kept {
                        tracing::warn!(
                            id = %event.id, source = %event.source, event_type = %event.event_type,
                            "a kept event has expired, because no instance waited for it in time (rondo.events.keep)"
                        );
                    }
                    if forgotten.expired_kept.len() < AT_ONCE && forgotten.removed < AT_ONCE as u64 {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "expired events cannot be removed; trying again");
                    break;
                }
            }
        }
    }
}
