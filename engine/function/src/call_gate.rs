//! Limits how many calls of the process are in flight, and queues the others.
//!
//! Owns: the places of calls. Promises: a service gets a place only while it holds fewer than are free, so that one service alone gets half of
//! the places, two get a third each, and a service that hangs leaves places for others. A tree of instances gets a place of a service only while
//! it holds fewer than are left to that service, so that one tree alone gets a third of all places and leaves places at the same service. Waiting
//! calls get places in turns, tree by tree, so that a single call of one instance does not wait behind the thousand of another. Never: makes a
//! call; counts the time in the queue as time of the service. Source: the threshold is that of Choudhury and Hahne, "Dynamic Queue Length
//! Thresholds for Shared-Memory Packet Switches".

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The calls in flight and in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallLoad {
    /// Calls that have a place.
    pub in_flight: usize,
    /// Calls that wait for a place.
    pub waiting: usize,
    /// Places in all.
    pub most: usize,
}

/// Hands out the places.
pub(crate) struct CallGate {
    most: usize,
    patience: Duration,
    queues: Mutex<Queues>,
}

/// A place of one call; dropping it frees the place.
pub(crate) struct Place {
    gate: Arc<CallGate>,
    tree: Arc<str>,
    service: Arc<str>,
}

/// No place became free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("waited {} ms for its turn, because {} calls are in flight and {} wait; `rondo.http.max-calls` says how many may be", .waited.as_millis(), .load.in_flight, .load.waiting)]
pub(crate) struct NoPlace {
    waited: Duration,
    load: CallLoad,
}

#[derive(Default)]
struct Queues {
    in_flight: usize,
    waiting: usize,
    by_tree: HashMap<Arc<str>, usize>,
    services: HashMap<Arc<str>, Service>,
    /// Services for which calls wait, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    warned: Option<Instant>,
}

/// The calls to one service.
#[derive(Default)]
struct Service {
    in_flight: usize,
    /// Trees whose calls wait, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    waiting: HashMap<Arc<str>, VecDeque<oneshot::Sender<()>>>,
}

/// Shortest time between two warnings about the queue: a queue lasts, and its figures are in the health answer.
const WARNING_PAUSE: Duration = Duration::from_mins(1);

impl CallGate {
    /// A gate of `most` places; a call waits for a place no longer than `patience`.
    pub(crate) fn new(most: usize, patience: Duration) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), patience, queues: Mutex::default() })
    }

    pub(crate) fn load(&self) -> CallLoad {
        self.queues.lock().load(self.most)
    }

    /// Waits for the turn of a call of an instance tree to a service.
    pub(crate) async fn enter(self: &Arc<Self>, tree: &str, service: &str) -> Result<Place, NoPlace> {
        let (tree, service): (Arc<str>, Arc<str>) = (tree.into(), service.into());
        let (sender, turn) = oneshot::channel();
        {
            let mut queues = self.queues.lock();
            queues.queue(&tree, &service, sender);
            queues.serve(self.most);
            queues.warn(self.most);
        }
        let asked = tokio::time::Instant::now();
        // From here on the place is given back in every case, also if this future is dropped.
        let waiting = Waiting { gate: self, turn: Some(turn), tree: &tree, service: &service };
        match tokio::time::timeout(self.patience, waiting).await {
            Ok(()) => Ok(Place { gate: Arc::clone(self), tree, service }),
            Err(_) => Err(NoPlace { waited: asked.elapsed(), load: self.load() }),
        }
    }

    fn leave(&self, tree: &Arc<str>, service: &Arc<str>) {
        let mut queues = self.queues.lock();
        queues.give_back(tree, service);
        queues.serve(self.most);
    }
}

/// Resolves when it is the call's turn.
struct Waiting<'a> {
    gate: &'a Arc<CallGate>,
    turn: Option<oneshot::Receiver<()>>,
    tree: &'a Arc<str>,
    service: &'a Arc<str>,
}

impl Future for Waiting<'_> {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        let Some(turn) = &mut self.turn else { return std::task::Poll::Ready(()) };
        // The gate keeps the sender until it sends, so receiving cannot fail.
        let poll = std::pin::Pin::new(turn).poll(context).map(|_| ());
        if poll.is_ready() {
            self.turn = None;
        }
        poll
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(mut turn) = self.turn.take() else { return };
        let mut queues = self.gate.queues.lock();
        turn.close();
        // The turn may have come between the last poll and now.
        if turn.try_recv().is_ok() {
            queues.give_back(self.tree, self.service);
        } else {
            queues.withdraw(self.tree, self.service);
        }
        queues.serve(self.gate.most);
    }
}

