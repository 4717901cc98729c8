//! Reads the body of an answer within a share of the memory.
//!
//! Promises: room is taken before bytes are read; an answer of known length waits for its room without being read, so that the service
//! waits too; no more than the limit is read, counted after decompression. Never: keeps what it cannot keep whole.

use std::time::Duration;

use rondo_memory::{NoRoom, Share};
use tokio::time::{Instant, timeout_at};

use crate::error::CallErrorKind;
use crate::transport::to_call_error;

/// A moment at which a call ends, which waiting for room puts off: the service is not to blame for that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) whole: Duration,
    pub(crate) at: Instant,
}

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// More is an error.
    Most(u64),
    /// Only the beginning is read.
    CutAt(u64),
}

/// How long an answer may wait for room before it is read. A service that cannot send closes the connection after a minute or so.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often room is asked for. Waiting in the queue of the budget is for those who hold nothing, and a call holds a share.
const PAUSE: Duration = Duration::from_millis(50);

/// The first piece of memory for an answer of unknown length: most answers fit.
const FIRST_BYTES: usize = 16 * 1024;

impl Deadline {
    pub(crate) fn in_(whole: Duration) -> Self {
        // A duration beyond the clock is as good as thirty years.
        let longest = Duration::from_secs(30 * 365 * 24 * 60 * 60);
        Self { whole, at: Instant::now() + whole.min(longest) }
    }

    /// The outcome, if it comes in time.
    pub(crate) async fn within<T>(&self, outcome: impl Future<Output = T>) -> Result<T, CallErrorKind> {
        timeout_at(self.at, outcome).await.map_err(|_| CallErrorKind::Timeout(self.whole))
    }
}

/// Reads the body with room for it in the share.
pub(crate) async fn read(
    mut response: reqwest::Response,
    limit: Limit,
    share: &mut Share,
    deadline: &mut Deadline,
) -> Result<Vec<u8>, CallErrorKind> {
    let before = share.bytes();
    let mut body = Vec::new();
    if let Some(length) = response.content_length() {
        let length = limit.allows(length)?;
        wait_for_room(share, length, deadline).await?;
        body.reserve_exact(usize::try_from(length).unwrap_or_default());
    }
    loop {
        let chunk = deadline.within(response.chunk()).await?;
        let Some(chunk) = chunk.map_err(|error| to_call_error(&error, deadline.whole))? else { break };
        let whole = body.len() + chunk.len();
        let length = usize::try_from(limit.allows(whole as u64)?).unwrap_or(whole);
        if length > body.capacity() {
            let capacity = length.max(body.capacity() * 2).max(FIRST_BYTES);
            // The old memory and the new are there together while the bytes are copied.
            share.grow(capacity as u64).map_err(no_room)?;
            body.reserve_exact(capacity - body.len());
            share.shrink_to(before + capacity as u64);
        }
        body.extend_from_slice(chunk.get(..length - body.len()).unwrap_or_default());
        if length < whole {
            break;
        }
    }
    Ok(body)
}

impl Limit {
    /// How many of so many bytes are read.
    fn allows(self, bytes: u64) -> Result<u64, CallErrorKind> {
        match self {
            Self::Most(limit) if bytes > limit => Err(CallErrorKind::TooLarge { limit }),
            Self::Most(_) => Ok(bytes),
            Self::CutAt(end) => Ok(bytes.min(end)),
        }
    }
}

/// Takes room for so many bytes more; waits for a time if there is none.
pub(crate) async fn wait_for_room(
    share: &mut Share,
    bytes: u64,
    deadline: &mut Deadline,
) -> Result<(), CallErrorKind> {
    let asked = Instant::now();
    loop {
        let Err(refused) = share.grow(bytes) else { break };
        let never = share.bytes().saturating_add(bytes) > refused.total;
        if never || asked.elapsed() > PATIENCE {
            return Err(no_room(refused));
        }
        tokio::time::sleep(PAUSE).await;
    }
    deadline.at += asked.elapsed();
    Ok(())
}

/// The error of a call for whose answer there is no room.
pub(crate) fn no_room(refused: NoRoom) -> CallErrorKind {
    CallErrorKind::NoRoom(refused)
}
