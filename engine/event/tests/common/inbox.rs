//! An inbox in memory.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part of it; a test that cannot go on fails"
)]

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rondo_event::{ChannelState, ChannelStates, Channels, CloudEvent, Inbox, receive};
use rondo_memory::MemoryBudget;
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
};

/// Keeps what it accepts.
#[derive(Default)]
pub(crate) struct Memory {
    accepted: Mutex<Vec<CloudEvent>>,
    broken: Mutex<Vec<String>>,
    /// How often it still refuses.
    refusals: AtomicUsize,
    changed: Notify,
}

impl Memory {
    pub(crate) fn refusing(times: usize) -> Arc<Self> {
        Arc::new(Self { refusals: AtomicUsize::new(times), ..Self::default() })
    }

    /// Ids of the accepted events in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.accepted.lock().unwrap().iter().map(|event| event.id.clone()).collect()
    }

    pub(crate) fn accepted(&self) -> Vec<CloudEvent> {
        self.accepted.lock().unwrap().clone()
    }

    pub(crate) fn broken(&self) -> Vec<String> {
        self.broken.lock().unwrap().clone()
    }

    /// Waits until something holds of it.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if holds(self) {
                    return;
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        assert!(waited.is_ok(), "{what}: has {:?}, {:?}", self.ids(), self.broken());
    }

    /// Waits until it has accepted so many.
    pub(crate) async fn until_accepted(&self, count: usize) {
        self.until(&format!("{count} events"), |inbox| inbox.ids().len() >= count).await;
    }
}

impl Inbox for Memory {
    fn accept(&self, _: &str, event: CloudEvent) -> impl Future<Output = Result<(), String>> + Send {
        let refuses = |left: usize| left.checked_sub(1);
        let is_refused = self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuses).is_ok();
        if !is_refused {
            self.accepted.lock().unwrap().push(event);
        }
        self.changed.notify_waiters();
        async move { if is_refused { Err("the disk is full".to_owned()) } else { Ok(()) } }
    }

    fn broken(&self, _: &str, reason: &str) {
        self.broken.lock().unwrap().push(reason.to_owned());
        self.changed.notify_waiters();
    }
}

/// Consumers that run.
pub(crate) struct Running {
    pub(crate) states: Arc<ChannelStates>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start<I: Inbox>(channels: Channels, inbox: Arc<I>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let states = Arc::new(ChannelStates::default());
        let shown = Arc::clone(&states);
        let memory = MemoryBudget::new(64 << 20);
        let task = tokio::spawn(async move {
            let shutdown = async { _ = stopped.await };
            receive(&channels, inbox, memory, shown, shutdown).await;
        });
        Self { states, stop, task }
    }

    /// Waits until the channel brings events, or does not.
    pub(crate) async fn until_problem(&self, channel: &str, expected: bool) {
        let mut left = 600;
        while self.states.all().get(channel).is_none_or(|state| state.problem.is_some() != expected) {
            assert!(left > 0, "{:?}", self.states.all());
            left -= 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends them in order, and tells how the channels did.
    pub(crate) async fn stop(self) -> BTreeMap<String, ChannelState> {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        self.states.all()
    }

    /// Ends them where they are, as a crash does.
    pub(crate) async fn abort(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
