//! The parts that all work on instances shares: the database, the clock, the dispatcher, limits, channels.
//!
//! Modules above add the work itself as methods of [`Executor`]: `load`, `calls`, `perform`, `step`, `drive`.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use rondo_definition::Properties;
use rondo_event::{ChannelStates, Channels, Sender};
use rondo_function::{Caller, Secrets};
use rondo_machine::{Millis, Snapshot};
use rondo_memory::{LargeWork, MemoryBudget};
use rondo_store::{Commit, CommitError, Committed, Database, Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{
    acceptance::Retention,
    active_instance::Limits,
    call_threads::CallThreads,
    catalog::Catalog,
    clock::Clock,
    computing::Computing,
    concurrency::Concurrency,
    crash_loop::CrashLoop,
    dispatch::{Dispatcher, Worker},
    encryption::Encryption,
    event_watch::EventWatch,
    instance_tree::InstanceTrees,
    neighbour::Neighbour,
    process_events::ProcessEvents,
    revision_cache::RevisionCache,
    served::Served,
    timers::Timers,
    unwanted::UnwantedEvents,
};

/// Pause before a refused request to the database is repeated. A full disk or the lock of a backup lasts for seconds; a shorter pause only
/// fills the log.
pub(crate) const STORE_PAUSE: Duration = Duration::from_millis(500);

/// How many instances are read from the database at once: two for each thread of the database that reads.
const READS: usize = 8;

/// How many large instances or events are written at once. The database writes one transaction after the other; meanwhile a second instance
/// is encoded, and further ones would take memory and wait.
const LARGE_WRITES: usize = 2;

/// An instance or an event is large from this many bytes of memory on.
const LARGE: usize = 1024 * 1024;

/// The shared parts, with the methods that work on instances.
pub(crate) struct Executor {
    /// When the engine was opened.
    pub(crate) started_at: Millis,
    pub(crate) store: Arc<dyn Store>,
    /// The database of the store, if the engine opened it.
    pub(crate) database: Option<Database>,
    /// Parts of the process beside the engine.
    pub(crate) neighbours: Vec<Neighbour>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers,
    pub(crate) crash_loop: Arc<CrashLoop>,
    pub(crate) trees: InstanceTrees,
    pub(crate) caller: Caller,
    pub(crate) calls: TaskTracker,
    pub(crate) call_threads: CallThreads,
    pub(crate) secrets: Secrets,
    /// Properties of the root project, which configure the engine.
    pub(crate) properties: Properties,
    pub(crate) encryption: Encryption,
    pub(crate) limits: Limits,
    pub(crate) concurrency: Concurrency,
    pub(crate) memory: MemoryBudget,
    /// The channels by which events come and go.
    pub(crate) channels: Arc<Channels>,
    /// Problems and counts of the channels of brokers.
    pub(crate) channel_states: Arc<ChannelStates>,
    /// Sends events to sinks and brokers.
    pub(crate) sender: Arc<Sender>,
    /// How long received events are stored, and how many.
    pub(crate) retention: Retention,
    /// The last received events that no instance takes, now or later.
    pub(crate) unwanted: UnwantedEvents,
    /// How many events wait to be sent, are kept, and were received.
    pub(crate) event_watch: EventWatch,
    /// Kogito's events about instances and definitions.
    pub(crate) process_events: ProcessEvents,
    /// Is notified when a commit adds rows to the outbox.
    pub(crate) outbox_changed: Notify,
    /// Bounds how many instances are read from the database at once.
    pub(crate) reads: LargeWork,
    /// Bounds how many large instances and events are written at once.
    pub(crate) large_writes: LargeWork,
    pub(crate) revisions: RevisionCache,
    served: Arc<Served>,
    stopping: watch::Sender<bool>,
}

/// The parts from which an executor is made.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) database: Option<Database>,
    pub(crate) neighbours: Vec<Neighbour>,
    pub(crate) computing: Computing,
    pub(crate) clock: Clock,
    pub(crate) crash_loop: Arc<CrashLoop>,
    pub(crate) trees: InstanceTrees,
    pub(crate) caller: Caller,
    pub(crate) secrets: Secrets,
    pub(crate) properties: Properties,
    pub(crate) encryption: Encryption,
    pub(crate) limits: Limits,
    pub(crate) concurrency: Concurrency,
    pub(crate) memory: MemoryBudget,
    pub(crate) channels: Arc<Channels>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) retention: Retention,
    pub(crate) max_outbox: u64,
    pub(crate) process_events: ProcessEvents,
    pub(crate) served: Arc<Served>,
}

/// The outcome of a commit.
pub(crate) enum Stored {
    Durable(Committed),
    /// Another turn of an instance came first. Nothing was written.
    Fenced,
    /// The instance would go on from an error, and its concurrency group has no place for it. Nothing was written.
    NoPlace,
    /// The database refused it. Nothing was written.
    Refused(String),
}

