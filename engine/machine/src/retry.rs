//! How long to wait before a failed action is tried again (spec-0.8, "Defining retries").

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use rondo_program::{ErrorMatch, Failure, Jitter, RetryPolicy};

use crate::matching::find_match;

/// Longest wait between two attempts: a policy without `maxDelay` must not double its way to the end of time.
const LONGEST: Duration = Duration::from_hours(720);

/// Shortest wait between two attempts: `delay: PT0S` without a limit must not keep engine and service busy all the time.
const SHORTEST: Duration = Duration::from_millis(100);

/// The wait before the retry that follows attempt number `attempt`; `None` when there is none.
///
/// `seed` stands in for chance, so that a turn gives the same result each time: two calls of an instance, or the
/// same call of two instances, still differ.
pub(crate) fn delay(
    policy: &RetryPolicy,
    failure: &Failure,
    attempt: u32,
    seed: impl Hash,
) -> Option<Duration> {
    if policy.max_attempts.is_some_and(|most| attempt > most) {
        return None;
    }
    let taken = |errors: &[ErrorMatch]| find_match([errors].into_iter(), failure).is_some();
    if policy.only.as_deref().is_some_and(|only| !taken(only)) || taken(&policy.except) {
        return None;
    }
    let mut wait = policy.delay.as_secs_f64();
    for _ in 1..attempt {
        wait = wait * policy.multiplier + policy.increment.as_secs_f64();
        if wait > LONGEST.as_secs_f64() {
            break;
        }
    }
    let spread = match policy.jitter {
        None => 0.0,
        Some(Jitter::Fraction(fraction)) => wait * fraction,
        Some(Jitter::Span(span)) => span.as_secs_f64(),
    };
    let wait = (wait + spread * chance((seed, attempt))).clamp(0.0, LONGEST.as_secs_f64());
    let wait = Duration::try_from_secs_f64(wait).unwrap_or(LONGEST);
    Some(policy.max_delay.map_or(wait, |most| wait.min(most)).max(SHORTEST))
}

/// A number between -1 and 1 that looks random.
fn chance(seed: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    let bits = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rondo_program::{FailureKind, FailureSet, TextMatch};

    fn policy() -> RetryPolicy {
        RetryPolicy {
            delay: Duration::from_secs(2),
            max_delay: None,
            increment: Duration::ZERO,
            multiplier: 1.0,
            max_attempts: Some(3),
            jitter: None,
            only: None,
            except: Vec::new(),
        }
    }

    fn waits(policy: &RetryPolicy) -> Vec<Option<f64>> {
        let failure = Failure { code: Some("503".into()), ..Failure::new(FailureKind::Service, "busy") };
        (1..=4).map(|attempt| delay(policy, &failure, attempt, 7).map(|wait| wait.as_secs_f64())).collect()
    }

    #[test]
    fn waits_grow_as_the_policy_says() {
        let some = |values: [f64; 3]| values.map(Some).into_iter().chain([None]).collect::<Vec<_>>();
        assert_eq!(waits(&policy()), some([2.0, 2.0, 2.0]));
        assert_eq!(waits(&RetryPolicy { multiplier: 2.0, ..policy() }), some([2.0, 4.0, 8.0]));
        assert_eq!(
            waits(&RetryPolicy { increment: Duration::from_secs(1), ..policy() }),
            some([2.0, 3.0, 4.0])
        );
        assert_eq!(
            waits(&RetryPolicy { multiplier: 3.0, max_delay: Some(Duration::from_secs(5)), ..policy() }),
            some([2.0, 5.0, 5.0])
        );
        assert_eq!(waits(&RetryPolicy { max_attempts: Some(0), ..policy() }), [None; 4]);
        let none = RetryPolicy { delay: Duration::ZERO, ..policy() };
        assert_eq!(waits(&none), some([0.1, 0.1, 0.1]), "never without a pause");
        assert_eq!(
            waits(&RetryPolicy { max_delay: Some(Duration::ZERO), ..policy() }),
            some([0.1, 0.1, 0.1])
        );
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_repeats_for_the_same_call() {
        let jittered = RetryPolicy { jitter: Some(Jitter::Fraction(0.5)), max_attempts: None, ..policy() };
        let first = waits(&jittered);
        assert_eq!(first, waits(&jittered));
        assert!(first.iter().flatten().all(|wait| (1.0..=3.0).contains(wait)), "{first:?}");
        assert!(first.windows(2).any(|pair| pair[0] != pair[1]), "{first:?}");
    }

    #[test]
    fn only_the_named_errors_are_retried() {
        let error = |code: &str| ErrorMatch {
            name: "e".into(),
            code: code.into(),
            class: FailureSet::default(),
            cause: FailureSet::default(),
            superclass: FailureSet::default(),
            text: TextMatch::Whole,
        };
        assert_eq!(waits(&RetryPolicy { only: Some(vec![error("404")]), ..policy() }), [None; 4]);
        assert_eq!(waits(&RetryPolicy { except: vec![error("503")], ..policy() }), [None; 4]);
    }
}
