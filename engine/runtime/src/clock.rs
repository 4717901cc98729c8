//! The only source of time.
//!
//! Owns: [`Clock`], in two forms. The system's clock reads the wall clock of the machine; a manual one stands still until a test moves it.
//!
//! Promises: a moment is a moment of the wall clock, so what is written to the database and shown to people is true whatever
//! `rondo.clock.speed` says. The speed is the clock's, but it shortens *durations*: the machine divides every duration of a definition by it
//! before it adds the duration to a moment. (A faster clock would write moments of the future to the database, and after a restart with
//! another speed the engine would wait for them.) The engine notices within [`LONGEST_PAUSE`] that the wall clock was set forward or back,
//! because no sleep is longer without a look at the wall clock. Never: decides what is due.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rondo_machine::Millis;
use tokio::sync::watch;

/// Longest sleep without a look at the wall clock. A shorter one wakes an idle engine more often; with a longer one the engine notices later
/// that the clock was set forward or that the machine was suspended.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Tells the time, and lets tasks wait for a moment; cheap to clone. Clones of a manual clock are the same clock.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    speed: u32,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<watch::Sender<Manual>>),
}

/// The moment of a manual clock, and the tasks that sleep on it.
#[derive(Debug, Default)]
struct Manual {
    now: Millis,
    /// How many tasks sleep until each moment.
    sleepers: BTreeMap<Millis, usize>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The wall clock of the machine.
    pub fn system() -> Self {
        Self { source: Source::System, speed: 1 }
    }

    /// A clock that stands at `now` (milliseconds since 1970) until [`Clock::advance`] or [`Clock::set`] moves it.
    pub fn manual(now: Millis) -> Self {
        let manual = Manual { now, ..Manual::default() };
        Self { source: Source::Manual(Arc::new(watch::Sender::new(manual))), speed: 1 }
    }

    /// The same clock, on which durations of definitions pass so many times faster.
    #[must_use]
    pub fn with_speed(self, speed: u32) -> Self {
        Self { speed, ..self }
    }

    /// How many times faster than written the durations of definitions pass.
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// Milliseconds since 1970, UTC.
    pub fn now(&self) -> Millis {
        match &self.source {
            Source::System => wall_clock(),
            Source::Manual(manual) => manual.borrow().now,
        }
    }

    /// Waits until `moment`; not at all when it has passed.
    pub async fn sleep_until(&self, moment: Millis) {
        match &self.source {
            Source::System => {
                while let Some(pause) = next_pause(wall_clock(), moment) {
                    tokio::time::sleep(pause).await;
                }
            }
            Source::Manual(manual) => {
                let _sleeper = Sleeper::new(manual, moment);
                let mut changes = manual.subscribe();
                // This clock owns the sender, so the channel does not close and only the moment ends the wait.
                let _ = changes.wait_for(|manual| manual.now >= moment).await;
            }
        }
    }

    /// Waits until `moment`, or until the clock is set back behind `now`.
    pub(crate) async fn sleep_until_or_set_back(&self, moment: Millis, now: Millis) {
        match &self.source {
            Source::System => loop {
                let current = wall_clock();
                let Some(pause) = next_pause(current, moment).filter(|_| current >= now) else { return };
                tokio::time::sleep(pause).await;
            },
            Source::Manual(manual) => {
                let _sleeper = Sleeper::new(manual, moment);
                let mut changes = manual.subscribe();
                let _ = changes.wait_for(|manual| manual.now >= moment || manual.now < now).await;
            }
        }
    }

    /// Waits for a duration of the engine itself, so the speed does not shorten it. On the system's clock the duration passes also while the
    /// wall clock is set back.
    pub async fn sleep(&self, duration: Duration) {
        match &self.source {
            Source::System => tokio::time::sleep(duration).await,
            Source::Manual(_) => self.sleep_until(self.now().saturating_add(millis(duration))).await,
        }
    }

    /// Moves a manual clock forward. The system's clock stays as it is.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().saturating_add(millis(duration)));
    }

    /// Sets a manual clock, forward or back. The system's clock stays as it is.
    pub fn set(&self, now: Millis) {
        if let Source::Manual(manual) = &self.source {
            manual.send_modify(|manual| manual.now = now);
        }
    }

    /// Waits until some task sleeps on this manual clock until exactly `moment`. For tests. On the system's clock it never ends.
    pub async fn until_asleep(&self, moment: Millis) {
        match &self.source {
            Source::System => std::future::pending().await,
            Source::Manual(manual) => {
                let mut changes = manual.subscribe();
                let _ = changes.wait_for(|manual| manual.sleepers.contains_key(&moment)).await;
            }
        }
    }
}

/// Counts a task as a sleeper of a manual clock until it is dropped.
struct Sleeper<'a> {
    manual: &'a watch::Sender<Manual>,
    moment: Millis,
}

impl<'a> Sleeper<'a> {
    fn new(manual: &'a watch::Sender<Manual>, moment: Millis) -> Self {
        manual.send_modify(|manual| *manual.sleepers.entry(moment).or_default() += 1);
        Self { manual, moment }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.manual.send_modify(|manual| {
            if let Some(count) = manual.sleepers.get_mut(&self.moment) {
                *count -= 1;
                if *count == 0 {
                    manual.sleepers.remove(&self.moment);
                }
            }
        });
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

/// `now` plus a duration.
pub(crate) fn after(now: Millis, duration: Duration) -> Millis {
    now.saturating_add(millis(duration))
}

/// How long to sleep before the next look at the wall clock; `None` when `moment` has come.
fn next_pause(now: Millis, moment: Millis) -> Option<Duration> {
    let left = u64::try_from(moment.saturating_sub(now)).ok().filter(|left| *left > 0)?;
    Some(Duration::from_millis(left).min(LONGEST_PAUSE))
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pause_is_longer_than_a_second_whatever_the_wall_clock_was_set_to() {
        for (now, moment, pause) in [
            (0, 300, Some(300)),
            (0, 1000, Some(1000)),
            (0, 86_400_000, Some(1000)),
            (-86_400_000, 300, Some(1000)),
            (300, 300, None),
            (86_400_000, 300, None),
            (Millis::MIN, Millis::MAX, Some(1000)),
        ] {
            assert_eq!(next_pause(now, moment), pause.map(Duration::from_millis), "{now} {moment}");
        }
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_who_is_due_and_no_one_else() {
        let clock = Clock::manual(1000);
        let sleeps = |moment| {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep_until(moment).await })
        };
        let (early, late) = (sleeps(2000), sleeps(5000));
        clock.until_asleep(2000).await;
        clock.until_asleep(5000).await;
        clock.set(0);
        clock.advance(Duration::from_secs(2));
        early.await.unwrap();
        assert!(!late.is_finished());
        clock.set(9000);
        late.await.unwrap();
        clock.sleep_until(8999).await;
        clock.sleep_until_or_set_back(9000, 9000).await;
        clock.sleep_until_or_set_back(Millis::MAX, 9001).await;
        assert_eq!(clock.now(), 9000);
    }
}
