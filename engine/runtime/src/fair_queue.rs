//! A queue that is fair between instance trees.
//!
//! A start with thousands of subflows must not delay other requests. So at most [`WIDTH`] instances of one tree are worked on at once, and
//! further instances of that tree wait in the queue. Never: starts the work; `dispatch` does.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use uuid::Uuid;

/// Instances of one tree that are worked on at once: enough to fill a transaction of the database, and few enough that the turn of another
/// instance begins within some tens of milliseconds.
const WIDTH: usize = 64;

/// The waiting jobs, by the root of their tree.
pub(crate) struct FairQueue<Job> {
    trees: Mutex<HashMap<Uuid, Tree<Job>>>,
}

struct Tree<Job> {
    running: usize,
    waiting: VecDeque<Job>,
}

impl<Job> Default for FairQueue<Job> {
    fn default() -> Self {
        Self { trees: Mutex::default() }
    }
}

impl<Job> Default for Tree<Job> {
    fn default() -> Self {
        Self { running: 0, waiting: VecDeque::new() }
    }
}

impl<Job> FairQueue<Job> {
    /// Queues a job, or returns it if it can begin at once. `first` puts it before the waiting jobs of its tree.
    pub(crate) fn enter(&self, root: Uuid, job: Job, first: bool) -> Option<Job> {
        let mut trees = self.trees.lock();
        let tree = trees.entry(root).or_default();
        if tree.running < WIDTH {
            tree.running += 1;
            return Some(job);
        }
        if first {
            tree.waiting.push_front(job);
        } else {
            tree.waiting.push_back(job);
        }
        None
    }

    /// Notes the end of a job. Returns the next job of its tree, which takes over the place.
    pub(crate) fn leave(&self, root: Uuid) -> Option<Job> {
        let mut trees = self.trees.lock();
        let tree = trees.get_mut(&root)?;
        if let Some(job) = tree.waiting.pop_front() {
            return Some(job);
        }
        tree.running = tree.running.saturating_sub(1);
        if tree.running == 0 {
            trees.remove(&root);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_is_full_makes_its_own_wait_and_no_others() {
        let (queue, flood, other) = (FairQueue::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let begun = (0..200).filter(|number| queue.enter(flood, *number, false).is_some()).count();
        assert_eq!(begun, WIDTH);
        assert!(queue.enter(other, 500, false).is_some(), "another tree begins at once");
        assert!(queue.enter(flood, 600, true).is_none());
        assert_eq!(queue.leave(flood), Some(600), "ending goes first");
        assert_eq!(queue.leave(flood), Some(WIDTH));
        assert!(queue.leave(other).is_none());
        while queue.leave(flood).is_some() {}
        (1..WIDTH).for_each(|_| assert!(queue.leave(flood).is_none()));
        assert!(queue.trees.lock().is_empty(), "nothing is kept of trees that rest");
    }
}
