//! The states of the incoming channels, for health and metrics.
//!
//! Promises: a problem is logged when it begins and when it ends, however often it is reported meanwhile.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rondo_definition::{visible, without_userinfo};

/// The state of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelState {
    /// Events that the inbox accepted since the start.
    pub accepted: u64,
    /// Messages that were no events since the start.
    pub broken: u64,
    /// Why no events come at the moment.
    pub problem: Option<String>,
}

/// The states of all channels, by name.
#[derive(Debug, Default)]
pub struct ChannelStates(Mutex<BTreeMap<String, Noted>>);

#[derive(Debug, Default)]
struct Noted {
    state: ChannelState,
    /// Whether a problem was logged since the channel last worked.
    is_logged: bool,
}

impl ChannelStates {
    /// The states of all channels that are consumed.
    pub fn all(&self) -> BTreeMap<String, ChannelState> {
        self.0.lock().iter().map(|(name, noted)| (name.clone(), noted.state.clone())).collect()
    }

    pub(super) fn add(&self, channel: &str) {
        self.change(channel, |noted| noted.state.problem = Some("it is not connected yet".to_owned()));
    }

    pub(super) fn count_accepted(&self, channel: &str, events: usize) {
        self.change(channel, |noted| noted.state.accepted += events as u64);
    }

    pub(super) fn count_broken(&self, channel: &str, reason: &str) {
        self.change(channel, |noted| noted.state.broken += 1);
        tracing::warn!(channel, "a message is no event and is passed: {}", visible(reason));
    }

    /// Notes that events cannot come.
    pub(super) fn problem(&self, channel: &str, problem: &str) {
        let problem = without_userinfo(&visible(problem)).into_owned();
        let is_new = self.change(channel, |noted| {
            noted.state.problem = Some(problem.clone());
            !std::mem::replace(&mut noted.is_logged, true)
        });
        if is_new {
            tracing::warn!(channel, "no events come by the channel: {problem}; it is tried again");
        }
    }

    /// Notes that events can come.
    pub(super) fn well(&self, channel: &str) {
        let was_away = self.change(channel, |noted| {
            noted.is_logged = false;
            noted.state.problem.take().is_some()
        });
        if was_away {
            tracing::info!(channel, "events come by the channel");
        }
    }

    pub(super) fn has_problem(&self, channel: &str) -> bool {
        self.0.lock().get(channel).is_some_and(|noted| noted.state.problem.is_some())
    }

    fn change<T>(&self, channel: &str, change: impl FnOnce(&mut Noted) -> T) -> T {
        change(self.0.lock().entry(channel.to_owned()).or_default())
    }
}
