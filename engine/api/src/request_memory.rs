//! The memory that requests and answers take from the budget of the process.
//!
//! Promises: large bodies that are still arriving, and large answers that are still being sent, are each limited to a part of the budget, so that
//! slow clients never leave small requests and running instances without memory. Never: waits while it holds memory of the process.

use std::time::Duration;

use rondo_memory::{MemoryBudget, Share};

/// How long a request waits for memory: longer than most answers take, and short enough that the client still waits for the refusal.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bodies and answers up to this many bytes draw from the whole budget: a slow client holds little with one of them.
pub(crate) const SMALL: u64 = 64 * 1024;

/// The budget as requests see it; clones share it.
#[derive(Clone)]
pub(crate) struct RequestMemory {
    process: MemoryBudget,
    /// Part for large bodies that are arriving: a quarter of the budget.
    uploads: MemoryBudget,
    /// Part for large answers: half of the budget.
    answers: MemoryBudget,
}

/// There is no memory for a request now. Another try may succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "there is no memory for {what} now: {used} of {total} bytes are in use (`rondo.limits.memory`); try again later"
)]
pub(crate) struct NoMemory {
    what: &'static str,
    used: u64,
    total: u64,
}

/// Memory that one request or answer holds, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    process: Share,
    /// The memory held of the part for large bodies or large answers.
    part: Share,
    what: &'static str,
    budget: MemoryBudget,
    part_budget: MemoryBudget,
}

impl RequestMemory {
    pub(crate) fn new(process: &MemoryBudget) -> Self {
        Self {
            process: process.clone(),
            uploads: MemoryBudget::new(process.total() / 4),
            answers: MemoryBudget::new(process.total() / 2),
        }
    }

    /// Most bytes that one answer can ever claim.
    pub(crate) fn most_of_answer(&self) -> u64 {
        self.answers.total()
    }

    /// An empty claim for an answer.
    pub(crate) fn answer(&self) -> Claim {
        Claim::new(&self.process, &self.answers, "this answer")
    }

    /// Claims `bytes` for the next chunk of an answer that has `already` bytes.
    pub(crate) fn answer_chunk(&self, already: u64, bytes: u64) -> Result<Claim, NoMemory> {
        let mut claim = self.answer();
        if already + bytes > SMALL {
            claim.part.grow(bytes).map_err(|_| claim.no_memory(&self.answers))?;
        }
        claim.process.grow(bytes).map_err(|_| claim.no_memory(&self.process))?;
        Ok(claim)
    }

    /// Claims `bytes` for a body, and waits for them at most a few seconds.
    pub(crate) async fn body(&self, bytes: u64) -> Result<Claim, NoMemory> {
        let mut claim = Claim::new(&self.process, &self.uploads, "this body");
        claim.wait_for(bytes).await?;
        Ok(claim)
    }
}

impl Claim {
    fn new(process: &MemoryBudget, part: &MemoryBudget, what: &'static str) -> Self {
        Self {
            process: process.share(),
            part: part.share(),
            what,
            budget: process.clone(),
            part_budget: part.clone(),
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.process.bytes()
    }

    /// Takes `bytes` more without waiting, or fails.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<(), NoMemory> {
        let whole = self.process.bytes().saturating_add(bytes);
        if whole > SMALL {
            let grown = self.part.grow_to(whole);
            grown.map_err(|_| self.no_memory(&self.part_budget))?;
        }
        self.process.grow(bytes).map_err(|_| self.no_memory(&self.budget))
    }

    /// Makes sure that the claim holds at least `bytes`.
    pub(crate) fn grow_to(&mut self, bytes: u64) -> Result<(), NoMemory> {
        match bytes.saturating_sub(self.bytes()) {
            0 => Ok(()),
            more => self.grow(more),
        }
    }

    /// Takes `bytes`, and waits for them for a time. Gives back everything that the claim holds before it waits.
    pub(crate) async fn wait_for(&mut self, bytes: u64) -> Result<(), NoMemory> {
        if self.grow_to(bytes).is_ok() {
            return Ok(());
        }
        self.give_back(0);
        if bytes > SMALL {
            let taken = self.part_budget.take(bytes, PATIENCE).await;
            self.part = taken.map_err(|_| self.no_memory(&self.part_budget))?;
        }
        let taken = self.budget.take(bytes, PATIENCE).await;
        self.process = taken.map_err(|_| self.no_memory(&self.budget))?;
        Ok(())
    }

    /// Gives back everything above `keep` bytes.
    pub(crate) fn give_back(&mut self, keep: u64) {
        self.process.shrink_to(keep);
        self.part.shrink_to(if keep > SMALL { keep } else { 0 });
    }

    /// The memory of a body that has arrived: it stays in the process's budget and leaves the part for large bodies.
    pub(crate) fn into_share(self) -> Share {
        self.process
    }

    fn no_memory(&self, budget: &MemoryBudget) -> NoMemory {
        NoMemory { what: self.what, used: budget.used(), total: budget.total() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: u64 = 16 * SMALL;

    #[tokio::test(start_paused = true)]
    async fn large_ones_have_a_part_and_small_ones_the_rest() {
        let process = MemoryBudget::new(TOTAL);
        let memory = RequestMemory::new(&process);
        let upload = memory.body(TOTAL / 4).await.unwrap();
        assert_eq!(process.used(), TOTAL / 4);
        let refused = memory.body(SMALL + 1).await.unwrap_err().to_string();
        assert!(
            refused.starts_with("there is no memory for this body now: 262144 of 262144 bytes"),
            "{refused}"
        );
        let small = memory.body(SMALL).await.unwrap();
        let mut answer = memory.answer();
        answer.grow(TOTAL / 2).unwrap();
        assert!(answer.grow(1).is_err() && memory.answer().grow(SMALL + 1).is_err());
        let mut other = memory.answer();
        other.grow(SMALL).unwrap();
        assert_eq!(process.used(), TOTAL / 4 + SMALL + TOTAL / 2 + SMALL);
        answer.give_back(SMALL);
        other.grow(1).unwrap();
        // A body that has arrived leaves the part for uploads, but still takes memory.
        let arrived = upload.into_share();
        assert_eq!(arrived.bytes(), TOTAL / 4);
        let later = memory.body(TOTAL / 4).await.unwrap();
        drop((small, answer, other, arrived, later));
        assert_eq!(process.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_waits_for_memory_but_not_for_ever() {
        let process = MemoryBudget::new(TOTAL);
        let memory = RequestMemory::new(&process);
        let everything = process.try_take(TOTAL).unwrap();
        assert!(memory.body(1).await.is_err());
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.body(1).await.is_ok() }
        });
        tokio::task::yield_now().await;
        drop(everything);
        assert!(waiting.await.unwrap());
    }
}
