//! Computes the delay before the next attempt of a failed call (spec-0.8, "Defining retries").

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use rondo_program::{ErrorMatch, Failure, Jitter, RetryPolicy};

use crate::matching::find_match;

/// The longest delay between two attempts, 30 days. Without it a policy that doubles its delay and has no `maxDelay` would soon wait for years.
const MAX_DELAY: Duration = Duration::from_hours(720);

/// The shortest delay between two attempts. Without it a policy with `delay: PT0S` and unlimited retries would keep engine and service busy.
const MIN_DELAY: Duration = Duration::from_millis(100);

/// The delay before the retry after attempt number `attempt` (from 1); `None` if the policy allows no further retry.
///
/// The jitter is computed from `seed` instead of a random number, so a turn gives the same result each time. The seed differs between two calls
/// of an instance and between two instances.
pub(crate) fn retry_delay(
    policy: &RetryPolicy,
    failure: &Failure,
    attempt: u32,
    seed: impl Hash,
) -> Option<Duration> {
    if policy.max_attempts.is_some_and(|max_attempts| attempt > max_attempts) {
        return None;
    }
    let matches = |errors: &[ErrorMatch]| find_match([errors].into_iter(), failure).is_some();
    if policy.only.as_deref().is_some_and(|only| !matches(only)) || matches(&policy.except) {
        return None;
    }
    let mut delay = policy.delay.as_secs_f64();
    for _ in 1..attempt {
        delay = delay * policy.multiplier + policy.increment.as_secs_f64();
        if delay > MAX_DELAY.as_secs_f64() {
            break;
        }
    }
    let max_jitter = match policy.jitter {
        None => 0.0,
        Some(Jitter::Fraction(fraction)) => delay * fraction,
        Some(Jitter::Span(span)) => span.as_secs_f64(),
    };
    let delay = (delay + max_jitter * pseudo_random((seed, attempt))).clamp(0.0, MAX_DELAY.as_secs_f64());
    let delay = Duration::try_from_secs_f64(delay).unwrap_or(MAX_DELAY);
    Some(policy.max_delay.map_or(delay, |max_delay| delay.min(max_delay)).max(MIN_DELAY))
}

/// A number between -1 and 1 that depends only on the seed and is evenly distributed over seeds.
fn pseudo_random(seed: impl Hash) -> f64 {
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

    fn delays(policy: &RetryPolicy) -> Vec<Option<f64>> {
        let failure = Failure { code: Some("503".into()), ..Failure::new(FailureKind::Service, "busy") };
        (1..=4)
            .map(|attempt| retry_delay(policy, &failure, attempt, 7).map(|delay| delay.as_secs_f64()))
            .collect()
    }

    #[test]
    fn delays_grow_as_the_policy_says() {
        let some = |values: [f64; 3]| values.map(Some).into_iter().chain([None]).collect::<Vec<_>>();
        assert_eq!(delays(&policy()), some([2.0, 2.0, 2.0]));
        assert_eq!(delays(&RetryPolicy { multiplier: 2.0, ..policy() }), some([2.0, 4.0, 8.0]));
        assert_eq!(
            delays(&RetryPolicy { increment: Duration::from_secs(1), ..policy() }),
            some([2.0, 3.0, 4.0])
        );
        assert_eq!(
            delays(&RetryPolicy { multiplier: 3.0, max_delay: Some(Duration::from_secs(5)), ..policy() }),
            some([2.0, 5.0, 5.0])
        );
        assert_eq!(delays(&RetryPolicy { max_attempts: Some(0), ..policy() }), [None; 4]);
        let no_delay = RetryPolicy { delay: Duration::ZERO, ..policy() };
        assert_eq!(delays(&no_delay), some([0.1, 0.1, 0.1]), "there is always a delay");
        let growing = RetryPolicy { multiplier: 1e9, ..policy() };
        let longest = MAX_DELAY.as_secs_f64();
        assert_eq!(delays(&growing), some([2.0, longest, longest]), "no delay is longer than 30 days");
        assert_eq!(
            delays(&RetryPolicy { max_delay: Some(Duration::ZERO), ..policy() }),
            some([0.1, 0.1, 0.1])
        );
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_repeats_for_the_same_call() {
        let jittered = RetryPolicy { jitter: Some(Jitter::Fraction(0.5)), max_attempts: None, ..policy() };
        let first = delays(&jittered);
        assert_eq!(first, delays(&jittered));
        assert!(first.iter().flatten().all(|delay| (1.0..=3.0).contains(delay)), "{first:?}");
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
            statuses: None,
            text: TextMatch::Whole,
        };
        assert_eq!(delays(&RetryPolicy { only: Some(vec![error("404")]), ..policy() }), [None; 4]);
        assert_eq!(delays(&RetryPolicy { except: vec![error("503")], ..policy() }), [None; 4]);
    }
}
