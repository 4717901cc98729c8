//! The budget and the shares that are taken from it.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Bytes are counted in units of so many, because a semaphore counts with 32 bits at a time.
const UNIT: u64 = 1024;

/// The budget. Clones are the same one.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    units: Arc<Semaphore>,
    total: u64,
}

/// A part of the budget; it goes back when this is dropped.
#[derive(Debug)]
pub struct Share {
    /// `None` while nothing has been taken.
    units: Option<OwnedSemaphorePermit>,
    budget: MemoryBudget,
}

/// The budget has no room. What was asked for may find room when others have ended; over HTTP this is 503 with `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no room for {wanted} more bytes now: {used} of the {total} bytes of rondo.limits.memory are in use; try again later"
)]
pub struct NoRoom {
    /// Bytes that were asked for.
    pub wanted: u64,
    /// Bytes in use.
    pub used: u64,
    /// Bytes there are.
    pub total: u64,
}

impl MemoryBudget {
    /// A budget of so many bytes.
    pub fn new(bytes: u64) -> Self {
        let most = u64::try_from(Semaphore::MAX_PERMITS).unwrap_or(u64::MAX);
        let units = (bytes / UNIT).clamp(1, most);
        let permits = usize::try_from(units).unwrap_or(Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(permits)), total: units * UNIT }
    }

    /// Bytes there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        let free = u64::try_from(self.units.available_permits()).unwrap_or(u64::MAX).saturating_mul(UNIT);
        self.total.saturating_sub(free)
    }

    /// A share of nothing, to grow.
    pub fn share(&self) -> Share {
        Share { units: None, budget: self.clone() }
    }

    /// Takes a share at once, or says that there is no room. For tests that fill the budget; who reads grows a [`MemoryBudget::share`].
    pub fn try_take(&self, bytes: u64) -> Result<Share, NoRoom> {
        let mut share = self.share();
        share.grow(bytes)?;
        Ok(share)
    }

    /// Takes a share, and waits for room for a time. Only for who holds no share: who holds one while waiting may wait for themselves.
    pub async fn take(&self, bytes: u64, patience: Duration) -> Result<Share, NoRoom> {
        // More than there ever is would be waited for in vain, and would let nobody pass meanwhile.
        let units = self.units_for(bytes)?;
        let acquired = tokio::time::timeout(patience, Arc::clone(&self.units).acquire_many_owned(units));
        match acquired.await {
            Ok(Ok(units)) => Ok(Share { units: Some(units), budget: self.clone() }),
            _ => Err(self.no_room(bytes)),
        }
    }

    fn units_for(&self, bytes: u64) -> Result<u32, NoRoom> {
        let units = bytes.div_ceil(UNIT);
        let fits = units <= self.total / UNIT;
        u32::try_from(units).ok().filter(|_| fits).ok_or_else(|| self.no_room(bytes))
    }

    fn no_room(&self, wanted: u64) -> NoRoom {
        NoRoom { wanted, used: self.used(), total: self.total }
    }
}

impl Share {
    /// Bytes of the share, rounded up to units.
    pub fn bytes(&self) -> u64 {
        self.units.as_ref().map_or(0, |units| units.num_permits() as u64 * UNIT)
    }

    /// Takes more, at once or not at all.
    pub fn grow(&mut self, bytes: u64) -> Result<(), NoRoom> {
        let units = self.budget.units_for(bytes)?;
        match Arc::clone(&self.budget.units).try_acquire_many_owned(units) {
            Ok(more) => {
                self.hold(more);
                Ok(())
            }
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => Err(self.budget.no_room(bytes)),
        }
    }

    /// Sees to it that the share is at least so large. Unlike many small [`Share::grow`]s this rounds up once.
    pub fn grow_to(&mut self, bytes: u64) -> Result<(), NoRoom> {
        match bytes.saturating_sub(self.bytes()) {
            0 => Ok(()),
            more => self.grow(more),
        }
    }

    /// Gives back what is above so many bytes.
    pub fn shrink_to(&mut self, bytes: u64) {
        let Some(units) = &mut self.units else { return };
        let keep = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(usize::MAX);
        let excess = units.num_permits().saturating_sub(keep);
        drop(units.split(excess));
    }

    /// Takes another share of the same budget in.
    pub fn merge(&mut self, other: Share) {
        if let Some(units) = other.units {
            self.hold(units);
        }
    }

    fn hold(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.units {
            // Of another budget: that cannot be, and would be given back with it.
            Some(units) if Arc::ptr_eq(units.semaphore(), more.semaphore()) => units.merge(more),
            Some(_) => {}
            None => self.units = Some(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    #[test]
    fn a_share_goes_back_when_it_is_dropped_and_what_finds_no_room_is_told_so() {
        let budget = MemoryBudget::new(10 * UNIT);
        let mut share = budget.try_take(4 * UNIT).unwrap();
        assert_eq!((share.bytes(), budget.used()), (4 * UNIT, 4 * UNIT));
        share.grow(1).unwrap();
        assert_eq!(share.bytes(), 5 * UNIT, "rounded up");
        let refused = budget.try_take(6 * UNIT).unwrap_err();
        assert_eq!(refused, NoRoom { wanted: 6 * UNIT, used: 5 * UNIT, total: 10 * UNIT });
        assert_eq!(
            refused.to_string(),
            "there is no room for 6144 more bytes now: 5120 of the 10240 bytes of rondo.limits.memory are in use; try again later"
        );
        assert_eq!(share.grow(6 * UNIT).unwrap_err().used, 5 * UNIT, "all or nothing");
        share.shrink_to(UNIT + 1);
        assert_eq!(budget.used(), 2 * UNIT);
        share.merge(budget.try_take(UNIT).unwrap());
        drop(share);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_room_in_turn_and_not_for_ever() {
        let budget = MemoryBudget::new(10 * UNIT);
        let first = budget.take(8 * UNIT, PATIENCE).await.unwrap();
        let later = tokio::spawn({
            let budget = budget.clone();
            async move { budget.take(8 * UNIT, Duration::from_mins(1)).await }
        });
        tokio::task::yield_now().await;
        assert!(
            budget.take(3 * UNIT, PATIENCE).await.is_err(),
            "the larger one came before and is not passed"
        );
        drop(first);
        assert_eq!(later.await.unwrap().unwrap().bytes(), 8 * UNIT);
        assert!(budget.take(11 * UNIT, Duration::from_mins(1)).await.is_err(), "it would never fit");
    }

    proptest! {
        #[test]
        fn the_shares_given_out_are_what_is_in_use(
            steps in prop::collection::vec((0_usize..4, 0_u64..6 * UNIT, 0_usize..4), 1..60),
        ) {
            let budget = MemoryBudget::new(16 * UNIT);
            let mut shares: Vec<Share> = (0..4).map(|_| budget.share()).collect();
            for (what, bytes, which) in steps {
                match what {
                    0 => drop(shares[which].grow(bytes)),
                    1 => shares[which].shrink_to(bytes),
                    2 => shares[which] = budget.share(),
                    _ => {
                        let other = std::mem::replace(&mut shares[(which + 1) % 4], budget.share());
                        shares[which].merge(other);
                    }
                }
                let sum: u64 = shares.iter().map(Share::bytes).sum();
                prop_assert_eq!(sum, budget.used());
                prop_assert!(sum <= budget.total());
            }
        }
    }
}