impl Queues {
    fn load(&self, most: usize) -> CallLoad {
        CallLoad { in_flight: self.in_flight, waiting: self.waiting, most }
    }

    fn queue(&mut self, tree: &Arc<str>, name: &Arc<str>, sender: oneshot::Sender<()>) {
        self.waiting += 1;
        let service = self.services.entry(Arc::clone(name)).or_default();
        if service.turns.is_empty() {
            self.turns.push_back(Arc::clone(name));
        }
        let queue = service.waiting.entry(Arc::clone(tree)).or_default();
        if queue.is_empty() {
            service.turns.push_back(Arc::clone(tree));
        }
        queue.push_back(sender);
    }

    /// Removes the calls of a tree to a service that no longer wait.
    fn withdraw(&mut self, tree: &Arc<str>, name: &Arc<str>) {
        let Some(service) = self.services.get_mut(name) else { return };
        let Some(queue) = service.waiting.get_mut(tree) else { return };
        let before = queue.len();
        queue.retain(|sender| !sender.is_closed());
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            service.waiting.remove(tree);
            service.turns.retain(|other| other != tree);
        }
        self.tidy(name);
    }

    /// Gives the free places to the calls whose turn it is.
    fn serve(&mut self, most: usize) {
        while let Some((at, name)) = self.next_service(most) {
            self.turns.remove(at);
            self.turns.push_back(Arc::clone(&name));
            let free = most - self.in_flight;
            let Some(service) = self.services.get_mut(&name) else { continue };
            let left = free.saturating_sub(service.in_flight);
            let held = |tree: &Arc<str>| self.by_tree.get(tree).copied().unwrap_or_default();
            let Some(at) = service.turns.iter().position(|tree| held(tree) < left) else { continue };
            let Some(tree) = service.turns.remove(at) else { continue };
            let queue = service.waiting.entry(Arc::clone(&tree)).or_default();
            let sender = queue.pop_front();
            if queue.is_empty() {
                service.waiting.remove(&tree);
            } else {
                service.turns.push_back(Arc::clone(&tree));
            }
            if let Some(sender) = sender {
                self.waiting -= 1;
                // A receiver closes only under the lock and is then withdrawn, so sending succeeds.
                if sender.send(()).is_ok() {
                    service.in_flight += 1;
                    self.in_flight += 1;
                    *self.by_tree.entry(tree).or_default() += 1;
                }
            }
            self.tidy(&name);
        }
    }

    /// The next service in turn that may have one more place and for which a tree waits that may have one more, too.
    fn next_service(&self, most: usize) -> Option<(usize, Arc<str>)> {
        let free = most.checked_sub(self.in_flight).filter(|free| *free > 0)?;
        let held = |tree: &Arc<str>| self.by_tree.get(tree).copied().unwrap_or_default();
        self.turns.iter().enumerate().find_map(|(at, name)| {
            let service = self.services.get(name)?;
            let left = free.saturating_sub(service.in_flight);
            // No tree holds fewer than none, and thousands may wait.
            (left > 0 && service.turns.iter().any(|tree| held(tree) < left)).then(|| (at, Arc::clone(name)))
        })
    }

    fn give_back(&mut self, tree: &Arc<str>, name: &Arc<str>) {
        self.in_flight -= 1;
        if let Some(count) = self.by_tree.get_mut(tree) {
            *count -= 1;
            if *count == 0 {
                self.by_tree.remove(tree);
            }
        }
        if let Some(service) = self.services.get_mut(name) {
            service.in_flight -= 1;
        }
        self.tidy(name);
    }

    /// Removes a service without waiting calls from the turns, and forgets it if it has no calls in flight either.
    fn tidy(&mut self, name: &Arc<str>) {
        let Some(service) = self.services.get(name) else { return };
        if service.turns.is_empty() {
            self.turns.retain(|other| other != name);
            if service.in_flight == 0 {
                self.services.remove(name);
            }
        }
    }

    fn warn(&mut self, most: usize) {
        let due = self.warned.is_none_or(|warned| warned.elapsed() > WARNING_PAUSE);
        if self.waiting >= most && due {
            self.warned = Some(Instant::now());
            tracing::warn!(
                in_flight = self.in_flight,
                waiting = self.waiting,
                most,
                "calls wait for their turn (rondo.http.max-calls)"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.leave(&self.tree, &self.service);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Enters without waiting; `None` if it would have to wait.
    fn try_enter(gate: &Arc<CallGate>, tree: &str, service: &str) -> Option<Place> {
        let mut entering = Box::pin(gate.enter(tree, service));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match entering.as_mut().poll(&mut context) {
            std::task::Poll::Ready(place) => place.ok(),
            std::task::Poll::Pending => None,
        }
    }

    fn enter_all(gate: &Arc<CallGate>, tree: &str, service: &str) -> Vec<Place> {
        std::iter::from_fn(|| try_enter(gate, tree, service)).collect()
    }

    fn gate(most: usize) -> Arc<CallGate> {
        CallGate::new(most, Duration::from_mins(1))
    }

    #[tokio::test]
    async fn one_tree_gets_a_third_and_leaves_places_for_others() {
        let gate = gate(12);
        let first = enter_all(&gate, "a", "s");
        let second = enter_all(&gate, "b", "s");
        let third = enter_all(&gate, "c", "t");
        assert_eq!((first.len(), second.len(), third.len()), (4, 2, 2));
        assert_eq!(gate.load(), CallLoad { in_flight: 8, waiting: 0, most: 12 });
        drop((first, second, third));
        assert!(gate.queues.lock().services.is_empty() && gate.queues.lock().by_tree.is_empty());
    }

    #[tokio::test]
    async fn a_service_that_hangs_leaves_places_for_others() {
        let gate = gate(12);
        let hanging: Vec<_> =
            (0..100).filter_map(|tree| try_enter(&gate, &tree.to_string(), "hangs")).collect();
        assert_eq!(hanging.len(), 6);
        assert!(try_enter(&gate, "200", "works").is_some());
    }

    #[tokio::test]
    async fn places_go_from_tree_to_tree() {
        let gate = gate(2);
        let held = enter_all(&gate, "hog", "s");
        assert_eq!(held.len(), 1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for tree in ["hog", "hog", "hog", "small", "hog"] {
            let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
            tasks.spawn(async move {
                let _place = gate.enter(tree, "s").await.unwrap();
                order.lock().push(tree);
            });
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.load().waiting, 5);
        drop(held);
        tasks.join_all().await;
        assert_eq!(*order.lock(), ["hog", "small", "hog", "hog", "hog"]);
        assert_eq!(gate.load(), CallLoad { in_flight: 0, waiting: 0, most: 2 });
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let gate = CallGate::new(1, Duration::from_millis(5));
        let _held = gate.enter("a", "s").await.unwrap();
        let refused = gate.enter("b", "s").await.err().unwrap();
        let message = NoPlace { waited: Duration::from_millis(5), ..refused };
        insta::assert_snapshot!(message, @"waited 5 ms for its turn, because 1 calls are in flight and 0 wait; `rondo.http.max-calls` says how many may be");
        assert_eq!(gate.load().waiting, 0);
    }

    proptest! {
        /// Tries any order of entering, giving up and leaving.
        #[test]
        fn every_place_comes_back(most in 1_usize..6, moves in prop::collection::vec((0_u8..4, 0_u8..3, 0_u8..3, any::<prop::sample::Index>()), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _entered = runtime.enter();
            let gate = gate(most);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let (mut waiting, mut held) = (Vec::new(), Vec::new());
            for (what, tree, service, which) in moves {
                match what {
                    0 | 1 => {
                        let gate = Arc::clone(&gate);
                        let entering = async move { gate.enter(&tree.to_string(), &service.to_string()).await };
                        waiting.push(Box::pin(entering));
                    }
                    2 if !held.is_empty() => drop(held.swap_remove(which.index(held.len()))),
                    3 if !waiting.is_empty() => drop(waiting.swap_remove(which.index(waiting.len()))),
                    _ => {}
                }
                waiting.retain_mut(|entering| match entering.as_mut().poll(&mut context) {
                    std::task::Poll::Ready(place) => { held.push(place.unwrap()); false }
                    std::task::Poll::Pending => true,
                });
                let load = gate.load();
                prop_assert!(load.in_flight <= most);
                prop_assert_eq!(load.in_flight, held.len());
                prop_assert_eq!(load.waiting, waiting.len());
                // A waiting call has a reason to wait.
                prop_assert!(waiting.is_empty() || !held.is_empty());
            }
            drop((waiting, held));
            prop_assert_eq!(gate.load(), CallLoad { in_flight: 0, waiting: 0, most });
            prop_assert!(gate.queues.lock().turns.is_empty());
        }
    }
}
