//! Lets calls wait while the process has no file handle left for a connection.
//!
//! Owns: the order in which such calls try to get a handle. Promises: they try one after the other, because a hundred that try at once take the
//! handles from each other; idle connections are closed to free their handles; a call that gets no handle within [`PATIENCE`] fails without
//! having sent anything. Never: counts the wait as time of the service.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::error::CallErrorKind;

/// The calls that found no handle.
#[derive(Default)]
pub(crate) struct HandleShortage {
    /// Locked by the call that tries next. Holds when idle connections were closed last.
    turn: Mutex<Option<Instant>>,
}

/// The result of one try.
pub(crate) enum Asked<T> {
    /// There was no handle, so nothing was sent.
    NoHandle,
    /// There was a handle, and the request ended with this result.
    Ended(Result<T, CallErrorKind>),
}

/// How long a call tries to get a handle, and the pause between two tries. Handles become free when other calls or clients end.
const PATIENCE: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_millis(10);

/// A request that runs for longer than this has a handle, and waits for a name, a packet or the service.
const CONNECTED_AFTER: Duration = Duration::from_millis(50);

/// Shortest time between two closings of idle connections: the connections of calls that end are left for the waiting calls.
const CLOSING_PAUSE: Duration = Duration::from_secs(1);

impl HandleShortage {
    /// Sends a request with `ask` when it is its turn, and repeats it until there is a handle. `close_idle` closes idle connections.
    pub(crate) async fn ask_in_turn<T, F: Future<Output = Asked<T>>>(
        &self,
        close_idle: impl Fn(),
        ask: impl Fn() -> F,
    ) -> Result<T, CallErrorKind> {
        let end = Instant::now() + PATIENCE;
        let mut turn = Some(self.turn.lock().await);
        loop {
            if let Some(closed) = turn.as_deref_mut()
                && closed.is_none_or(|closed| closed.elapsed() > CLOSING_PAUSE)
            {
                *closed = Some(Instant::now());
                close_idle();
            }
            let mut asking = std::pin::pin!(ask());
            let asked = if let Ok(asked) = timeout(CONNECTED_AFTER, &mut asking).await {
                asked
            } else {
                // This request has its handle, so the next call may try.
                turn = None;
                asking.await
            };
            match asked {
                Asked::Ended(result) => return result,
                Asked::NoHandle if Instant::now() > end => return Err(CallErrorKind::NoHandle),
                Asked::NoHandle => sleep(PAUSE).await,
            }
            if turn.is_none() {
                turn = Some(self.turn.lock().await);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_asks_until_there_is_a_handle_and_idle_connections_give_theirs_up() {
        let (asked, closed) = (Cell::new(0), Cell::new(0_u64));
        let shortage = HandleShortage::default();
        let began = Instant::now();
        let ask = async || {
            asked.set(asked.get() + 1);
            if asked.get() < 500 { Asked::NoHandle } else { Asked::Ended(Ok("answer")) }
        };
        let result = shortage.ask_in_turn(|| closed.set(closed.get() + 1), ask).await;
        assert_eq!((result, asked.get()), (Ok("answer"), 500));
        let waited = began.elapsed();
        assert_eq!(closed.get(), waited.as_secs() + 1, "at once, then once a second");
        assert!(waited >= 499 * PAUSE && waited <= 600 * PAUSE, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_five_minutes_without_a_handle_the_call_fails() {
        let shortage = HandleShortage::default();
        let began = Instant::now();
        let result = shortage.ask_in_turn(|| {}, async || Asked::<()>::NoHandle).await;
        assert_eq!(result, Err(CallErrorKind::NoHandle));
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
        insta::assert_snapshot!(CallErrorKind::NoHandle, @"could not connect: the process has no file handle left; raise its limit of open files");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_ask_one_after_the_other_and_a_slow_service_holds_up_nobody() {
        let shortage = Rc::new(HandleShortage::default());
        let (asking, order) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
        let local = LocalSet::new();
        for call in ["slow", "first", "second"] {
            let (shortage, asking, order) = (Rc::clone(&shortage), Rc::clone(&asking), Rc::clone(&order));
            local.spawn_local(async move {
                let tries = Cell::new(0);
                let ask = async || {
                    asking.set(asking.get() + 1);
                    assert!(call == "slow" || asking.get() <= 2, "beside the slow one only one asks");
                    if call == "slow" {
                        sleep(Duration::from_secs(30)).await;
                    } else {
                        sleep(CONNECTED_AFTER / 5).await;
                    }
                    asking.set(asking.get() - 1);
                    tries.set(tries.get() + 1);
                    if tries.get() < 3 && call != "slow" { Asked::NoHandle } else { Asked::Ended(Ok(())) }
                };
                shortage.ask_in_turn(|| {}, ask).await.unwrap();
                order.borrow_mut().push((call, tries.get()));
            });
        }
        local.await;
        assert_eq!(*order.borrow(), [("first", 3), ("second", 3), ("slow", 1)]);
    }
}
