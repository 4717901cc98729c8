//! What moment it is, and how long durations last.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rondo_definition::{parse_duration, parse_moment};

use crate::refusal::Refusal;

/// The clock of the desk. `rondo.clock.speed` shortens durations, never moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    speed: u32,
}

/// How long a loop of the desk sleeps at most; a clock that was set is noticed after it.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How long a loop sleeps at `now`, whose next work is due at a moment in milliseconds since 1970, if there is any.
pub(super) fn pause_until(next: Option<i64>, now: Timestamp) -> Duration {
    let wait = next.and_then(|at| u64::try_from(at.saturating_sub(now.as_millisecond())).ok());
    wait.map_or(LONGEST_SLEEP, |wait| Duration::from_millis(wait.max(1)).min(LONGEST_SLEEP))
}

impl Clock {
    pub(crate) fn new(speed: u32) -> Self {
        Self { speed: speed.max(1) }
    }

    pub(crate) fn now() -> Timestamp {
        // Columns have milliseconds, so that what was written is what is read.
        Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or_default()
    }

    /// How long a duration lasts: at least a second where it is waited for again and again, however fast the clock is.
    pub(crate) fn span(self, duration: Duration) -> Duration {
        (duration / self.speed).max(Duration::from_secs(1))
    }

    /// The moment so much later; the last one there is when it lies beyond.
    pub(crate) fn after(self, from: Timestamp, duration: Duration) -> Timestamp {
        let shortened = duration / self.speed;
        SignedDuration::try_from(shortened)
            .ok()
            .and_then(|by| from.checked_add(by).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// The moment of a deadline, which is written as a duration from `from` or as a moment.
    pub(crate) fn deadline(self, from: Timestamp, text: &str, pointer: &str) -> Result<Timestamp, Refusal> {
        if let Some(moment) = parse_moment(text).and_then(|moment| Timestamp::from_millisecond(moment).ok()) {
            return Ok(moment);
        }
        match parse_duration(text) {
            Ok(duration) => Ok(self.after(from, duration)),
            Err(error) => Err(Refusal::invalid_at(
                pointer,
                format!("{error}, and no moment such as 2027-01-31T09:00:00Z"),
            )),
        }
    }
}
