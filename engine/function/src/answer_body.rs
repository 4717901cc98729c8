//! Reads the body of an answer within the memory budget.
//!
//! Promises: memory is claimed before bytes are read; a body without memory is not read, so that the service waits too; no more than the limit is
//! read, counted after decompression. The texts of all answers together take at most a quarter of the memory, granted in order of arrival, so
//! that there is always memory for the values of those that have arrived. Never: holds a part of an answer while it waits for memory for the
//! rest, except for the first [`SMALL`] bytes.

use std::time::Duration;

use rondo_memory::{MemoryBudget, Share};
use tokio::time::{Instant, timeout_at};

use crate::error::CallErrorKind;
use crate::large_answer::BeforeLargeAnswer;
use crate::transport::to_call_error;

/// The moment at which a call times out. Waiting for memory postpones it, because the service is not to blame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) whole: Duration,
    pub(crate) at: Instant,
}

/// The limit of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// A longer body is an error.
    Most(u64),
    /// Only this many bytes are read, and the rest is ignored.
    CutAt(u64),
}

/// The body of an answer, and its share of the memory for texts of answers.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    place: Share,
}

/// Pause between two tries to claim memory. Only those who hold nothing may wait in the queue of the budget, and a call already holds a share.
const PAUSE: Duration = Duration::from_millis(20);

/// Answers up to this many bytes need no share of the memory for texts: nearly all are smaller, and even a thousand of them take little.
const SMALL: u64 = 64 * 1024;

impl Deadline {
    pub(crate) fn in_(whole: Duration) -> Self {
        // A duration that the clock cannot add is cut to thirty years.
        let longest = Duration::from_hours(30 * 365 * 24);
        Self { whole, at: Instant::now() + whole.min(longest) }
    }

    /// Awaits the outcome, or fails when the deadline passes.
    pub(crate) async fn within<T>(&self, outcome: impl Future<Output = T>) -> Result<T, CallErrorKind> {
        timeout_at(self.at, outcome).await.map_err(|_| CallErrorKind::Timeout(self.whole))
    }
}

impl Limit {
    /// How many of `bytes` are read.
    fn allows(self, bytes: u64) -> Result<u64, CallErrorKind> {
        match self {
            Self::Most(limit) if bytes > limit => Err(CallErrorKind::TooLarge { limit }),
            Self::Most(_) => Ok(bytes),
            Self::CutAt(end) => Ok(bytes.min(end)),
        }
    }

    fn most(self) -> u64 {
        let (Self::Most(bytes) | Self::CutAt(bytes)) = self;
        bytes
    }
}

/// Reads the body. Claims its memory in `share`, and also in `texts` if the body is not small; waits for each at most the given time.
pub(crate) async fn read(
    mut response: reqwest::Response,
    limit: Limit,
    share: &mut Share,
    texts: (&MemoryBudget, Duration),
    deadline: &mut Deadline,
    before_large_answer: &BeforeLargeAnswer,
) -> Result<Body, CallErrorKind> {
    let before = share.bytes();
    let mut body = Body { bytes: Vec::new(), place: texts.0.share() };
    // If the length is unknown, first claims memory for a small answer; a longer one claims the limit.
    let expected = match response.content_length() {
        Some(length) => limit.allows(length)?,
        None => SMALL.min(limit.most()),
    };
    if expected > SMALL {
        before_large_answer.notify();
    }
    body.reserve(expected, share, texts, deadline).await?;
    loop {
        let chunk = deadline.within(response.chunk()).await?;
        let Some(chunk) = chunk.map_err(|error| to_call_error(&error, deadline.whole))? else { break };
        let whole = body.bytes.len() + chunk.len();
        let length = usize::try_from(limit.allows(whole as u64)?).unwrap_or(whole);
        if length > body.bytes.capacity() {
            before_large_answer.notify();
            body.reserve(limit.most(), share, texts, deadline).await?;
        }
        body.bytes.extend_from_slice(chunk.get(..length - body.bytes.len()).unwrap_or_default());
        if length < whole {
            break;
        }
    }
    body.bytes.shrink_to_fit();
    body.place.shrink_to(body.bytes.len() as u64);
    share.shrink_to(before + body.bytes.len() as u64);
    Ok(body)
}

