//! Wakes instances at their due moments, until the engine stops.

use std::{sync::Arc, time::Duration};

use rondo_machine::{Input, Millis};
use tokio::sync::Semaphore;

use crate::{clock::after, delivery::Delivery, executor::Executor};

/// How far memory looks ahead. Longer would keep more moments in memory, shorter would ask the database more often.
const WINDOW: Duration = Duration::from_mins(1);

/// When the moments of the near future cannot be read, they are asked for again after this.
const RETRY: Duration = Duration::from_secs(1);

/// How many moments are read from the database at once.
const PAGE: usize = 4096;

/// How many woken instances are worked on at once: a flood of due moments must not crowd out requests.
const AT_ONCE: usize = 256;

/// Wakes instances until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let (clock, timers) = (&executor.clock, &executor.timers);
    loop {
        let now = clock.now();
        // A window that ends too far in the future is left from before the wall clock was set back.
        if timers.horizon() <= now || timers.horizon() > after(now, WINDOW) {
            look_ahead(&executor, now).await;
        }
        for id in timers.take_due(clock.now()) {
            let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else { return };
            executor.dispatcher.deliver(id, Delivery::input(Input::Tick).with_permit(permit));
        }
        tokio::select! {
            () = clock.sleep_until(timers.next()) => {}
            () = timers.changed() => {}
            () = executor.stopping() => return,
        }
    }
}

/// Reads the moments of the next window. Those that are committed meanwhile are set by their commits: the horizon is
/// raised first, so that none falls between.
async fn look_ahead(executor: &Executor, now: Millis) {
    let timers = &executor.timers;
    let horizon = after(now, WINDOW);
    timers.set_horizon(horizon);
    let mut last = None;
    loop {
        match executor.store.due(horizon, last, PAGE).await {
            Ok(page) => {
                let is_full = page.len() >= PAGE;
                last = page.last().copied();
                timers.extend(page);
                if !is_full {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "the moments of the near future cannot be read; trying again in a second");
                timers.set_horizon(after(now, RETRY));
                return;
            }
        }
    }
}
