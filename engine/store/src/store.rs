//! The trait of instance stores.

use std::{fmt::Debug, pin::Pin};

use uuid::Uuid;

use crate::{
    Answer, ChangedFingerprint, Commit, CommitError, Definition, Filter, History, Instance, Query, Revision,
    StoreError,
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
    fn commit(&self, commit: Commit) -> Answer<(), CommitError>;

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

    /// Number and payload of the messages in the mailbox of an instance, oldest first. A number is never used again.
    fn mailbox(&self, id: Uuid) -> Answer<Vec<(i64, Vec<u8>)>>;

    /// Ids of the instances whose mailboxes are not empty, ascending.
    fn mailboxes(&self) -> Answer<Vec<Uuid>>;

    /// The instances that a query asks for.
    fn query(&self, query: Query) -> Answer<Vec<Instance>>;

    /// How many instances a filter lets through, damaged ones included.
    fn count(&self, filter: Filter) -> Answer<u64>;

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
