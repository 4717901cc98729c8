//! Instance trees: a start and everything that was started below it.
//!
//! Promises: the subflows below one start are bounded, so that workflows which start each other end with an error instead of
//! filling memory and disk; nothing is started below an instance that was asked to end. Both checks use memory only. Never: reads the
//! database; `subflow_room` counts there a tree that has been under way since before the engine started.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;
use uuid::Uuid;

/// Trees that are counted in memory: a megabyte. Beyond, all are forgotten; a tree that is needed again is counted in the database.
const REMEMBERED: usize = 16_384;

/// An instance and those above it.
#[derive(Debug)]
pub(crate) struct Ancestry {
    id: Uuid,
    above: Option<Arc<Ancestry>>,
}

impl Ancestry {
    pub(crate) fn new(id: Uuid, above: Option<Arc<Ancestry>>) -> Arc<Self> {
        Arc::new(Self { id, above })
    }

    /// The ancestry of an instance that replaces this one; `None` if it has no ancestors.
    pub(crate) fn beside(&self, id: Uuid) -> Option<Arc<Self>> {
        self.above.as_ref().map(|above| Self::new(id, Some(Arc::clone(above))))
    }

    fn ids(&self) -> impl Iterator<Item = Uuid> {
        std::iter::successors(Some(self), |one| one.above.as_deref()).map(|one| one.id)
    }
}

/// Room for subflows that an instance wants to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// So many of them may be started, and were counted; `most` may stand below the root.
    For { granted: u32, most: u32 },
    /// None: the instance, or one above it, was asked to end.
    Ending,
}

/// Counts and ends of instance trees.
pub(crate) struct InstanceTrees {
    most: u32,
    /// By root: subflows that were started since the root last waited for none.
    started: Mutex<HashMap<Uuid, u32>>,
    /// Instances that were asked to end, and have not dealt with it yet.
    ending: Mutex<HashSet<Uuid>>,
}

impl InstanceTrees {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, started: Mutex::default(), ending: Mutex::default() }
    }

    /// Counts up to `wanted` subflows more below a root.
    pub(crate) fn reserve(&self, root: Uuid, wanted: u32) -> Room {
        let mut started = self.started.lock();
        let count = started.entry(root).or_default();
        let granted = wanted.min(self.most.saturating_sub(*count));
        *count += granted;
        Room::For { granted, most: self.most }
    }

    /// Uncounts subflows that were not started.
    pub(crate) fn give_back(&self, root: Uuid, number: u32) {
        if let Some(count) = self.started.lock().get_mut(&root) {
            *count = count.saturating_sub(number);
        }
    }

    /// A root has ended.
    pub(crate) fn forget(&self, root: Uuid) {
        self.started.lock().remove(&root);
    }

    /// An instance was asked to end: nothing is started below it until it has dealt with that. What it starts afterwards
    /// undoes what it did, and may.
    pub(crate) fn asked_to_end(&self, ids: impl IntoIterator<Item = Uuid>) {
        self.ending.lock().extend(ids);
    }

    /// An instance has dealt with what it was asked; those that it has asked in turn are known.
    pub(crate) fn has_dealt(&self, id: Uuid) {
        self.ending.lock().remove(&id);
    }

    /// Whether any instance was asked to end and has not dealt with it.
    pub(crate) fn is_anything_ending(&self) -> bool {
        !self.ending.lock().is_empty()
    }

    /// Whether an instance, or one above it, was asked to end.
    pub(crate) fn is_ending(&self, ancestry: &Ancestry) -> bool {
        let ending = self.ending.lock();
        ancestry.ids().any(|id| ending.contains(&id))
    }

    /// Whether it is known how many stand below a root.
    pub(crate) fn is_counted(&self, root: Uuid) -> bool {
        self.started.lock().contains_key(&root)
    }

    /// Nothing stands below a root.
    pub(crate) fn begin_anew(&self, root: Uuid) {
        self.started.lock().remove(&root);
        self.set_if_new(root, 0);
    }

    /// Begins to count below a root, unless another instance of the tree was quicker: then its count goes on.
    pub(crate) fn set_if_new(&self, root: Uuid, count: u32) {
        let mut started = self.started.lock();
        if started.len() >= REMEMBERED {
            started.clear();
        }
        started.entry(root).or_insert(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subflows_below_a_root_are_bounded_and_what_was_not_started_is_given_back() {
        let (trees, root) = (InstanceTrees::new(5), Uuid::from_u128(1));
        assert_eq!(trees.reserve(root, 3), Room::For { granted: 3, most: 5 });
        assert_eq!(trees.reserve(root, 3), Room::For { granted: 2, most: 5 });
        assert_eq!(trees.reserve(root, 1), Room::For { granted: 0, most: 5 });
        trees.give_back(root, 2);
        assert_eq!(trees.reserve(root, 9), Room::For { granted: 2, most: 5 });
        trees.forget(root);
        assert!(!trees.is_counted(root));
    }

    #[test]
    fn below_an_instance_that_was_asked_to_end_everything_is_ending() {
        let trees = InstanceTrees::new(5);
        let id = Uuid::from_u128;
        let root = Ancestry::new(id(1), None);
        let child = Ancestry::new(id(2), Some(Arc::clone(&root)));
        let beside = Ancestry::new(id(3), Some(root));
        trees.asked_to_end([id(2)]);
        assert!(trees.is_ending(&child) && !trees.is_ending(&beside));
        trees.has_dealt(id(2));
        assert!(!trees.is_anything_ending());
    }
}
