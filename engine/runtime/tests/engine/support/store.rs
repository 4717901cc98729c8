//! A database that signals its commits, and fails on demand.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex},
};

use rondo_store::{
    AcceptError, AcceptEvent, Accepted, Answer, Change, ChangedFingerprint, Commit, CommitError, Committed,
    ConcurrencyGroup, Definition, Filter, Forgotten, History, Instance, KeptEvent, KeptStatus,
    MailboxMessage, OutboxBatch, OutboxChannel, OutboxQuery, OutboxRow, OutboxStatus, Query, Revision, Store,
    StoreError, WaitFilter, WaitingForPlace, WaitingInstance, Write,
};
use tokio::sync::watch;
use uuid::Uuid;

/// A failure of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The database refuses it.
    Refuses,
    /// The calling task panics, as by a defect of the engine.
    Panics,
}

/// A kind of read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Read {
    /// The timers that are due.
    Due,
    /// The instances that are under way.
    Busy,
    /// The messages of one instance.
    Mailbox,
    /// The instances that have messages.
    Mailboxes,
}

/// A database in front of another one.
#[derive(Debug)]
pub(crate) struct WatchedStore {
    inner: Arc<dyn Store>,
    commits: watch::Sender<u64>,
    /// The failures of the next commits that write instances.
    troubles: Mutex<VecDeque<Trouble>>,
    /// How many of the next reads of a kind are refused.
    refused: Mutex<HashMap<Read, u32>>,
    /// How many more commits of instances are answered; `None` for all.
    left: Mutex<Option<u32>>,
    /// For each update, in order: whether it left the data unchanged.
    kept_data: Mutex<Vec<bool>>,
    /// Whether the process that uses it has ended.
    is_cut_off: watch::Sender<bool>,
}

impl WatchedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            commits: watch::Sender::new(0),
            troubles: Mutex::default(),
            refused: Mutex::default(),
            left: Mutex::default(),
            kept_data: Mutex::default(),
            is_cut_off: watch::Sender::new(false),
        })
    }

    /// A receiver that changes with every commit that the database takes.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        let mut commits = self.commits.subscribe();
        commits.mark_unchanged();
        commits
    }

    /// Makes the next commits of instances fail.
    pub(crate) fn fail_next(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.troubles.lock().unwrap().extend(troubles);
    }

    /// Makes the next `number` reads of a kind fail.
    pub(crate) fn refuse(&self, read: Read, number: u32) {
        self.refused.lock().unwrap().insert(read, number);
    }

    /// For each update so far, in order: whether it left the data unchanged.
    pub(crate) fn kept_data(&self) -> Vec<bool> {
        self.kept_data.lock().unwrap().clone()
    }

    /// Takes `number` more commits of instances, and leaves those after them without an answer.
    pub(crate) fn pass_then_hold(&self, number: u32) {
        *self.left.lock().unwrap() = Some(number);
    }

    /// The database behind it.
    pub(crate) fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner)
    }

    /// Takes no more commits from the process that uses it. Returns the database behind it, for the next process.
    pub(crate) fn cut_off(&self) -> Arc<dyn Store> {
        self.is_cut_off.send_replace(true);
        Arc::clone(&self.inner)
    }

    /// Passes a read on, unless reads of its kind must fail.
    fn read<T: Send + 'static>(&self, read: Read, pass: impl FnOnce() -> Answer<T>) -> Answer<T> {
        let mut refused = self.refused.lock().unwrap();
        match refused.get_mut(&read) {
            Some(left @ 1..) => {
                *left -= 1;
                Box::pin(async { Err(StoreError::Database("it was told to fail".into())) })
            }
            _ => pass(),
        }
    }
}

impl Store for WatchedStore {
    fn commit(&self, commit: Commit) -> Answer<Committed, CommitError> {
        if *self.is_cut_off.borrow() {
            return Box::pin(std::future::pending());
        }
        if let Some(left) = &mut *self.left.lock().unwrap()
            && !commit.writes.is_empty()
        {
            if *left == 0 {
                return Box::pin(std::future::pending());
            }
            *left -= 1;
        }
        let trouble = if commit.writes.is_empty() { None } else { self.troubles.lock().unwrap().pop_front() };
        match trouble {
            Some(Trouble::Refuses) => {
                return Box::pin(async { Err(StoreError::Database("it was told to fail".into()).into()) });
            }
            Some(Trouble::Panics) => panic!("a defect that a test asked for"),
            None => {}
        }
        let kept = commit.writes.iter().filter_map(|write| match write {
            Write::Update(update) => Some(update.data == Change::Keep),
            Write::Insert(_) => None,
        });
        self.kept_data.lock().unwrap().extend(kept);
        let (written, commits) = (self.inner.commit(commit), self.commits.clone());
        Box::pin(async move {
            let committed = written.await?;
            commits.send_modify(|number| *number += 1);
            Ok(committed)
        })
    }

    fn instance(&self, id: Uuid) -> Answer<Option<Instance>> {
        self.inner.instance(id)
    }

