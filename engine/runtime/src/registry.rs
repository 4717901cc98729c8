//! The instances that are being worked on, with their deliveries.
//!
//! Promises: at most one task works on an instance at a time; deliveries for an instance are processed in the order of their arrival. An
//! instance that only waits for a timer or an event is not in the registry. Never: starts the work; `dispatch` does.

use std::collections::{HashMap, VecDeque};

use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::{active_instance::ActiveInstance, delivery::Delivery};

/// How many maps with a lock of their own hold the instances, so that workers rarely wait for each other. Each lock is held for a few
/// instructions only.
const SHARDS: usize = 16;

/// Whether an instance has a worker after a delivery.
pub(crate) enum Work {
    /// A task works on it already, and processes the delivery.
    HasWorker,
    /// The caller must start a task, with the instance if it is in memory.
    NeedsWorker(Option<Box<ActiveInstance>>),
}

#[derive(Default)]
struct Slot {
    queue: VecDeque<Delivery>,
    /// The instance while it has no delivery but must stay in memory, for example for calls in flight.
    parked: Option<Box<ActiveInstance>>,
    is_running: bool,
}

/// All instances that are being worked on.
#[derive(Default)]
pub(crate) struct Registry {
    shards: [Mutex<HashMap<Uuid, Slot>>; SHARDS],
}

impl Registry {
    /// Adds a delivery. Returns whether the caller must start a worker.
    #[must_use]
    pub(crate) fn deliver(&self, id: Uuid, delivery: Delivery) -> Work {
        let mut shard = self.shard(id);
        let slot = shard.entry(id).or_default();
        slot.queue.push_back(delivery);
        if slot.is_running {
            return Work::HasWorker;
        }
        slot.is_running = true;
        Work::NeedsWorker(slot.parked.take())
    }

    /// Takes the next delivery, and returns the instance with it. Without a delivery the worker is done: the instance is parked if it must
    /// stay in memory, else removed.
    pub(crate) fn next(
        &self,
        id: Uuid,
        instance: Option<Box<ActiveInstance>>,
    ) -> Option<(Delivery, Option<Box<ActiveInstance>>)> {
        let mut shard = self.shard(id);
        let slot = shard.get_mut(&id)?;
        if let Some(delivery) = slot.queue.pop_front() {
            return Some((delivery, instance));
        }
        match instance.filter(|instance| instance.stays_in_memory()) {
            Some(instance) => {
                slot.parked = Some(instance);
                slot.is_running = false;
            }
            None => {
                shard.remove(&id);
            }
        }
        None
    }

    /// Takes the answers to calls that come next; at most `most`.
    pub(crate) fn next_answers(&self, id: Uuid, most: usize) -> Vec<Delivery> {
        let mut shard = self.shard(id);
        let Some(slot) = shard.get_mut(&id) else { return Vec::new() };
        let answers = slot.queue.iter().take(most).take_while(|delivery| delivery.is_answer()).count();
        slot.queue.drain(..answers).collect()
    }

    /// Puts a delivery before all others of an instance that the caller works on.
    pub(crate) fn put_first(&self, id: Uuid, delivery: Delivery) {
        self.shard(id).entry(id).or_default().queue.push_front(delivery);
    }

    /// Notes that the worker of an instance has ended early, and the instance in memory with it. Returns whether deliveries are left, for
    /// which the caller must start another worker.
    #[must_use]
    pub(crate) fn has_lost_its_worker(&self, id: Uuid) -> bool {
        let mut shard = self.shard(id);
        let is_left = shard.get(&id).is_some_and(|slot| !slot.queue.is_empty());
        if !is_left {
            shard.remove(&id);
        }
        is_left
    }

    /// Whether an instance is being worked on.
    pub(crate) fn is_here(&self, id: Uuid) -> bool {
        self.shard(id).contains_key(&id)
    }

    /// How many instances are in the registry.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, id: Uuid) -> MutexGuard<'_, HashMap<Uuid, Slot>> {
        let index = usize::from(id.as_bytes()[15]) % SHARDS;
        self.shards[index].lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Signal;

    #[test]
    fn one_worker_takes_up_all_deliveries_in_their_order() {
        let (registry, id) = (Registry::default(), Uuid::from_u128(1));
        let child = |number| Delivery::signal(Signal::ChildSettled(Uuid::from_u128(number)));
        assert!(matches!(registry.deliver(id, child(1)), Work::NeedsWorker(None)));
        assert!(matches!(registry.deliver(id, child(2)), Work::HasWorker));
        registry.put_first(id, child(0));
        let mut taken = Vec::new();
        while let Some((delivery, _)) = registry.next(id, None) {
            if let Signal::ChildSettled(child) = delivery.signal {
                taken.push(child.as_u128());
            }
        }
        assert_eq!(taken, [0, 1, 2]);
        assert_eq!(registry.len(), 0);
    }

    #[test]
    fn an_instance_without_its_worker_is_free_again() {
        let (registry, id) = (Registry::default(), Uuid::from_u128(1));
        let recover = || Delivery::signal(Signal::Recover);
        assert!(matches!(registry.deliver(id, recover()), Work::NeedsWorker(None)));
        assert!(matches!(registry.deliver(id, recover()), Work::HasWorker));
        assert!(registry.next(id, None).is_some());
        assert!(registry.has_lost_its_worker(id), "the second delivery is left");
        assert!(registry.next(id, None).is_some());
        assert!(!registry.has_lost_its_worker(id));
        assert!(matches!(registry.deliver(id, recover()), Work::NeedsWorker(None)));
    }
}
