//! Wakes instances when something of theirs is due.
//!
//! The database holds every moment, indexed; memory holds those of the near future only. A sleeping instance costs a row,
//! and a million of them cost the window's worth of memory. A moment in memory may be out of date: the machine
//! looks at the snapshot, so waking too often does no harm.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rondo_machine::{Input, Millis};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::{engine::Inner, registry::Delivery};

/// How far memory looks ahead.
const WINDOW: Duration = Duration::from_mins(1);

/// How many moments are read from the database at once.
const PAGE: usize = 4096;

/// How many woken instances are worked on at once: a flood of due moments must not crowd out requests.
const AT_ONCE: usize = 256;

/// Moments of the near future.
#[derive(Default)]
pub(crate) struct Timers {
    near: Mutex<Near>,
    changed: Notify,
}

#[derive(Default)]
struct Near {
    heap: BinaryHeap<Reverse<(Millis, Uuid)>>,
    /// All moments up to here are in the heap.
    horizon: Millis,
}

impl Timers {
    /// A committed row says that the instance is due at `at`.
    pub(crate) fn set(&self, at: Millis, id: Uuid) {
        let mut near = self.lock();
        if at <= near.horizon {
            let first = near.heap.peek().is_none_or(|Reverse((first, _))| at < *first);
            near.heap.push(Reverse((at, id)));
            if first {
                self.changed.notify_one();
            }
        }
    }

    fn take_due(&self, now: Millis) -> Vec<Uuid> {
        let mut near = self.lock();
        let mut due = Vec::new();
        while let Some(Reverse((at, id))) = near.heap.peek().copied() {
            if at > now {
                break;
            }
            near.heap.pop();
            due.push(id);
        }
        due
    }

    /// The next moment at which there is something to do.
    fn next(&self) -> Millis {
        let near = self.lock();
        let first = near.heap.peek().map(|Reverse((at, _))| *at);
        first.map_or(near.horizon, |first| first.min(near.horizon))
    }

    fn horizon(&self) -> Millis {
        self.lock().horizon
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Near> {
        self.near.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes instances until the engine stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let now = inner.clock.now();
        if inner.timers.horizon() <= now {
            look_ahead(&inner, now).await;
        }
        for id in inner.timers.take_due(inner.clock.now()) {
            let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else { return };
            inner.deliver(id, Delivery::input(Input::Tick).with_permit(permit));
        }
        let pause = inner.clock.until(inner.timers.next());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = inner.timers.changed.notified() => {}
            () = inner.stopping() => return,
        }
    }
}

/// Reads the moments of the next window. Those that are committed meanwhile are set by their commits: the horizon is
/// raised first, so that none falls between.
async fn look_ahead(inner: &Inner, now: Millis) {
    let window = Millis::try_from(WINDOW.as_millis()).unwrap_or(Millis::MAX);
    let horizon = now.saturating_add(window);
    inner.timers.lock().horizon = horizon;
    let mut after = None;
    loop {
        match inner.store.due(horizon, after, PAGE).await {
            Ok(page) => {
                let full = page.len() >= PAGE;
                after = page.last().copied();
                let mut near = inner.timers.lock();
                near.heap.extend(page.into_iter().map(Reverse));
                drop(near);
                if !full {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "the moments of the near future cannot be read; trying again in a second");
                inner.timers.lock().horizon = now.saturating_add(1000);
                return;
            }
        }
    }
}
