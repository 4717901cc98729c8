//! Who works next: fair between families.
//!
//! A start that has thousands of subflows under way must not stand before the requests of others. So at most [`WIDTH`]
//! instances of one family are worked on at once, and the others of it wait here; an instance without a family never waits.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use crate::{drive, engine::Inner, living::Living};

/// Instances of one family that are worked on at once: enough to fill a transaction of the database, and few enough that a
/// turn of another instance comes up within some tens of milliseconds.
const WIDTH: usize = 64;

/// An instance that somebody has to work on.
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) living: Option<Box<Living>>,
    /// Before the others of its family: ending is not to wait for what it ends.
    pub(crate) first: bool,
}

/// What waits, by the root of the family.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: Mutex<HashMap<Uuid, Lane>>,
}

#[derive(Default)]
struct Lane {
    running: usize,
    waiting: VecDeque<Job>,
}

impl Lanes {
    /// Gives the job back when it can begin at once.
    fn enter(&self, root: Uuid, job: Job) -> Option<Job> {
        let mut lanes = self.lock();
        let lane = lanes.entry(root).or_default();
        if lane.running < WIDTH {
            lane.running += 1;
            return Some(job);
        }
        if job.first {
            lane.waiting.push_front(job);
        } else {
            lane.waiting.push_back(job);
        }
        None
    }

    /// A job has ended: gives the next one of its family.
    fn leave(&self, root: Uuid) -> Option<Job> {
        let mut lanes = self.lock();
        let lane = lanes.get_mut(&root)?;
        if let Some(job) = lane.waiting.pop_front() {
            return Some(job);
        }
        lane.running = lane.running.saturating_sub(1);
        if lane.running == 0 {
            lanes.remove(&root);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works on an instance, now or when its family has room.
pub(crate) fn work(inner: &Arc<Inner>, family: Option<Uuid>, job: Job) {
    match family {
        None => {
            tokio::spawn(drive::drive(Arc::clone(inner), job.id, job.living));
        }
        Some(root) => {
            if let Some(job) = inner.lanes.enter(root, job) {
                begin(inner, root, job);
            }
        }
    }
}

fn begin(inner: &Arc<Inner>, root: Uuid, job: Job) {
    let place = Place { inner: Arc::clone(inner), root };
    // Without a runtime the process is about to end, and recovery takes over.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            drive::drive(Arc::clone(&place.inner), job.id, job.living).await;
            drop(place);
        });
    }
}

/// A place among those that work for a family; handed on to the next one however the work ends.
struct Place {
    inner: Arc<Inner>,
    root: Uuid,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(job) = self.inner.lanes.leave(self.root) {
            begin(&self.inner, self.root, job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: u128, first: bool) -> Job {
        Job { id: Uuid::from_u128(number), living: None, first }
    }

    #[test]
    fn a_family_that_is_full_makes_its_own_wait_and_no_others() {
        let (lanes, flood, other) = (Lanes::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let begun = (0..200).filter(|number| lanes.enter(flood, job(*number, false)).is_some()).count();
        assert_eq!(begun, WIDTH);
        assert!(lanes.enter(other, job(500, false)).is_some(), "another family begins at once");
        assert!(lanes.enter(flood, job(600, true)).is_none());
        assert_eq!(lanes.leave(flood).map(|job| job.id), Some(Uuid::from_u128(600)), "ending goes first");
        assert_eq!(lanes.leave(flood).map(|job| job.id), Some(Uuid::from_u128(WIDTH as u128)));
        assert!(lanes.leave(other).is_none());
        while lanes.leave(flood).is_some() {}
        (1..WIDTH).for_each(|_| assert!(lanes.leave(flood).is_none()));
        assert!(lanes.lock().is_empty(), "nothing is kept of families that rest");
    }
}
