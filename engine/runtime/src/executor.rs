//! What works on instances has in common: the database, the clock, the dispatcher, and what all instances share.
//!
//! The work itself is in the modules above, each of which adds its part to [`Executor`]: `load`, `calls`, `perform`, `step`, `drive`.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use rondo_definition::Properties;
use rondo_event::{ChannelStates, Channels, Sender};
use rondo_function::{Caller, Secrets};
use rondo_machine::{Millis, Snapshot};
use rondo_memory::{LargeWork, MemoryBudget};
use rondo_store::{Commit, CommitError, Committed, Store, StoreError};
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
    crash_loop::CrashLoop,
    dispatch::{Dispatcher, Worker},
    encryption::Encryption,
    event_watch::EventWatch,
    instance_tree::InstanceTrees,
    process_events::ProcessEvents,
    revision_cache::RevisionCache,
    served::Served,
    timers::Timers,
    unwanted::UnwantedEvents,
};

/// Wait before the database is asked again for what it refused. The trouble of a database (a full disk, a lock of a backup) lasts for
/// seconds; a shorter pause only fills its log.
pub(crate) const STORE_PAUSE: Duration = Duration::from_millis(500);

/// How many instances are read from the database at once: twice as many as there are threads that read.
const READS: usize = 8;

/// How many large instances or events are written at once. The writer of the database takes one transaction after the other, so a second one
/// is encoded meanwhile, and further ones would only wait.
const LARGE_WRITES: usize = 2;

/// Bytes of memory from which an instance or an event is large.
const LARGE: usize = 1024 * 1024;

/// What works on instances.
pub(crate) struct Executor {
    /// When the engine was opened.
    pub(crate) started_at: Millis,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers,
    pub(crate) crash_loop: Arc<CrashLoop>,
    pub(crate) trees: InstanceTrees,
    pub(crate) caller: Caller,
    pub(crate) calls: TaskTracker,
    pub(crate) call_threads: CallThreads,
    pub(crate) secrets: Secrets,
    /// Those of the root project: what is about the engine.
    pub(crate) properties: Properties,
    pub(crate) encryption: Encryption,
    pub(crate) limits: Limits,
    pub(crate) memory: MemoryBudget,
    /// Where events come from and go to.
    pub(crate) channels: Arc<Channels>,
    /// How the channels of brokers do.
    pub(crate) channel_states: Arc<ChannelStates>,
    /// Sends events.
    pub(crate) sender: Sender,
    /// How long events are known.
    pub(crate) retention: Retention,
    /// The last events that nobody wanted.
    pub(crate) unwanted: UnwantedEvents,
    /// How many events wait to be sent, are kept, and came.
    pub(crate) event_watch: EventWatch,
    /// Kogito's events about instances and definitions.
    pub(crate) process_events: ProcessEvents,
    /// Says that there is something to send.
    pub(crate) outbox_changed: Notify,
    /// Reading instances from the database.
    pub(crate) reads: LargeWork,
    /// Writing large instances and events.
    pub(crate) large_writes: LargeWork,
    pub(crate) revisions: RevisionCache,
    served: Arc<Served>,
    stopping: watch::Sender<bool>,
}

/// What an executor is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) computing: Computing,
    pub(crate) clock: Clock,
    pub(crate) crash_loop: Arc<CrashLoop>,
    pub(crate) trees: InstanceTrees,
    pub(crate) caller: Caller,
    pub(crate) secrets: Secrets,
    pub(crate) properties: Properties,
    pub(crate) encryption: Encryption,
    pub(crate) limits: Limits,
    pub(crate) memory: MemoryBudget,
    pub(crate) channels: Arc<Channels>,
    pub(crate) sender: Sender,
    pub(crate) retention: Retention,
    pub(crate) max_outbox: u64,
    pub(crate) process_events: ProcessEvents,
    pub(crate) served: Arc<Served>,
}

/// What became of a commit.
pub(crate) enum Stored {
    Durable(Committed),
    /// Another turn of an instance came first. Nothing was written.
    Fenced,
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
            // The text of a row is in memory before its size is known, so every row counts as large.
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

    /// Takes nothing new from now on.
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

    /// Commits. Something that has happened already (an answer that came) is not given up while the database is away: the commit is tried
    /// again until it can be written or the engine stops. With `gives_up` it is refused at once instead, as a start is.
    pub(crate) async fn commit(&self, commit: Commit, gives_up: bool) -> Stored {
        let mut commit = commit;
        let mut tries = 0_u64;
        loop {
            tries += 1;
            let next = if gives_up { Commit::default() } else { commit.clone() };
            match self.store.commit(commit).await {
                Ok(committed) => return Stored::Durable(committed),
                Err(CommitError::Fenced { .. }) => return Stored::Fenced,
                Err(error @ CommitError::Store(StoreError::Lost(_))) => {
                    return Stored::Refused(error.to_string());
                }
                Err(error) if gives_up || self.is_stopping() => return Stored::Refused(error.to_string()),
                Err(error) => {
                    // The store itself reports trouble that all have, once for all of them.
                    if self.store.health().is_ok() && tries.is_power_of_two() {
                        tracing::error!(%error, tries, "the database does not take a commit; trying again");
                    }
                    self.clock.sleep(STORE_PAUSE).await;
                }
            }
            commit = next;
        }
    }

    /// Asks the database how many events wait to be sent and are kept.
    pub(crate) async fn look_at_events(&self) -> Result<(), StoreError> {
        let (outbox, kept) = tokio::try_join!(self.store.outbox_status(), self.store.kept_status())?;
        self.event_watch.note_database(outbox, kept, self.clock.now());
        Ok(())
    }

    /// Removes messages that mean nothing any more; events that the instance does not want now are kept for it. Where that fails they are
    /// looked at again with the next ones. Says whether it succeeded.
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
            tracing::warn!(instance_id = %id, %error, "messages that mean nothing any more stay in the mailbox");
            return false;
        }
        true
    }
}

/// Threads for calls, where computing has threads of its own too. Without them calls are made on the threads of the server.
fn call_threads(computing: &Computing) -> CallThreads {
    if !computing.has_own_threads() {
        return CallThreads::here();
    }
    CallThreads::on_own_threads().unwrap_or_else(|error| {
        tracing::error!(%error, "no threads for calls can be started; those of the server make them");
        CallThreads::here()
    })
}
