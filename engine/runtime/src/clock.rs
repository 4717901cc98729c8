//! The only source of time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rondo_machine::Millis;

/// Tells the time. `rondo.clock.speed` does not bend it: durations of definitions are divided instead, so that moments in
/// the database stay true whatever the speed was when they were written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

impl Clock {
    /// Milliseconds since 1970, UTC.
    #[allow(
        clippy::unused_self,
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    pub fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    }

    /// How long it is until `moment`; zero when it has passed.
    pub fn until(&self, moment: Millis) -> Duration {
        Duration::from_millis(u64::try_from(moment.saturating_sub(self.now())).unwrap_or_default())
    }
}
