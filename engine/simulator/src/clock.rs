//! The simulator's time: real time plus the time that was skipped.
//!
//! Promises: never runs backwards by [`Clock::advance`], never overflows. Never: waits.

use std::time::Duration;

use jiff::Timestamp;

/// The clock of the simulated services.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    skipped: Duration,
}

impl Clock {
    /// The present moment.
    pub(crate) fn now(self) -> Timestamp {
        later(Timestamp::now(), self.skipped)
    }

    /// Skips some time.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.skipped = self.skipped.saturating_add(by);
    }
}

/// `time` plus `by`; the last moment there is if that is too far away.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// As GitLab and Backstage write moments: `2025-10-03T08:15:30.000Z`.
pub(crate) fn millis(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// As Kubernetes writes moments: `2025-10-03T08:15:30Z`.
pub(crate) fn seconds(time: Timestamp) -> String {
    format!("{time:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_any_amount_of_time_never_overflows() {
        let mut clock = Clock::default();
        clock.advance(Duration::from_secs(u64::MAX));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[test]
    fn moments_are_written_as_the_services_write_them() {
        for (nanoseconds, in_millis, in_seconds) in [
            (0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z"),
            (1_759_479_330_000_000_000, "2025-10-03T08:15:30.000Z", "2025-10-03T08:15:30Z"),
            (1_759_479_330_120_999_999, "2025-10-03T08:15:30.120Z", "2025-10-03T08:15:30Z"),
            (1_759_479_330_999_999_999, "2025-10-03T08:15:30.999Z", "2025-10-03T08:15:30Z"),
        ] {
            let time = Timestamp::from_nanosecond(nanoseconds).unwrap();
            assert_eq!((millis(time).as_str(), seconds(time).as_str()), (in_millis, in_seconds));
        }
    }
}