    fn instances(&self, ids: Vec<Uuid>) -> Answer<Vec<Instance>> {
        self.inner.instances(ids)
    }

    fn due(&self, until: i64, after: Option<(i64, Uuid)>, limit: usize) -> Answer<Vec<(i64, Uuid)>> {
        self.read(Read::Due, || self.inner.due(until, after, limit))
    }

    fn busy(&self, after: Option<Uuid>, limit: usize) -> Answer<Vec<Uuid>> {
        self.read(Read::Busy, || self.inner.busy(after, limit))
    }

    fn history(&self, id: Uuid) -> Answer<Vec<History>> {
        self.inner.history(id)
    }

    fn parts(&self, id: Uuid) -> Answer<Vec<(String, Vec<u8>)>> {
        self.inner.parts(id)
    }

    fn children(&self, id: Uuid) -> Answer<Vec<Uuid>> {
        self.inner.children(id)
    }

    fn mailbox(&self, id: Uuid, after: Option<i64>) -> Answer<Vec<MailboxMessage>> {
        self.read(Read::Mailbox, || self.inner.mailbox(id, after))
    }

    fn mailboxes(&self) -> Answer<Vec<Uuid>> {
        self.read(Read::Mailboxes, || self.inner.mailboxes())
    }

    fn query(&self, query: Query) -> Answer<Vec<Instance>> {
        self.inner.query(query)
    }

    fn count(&self, filter: Filter) -> Answer<u64> {
        self.inner.count(filter)
    }

    fn accept_event(&self, accept: AcceptEvent) -> Answer<Accepted, AcceptError> {
        if *self.is_cut_off.borrow() {
            return Box::pin(std::future::pending());
        }
        self.inner.accept_event(accept)
    }

    fn redirect_event(&self, message: i64, accept: AcceptEvent) -> Answer<Accepted, AcceptError> {
        if *self.is_cut_off.borrow() {
            return Box::pin(std::future::pending());
        }
        self.inner.redirect_event(message, accept)
    }

    fn forget_events(&self, now: i64, limit: usize) -> Answer<Forgotten> {
        if *self.is_cut_off.borrow() {
            return Box::pin(std::future::pending());
        }
        self.inner.forget_events(now, limit)
    }

    fn waits(&self, filter: WaitFilter, limit: usize) -> Answer<Vec<WaitingInstance>> {
        self.inner.waits(filter, limit)
    }

    fn kept_events(&self, after: Option<i64>, limit: usize) -> Answer<Vec<KeptEvent>> {
        self.inner.kept_events(after, limit)
    }

    fn outbox(&self, query: OutboxQuery) -> Answer<OutboxBatch> {
        self.inner.outbox(query)
    }

    fn outbox_channels(&self) -> Answer<Vec<OutboxChannel>> {
        self.inner.outbox_channels()
    }

    fn outbox_sent(&self, numbers: Vec<i64>) -> Answer<()> {
        if *self.is_cut_off.borrow() {
            return Box::pin(std::future::pending());
        }
        self.inner.outbox_sent(numbers)
    }

    fn outbox_failed(&self, number: i64, next_at: i64, error: String) -> Answer<()> {
        if *self.is_cut_off.borrow() {
            return Box::pin(std::future::pending());
        }
        self.inner.outbox_failed(number, next_at, error)
    }

    fn kept_status(&self) -> Answer<KeptStatus> {
        self.inner.kept_status()
    }

    fn outbox_status(&self) -> Answer<OutboxStatus> {
        self.inner.outbox_status()
    }

    fn stuck_outbox(&self, limit: usize) -> Answer<Vec<OutboxRow>> {
        self.inner.stuck_outbox(limit)
    }

    fn put_concurrency_groups(&self, groups: Vec<ConcurrencyGroup>) -> Answer<Vec<Uuid>> {
        self.inner.put_concurrency_groups(groups)
    }

    fn waiting_for_place(&self, ids: Vec<Uuid>) -> Answer<Vec<WaitingForPlace>> {
        self.inner.waiting_for_place(ids)
    }

    fn put_revisions(&self, revisions: Vec<Revision>) -> Answer<Vec<ChangedFingerprint>> {
        self.inner.put_revisions(revisions)
    }

    fn revision(&self, digest: &str) -> Answer<Option<Revision>> {
        self.inner.revision(digest)
    }

    fn definitions(&self) -> Answer<Vec<Definition>> {
        self.inner.definitions()
    }

    fn lost(&self) -> Pin<Box<dyn Future<Output = StoreError> + Send>> {
        self.inner.lost()
    }

    fn health(&self) -> Result<(), StoreError> {
        self.inner.health()
    }

    fn damaged_instances(&self) -> u64 {
        self.inner.damaged_instances()
    }

    fn note_damaged(&self, instance: Uuid, problem: &str) {
        self.inner.note_damaged(instance, problem);
    }

    /// Leaves the database behind it open, because the next engine of the test uses it.
    fn close(&self) -> Answer<()> {
        Box::pin(async { Ok(()) })
    }
}
