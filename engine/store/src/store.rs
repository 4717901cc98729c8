//! The trait of instance stores.

use std::{fmt::Debug, pin::Pin};

use uuid::Uuid;

use crate::{
    AcceptError, AcceptEvent, Accepted, Answer, ChangedFingerprint, Commit, CommitError, Committed,
    ConcurrencyGroup, Definition, Filter, Forgotten, History, Instance, KeptEvent, KeptStatus,
    MailboxMessage, OutboxBatch, OutboxChannel, OutboxQuery, OutboxRow, OutboxStatus, Query, Revision,
    StoreError, WaitFilter, WaitingForPlace, WaitingInstance,
};

/// A database of instances.
///
/// Every read sees all commits that were answered before it was asked for. A damaged row does not affect others: a read of it alone, or of
/// its parts, fails with [`StoreError::Damaged`]; [`Store::query`] shows it in state ERROR, with a message that names the damage, without
/// data; other lists leave it out. The log names it once. A page of the file that cannot be read fails what needs it with
/// [`StoreError::Corrupt`].
pub trait Store: Debug + Send + Sync {
    /// Writes rows. Answers when they are durable.
    ///
    /// Commits that wait at the same time are written as one transaction, yet each succeeds or fails by itself.
    ///
    /// When it writes what instances wait for, events that were kept and match are delivered with it, the oldest first and at most one for
    /// each wait: those kept for the instance; those kept for its business key; those without an address, or with a business key, whose
    /// attributes equal all bound ones of the wait; for a wait without bound attributes, those without an address that came since the
    /// instance started.
    ///
    /// An instance that is inserted with a [`PlaceRequest`](crate::PlaceRequest) runs if fewer of the same group and key run than the limit,
    /// and none waits; else it waits in state PENDING. It has its place while it is ACTIVE, and none while it stands at an error. A commit
    /// that gives a place back, by an end or an error, lets go who has waited longest, in the order of inserts. Going on from an error
    /// needs a place again ([`CommitError::NoPlace`]); an update to PENDING waits for one, before those that started later.
    fn commit(&self, commit: Commit) -> Answer<Committed, CommitError>;

    /// An instance; `None` when there is none of this id.
    fn instance(&self, id: Uuid) -> Answer<Option<Instance>>;

    /// Several instances, in the order of `ids`; those that are not stored are left out.
    fn instances(&self, ids: Vec<Uuid>) -> Answer<Vec<Instance>>;

    /// Up to `limit` instances that have something to do at `until` (milliseconds) or before: moment and id, in this order.
    /// `after` is the last one of the page before. The cost depends on the number of answers, not of sleeping instances.
    fn due(&self, until: i64, after: Option<(i64, Uuid)>, limit: usize) -> Answer<Vec<(i64, Uuid)>>;

    /// Up to `limit` ids of instances that have work in flight, ascending. `after` is the last one of the page before.
    fn busy(&self, after: Option<Uuid>, limit: usize) -> Answer<Vec<Uuid>>;

    /// The history of an instance, in the order of its turns.
    fn history(&self, id: Uuid) -> Answer<Vec<History>>;

    /// Key and content of the parts of an instance, in the order of their keys (by code point). Empty when there is no such
    /// instance, or when it has ended.
    fn parts(&self, id: Uuid) -> Answer<Vec<(String, Vec<u8>)>>;

    /// Ids of the instances that an instance started, ascending.
    fn children(&self, id: Uuid) -> Answer<Vec<Uuid>>;

    /// The next messages in the mailbox of an instance, oldest first: 64 at most, and no further one once they hold 16 MiB. `after` is the
    /// number of the last one of the page before. Empty when there is none.
    fn mailbox(&self, id: Uuid, after: Option<i64>) -> Answer<Vec<MailboxMessage>>;

    /// Ids of the instances whose mailboxes are not empty, ascending, without those in state PENDING.
    fn mailboxes(&self) -> Answer<Vec<Uuid>>;

    /// The instances that a query asks for.
    fn query(&self, query: Query) -> Answer<Vec<Instance>>;

    /// How many instances a filter lets through, damaged ones included.
    fn count(&self, filter: Filter) -> Answer<u64>;

    /// Accepts an event: gives it to the instances that wait for it, starts what it starts, or keeps it. Answers when that is durable.
    ///
    /// Source and id are looked at first: an event that was accepted before is [`Accepted::Seen`]. Then, for each workflow by itself, the
    /// first of these rules decides:
    /// 1. Some of its instances wait with correlation attributes that the event all has, and all bound ones are equal: these instances get it.
    /// 2. The event names an instance of this workflow, which lives: it gets the event if it waits for the type, and no bound attribute
    ///    differs from one that the event has; otherwise the event is kept for it. An event that names an instance starts nothing.
    /// 3. The event has a business key, and instances of this workflow with this key live: those that wait (as in 2) get it, and it is
    ///    kept for the others.
    /// 4. It starts what it can start, and, if it has no business key, goes to all instances that wait without correlation.
    ///
    /// An event that thereby goes nowhere is kept if a workflow consumes its type or an instance waits for it; otherwise it is
    /// [`Accepted::Unwanted`]. A wait with a source takes events of this source only. An instance gets an event once, and an event is
    /// accepted once, however much happens at the same time.
    fn accept_event(&self, accept: AcceptEvent) -> Answer<Accepted, AcceptError>;

