//! How much memory answers may take, counted while they are made.
//!
//! Promises: rows are read one list after another and never beyond what is left; what a field resolves to is counted
//! with all that is in it; the request ends as soon as nothing is left. All requests together have a bound of their own, of which small answers
//! take no notice: they must not fail because somebody asks for everything.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_graphql::{Error, Value, dynamic::FieldValue};
use rondo_runtime::Engine;
use rondo_store::{Instance, Query, StoreError};
use tokio::sync::{Mutex, Notify};

/// What a value takes beside its text, with the library's work on it, as measured.
const VALUE: u64 = 256;

/// Answers up to here are made whatever the others take.
const SMALL: u64 = 1024 * 1024;

/// What the answers that are being made take together.
#[derive(Clone, Default)]
pub(super) struct Together(Arc<AtomicU64>);

/// What one request may still spend.
pub(super) struct Allowance {
    limit: u64,
    spent: AtomicU64,
    together: Together,
    over: Notify,
    is_over: AtomicBool,
    /// Held while rows are read, so that what is left is known.
    reading: Mutex<()>,
}

impl Allowance {
    pub(super) fn new(limit: u64, together: &Together) -> Self {
        Self {
            limit,
            spent: AtomicU64::new(0),
            together: together.clone(),
            over: Notify::new(),
            is_over: AtomicBool::new(false),
            reading: Mutex::new(()),
        }
    }

    /// Resolves when more was asked for than is allowed.
    pub(super) async fn exceeded(&self) {
        self.over.notified().await;
    }

    /// Why the answer is not given.
    pub(super) fn reason(&self) -> String {
        let (limit, spent) = (self.limit, self.spent.load(Ordering::Relaxed));
        if spent > limit {
            return format!(
                "the answer would be larger than {limit} bytes, the limit that `rondo.graphql.max-answer-bytes` sets; ask for \
                 parts of it with `pagination`"
            );
        }
        "other large answers are being made at the moment; ask again, or for parts with `pagination`"
            .to_owned()
    }

    /// Reads instances.
    pub(super) async fn read(&self, engine: &Engine, query: Query) -> Result<Vec<Instance>, Error> {
        let _one_at_a_time = self.reading.lock().await;
        let left = self.limit.saturating_sub(self.spent.load(Ordering::Relaxed));
        match engine.store().query(Query { max_bytes: Some(left), ..query }).await {
            Ok(rows) => {
                self.spend(rows.iter().map(Instance::bytes).sum()).await;
                Ok(rows)
            }
            Err(StoreError::TooLarge(_)) => {
                self.spend(left.saturating_add(1)).await;
                Ok(Vec::new())
            }
            Err(error) => Err(Error::new(error.to_string())),
        }
    }

    /// Counts what a field resolved to. Does not return when it is too much: the request is over then.
    pub(super) async fn count(&self, resolved: Option<&FieldValue<'_>>) {
        self.spend(size(resolved)).await;
    }

    /// Counts what a field resolved to without waiting; says whether it is still within the bounds.
    pub(super) fn takes(&self, resolved: Option<&FieldValue<'_>>) -> bool {
        self.charge(size(resolved))
    }

    /// Does not return when it is too much: the request is over then.
    async fn spend(&self, bytes: u64) {
        if !self.charge(bytes) {
            std::future::pending::<()>().await;
        }
    }

    fn charge(&self, bytes: u64) -> bool {
        let spent = self.spent.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let together = self.together.0.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let is_over = spent > self.limit || (spent > SMALL && together > self.limit);
        if is_over {
            self.is_over.store(true, Ordering::Relaxed);
            self.over.notify_one();
        }
        !is_over
    }

    /// Whether more was asked for than is allowed.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        self.together.0.fetch_sub(*self.spent.get_mut(), Ordering::Relaxed);
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

/// What a value takes, and its copy in the answer.
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
    use std::time::Duration;

    async fn is_over(allowance: &Allowance, bytes: u64) -> bool {
        let spending = tokio::time::timeout(Duration::from_millis(20), allowance.spend(bytes)).await;
        spending.is_err()
    }

    #[tokio::test]
    async fn an_answer_ends_at_its_own_bound_and_at_that_of_all() {
        let together = Together::default();
        let limit = 4 * SMALL;
        let one = Allowance::new(limit, &together);
        assert!(!is_over(&one, limit / 2).await);
        let other = Allowance::new(limit, &together);
        assert!(!is_over(&other, limit / 2).await);
        let third = Allowance::new(limit, &together);
        assert!(!is_over(&third, SMALL).await, "small answers are always made");
        assert!(is_over(&third, 1).await);
        assert!(third.reason().contains("ask again"), "{}", third.reason());
        assert!(is_over(&one, limit).await);
        assert!(one.reason().contains("larger than 4194304 bytes"), "{}", one.reason());
        drop((one, other, third));
        assert_eq!(together.0.load(Ordering::Relaxed), 0);
        assert!(!is_over(&Allowance::new(limit, &together), limit).await);
    }
}