impl Body {
    /// Makes room for `bytes` in all. Allocates the memory once, so that no bytes are copied later.
    async fn reserve(
        &mut self,
        bytes: u64,
        share: &mut Share,
        (texts, patience): (&MemoryBudget, Duration),
        deadline: &mut Deadline,
    ) -> Result<(), CallErrorKind> {
        let asked = Instant::now();
        if bytes > SMALL {
            self.place = texts.take(bytes, patience).await.map_err(CallErrorKind::NoRoom)?;
        }
        let more = bytes.saturating_sub(self.bytes.capacity() as u64);
        wait_for_room(share, more, patience).await?;
        deadline.at += asked.elapsed();
        let more = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(self.bytes.len());
        self.bytes.reserve_exact(more);
        Ok(())
    }
}

/// Claims `bytes` more, and waits for a time if there is no memory.
async fn wait_for_room(share: &mut Share, bytes: u64, patience: Duration) -> Result<(), CallErrorKind> {
    let asked = Instant::now();
    loop {
        let Err(refused) = share.grow(bytes) else { return Ok(()) };
        let never = share.bytes().saturating_add(bytes) > refused.total;
        if never || asked.elapsed() >= patience {
            return Err(CallErrorKind::NoRoom(refused));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;
    const PATIENCE: Duration = Duration::from_mins(1);

    /// Reads an answer of this many bytes, for which the service has a second.
    async fn read_text(
        bytes: u64,
        texts: &MemoryBudget,
        memory: &MemoryBudget,
    ) -> Result<Duration, CallErrorKind> {
        let text = "x".repeat(usize::try_from(bytes).unwrap());
        let (mut share, mut deadline) = (memory.share(), Deadline::in_(Duration::from_secs(1)));
        let began = Instant::now();
        let response = axum::http::Response::new(text).into();
        let limit = Limit::Most(bytes);
        let notify = BeforeLargeAnswer::default();
        let body = read(response, limit, &mut share, (texts, PATIENCE), &mut deadline, &notify).await?;
        assert_eq!((body.bytes.len() as u64, share.bytes()), (bytes, bytes));
        assert_eq!(
            deadline.at - Instant::now(),
            Duration::from_secs(1),
            "the wait is no time of the service"
        );
        Ok(began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_waits_unread_for_a_place_and_for_memory() {
        let (texts, memory) = (MemoryBudget::new(200 * KIB), MemoryBudget::new(800 * KIB));
        for budget in [&texts, &memory] {
            let others = budget.try_take(budget.total() - 50 * KIB).unwrap();
            let give_back = async {
                tokio::time::sleep(PATIENCE / 2).await;
                drop(others);
            };
            let (waited, ()) = tokio::join!(read_text(100 * KIB, &texts, &memory), give_back);
            let waited = waited.unwrap();
            assert!(waited >= PATIENCE / 2 && waited <= PATIENCE / 2 + PAUSE, "{waited:?}");
        }
        assert_eq!((texts.used(), memory.used()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_minute_without_room_an_answer_is_given_up() {
        let (texts, memory) = (MemoryBudget::new(200 * KIB), MemoryBudget::new(800 * KIB));
        for budget in [&texts, &memory] {
            let _others = budget.try_take(budget.total() - 50 * KIB).unwrap();
            let began = Instant::now();
            let refused = read_text(100 * KIB, &texts, &memory).await.unwrap_err();
            assert!(
                matches!(refused, CallErrorKind::NoRoom(no_room) if no_room.wanted == 100 * KIB),
                "{refused}"
            );
            let waited = began.elapsed();
            assert!(waited >= PATIENCE && waited <= PATIENCE + PAUSE, "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_answer_needs_no_place_and_one_that_never_fits_does_not_wait() {
        let (texts, memory) = (MemoryBudget::new(200 * KIB), MemoryBudget::new(800 * KIB));
        let _others = texts.try_take(texts.total()).unwrap();
        assert_eq!(read_text(SMALL, &texts, &memory).await, Ok(Duration::ZERO));
        for (text, memory) in [(201 * KIB, memory), (150 * KIB, MemoryBudget::new(149 * KIB))] {
            let began = Instant::now();
            let texts = MemoryBudget::new(200 * KIB);
            assert!(read_text(text, &texts, &memory).await.is_err());
            assert_eq!(began.elapsed(), Duration::ZERO);
        }
    }
}