    /// Gives an event away that an instance which has ended has in its mailbox: the message is removed, and the event goes where it would go
    /// if it came now, or is [`Accepted::Unwanted`] and removed. It is kept for as long as it was to be kept before, whatever
    /// [`AcceptEvent::max_kept`] and [`AcceptEvent::max_bytes`] say. An event that another instance has too, or has used, is only removed, and the answer is
    /// [`Accepted::Seen`], as when there is no such message. The content in `accept` may be empty: it is stored already.
    fn redirect_event(&self, message: i64, accept: AcceptEvent) -> Answer<Accepted, AcceptError>;

    /// Removes up to `limit` kept events whose time is over at `now`, and up to `limit` events that need not be recognised any more, unless a
    /// message or a kept event still needs them. As long as one of the two numbers is reached there can be more.
    fn forget_events(&self, now: i64, limit: usize) -> Answer<Forgotten>;

    /// Up to `limit` waits, by instance in the order of their insertion, or, with a type alone, in any order.
    fn waits(&self, filter: WaitFilter, limit: usize) -> Answer<Vec<WaitingInstance>>;

    /// Up to `limit` kept events, oldest first. `after` is the number of the last one of the page before.
    fn kept_events(&self, after: Option<i64>, limit: usize) -> Answer<Vec<KeptEvent>>;

    /// How many events are kept. Costs the same however many they are.
    fn kept_status(&self) -> Answer<KeptStatus>;

    /// Rows of a channel of the outbox that may be sent. Behind a row that is to be tried again later, there is none of the same instance
    /// and channel. Of rows that failed before there are some at most, and new ones as far as there is room.
    fn outbox(&self, query: OutboxQuery) -> Answer<OutboxBatch>;

    /// The channels with rows that may be sent, now or later, by name. Costs as much as there are channels, however many rows there are.
    fn outbox_channels(&self) -> Answer<Vec<OutboxChannel>>;

    /// Removes rows that were sent. A number that is not there any more is no error.
    fn outbox_sent(&self, numbers: Vec<i64>) -> Answer<()>;

    /// Notes that a row was not sent, and when it is to be tried again. A number that is not there any more is no error.
    fn outbox_failed(&self, number: i64, next_at: i64, error: String) -> Answer<()>;

    /// How much the outbox holds. Costs the same however much that is.
    fn outbox_status(&self) -> Answer<OutboxStatus>;

    /// Up to `limit` rows of the outbox that were not sent at the first try, without their contents; those that are tried next come first.
    fn stuck_outbox(&self, limit: usize) -> Answer<Vec<OutboxRow>>;

    /// Stores the concurrency groups that hold from now on, and lets go what has a place by that: a group without a row has no limit. What
    /// runs goes on, also above a limit that is lower now. Answers the instances that were let go, as in [`Committed::admitted`].
    fn put_concurrency_groups(&self, groups: Vec<ConcurrencyGroup>) -> Answer<Vec<Uuid>>;

    /// Those of some instances that wait for a place of a concurrency group.
    fn waiting_for_place(&self, ids: Vec<Uuid>) -> Answer<Vec<WaitingForPlace>>;

    /// Stores the revisions that are served from now on, and marks every workflow that is not among them as unavailable. Of
    /// several revisions of one workflow the last is the one of [`Store::definitions`].
    ///
    /// A revision that is stored already takes over the fingerprint of the new one, unless that has none. Answers the revisions whose
    /// fingerprint became another by this, in the order of `revisions`.
    fn put_revisions(&self, revisions: Vec<Revision>) -> Answer<Vec<ChangedFingerprint>>;

    /// A revision with its files; `None` when it was never stored.
    fn revision(&self, digest: &str) -> Answer<Option<Revision>>;

    /// Every workflow that was ever served, by id.
    fn definitions(&self) -> Answer<Vec<Definition>>;

    /// Resolves when the database is not where it was, so that nothing is written any more: [`StoreError::Lost`].
    fn lost(&self) -> Pin<Box<dyn Future<Output = StoreError> + Send>>;

    /// Why the last commits were not written, as far as the reason lies in the database and not in them; `Ok` when they were, or when
    /// something else could be written since. The store tries by itself, and logs when writing begins to fail and when it works again.
    /// [`StoreError::Corrupt`] since a page could not be read: that does not mend itself.
    fn health(&self) -> Result<(), StoreError>;

    /// How many instances were found damaged since the database was opened.
    fn damaged_instances(&self) -> u64;

    /// Counts an instance as damaged whose opaque columns the caller cannot read, and logs that once.
    fn note_damaged(&self, instance: Uuid, problem: &str);

    /// Writes what is waiting, and closes the database in good order. Afterwards everything is answered [`StoreError::Closed`],
    /// closing again too.
    fn close(&self) -> Answer<()>;
}
