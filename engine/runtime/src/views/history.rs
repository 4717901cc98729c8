//! The history of an instance, line by line.

use rondo_machine::Fact;
use serde::{Deserialize, Serialize};

/// One line of history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What.
    #[serde(flatten)]
    pub event: HistoryEvent,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HistoryEvent {
    /// Something that this build knows.
    Fact(Fact),
    /// Something that another build wrote, or that is damaged: it stands here so that the rest of the history can be read.
    Unknown(UnknownEvent),
}

/// A line of history that cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnknownEvent {
    /// Which kind of line it says it is; `unknown` when it does not.
    #[serde(rename = "f")]
    pub kind: String,
    /// Why it cannot be read.
    #[serde(default)]
    pub message: String,
}

impl HistoryLine {
    /// The fact, where this build knows it.
    pub fn fact(&self) -> Option<&Fact> {
        match &self.event {
            HistoryEvent::Fact(fact) => Some(fact),
            HistoryEvent::Unknown(_) => None,
        }
    }
}
