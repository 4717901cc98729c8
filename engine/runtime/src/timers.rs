//! The timers of the near future, in memory.
//!
//! The database has the next timer of every instance, indexed; memory has only those up to a horizon. So a sleeping instance costs a row, and
//! a million of them cost the memory of those that wake soon. A timer in memory may be out of date, which does no harm: the turn that it
//! causes looks at the snapshot. Never: reads the clock or the database; `wake` does.

use std::{cmp::Reverse, collections::BinaryHeap};

use parking_lot::Mutex;
use rondo_machine::Millis;
use tokio::sync::Notify;
use uuid::Uuid;

/// The timers up to the horizon.
#[derive(Default)]
pub(crate) struct Timers {
    near: Mutex<Near>,
    changed: Notify,
}

#[derive(Default)]
struct Near {
    heap: BinaryHeap<Reverse<(Millis, Uuid)>>,
    /// The heap has all timers up to this moment.
    horizon: Millis,
}

impl Timers {
    /// Sets a timer that a commit has stored. Beyond the horizon it stays in the database only.
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

    /// Removes the timers that are due at `now`, and returns their instances.
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

    /// The moment of the next timer, or the horizon if that comes first.
    pub(crate) fn next(&self) -> Millis {
        let near = self.near.lock();
        let first = near.heap.peek().map(|Reverse((at, _))| *at);
        first.map_or(near.horizon, |first| first.min(near.horizon))
    }

    /// The moment up to which all timers are in memory.
    pub(crate) fn horizon(&self) -> Millis {
        self.near.lock().horizon
    }

    /// Sets the horizon: from now on [`Timers::set`] takes timers up to it.
    pub(crate) fn set_horizon(&self, horizon: Millis) {
        self.near.lock().horizon = horizon;
    }

    /// Adds timers that were read from the database.
    pub(crate) fn extend(&self, moments: Vec<(Millis, Uuid)>) {
        self.near.lock().heap.extend(moments.into_iter().map(Reverse));
    }

    /// Resolves when a timer was set that comes before all others.
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
