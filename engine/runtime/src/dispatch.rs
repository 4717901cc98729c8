//! Delivers work to instances, and starts the tasks that process it.
//!
//! Promises: an instance with deliveries has a task, or waits in the queue of its tree. If a task ends early (a panic, a dropped task), its
//! instance does not stay busy: another task processes the deliveries that came meanwhile. Never: knows what the work is; the [`Worker`] of
//! an upper layer does.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
};

use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    computing::Computing,
    delivery::{Delivery, Signal},
    fair_queue::FairQueue,
    registry::{Registry, Work},
};

/// Processes the work of instances.
pub(crate) trait Worker: Send + Sync {
    /// Works on an instance until it has no more deliveries. `instance` is `None` if it is not in memory.
    fn work(
        self: Arc<Self>,
        id: Uuid,
        instance: Option<Box<ActiveInstance>>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The registry, the queue of the trees, and the worker.
pub(crate) struct Dispatcher {
    registry: Registry,
    queue: FairQueue<Job>,
    /// Weak, because the worker owns the dispatcher.
    worker: Weak<dyn Worker>,
    computing: Computing,
    /// The tasks that work on instances.
    tasks: TaskTracker,
}

/// An instance that needs a task to work on it.
struct Job {
    id: Uuid,
    instance: Option<Box<ActiveInstance>>,
}

impl Dispatcher {
    pub(crate) fn new(worker: Weak<dyn Worker>, computing: Computing) -> Arc<Self> {
        let (registry, queue, tasks) = (Registry::default(), FairQueue::default(), TaskTracker::new());
        Arc::new(Self { registry, queue, worker, computing, tasks })
    }

    /// Resolves when no instance is being worked on any more. The caller must have stopped new deliveries.
    pub(crate) async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Delivers to an instance, which is loaded if it is not in memory.
    pub(crate) fn deliver(self: &Arc<Self>, id: Uuid, delivery: Delivery) {
        self.hand_over(id, None, delivery);
    }

    /// Delivers to a new instance, which no task works on yet.
    pub(crate) fn deliver_to(self: &Arc<Self>, instance: Box<ActiveInstance>, delivery: Delivery) {
        self.hand_over(instance.row.id, Some(instance), delivery);
    }

    /// Makes an instance read its mailbox.
    pub(crate) fn deliver_mailbox(self: &Arc<Self>, id: Uuid, root: Option<Uuid>) {
        self.deliver(id, Delivery::signal(Signal::Mailbox).in_tree(root));
    }

    /// Delivers a signal to an instance if it is in memory.
    pub(crate) fn notice(self: &Arc<Self>, id: Uuid, signal: Signal) {
        if self.registry.is_here(id) {
            self.deliver(id, Delivery::signal(signal));
        }
    }

    /// Puts a delivery before all others of an instance that the caller works on.
    pub(crate) fn deliver_next(&self, id: Uuid, delivery: Delivery) {
        self.registry.put_first(id, delivery);
    }

    /// The next delivery for a worker; see [`Registry::next`].
    pub(crate) fn next(
        &self,
        id: Uuid,
        instance: Option<Box<ActiveInstance>>,
    ) -> Option<(Delivery, Option<Box<ActiveInstance>>)> {
        self.registry.next(id, instance)
    }

    /// Takes the answers to calls that come next for an instance that the caller works on; at most `most`.
    pub(crate) fn next_answers(&self, id: Uuid, most: usize) -> Vec<Delivery> {
        self.registry.next_answers(id, most)
    }

    /// Whether an instance is being worked on.
    pub(crate) fn is_here(&self, id: Uuid) -> bool {
        self.registry.is_here(id)
    }

    /// How many instances are being worked on.
    pub(crate) fn len(&self) -> usize {
        self.registry.len()
    }

    /// The threads on which instances are worked on.
    pub(crate) fn computing(&self) -> &Computing {
        &self.computing
    }

    fn hand_over(self: &Arc<Self>, id: Uuid, instance: Option<Box<ActiveInstance>>, delivery: Delivery) {
        let (first, root) = (delivery.is_abort(), delivery.root);
        let Work::NeedsWorker(parked) = self.registry.deliver(id, delivery) else { return };
        let instance = parked.or(instance);
        let root = instance.as_deref().and_then(ActiveInstance::tree).or(root);
        let job = Job { id, instance };
        let ready = match root {
            None => Some(job),
            Some(root) => self.queue.enter(root, job, first),
        };
        if let Some(job) = ready {
            self.begin(root, job);
        }
    }

    fn begin(self: &Arc<Self>, root: Option<Uuid>, job: Job) {
        // The engine is gone, so the process is about to end, and recovery resumes the instance at the next start.
        let Some(worker) = self.worker.upgrade() else { return };
        let mut place = Place { dispatcher: Arc::clone(self), id: job.id, root, stage: Stage::New };
        let work = async move {
            place.reach(Stage::Working);
            worker.work(job.id, job.instance).await;
            place.reach(Stage::Done);
        };
        self.computing.spawn(&self.tasks, work);
    }
}

/// The place of a task that works on an instance. However the task ends, dropping the place frees the instance and starts the next job of
/// its tree.
struct Place {
    dispatcher: Arc<Dispatcher>,
    id: Uuid,
    root: Option<Uuid>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Working,
    Done,
}

impl Place {
    fn reach(&mut self, stage: Stage) {
        self.stage = stage;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let dispatcher = &self.dispatcher;
        if self.stage == Stage::New {
            // The runtime has shut down and drops new tasks unpolled; another task would be dropped as well.
            return;
        }
        if self.stage == Stage::Working && dispatcher.registry.has_lost_its_worker(self.id) {
            dispatcher.begin(self.root, Job { id: self.id, instance: None });
        } else if let Some(root) = self.root
            && let Some(job) = dispatcher.queue.leave(root)
        {
            dispatcher.begin(self.root, job);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    /// Panics at its first delivery, and does the others.
    struct Clumsy {
        dispatcher: Arc<Dispatcher>,
        done: AtomicUsize,
        all: Notify,
    }

    impl Worker for Clumsy {
        fn work(
            self: Arc<Self>,
            id: Uuid,
            mut instance: Option<Box<ActiveInstance>>,
        ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(async move {
                while let Some((_, held)) = self.dispatcher.next(id, instance.take()) {
                    instance = held;
                    match self.done.fetch_add(1, Ordering::Relaxed) {
                        0 => panic!("a defect"),
                        2 => self.all.notify_one(),
                        _ => {}
                    }
                }
            })
        }
    }

    #[tokio::test]
    async fn what_was_delivered_for_an_instance_whose_task_panicked_is_done_by_another() {
        let worker = Arc::new_cyclic(|worker: &Weak<Clumsy>| Clumsy {
            dispatcher: Dispatcher::new(Weak::clone(worker) as Weak<dyn Worker>, Computing::here()),
            done: AtomicUsize::new(0),
            all: Notify::new(),
        });
        let id = Uuid::from_u128(1);
        for _ in 0..3 {
            worker.dispatcher.deliver(id, Delivery::signal(Signal::Recover).in_tree(Some(id)));
        }
        worker.all.notified().await;
        assert_eq!(worker.done.load(Ordering::Relaxed), 3);
    }
}
