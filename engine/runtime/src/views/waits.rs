//! The view of the waits of an instance: for calls, events and timers.

use std::{collections::HashMap, sync::Arc};

use rondo_machine::{Fact, Visit, WaitStatus, Waiting};
use serde::{Deserialize, Serialize};

use super::HistoryLine;

/// A wait of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitView {
    /// Name of the state.
    pub state: Arc<str>,
    /// Name of the action, if an action waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<str>>,
    /// The call, event or timer that it waits for.
    pub waiting: Waiting,
    /// Number of the visit to the action, or to the state if no action waits.
    pub visit: Visit,
    /// When the wait began, in milliseconds since 1970; `None` if the history does not say it.
    pub since: Option<i64>,
}

/// Adds to the waits of an instance the moments at which they began, from its history.
pub(crate) fn waits(waits: Vec<WaitStatus>, history: &[HistoryLine]) -> Vec<WaitView> {
    let latest = latest(history);
    let view = |WaitStatus { state, action, waiting, visit }| {
        let since = latest.get(&visit).copied();
        WaitView { state, action, waiting, visit, since }
    };
    waits.into_iter().map(view).collect()
}

/// The moment of the last line of each visit, at which its wait began.
fn latest(history: &[HistoryLine]) -> HashMap<Visit, i64> {
    let moment = |line: &HistoryLine| match line.fact()? {
        Fact::Entered { visit, .. }
        | Fact::Action { visit, .. }
        | Fact::Awaits { visit, .. }
        | Fact::Retry { visit, .. }
        | Fact::Failed { visit, .. } => Some((*visit, line.at)),
        _ => None,
    };
    // A later line of the same visit replaces an earlier one.
    history.iter().filter_map(moment).collect()
}
