//! How much memory an answer may take, claimed while it is made.
//!
//! Promises: rows are read one list after another, and memory is claimed before they are read; what a field resolves to is counted
//! with all that is in it; the request ends as soon as the answer is too large or the process has no memory for it; as many large answers
//! are made at once as there are threads for them, because many would take the memory from each other, and none would be given.

use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::{Error, Value, dynamic::FieldValue};
use parking_lot::Mutex;
use rondo_memory::{LargeWork, Place};
use rondo_runtime::Engine;
use rondo_store::{Instance, Query};
use tokio::sync::{Mutex as AsyncMutex, Notify};

use crate::{
    request_memory::{Claim, NoMemory, RequestMemory},
    row_reader::{self, RowsError},
};

/// Bytes that a value takes without its text, in the library and in the answer, as measured.
const VALUE: u64 = 256;

/// Bytes that are claimed at once: an answer may have a million values, and each claim takes a lock.
const STEP: u64 = 64 * 1024;

/// Largest answer that is made without a place.
const SMALL: u64 = 256 * 1024;

/// The places for larger answers.
pub(super) fn large_answers(at_once: usize) -> LargeWork {
    LargeWork::new(at_once, as_size(SMALL + 1))
}

fn as_size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The memory that the answer to one request may still take.
pub(super) struct Allowance {
    limit: u64,
    memory: RequestMemory,
    spent: AtomicU64,
    claimed: AtomicU64,
    claim: Mutex<Claim>,
    refused: Mutex<Option<Refused>>,
    is_refused: Notify,
    /// Held while rows are read, so that what is left is known.
    reading: AsyncMutex<()>,
    large: LargeWork,
    /// The place of a large answer, until it is made.
    place: AsyncMutex<Option<Place>>,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Refused {
    /// It would be larger than an answer may be.
    #[error(
        "the answer would be larger than {0} bytes, the limit that `rondo.graphql.max-answer-bytes` sets; ask for parts of it with \
         `pagination`"
    )]
    TooLarge(u64),
    /// There is no memory for it now.
    #[error("{0}; or ask for parts with `pagination`")]
    NoMemory(NoMemory),
}

impl Allowance {
    pub(super) fn new(limit: u64, memory: &RequestMemory, large: &LargeWork) -> Self {
        Self {
            limit: limit.min(memory.most_of_answer()),
            memory: memory.clone(),
            spent: AtomicU64::new(0),
            claimed: AtomicU64::new(0),
            claim: Mutex::new(memory.answer()),
            refused: Mutex::new(None),
            is_refused: Notify::new(),
            reading: AsyncMutex::new(()),
            large: large.clone(),
            place: AsyncMutex::new(None),
        }
    }

    /// Resolves with the reason when the answer cannot be given.
    pub(super) async fn refused(&self) -> Refused {
        loop {
            let notified = self.is_refused.notified();
            if let Some(refused) = self.refusal() {
                return refused;
            }
            notified.await;
        }
    }

    /// Why the answer cannot be given, if it cannot.
    pub(super) fn refusal(&self) -> Option<Refused> {
        self.refused.lock().clone()
    }

    /// Reads instances. Does not return when they are too much: the request is over then.
    pub(super) async fn read(&self, engine: &Engine, query: Query) -> Result<Vec<Instance>, Error> {
        let _one_at_a_time = self.reading.lock().await;
        let left = self.limit.saturating_sub(self.spent.load(Ordering::Relaxed));
        let mut claim = self.memory.answer();
        let mut read = row_reader::read(engine, query.clone(), &mut claim, left.min(SMALL)).await;
        if left > SMALL && matches!(read, Err(RowsError::TooLarge(_))) {
            claim.give_back(0);
            self.enter(left).await;
            read = row_reader::read(engine, query, &mut claim, left).await;
        }
        let refused = match read {
            Ok(rows) => {
                // What was claimed to read them is claimed again as a part of the answer.
                drop(claim);
                self.spend(rows.iter().map(Instance::bytes).sum()).await;
                return Ok(rows);
            }
            Err(RowsError::TooLarge(_)) => Refused::TooLarge(self.limit),
            Err(RowsError::NoMemory(error)) => Refused::NoMemory(error),
            Err(RowsError::Store(error)) => return Err(Error::new(error.to_string())),
        };
        self.refuse(refused);
        std::future::pending().await
    }

    /// Counts what a field resolved to. Does not return when it is too much: the request is over then.
    pub(super) async fn count(&self, resolved: Option<&FieldValue<'_>>) {
        self.spend(size(resolved)).await;
    }

