//! Instance trees: a root instance with its subflows, their subflows, and so on.
//!
//! Promises: the number of subflows below one root is bounded, so that workflows which start each other end with an error instead of filling
//! memory and disk. An instance that was asked to end, or that has such an ancestor, starts no subflow. Both checks look at memory only.
//! Never: reads the database; `subflow_room` counts a tree there that is older than this start of the engine.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;
use uuid::Uuid;

/// How many trees are counted in memory, which takes about a megabyte. At the limit all counts are dropped; a tree that starts a subflow
/// after that is counted in the database.
const REMEMBERED: usize = 16_384;

/// An instance and its ancestors.
#[derive(Debug)]
pub(crate) struct Ancestry {
    id: Uuid,
    above: Option<Arc<Ancestry>>,
}

impl Ancestry {
    pub(crate) fn new(id: Uuid, above: Option<Arc<Ancestry>>) -> Arc<Self> {
        Arc::new(Self { id, above })
    }

    /// The ancestry of an instance with the same parent, such as a successor; `None` if this one has no parent.
    pub(crate) fn beside(&self, id: Uuid) -> Option<Arc<Self>> {
        self.above.as_ref().map(|above| Self::new(id, Some(Arc::clone(above))))
    }

    fn ids(&self) -> impl Iterator<Item = Uuid> {
        std::iter::successors(Some(self), |one| one.above.as_deref()).map(|one| one.id)
    }
}

/// The answer to an instance that wants to start subflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// `granted` of them may be started, and are counted already; at most `most` may be below one root.
    For { granted: u32, most: u32 },
    /// None may be started: the instance or an ancestor was asked to end.
    Ending,
}

/// The counts of instance trees, and the instances that were asked to end.
pub(crate) struct InstanceTrees {
    most: u32,
    /// By root: the number of subflows started since the root last had none under way.
    started: Mutex<HashMap<Uuid, u32>>,
    /// Instances that were asked to end, and have not processed that request yet.
    ending: Mutex<HashSet<Uuid>>,
}

impl InstanceTrees {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, started: Mutex::default(), ending: Mutex::default() }
    }

    /// Counts up to `wanted` further subflows below a root.
    pub(crate) fn reserve(&self, root: Uuid, wanted: u32) -> Room {
        let mut started = self.started.lock();
        let count = started.entry(root).or_default();
        let granted = wanted.min(self.most.saturating_sub(*count));
        *count += granted;
        Room::For { granted, most: self.most }
    }

    /// Takes subflows that were counted but not started out of the count.
    pub(crate) fn give_back(&self, root: Uuid, number: u32) {
        if let Some(count) = self.started.lock().get_mut(&root) {
            *count = count.saturating_sub(number);
        }
    }

    /// Drops the count of a root that has ended.
    pub(crate) fn forget(&self, root: Uuid) {
        self.started.lock().remove(&root);
    }

    /// Notes that instances were asked to end: they and their descendants start no subflows until they have processed that. Subflows that
    /// they start after it belong to their compensation, and may start.
    pub(crate) fn asked_to_end(&self, ids: impl IntoIterator<Item = Uuid>) {
        self.ending.lock().extend(ids);
    }

    /// Notes that an instance has processed the request to end. The children that it has asked in turn must be noted before.
    pub(crate) fn has_dealt(&self, id: Uuid) {
        self.ending.lock().remove(&id);
    }

    /// Whether any instance was asked to end and has not processed that.
    pub(crate) fn is_anything_ending(&self) -> bool {
        !self.ending.lock().is_empty()
    }

    /// Whether an instance or one of its ancestors was asked to end.
    pub(crate) fn is_ending(&self, ancestry: &Ancestry) -> bool {
        let ending = self.ending.lock();
        ancestry.ids().any(|id| ending.contains(&id))
    }

    /// Whether memory has the count of a root.
    pub(crate) fn is_counted(&self, root: Uuid) -> bool {
        self.started.lock().contains_key(&root)
    }

    /// Sets the count of a root to zero.
    pub(crate) fn begin_anew(&self, root: Uuid) {
        self.started.lock().remove(&root);
        self.set_if_new(root, 0);
    }

    /// Sets the count of a root, unless another instance of the tree has set one meanwhile.
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
