//! Families: a start and everything that was started below it.
//!
//! Promises: the subflows below one start are bounded, so that workflows which start each other end with an error instead of
//! filling memory and disk; nothing is started below an instance that was asked to end. Both cost a look into memory. The database
//! is asked only about a family that has been under way since before the engine started.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rondo_machine::Snapshot;
use rondo_store::{Condition, Field, Filter};
use uuid::Uuid;

use crate::{engine::Inner, living::Living};

/// Families that are counted in memory. Beyond, all are forgotten; what is needed again is counted in the database.
const REMEMBERED: usize = 16_384;

/// An instance and those above it.
#[derive(Debug)]
pub(crate) struct Line {
    id: Uuid,
    above: Option<Arc<Line>>,
}

impl Line {
    pub(crate) fn new(id: Uuid, above: Option<Arc<Line>>) -> Arc<Self> {
        Arc::new(Self { id, above })
    }

    fn ids(&self) -> impl Iterator<Item = Uuid> {
        std::iter::successors(Some(self), |line| line.above.as_deref()).map(|line| line.id)
    }
}

/// So many stand below the root already.
pub(crate) struct Full(pub(crate) u32);

/// The instance, or one above it, was asked to end.
pub(crate) struct Ending;

/// What is known of families.
pub(crate) struct Families {
    most: u32,
    /// By root: subflows that were started since the root last waited for none.
    started: Mutex<HashMap<Uuid, u32>>,
    /// Instances that were asked to end, and have not dealt with it yet.
    ending: Mutex<HashSet<Uuid>>,
}

impl Families {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, started: Mutex::default(), ending: Mutex::default() }
    }

    /// Counts one subflow more below a root, if it may be.
    pub(crate) fn count_one(&self, root: Uuid) -> Result<(), Full> {
        let mut started = lock(&self.started);
        let count = started.entry(root).or_default();
        if *count >= self.most {
            return Err(Full(self.most));
        }
        *count += 1;
        Ok(())
    }

    /// Some that were counted have not been started.
    pub(crate) fn take_back(&self, root: Uuid, number: usize) {
        if let Some(count) = lock(&self.started).get_mut(&root) {
            *count = count.saturating_sub(u32::try_from(number).unwrap_or(u32::MAX));
        }
    }

    /// A root has ended.
    pub(crate) fn forget(&self, root: Uuid) {
        lock(&self.started).remove(&root);
    }

    /// An instance was asked to end: nothing is started below it until it has dealt with that. What it starts afterwards
    /// undoes what it did, and may.
    pub(crate) fn asked_to_end(&self, ids: impl IntoIterator<Item = Uuid>) {
        lock(&self.ending).extend(ids);
    }

    /// An instance has dealt with what it was asked; those that it has asked in turn are known.
    pub(crate) fn has_dealt(&self, id: Uuid) {
        lock(&self.ending).remove(&id);
    }

    fn is_anything_ending(&self) -> bool {
        !lock(&self.ending).is_empty()
    }

    fn is_ending(&self, line: &Line) -> bool {
        let ending = lock(&self.ending);
        line.ids().any(|id| ending.contains(&id))
    }

    fn is_counted(&self, root: Uuid) -> bool {
        lock(&self.started).contains_key(&root)
    }

    fn begin_anew(&self, root: Uuid) {
        lock(&self.started).remove(&root);
        self.set_if_new(root, 0);
    }

    /// Another instance of the family may have been quicker, and its count goes on.
    fn set_if_new(&self, root: Uuid, count: u32) {
        let mut started = lock(&self.started);
        if started.len() >= REMEMBERED {
            started.clear();
        }
        started.entry(root).or_insert(count);
    }
}

/// Makes ready to start subflows of an instance: afterwards its family is counted. `after` is its snapshot with the new ones, of
/// which there are `wanted`.
pub(crate) async fn prepare(
    inner: &Inner,
    living: &mut Living,
    after: &Snapshot,
    wanted: usize,
) -> Result<(), Ending> {
    let root = living.root();
    if living.row.parent.is_none() && after.children().count() <= wanted {
        // It waited for none, so nothing stands below it that is not about to end: a loop may start subflows for years.
        inner.families.begin_anew(root);
    } else if !inner.families.is_counted(root) {
        let count = under_way(inner, root).await;
        inner.families.set_if_new(root, count);
    }
    if inner.families.is_anything_ending() {
        if living.line.is_none() {
            living.line = read_line(inner, living).await;
        }
        if living.line.as_ref().is_some_and(|line| inner.families.is_ending(line)) {
            return Err(Ending);
        }
    }
    Ok(())
}

/// How many below a root have not ended, as the database says. Those that have ended are forgotten with a restart.
async fn under_way(inner: &Inner, root: Uuid) -> u32 {
    let compare = |field, condition| Filter::Compare { field, condition };
    let filter = Filter::And(vec![
        compare(Field::Root, Condition::Equal(root.to_string().into())),
        compare(Field::EndedAt, Condition::IsNull(true)),
    ]);
    match inner.store.count(filter).await {
        Ok(count) => u32::try_from(count).unwrap_or(u32::MAX),
        Err(error) => {
            tracing::error!(instance_id = %root, %error, "the subflows of an instance cannot be counted");
            0
        }
    }
}

/// The line of an instance that came from the database.
async fn read_line(inner: &Inner, living: &Living) -> Option<Arc<Line>> {
    let mut ids = vec![living.row.id];
    let mut next = living.row.parent;
    while let Some(id) = next {
        ids.push(id);
        next = inner.store.instance(id).await.ok()??.parent;
    }
    ids.into_iter().rev().fold(None, |above, id| Some(Line::new(id, above)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