    /// Counts what a field resolved to without waiting. False when it is too much: the request is over then.
    pub(super) fn count_now(&self, resolved: Option<&FieldValue<'_>>) -> bool {
        self.charge(size(resolved))
    }

    /// Claims memory for an intermediate value, which is not a part of the answer, until the claim is dropped.
    pub(super) fn claim_for_now(&self, bytes: u64) -> Result<Claim, Error> {
        let mut claim = self.memory.answer();
        claim.grow(bytes).map_err(|error| {
            let refused = Refused::NoMemory(error);
            let error = Error::new(refused.to_string());
            self.refuse(refused);
            error
        })?;
        Ok(claim)
    }

    /// Waits until an answer of so many bytes may be made.
    async fn enter(&self, bytes: u64) {
        if !self.large.is_large(as_size(bytes)) {
            return;
        }
        let mut place = self.place.lock().await;
        if place.is_none() {
            *place = Some(self.large.enter(as_size(bytes)).await);
        }
    }

    /// Counts bytes of the answer. Does not return when they are too many: the request is over then.
    async fn spend(&self, bytes: u64) {
        self.enter(self.spent.load(Ordering::Relaxed).saturating_add(bytes)).await;
        if !self.charge(bytes) {
            std::future::pending::<()>().await;
        }
    }

    fn charge(&self, bytes: u64) -> bool {
        let spent = self.spent.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if spent > self.limit {
            self.refuse(Refused::TooLarge(self.limit));
            return false;
        }
        if spent > self.claimed.load(Ordering::Relaxed) {
            let wanted = spent.next_multiple_of(STEP);
            let grown = self.claim.lock().grow_to(wanted);
            if let Err(error) = grown {
                self.refuse(Refused::NoMemory(error));
                return false;
            }
            self.claimed.fetch_max(wanted, Ordering::Relaxed);
        }
        true
    }

    fn refuse(&self, why: Refused) {
        self.refused.lock().get_or_insert(why);
        self.is_refused.notify_waiters();
    }
}

fn size(resolved: Option<&FieldValue<'_>>) -> u64 {
    let Some(resolved) = resolved else { return VALUE };
    match (resolved.as_value(), resolved.as_list()) {
        (Some(value), _) => weight(value),
        (None, Some(items)) => VALUE.saturating_mul(1 + items.len() as u64),
        (None, None) => VALUE,
    }
}

/// Bytes that a value and its copy in the answer take.
fn weight(value: &Value) -> u64 {
    VALUE
        + match value {
            Value::String(text) => text.len() as u64,
            Value::Binary(text) => text.len() as u64,
            Value::List(items) => items.iter().map(weight).sum(),
            Value::Object(members) => members.values().map(weight).sum(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rondo_memory::MemoryBudget;
    use std::time::Duration;

    async fn is_over(allowance: &Allowance, bytes: u64) -> bool {
        tokio::time::timeout(Duration::from_millis(20), allowance.spend(bytes)).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_at_its_own_bound_and_at_that_of_the_process() {
        let budget = MemoryBudget::new(32 * STEP);
        let memory = RequestMemory::new(&budget);
        let limit = 12 * STEP;
        let large = large_answers(3);
        let one = Allowance::new(limit, &memory, &large);
        assert!(!is_over(&one, limit).await && one.refusal().is_none());
        let other = Allowance::new(limit, &memory, &large);
        assert!(!is_over(&other, 4 * STEP).await);
        let third = Allowance::new(limit, &memory, &large);
        assert!(!is_over(&third, 1).await, "small answers are always made");
        assert!(is_over(&third, STEP).await);
        assert!(third.refused().await.to_string().contains("try again later"));
        assert!(is_over(&one, 1).await);
        assert!(one.refused().await.to_string().contains("larger than 786432 bytes"));
        assert!(third.claim_for_now(2 * STEP).is_err());
        drop((one, other, third));
        assert_eq!(budget.used(), 0);
        assert!(
            is_over(&Allowance::new(u64::MAX, &memory, &large), 17 * STEP).await,
            "half of the budget at most"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_answer_waits_for_its_turn_and_a_small_one_does_not() {
        let memory = RequestMemory::new(&MemoryBudget::new(1 << 30));
        let large = large_answers(1);
        let [one, other, small] = [(); 3].map(|()| Allowance::new(u64::MAX, &memory, &large));
        one.spend(SMALL + 1).await;
        one.spend(SMALL).await;
        small.spend(SMALL).await;
        assert!(is_over(&other, SMALL + 1).await && other.refusal().is_none(), "it waits");
        drop(one);
        other.spend(SMALL + 1).await;
    }
}