impl Executor {
    pub(crate) fn new(parts: Parts) -> Arc<Self>
    where
        Self: Worker,
    {
        let call_threads = call_threads(&parts.computing);
        Arc::new_cyclic(|executor: &Weak<Self>| Self {
            started_at: parts.clock.now(),
            store: parts.store,
            database: parts.database,
            neighbours: parts.neighbours,
            dispatcher: Dispatcher::new(Weak::clone(executor) as Weak<dyn Worker>, parts.computing),
            clock: parts.clock,
            timers: Timers::default(),
            crash_loop: parts.crash_loop,
            trees: parts.trees,
            caller: parts.caller,
            calls: TaskTracker::new(),
            call_threads,
            secrets: parts.secrets,
            properties: parts.properties,
            encryption: parts.encryption,
            limits: parts.limits,
            concurrency: parts.concurrency,
            memory: parts.memory,
            channels: parts.channels,
            channel_states: Arc::default(),
            sender: parts.sender,
            retention: parts.retention,
            unwanted: UnwantedEvents::default(),
            event_watch: EventWatch::new(
                parts.max_outbox,
                parts.retention.max_kept,
                parts.retention.max_kept_bytes,
            ),
            process_events: parts.process_events,
            outbox_changed: Notify::new(),
            // The engine knows the size of a row only when its text is in memory, so every row counts as large.
            reads: LargeWork::new(READS, 0),
            large_writes: LargeWork::new(LARGE_WRITES, LARGE),
            revisions: RevisionCache::default(),
            served: parts.served,
            stopping: watch::Sender::new(false),
        })
    }

    /// The workflows that are served.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.served.catalog()
    }

    /// Makes the engine refuse new requests and events from now on.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Resolves when the engine stops.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as the engine, so this ends only with `true`.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Sets the timer of an instance to the earliest moment of its snapshot.
    pub(crate) fn set_timer(&self, id: Uuid, snapshot: &Snapshot) {
        if let Some(at) = snapshot.wake_at() {
            self.timers.set(at, id);
        }
    }

    /// Commits. An answer of a service must not be lost while the database fails, so the commit is tried again until the database takes it
    /// or the engine stops. With `gives_up` the first failure refuses it, as for a start, whose client can repeat it.
    pub(crate) async fn commit(&self, commit: Commit, gives_up: bool) -> Stored {
        let mut commit = commit;
        let mut tries = 0_u64;
        loop {
            tries += 1;
            let next = if gives_up { Commit::default() } else { commit.clone() };
            match self.store.commit(commit).await {
                Ok(committed) => return Stored::Durable(committed),
                Err(CommitError::Fenced { .. }) => return Stored::Fenced,
                Err(CommitError::NoPlace { .. }) => return Stored::NoPlace,
                Err(error @ CommitError::Store(StoreError::Lost(_))) => {
                    return Stored::Refused(error.to_string());
                }
                Err(error) if gives_up || self.is_stopping() => return Stored::Refused(error.to_string()),
                Err(error) => {
                    // While the store as a whole fails, it logs that itself, once for all commits.
                    if self.store.health().is_ok() && tries.is_power_of_two() {
                        tracing::error!(%error, tries, "the database does not take a commit; trying again");
                    }
                    self.clock.sleep(STORE_PAUSE).await;
                }
            }
            commit = next;
        }
    }

    /// Reads from the database how many events wait to be sent and are kept, and passes the counts to `event_watch`.
    pub(crate) async fn look_at_events(&self) -> Result<(), StoreError> {
        let (outbox, kept) = tokio::try_join!(self.store.outbox_status(), self.store.kept_status())?;
        self.event_watch.note_database(outbox, kept, self.clock.now());
        Ok(())
    }

    /// Removes messages that no frame of the instance waits for from its mailbox, and keeps events for it that it does not wait for now. If
    /// the commit fails, the messages stay and are read again with the next ones. Returns whether it succeeded.
    pub(crate) async fn discard_messages(
        &self,
        id: Uuid,
        messages_consumed: Vec<i64>,
        events_returned: Vec<i64>,
    ) -> bool {
        if messages_consumed.is_empty() && events_returned.is_empty() {
            return true;
        }
        let commit = Commit { messages_consumed, events_returned, ..Commit::default() };
        if let Stored::Refused(error) = self.commit(commit, true).await {
            tracing::warn!(instance_id = %id, %error, "messages without an effect stay in the mailbox");
            return false;
        }
        true
    }
}

/// Starts threads for calls if turns have threads of their own too. If none can be started, calls run on the threads of the server.
fn call_threads(computing: &Computing) -> CallThreads {
    if !computing.has_own_threads() {
        return CallThreads::here();
    }
    CallThreads::on_own_threads().unwrap_or_else(|error| {
        tracing::error!(%error, "no threads for calls can be started; those of the server make them");
        CallThreads::here()
    })
}
