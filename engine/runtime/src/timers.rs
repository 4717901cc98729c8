//! The moments of the near future at which instances have something to do.
//!
//! The database holds every moment, indexed; memory holds those of the near future only. A sleeping instance costs a row,
//! and a million of them cost the window's worth of memory. A moment in memory may be out of date: the machine looks at the snapshot, so
//! waking too often does no harm. Never: reads the clock or the database; `wake` does.

use std::{cmp::Reverse, collections::BinaryHeap};

use parking_lot::Mutex;
use rondo_machine::Millis;
use tokio::sync::Notify;
use uuid::Uuid;

/// Due moments of the near future.
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
        let mut near = self.near.lock();
        if at <= near.horizon {
            let is_first = near.heap.peek().is_none_or(|Reverse((first, _))| at < *first);
            near.heap.push(Reverse((at, id)));
            if is_first {
                self.changed.notify_one();
            }
        }
    }

    /// Takes out the instances that are due at `now`.
    pub(crate) fn take_due(&self, now: Millis) -> Vec<Uuid> {
        let mut near = self.near.lock();
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

    /// The next moment at which there is something to do: an instance is due, or the window ends.
    pub(crate) fn next(&self) -> Millis {
        let near = self.near.lock();
        let first = near.heap.peek().map(|Reverse((at, _))| *at);
        first.map_or(near.horizon, |first| first.min(near.horizon))
    }

    /// Up to which moment all are in memory.
    pub(crate) fn horizon(&self) -> Millis {
        self.near.lock().horizon
    }

    /// From now on everything up to `horizon` is kept in memory.
    pub(crate) fn set_horizon(&self, horizon: Millis) {
        self.near.lock().horizon = horizon;
    }

    /// Adds moments that the database had.
    pub(crate) fn extend(&self, moments: Vec<(Millis, Uuid)>) {
        self.near.lock().heap.extend(moments.into_iter().map(Reverse));
    }

    /// Resolves when a moment was set that comes before all others.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_its_order_and_what_is_far_stays_in_the_database() {
        let timers = Timers::default();
        let id = Uuid::from_u128;
        timers.set(10, id(1));
        assert_eq!(timers.next(), 0, "nothing is kept before the first look ahead");
        timers.set_horizon(100);
        for (at, number) in [(50, 2), (30, 3), (101, 4), (100, 5)] {
            timers.set(at, id(number));
        }
        assert_eq!(timers.next(), 30);
        assert_eq!(timers.take_due(50), [id(3), id(2)]);
        assert!(timers.take_due(99).is_empty());
        timers.extend(vec![(70, id(6))]);
        assert_eq!(timers.next(), 70);
        assert_eq!(timers.take_due(1000), [id(6), id(5)]);
        assert_eq!(timers.next(), 100, "without a timer it is the end of the window");
    }
}
