//! The simulator's time: real time plus what was skipped.
//!
//! Promises: never runs backwards by [`Clock::advance`], never overflows. Never: waits.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Tells the time of the simulated world.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    skipped: Duration,
}

impl Clock {
    /// The present moment.
    pub(crate) fn now(self) -> DateTime<Utc> {
        later(Utc::now(), self.skipped)
    }

    /// Skips some time.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.skipped = self.skipped.saturating_add(by);
    }
}

/// `time` plus `by`; the last moment there is if that is too far away.
pub(crate) fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// As GitLab and Backstage write moments: `2025-10-03T08:15:30.000Z`.
pub(crate) fn millis(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// As Kubernetes writes moments: `2025-10-03T08:15:30Z`.
pub(crate) fn seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_any_amount_of_time_never_overflows() {
        let mut clock = Clock::default();
        clock.advance(Duration::from_secs(u64::MAX));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), DateTime::<Utc>::MAX_UTC);
    }
}
