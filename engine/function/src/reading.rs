//! Computes with large requests and answers, a few at a time.
//!
//! Owns: the threads that read answers. Promises: a text of megabytes is read beside the threads that answer clients, and not more of them
//! at once than half of the processors can read; an answer for whose values there is no memory is read again when there is. Never: makes a
//! call again.

use std::borrow::Cow;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rondo_expression::{ReadError, ReadLimits, Val};
use rondo_memory::{NoRoom, Share};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Semaphore, oneshot};

use crate::answer::Unreadable;
use crate::error::CallErrorKind;
use crate::transport::Incoming;

/// Who may compute.
pub(crate) struct Reading {
    /// Of a text: within these limits.
    limits: ReadLimits,
    readers: mpsc::Sender<Job>,
    builders: Semaphore,
}

type Job = Box<dyn FnOnce() + Send>;

/// What reads the values of an answer within limits, asking for memory.
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

/// An answer that was read: its values with the room for them, or what it should have been; and the answer itself.
pub(crate) struct ReadOut {
    pub(crate) result: Result<Val, Cow<'static, str>>,
    pub(crate) incoming: Incoming,
    pub(crate) share: Share,
}

/// What takes fewer bytes is computed where it is: that takes less than a millisecond.
const SMALL: usize = 64 * 1024;

/// How long an answer waits for the memory of its values, and the pauses between two tries. Other answers and bodies leave within seconds.
const PATIENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

impl Reading {
    /// For a process with so many bytes of memory for data: the values of one answer may take half of it.
    pub(crate) fn new(memory: u64) -> Self {
        let half = usize::try_from(memory / 2).unwrap_or(usize::MAX);
        let default = ReadLimits::default();
        let limits = ReadLimits { skips_null_elements: true, memory: default.memory.min(half), ..default };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let at_once = (processors / 2).max(1);
        Self { limits, readers: readers(at_once), builders: Semaphore::new(at_once) }
    }

    /// Builds a request of so many bytes.
    pub(crate) async fn build<T>(&self, bytes: u64, build: impl FnOnce() -> T) -> T {
        if bytes < SMALL as u64 {
            return build();
        }
        // The semaphore is never closed.
        let _permit = self.builders.acquire().await;
        match Handle::current().runtime_flavor() {
            // The other tasks of this thread go on elsewhere.
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(build),
            _ => build(),
        }
    }

    /// Reads the values of an answer, with room for them in the share.
    pub(crate) async fn read(
        &self,
        incoming: Incoming,
        mut share: Share,
        read: impl ReadAnswer,
    ) -> Result<ReadOut, CallErrorKind> {
        let limits = self.limits;
        if incoming.body.bytes.len() < SMALL {
            let mut began = None;
            let mut pause = FIRST_PAUSE;
            loop {
                match try_read(&incoming, limits, &mut share, &read) {
                    Ok(result) => return Ok(ReadOut { result, incoming, share }),
                    Err(Refused::For(kind)) => return Err(kind),
                    Err(Refused::ForNow(refused)) => {
                        if began.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                            return Err(CallErrorKind::NoRoom(refused));
                        }
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        }
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Who waits may be gone.
            let _ = done.send(read_patiently(incoming, limits, share, &read));
        });
        let gone = || CallErrorKind::Interrupted("the thread that reads answers has ended".to_owned());
        self.readers.send(job).map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

/// Starts the threads. They end with the sender.
fn readers(count: usize) -> mpsc::Sender<Job> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..count {
        let jobs = Arc::clone(&jobs);
        let started = thread::Builder::new().name("rondo-answers".to_owned()).spawn(move || {
            loop {
                let next = jobs.lock().recv();
                let Ok(job) = next else { break };
                // A defect costs this answer, whose sender is dropped, and not the others.
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                    tracing::error!("reading an answer met a defect of the engine");
                }
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "a thread that reads answers cannot be started");
        }
    }
    sender
}

/// Why an answer is not read.
enum Refused {
    For(CallErrorKind),
    ForNow(NoRoom),
}

/// Waits for room on the reading thread: the answers behind would need room too, and it is this one's turn.
fn read_patiently(
    incoming: Incoming,
    limits: ReadLimits,
    mut share: Share,
    read: &impl ReadAnswer,
) -> Result<ReadOut, CallErrorKind> {
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match try_read(&incoming, limits, &mut share, read) {
            Ok(result) => return Ok(ReadOut { result, incoming, share }),
            Err(Refused::For(kind)) => return Err(kind),
            Err(Refused::ForNow(refused)) if began.elapsed() > PATIENCE => {
                return Err(CallErrorKind::NoRoom(refused));
            }
            Err(Refused::ForNow(_)) => {
                thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
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
