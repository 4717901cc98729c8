//! The history of an instance, line by line.

use rondo_machine::Fact;
use serde::{Deserialize, Serialize};

/// One line of history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// What happened.
    #[serde(flatten)]
    pub event: HistoryEvent,
}

/// The content of a line of history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HistoryEvent {
    /// A fact that this build knows.
    Fact(Fact),
    /// A line of a newer build, or a damaged one. It is a value of its own so that the rest of the history can be read.
    Unknown(UnknownEvent),
}

/// A line of history that cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnknownEvent {
    /// The kind that the line names; `unknown` if it names none.
    #[serde(rename = "f")]
    pub kind: String,
    /// Why it cannot be read.
    #[serde(default)]
    pub message: String,
}

impl HistoryLine {
    /// The fact; `None` for a line that this build cannot read.
    pub fn fact(&self) -> Option<&Fact> {
        match &self.event {
            HistoryEvent::Fact(fact) => Some(fact),
            HistoryEvent::Unknown(_) => None,
        }
    }
}
