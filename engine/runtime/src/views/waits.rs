//! What an instance waits for, and since when.

use std::{collections::HashMap, sync::Arc};

use rondo_machine::{Fact, Visit, WaitStatus, Waiting};
use serde::{Deserialize, Serialize};

use super::HistoryLine;

/// One thing that an instance waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitView {
    /// Name of the state.
    pub state: Arc<str>,
    /// Name of the action, if it is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<str>>,
    /// What is waited for.
    pub waiting: Waiting,
    /// Visit of the innermost thing.
    pub visit: Visit,
    /// Since when, in milliseconds since 1970.
    pub since: Option<i64>,
}

/// The waits of an instance with the moments that its history gives them.
pub(crate) fn waits(waits: Vec<WaitStatus>, history: &[HistoryLine]) -> Vec<WaitView> {
    let latest = latest(history);
    let view = |WaitStatus { state, action, waiting, visit }| {
        let since = latest.get(&visit).copied();
        WaitView { state, action, waiting, visit, since }
    };
    waits.into_iter().map(view).collect()
}

/// The moment of the last line of each visit, since which it waits.
fn latest(history: &[HistoryLine]) -> HashMap<Visit, i64> {
    let moment = |line: &HistoryLine| match line.fact()? {
        Fact::Entered { visit, .. }
        | Fact::Action { visit, .. }
        | Fact::Awaits { visit, .. }
        | Fact::Retry { visit, .. }
        | Fact::Failed { visit, .. } => Some((*visit, line.at)),
        _ => None,
    };
    // Of several of one visit the last stays.
    history.iter().filter_map(moment).collect()
}
