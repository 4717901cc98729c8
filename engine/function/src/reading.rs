//! Builds requests and reads answers, and only a few large ones at a time.
//!
//! Promises: a text of megabytes does not block the threads that answer clients; at most half as many large requests are built as there are
//! processors, and likewise large answers read; an answer whose values find no memory is read again later. Never: repeats a call.

use std::borrow::Cow;
use std::thread;
use std::time::{Duration, Instant};

use rondo_expression::{ReadError, ReadLimits, Val};
use rondo_memory::{LargeWork, NoRoom, Share};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::answer::Unreadable;
use crate::error::CallErrorKind;
use crate::transport::Incoming;

/// Limits how many large requests and answers are processed at once.
pub(crate) struct Reading {
    /// Limits of the values of one answer.
    limits: ReadLimits,
    requests: LargeWork,
    answers: LargeWork,
}

/// A function that reads the values of an answer within limits, and asks for their memory.
pub(crate) trait ReadAnswer:
    Fn(&Incoming, ReadLimits, &mut dyn FnMut(usize) -> bool) -> Result<Val, Unreadable> + Send + Sync + 'static
{
}

impl<T> ReadAnswer for T where
    T: Fn(&Incoming, ReadLimits, &mut dyn FnMut(usize) -> bool) -> Result<Val, Unreadable>
        + Send
        + Sync
        + 'static
{
}

/// An answer that was read: its values, or what it should have been; the answer itself; and the memory of both.
pub(crate) struct ReadOut {
    pub(crate) result: Result<Val, Cow<'static, str>>,
    pub(crate) incoming: Incoming,
    pub(crate) share: Share,
}

/// Requests and answers of this many bytes are large. Building or reading a smaller one takes less than a millisecond.
const LARGE: usize = 64 * 1024;

/// How long an answer waits for the memory of its values, and the pauses between two tries. Other answers and bodies free their memory within
/// seconds.
const PATIENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

impl Reading {
    /// `memory` is the budget of the process in bytes; the values of one answer may take half of it.
    pub(crate) fn new(memory: u64) -> Self {
        let half = usize::try_from(memory / 2).unwrap_or(usize::MAX);
        let default = ReadLimits::default();
        let limits = ReadLimits { skips_null_elements: true, memory: default.memory.min(half), ..default };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let at_once = (processors / 2).max(1);
        Self { limits, requests: LargeWork::new(at_once, LARGE), answers: LargeWork::new(at_once, LARGE) }
    }

    /// Builds a request of `bytes` bytes.
    pub(crate) async fn build<T>(&self, bytes: u64, build: impl FnOnce() -> T) -> T {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let _place = self.requests.enter(bytes).await;
        match Handle::current().runtime_flavor() {
            // The runtime moves the other tasks of this thread to another one.
            RuntimeFlavor::MultiThread if self.requests.is_large(bytes) => tokio::task::block_in_place(build),
            _ => build(),
        }
    }

    /// Reads the values of an answer, and claims their memory in the share.
    pub(crate) async fn read(
        &self,
        incoming: Incoming,
        mut share: Share,
        read: impl ReadAnswer,
    ) -> Result<ReadOut, CallErrorKind> {
        let limits = self.limits;
        let bytes = incoming.body.bytes.len();
        if !self.answers.is_large(bytes) {
            let mut patience = Patience::default();
            loop {
                match try_read(&incoming, limits, &mut share, &read) {
                    Ok(result) => return Ok(ReadOut { result, incoming, share }),
                    Err(refused) => tokio::time::sleep(patience.pause_after(refused)?).await,
                }
            }
        }
        let read = self.answers.run(bytes, move || read_patiently(incoming, limits, share, &read)).await;
        read.unwrap_or_else(|error| {
            tracing::error!(%error, "reading an answer met a defect of the engine");
            Err(CallErrorKind::Interrupted("reading the answer met a defect of the engine".to_owned()))
        })
    }
}

/// Why an answer was not read.
enum Refused {
    For(CallErrorKind),
    ForNow(NoRoom),
}

/// How long an answer is tried again.
struct Patience {
    end: Instant,
    pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { end: Instant::now() + PATIENCE, pause: FIRST_PAUSE }
    }
}

impl Patience {
    /// The pause before the answer is read again, or the error if it is not.
    fn pause_after(&mut self, refused: Refused) -> Result<Duration, CallErrorKind> {
        match refused {
            Refused::For(kind) => Err(kind),
            Refused::ForNow(refused) if Instant::now() > self.end => Err(CallErrorKind::NoRoom(refused)),
            Refused::ForNow(_) => {
                let pause = self.pause;
                self.pause = (pause * 2).min(LONGEST_PAUSE);
                Ok(pause)
            }
        }
    }
}

/// Reads a large answer, and keeps its place while it waits for memory: later answers need memory too, and this one comes first.
fn read_patiently(
    incoming: Incoming,
    limits: ReadLimits,
    mut share: Share,
    read: &impl ReadAnswer,
) -> Result<ReadOut, CallErrorKind> {
    let mut patience = Patience::default();
    loop {
        match try_read(&incoming, limits, &mut share, read) {
            Ok(result) => return Ok(ReadOut { result, incoming, share }),
            Err(refused) => thread::sleep(patience.pause_after(refused)?),
        }
    }
}

fn try_read(
    incoming: &Incoming,
    limits: ReadLimits,
    share: &mut Share,
    read: &impl ReadAnswer,
) -> Result<Result<Val, Cow<'static, str>>, Refused> {
    let held = share.bytes();
    let mut refused = None;
    let mut grant = |more: usize| {
        refused = share.grow(more as u64).err();
        refused.is_none()
    };
    let result = read(incoming, limits, &mut grant);
    match (result, refused) {
        (Ok(value), _) => Ok(Ok(value)),
        (Err(Unreadable::Is(expected)), _) => {
            share.shrink_to(held);
            Ok(Err(expected))
        }
        (Err(Unreadable::TooMuch(ReadError::NoRoom)), Some(refused)) => {
            let never = share.bytes() + refused.wanted > refused.total;
            share.shrink_to(held);
            Err(if never { Refused::For(CallErrorKind::NoRoom(refused)) } else { Refused::ForNow(refused) })
        }
        (Err(Unreadable::TooMuch(problem)), _) => {
            let (status, problem) = (incoming.status, problem.to_string());
            Err(Refused::For(CallErrorKind::TooMuch { status, problem }))
        }
    }
}
