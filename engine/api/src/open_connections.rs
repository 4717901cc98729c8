//! The open connections, and the choice of those to close when their limit is reached.
//!
//! Promises: a client that opens connections and sends nothing, or sends requests that never end, locks nobody else out: of the connections that
//! wait for their client, those of the address with most connections are closed first, and of these the longest idle. A connection whose request
//! is being answered is never closed.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rondo_memory::MemoryBudget;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::connection_timeouts::ConnectionTimer;

/// At the limit, one of this many open connections is asked to close. The search looks at all of them, which takes less than a millisecond but is
/// too slow to repeat for each of thousands of new connections a second.
const PART: usize = 64;

/// How long a new connection waits for a place before further connections are asked to close.
const AGAIN: Duration = Duration::from_millis(100);

/// Bytes of the memory budget for each connection, from which follows how many may be open. A connection takes some ten kilobytes when it is idle
/// and at most twice the longest head, besides what its requests claim.
const CONNECTION_BYTES: u64 = 64 * 1024;

/// Long heads have memory of their own besides the budget: one part in this many of its size.
const HEADS_PART: u64 = 16;

/// The open connections.
pub(crate) struct OpenConnections {
    permits: Arc<Semaphore>,
    most: usize,
    open: Mutex<HashMap<u64, Open>>,
    next: AtomicU64,
    /// Memory for long heads that are arriving. It is separate from the budget, so that heads never take memory from data.
    heads: MemoryBudget,
}

struct Open {
    peer: IpAddr,
    timer: Arc<ConnectionTimer>,
    give_way: Arc<Notify>,
}

/// The place of a connection among the open ones. Dropping it frees the place.
pub(crate) struct Entry {
    connections: Arc<OpenConnections>,
    id: u64,
    timer: Arc<ConnectionTimer>,
    give_way: Arc<Notify>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl OpenConnections {
    /// `memory` is the budget of the process, which decides how many connections may be open and how much memory long heads have.
    pub(crate) fn new(most: usize, memory: &MemoryBudget) -> Arc<Self> {
        let affordable = usize::try_from(memory.total() / CONNECTION_BYTES).unwrap_or(usize::MAX);
        let most = most.min(affordable).clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(most)),
            most,
            open: Mutex::default(),
            next: AtomicU64::new(0),
            heads: MemoryBudget::new(memory.total() / HEADS_PART),
        })
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// How many may be open.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Waits for a place for a new connection; while there is none, asks other connections to close.
    pub(crate) async fn enter(self: &Arc<Self>, peer: IpAddr) -> Entry {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
                break Some(permit);
            }
            let given_way = self.make_room();
            if given_way == 0 {
                tracing::warn!(
                    "as many connections are being answered as `rondo.http.max-connections` and the limit of open files allow; \
                     further ones wait"
                );
            }
            let waiting = Arc::clone(&self.permits).acquire_owned();
            if let Ok(permit) = tokio::time::timeout(AGAIN, waiting).await {
                // Fails only when the semaphore is closed, which it never is.
                break permit.ok();
            }
        };
        let (timer, give_way) = (ConnectionTimer::new(self.heads.share()), Arc::new(Notify::new()));
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let open = Open { peer, timer: Arc::clone(&timer), give_way: Arc::clone(&give_way) };
        self.open.lock().insert(id, open);
        Entry { connections: Arc::clone(self), id, timer, give_way, _permit: permit }
    }

    /// Asks some of the connections that wait for their client to close, and returns how many.
    pub(crate) fn make_room(&self) -> usize {
        let open = self.open.lock();
        let mut per_peer: HashMap<IpAddr, usize> = HashMap::new();
        for connection in open.values() {
            *per_peer.entry(connection.peer).or_default() += 1;
        }
        let mut waiting: Vec<(usize, Instant, &Open)> = open
            .values()
            .filter_map(|connection| {
                let since = connection.timer.waits_since()?;
                Some((per_peer.get(&connection.peer).copied().unwrap_or_default(), since, connection))
            })
            .collect();
        waiting.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        let some = open.len().div_ceil(PART);
        waiting.iter().take(some).map(|(_, _, connection)| connection.give_way.notify_one()).count()
    }
}

impl Entry {
    /// The timer of the connection.
    pub(crate) fn timer(&self) -> &Arc<ConnectionTimer> {
        &self.timer
    }

    /// Resolves when the connection must close in favour of another.
    pub(crate) async fn gives_way(&self) {
        loop {
            self.give_way.notified().await;
            // A request may have begun since the notification.
            if self.timer.waits_since().is_some() {
                return;
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    async fn gives_way(entry: &Entry) -> bool {
        tokio::time::timeout(Duration::from_millis(1), entry.gives_way()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_silent_one_of_the_most_present_address_gives_way() {
        let connections = OpenConnections::new(4, &MemoryBudget::new(1 << 20));
        let mut entries = Vec::new();
        for peer in [1, 2, 2, 3] {
            entries.push(connections.enter(address(peer)).await);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let answering = entries[1].timer().start_request();
        assert_eq!(connections.make_room(), 1);
        let mut asked = Vec::new();
        for entry in &entries {
            asked.push(gives_way(entry).await);
        }
        assert_eq!(asked, [false, false, true, false], "the other one of its address is answering");
        // The closing connection leaves its place to the waiting one.
        let leaving = entries.remove(2);
        let waiting = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.enter(address(4)).await }
        });
        tokio::task::yield_now().await;
        drop(leaving);
        entries.push(waiting.await.unwrap());
        assert_eq!(connections.count(), 4);
        drop((answering, entries));
        assert_eq!(connections.count(), 0);
    }

    #[test]
    fn connections_are_as_many_as_memory_has_room_for() {
        for (most, bytes, expected) in [(10, 1 << 30, 10), (10_000, 256 << 20, 4096), (10_000, 1, 1)] {
            assert_eq!(OpenConnections::new(most, &MemoryBudget::new(bytes)).most(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn none_gives_way_that_is_being_answered() {
        let connections = OpenConnections::new(1, &MemoryBudget::new(1 << 20));
        let only = connections.enter(address(1)).await;
        let answering = only.timer().start_request();
        assert_eq!(connections.make_room(), 0);
        let body = crate::connection_timeouts::Arriving(Arc::clone(only.timer())).begin();
        assert_eq!(connections.make_room(), 1, "its body is still arriving");
        drop((body, answering));
    }
}
