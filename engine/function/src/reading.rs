//! Computes with large requests and answers, a few at a time.
//!
//! Promises: a text of megabytes is read beside the threads that answer clients, and not more of them at once than half of the processors
//! can read; an answer for whose values there is no memory is read again when there is. Never: makes a call again.

use std::time::Duration;

use rondo_expression::{ReadError, Val};
use rondo_memory::Share;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answer::Unreadable;
use crate::error::CallErrorKind;
use crate::transport::Incoming;

/// Who may compute.
pub(crate) struct Reading(Semaphore);

/// What takes fewer bytes is computed where it is: that takes less than a millisecond.
const LARGE: u64 = 64 * 1024;

/// How long an answer waits for the memory of its values, and the pauses between two tries.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Default for Reading {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Semaphore::new((processors / 2).max(1)))
    }
}

impl Reading {
    /// Does a computation over so many bytes.
    pub(crate) async fn computing<T>(&self, bytes: u64, compute: impl FnOnce() -> T) -> T {
        if bytes < LARGE {
            return compute();
        }
        // The semaphore is never closed.
        let _permit = self.0.acquire().await;
        match Handle::current().runtime_flavor() {
            // The other tasks of this thread go on elsewhere.
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(compute),
            _ => compute(),
        }
    }

    /// Reads the values of an answer, with room for them in the share. The inner error names the form that the answer should have.
    pub(crate) async fn read(
        &self,
        incoming: &Incoming,
        share: &mut Share,
        mut read: impl FnMut(&mut dyn FnMut(usize) -> bool) -> Result<Val, Unreadable>,
    ) -> Result<Result<Val, &'static str>, CallErrorKind> {
        let (held, began, mut pause) = (share.bytes(), Instant::now(), FIRST_PAUSE);
        loop {
            let mut refused = None;
            let mut grant = |more: usize| {
                refused = share.grow(more as u64).err();
                refused.is_none()
            };
            let result = self.computing(incoming.body.len() as u64, || read(&mut grant)).await;
            match (result, refused) {
                (Ok(value), _) => return Ok(Ok(value)),
                (Err(Unreadable::Is(expected)), _) => return Ok(Err(expected)),
                (Err(Unreadable::TooMuch(ReadError::NoRoom)), Some(refused)) => {
                    let never = share.bytes() + refused.wanted > refused.total;
                    if never || began.elapsed() > PATIENCE {
                        return Err(CallErrorKind::NoRoom(refused));
                    }
                    share.shrink_to(held);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                (Err(Unreadable::TooMuch(problem)), _) => {
                    return Err(CallErrorKind::TooMuch {
                        status: incoming.status,
                        problem: problem.to_string(),
                    });
                }
            }
        }
    }
}
