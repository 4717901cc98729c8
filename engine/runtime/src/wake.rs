//! Wakes instances when their timers are due, until the engine stops.

use std::{sync::Arc, time::Duration};

use rondo_machine::{Input, Millis};
use tokio::sync::Semaphore;

use crate::{clock::after, delivery::Delivery, executor::Executor};

/// How far ahead timers are in memory. A longer window holds more of them, a shorter one reads the database more often.
const WINDOW: Duration = Duration::from_mins(1);

/// The pause before timers are read again after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// How many timers are read from the database at once.
const PAGE: usize = 4096;

/// How many woken instances are worked on at once, so that many timers at one moment leave places for requests.
const AT_ONCE: usize = 256;

/// Wakes instances until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let (clock, timers) = (&executor.clock, &executor.timers);
    loop {
        let now = clock.now();
        // A horizon beyond the window comes from a time before the wall clock was set back.
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

/// Reads the timers of the next window. Commits that happen meanwhile set their timers themselves, because the horizon is raised before the
/// read. So no timer is missed.
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
                tracing::error!(%error, "the timers of the next minute cannot be read; trying again in a second");
                timers.set_horizon(after(now, RETRY));
                return;
            }
        }
    }
}
