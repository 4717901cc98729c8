//! The interpreter's actions (spec-0.8, rules 25 to 36, 101 to 107, 117 to 129, 135).

use serde_json::{Value, json};

use crate::{
    graph::{ACTION_SLEEP, Action, ERRORS, LISTED, POLICIES, Policy, What, payload, result},
    interpreter::{Player, Results, is},
    world::{Error, Reply, Wanted, until},
};

/// How actions are retried with `autoRetries` and without a policy of their own.
const DEFAULT: Policy =
    Policy { name: "", delay: 1000, multiplier: 2, increment: 0, longest: None, retries: None };

/// An element of a loop, with the results of all of them.
pub(crate) struct Element {
    pub(crate) item: usize,
    pub(crate) results: Results,
}

/// The time limits of an action, in seconds: its own, and that of one execution of its state.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) action: Option<i64>,
    pub(crate) single: Option<i64>,
}

impl Player {
    /// An action on some data, for an element of a loop or not.
    pub(crate) async fn action(
        &self,
        place: &str,
        element: Option<&Element>,
        action: &Action,
        data: &crate::data::Data,
        limits: Limits,
    ) -> Result<(), Error> {
        self.world.begin().await;
        if action.below.is_some_and(|below| data.count() >= below) {
            return Ok(());
        }
        let Limits { action: limit, single } = limits;
        let limit = limit.filter(|_| !matches!(action.what, What::Tell | What::Fire | What::Detach(_)));
        let whole_place =
            element.map_or_else(|| place.to_owned(), |element| format!("{place}_{}", element.item));
        let mut attempt = 1;
        let result = loop {
            let attempted = async {
                if action.before && attempt == 1 {
                    self.world.sleep(ACTION_SLEEP).await;
                    self.world.begin().await;
                }
                self.invoke(&whole_place, attempt, action, data).await
            };
            let limit = limit.map(|seconds| self.world.now() + seconds * 1000 + 11);
            let error = match until(&self.world, limit, attempted).await {
                Ok(result) => break result,
                Err(error) => error,
            };
            self.world.begin().await;
            let Some(delay) = self.delay(action, attempt, &error) else { return Err(error) };
            self.world.set_single(None);
            self.world.sleep(delay).await;
            self.world.begin().await;
            self.world.set_single(single.map(|seconds| self.world.now() + seconds * 1000 + 53));
            attempt += 1;
        };
        if let Some(result) = result.filter(|_| action.uses_results) {
            if let Some(element) = element {
                element.results.borrow_mut()[element.item] = Some(result.clone());
            }
            data.merge(action.to.then(|| format!("t{place}")).as_deref(), result);
        }
        if action.after {
            self.world.begin().await;
            self.world.sleep(ACTION_SLEEP).await;
        }
        Ok(())
    }

    async fn invoke(
        &self,
        place: &str,
        attempt: u32,
        action: &Action,
        data: &crate::data::Data,
    ) -> Result<Option<Value>, Error> {
        let count = data.count();
        let call = || {
            let error = self.error.borrow();
            self.world.line(format!("call {place} #{attempt} c={count} e={error}"));
        };
        let child = || self.world.line(format!("child {place} c={count}"));
        let waiting = match &action.what {
            What::Call => {
                call();
                Wanted::Answer(place.to_owned())
            }
            What::Subflow => {
                child();
                Wanted::Child(place.to_owned())
            }
            What::Count => return Ok(Some(json!({"c": count + 1}))),
            What::Fail => return Err(Error::new("expression")),
            What::Ask(event, limit) => {
                self.publish(place);
                let deadline = limit.map(|seconds| self.world.now() + seconds * 1000 + 7);
                let answer = self.event(vec![*event], deadline).await;
                let (event, number) = answer.ok_or_else(|| Error::new("timeout"))?;
                return Ok(Some(payload(event, number)));
            }
            What::Tell => {
                self.publish(place);
                return Ok(None);
            }
            What::Fire => {
                call();
                self.world.detach(format!("call {place}"), false, false);
                return Ok(None);
            }
            What::Detach(goes_on) => {
                child();
                self.world.detach(format!("child {place}"), true, !goes_on);
                return Ok(None);
            }
        };
        match self.world.wait(waiting).await {
            Reply::Ended(Ok(number)) => Ok(Some(result(number))),
            Reply::Ended(Err(error)) => Err(error),
            Reply::Over | Reply::Event { .. } => panic!("nothing else answers"),
        }
    }

    /// How long to wait before a failed action is tried again (rules 123 to 128); `None`: it is not.
    fn delay(&self, action: &Action, attempt: u32, error: &Error) -> Option<i64> {
        if !matches!(action.what, What::Call | What::Subflow) {
            return None;
        }
        let is_listed = action.lists_errors && LISTED.iter().any(|listed| is(error, *listed));
        let is_retried = match (self.graph.auto_retries, action.lists_errors) {
            (true, _) => !is_listed,
            (false, true) => is_listed,
            (false, false) => (0..ERRORS.len()).any(|definition| is(error, definition)),
        };
        let policy = match (action.retry, self.graph.auto_retries) {
            (Some(policy), _) => &POLICIES[policy],
            (None, true) => &DEFAULT,
            (None, false) => return None,
        };
        if !is_retried || policy.retries.is_some_and(|retries| attempt > retries) {
            return None;
        }
        let delay = (1..attempt).fold(policy.delay, |delay, _| delay * policy.multiplier + policy.increment);
        Some(policy.longest.map_or(delay, |longest| delay.min(longest)))
    }
}
