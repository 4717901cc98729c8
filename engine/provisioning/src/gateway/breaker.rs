//! Keeps calls away from a cluster that is out of order.
//!
//! Owns: the rule, without a clock. Promises: after [`FAILURES`] failures in a row nothing is sent until the pause is over; then one call is
//! let through at a time, and what comes of it decides. Never: sends anything, knows what a failure is.

use std::time::{Duration, Instant};

/// Failures in a row that open the breaker. One or two happen on a good day.
pub(super) const FAILURES: u32 = 5;

/// How long it stays open.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug)]
enum State {
    /// Calls go through.
    Closed { failures: u32 },
    /// None does before this moment.
    Open { until: Instant },
    /// One is under way, and the others wait for what comes of it.
    Trying,
}

/// The breaker of a cluster.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    pause: Duration,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The cluster answered.
    Success,
    /// It did not, or is out of order.
    Failure,
    /// Nobody knows: the call was given up.
    Unknown,
}

/// A change that the health of the cluster follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
}

impl Breaker {
    /// A closed breaker, which stays open for a pause.
    pub(super) fn new(pause: Duration) -> Self {
        Self { state: State::Closed { failures: 0 }, pause }
    }

    /// Lets a call through, or says how long none will be.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if until > now => Err(until - now),
            State::Open { .. } => {
                self.state = State::Trying;
                Ok(())
            }
            // The answer of the one that tries is a matter of seconds.
            State::Trying => Err(Duration::from_secs(1)),
        }
    }

    /// Lets the next call through, whatever the state: somebody wants to know how the cluster is.
    pub(super) fn admit_test(&mut self) {
        if matches!(self.state, State::Open { .. }) {
            self.state = State::Trying;
        }
    }

    /// Takes what came of a call.
    pub(super) fn note(&mut self, outcome: Outcome, now: Instant) -> Option<Change> {
        let open = State::Open { until: now + self.pause };
        match (&mut self.state, outcome) {
            (State::Closed { failures }, Outcome::Success) => {
                *failures = 0;
                None
            }
            (State::Closed { failures }, Outcome::Failure) => {
                *failures += 1;
                (*failures >= FAILURES).then(|| {
                    self.state = open;
                    Change::Opened
                })
            }
            (State::Closed { .. }, Outcome::Unknown) => None,
            // An answer shows that the cluster is back, whichever call it is of.
            (State::Open { .. } | State::Trying, Outcome::Success) => {
                self.state = State::Closed { failures: 0 };
                Some(Change::Closed)
            }
            (State::Trying, Outcome::Failure) => {
                self.state = open;
                None
            }
            // Another one may try.
            (State::Trying, Outcome::Unknown) => {
                self.state = State::Open { until: now };
                None
            }
            // Of a call that was sent before it opened.
            (State::Open { .. }, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(PAUSE);
        for count in 1..=FAILURES {
            breaker.admit(now).unwrap();
            let change = breaker.note(Outcome::Failure, now);
            assert_eq!(change, (count == FAILURES).then_some(Change::Opened));
        }
        breaker
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let now = Instant::now();
        let mut breaker = Breaker::new(PAUSE);
        for _ in 0..3 {
            for _ in 1..FAILURES {
                assert_eq!(breaker.note(Outcome::Failure, now), None);
            }
            assert_eq!(breaker.note(Outcome::Success, now), None);
            assert_eq!(breaker.note(Outcome::Unknown, now), None);
        }
        assert_eq!(breaker.admit(now), Ok(()));
    }

    #[test]
    fn an_open_one_lets_nothing_through_and_then_one_at_a_time() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.admit(now + Duration::from_secs(10)), Err(Duration::from_secs(20)));
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(()));
        assert!(breaker.admit(later).is_err());
        assert_eq!(breaker.note(Outcome::Failure, later), None);
        assert_eq!(breaker.admit(later), Err(PAUSE));
        assert_eq!(breaker.admit(later + PAUSE), Ok(()));
        assert_eq!(breaker.note(Outcome::Success, later + PAUSE), Some(Change::Closed));
        assert_eq!(breaker.admit(later + PAUSE), Ok(()));
    }

    #[test]
    fn a_try_that_is_given_up_blocks_nobody() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.admit(now + PAUSE).unwrap();
        breaker.note(Outcome::Unknown, now + PAUSE);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
    }

    #[test]
    fn a_test_goes_through_an_open_one_and_closes_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.admit_test();
        assert_eq!(breaker.note(Outcome::Success, now), Some(Change::Closed));
    }
}
