//! What the calls of one cluster share: their places, the breaker, the session.
//!
//! Promises: no more than [`PLACES`] calls are under way at once; a session is opened by one call while the others wait for it. Never: sends
//! anything.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rondo_function::Outbound;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    breaker::{Breaker, Change, Outcome, PAUSE},
    provider::Session,
};
use crate::refusal::Refusal;

/// Calls of a cluster at once. A cluster that hangs takes no more of the engine than these.
const PLACES: usize = 16;

/// How long a call waits for a place.
const WAIT: Duration = Duration::from_secs(30);

/// The shared state of a cluster's calls.
pub(super) struct Guard {
    name: String,
    places: Arc<Semaphore>,
    wait: Duration,
    breaker: Mutex<Breaker>,
    pub(super) connection: tokio::sync::Mutex<Option<Connection>>,
}

/// How a cluster is reached as it is written now.
pub(super) struct Connection {
    /// Of the cluster and its credentials: another one makes the connection void.
    pub(super) fingerprint: Vec<u8>,
    pub(super) outbound: Outbound,
    pub(super) session: Option<Arc<Session>>,
}

impl Guard {
    /// `speed` is how many times faster the durations of the desk pass.
    pub(super) fn new(name: &str, speed: u32) -> Self {
        Self {
            name: name.to_owned(),
            places: Arc::new(Semaphore::new(PLACES)),
            wait: WAIT,
            breaker: Mutex::new(Breaker::new(PAUSE / speed.max(1))),
            connection: tokio::sync::Mutex::default(),
        }
    }

    /// A place for a call. Refuses when none is free in time, or when the breaker is open. A test goes through an open breaker.
    pub(super) async fn enter(self: &Arc<Self>, is_test: bool) -> Result<Pass, Refusal> {
        let place = tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            let message = format!(
                "{PLACES} calls of the cluster `{}` are under way, and none ended within {} s",
                self.name,
                self.wait.as_secs()
            );
            return Err(Refusal::cluster_unavailable(message, 1));
        };
        let mut breaker = self.breaker.lock();
        if is_test {
            breaker.admit_test();
        } else if let Err(pause) = breaker.admit(Instant::now()) {
            let message =
                format!("the cluster `{}` failed too often, so nothing is sent to it now", self.name);
            return Err(Refusal::cluster_unavailable(message, pause.as_secs().max(1)));
        }
        drop(breaker);
        Ok(Pass { guard: Arc::clone(self), _place: place, is_noted: false })
    }
}

/// A call under way. When it is dropped before its outcome is noted, the outcome counts as unknown.
pub(super) struct Pass {
    guard: Arc<Guard>,
    _place: OwnedSemaphorePermit,
    is_noted: bool,
}

impl Pass {
    /// Notes what came of the call.
    pub(super) fn note(mut self, outcome: Outcome) -> Option<Change> {
        self.is_noted = true;
        self.guard.breaker.lock().note(outcome, Instant::now())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.is_noted {
            self.guard.breaker.lock().note(Outcome::Unknown, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_waits_for_a_place_and_not_for_ever() {
        let guard = Arc::new(Guard { wait: Duration::from_millis(5), ..Guard::new("os", 1) });
        let mut passes = Vec::new();
        for _ in 0..PLACES {
            passes.push(guard.enter(false).await.unwrap());
        }
        let refusal = guard.enter(false).await.err().unwrap();
        assert_eq!((refusal.status, refusal.code), (503, "CLUSTER_UNAVAILABLE"));
        passes.pop();
        guard.enter(false).await.unwrap();
    }

    #[tokio::test]
    async fn an_open_breaker_refuses_before_anything_is_sent() {
        let guard = Arc::new(Guard::new("os", 1));
        for _ in 0..super::super::breaker::FAILURES {
            guard.enter(false).await.unwrap().note(Outcome::Failure);
        }
        let refusal = guard.enter(false).await.err().unwrap();
        assert_eq!(refusal.code, "CLUSTER_UNAVAILABLE");
        assert!(
            refusal.details.unwrap()["retryAfter"]
                .as_u64()
                .is_some_and(|seconds| (1..=30).contains(&seconds))
        );
        assert_eq!(guard.enter(true).await.unwrap().note(Outcome::Success), Some(Change::Closed));
        guard.enter(false).await.unwrap();
    }
}
