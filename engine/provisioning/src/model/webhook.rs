//! Webhooks of pools, and what was delivered to them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Failed deliveries in a row that switch a webhook off.
const MOST_FAILURES: u32 = 5;

/// The pauses before the second and later tries of a delivery, in seconds.
const PAUSES: [i64; 3] = [5, 30, 300];

/// Bytes of an answer that are kept.
pub(crate) const MOST_ANSWER: usize = 1024;

/// A receiver of events of a pool. Its secret and password are kept sealed, elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    /// The pool.
    pub(crate) pool: String,
    /// Where to.
    pub(crate) url: String,
    /// Types of events; empty for all.
    #[serde(default)]
    pub(crate) events: Vec<String>,
    /// Name for basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// Failed deliveries in a row.
    #[serde(default)]
    pub(crate) failures: u32,
    /// Why nothing is sent to it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled_reason: Option<String>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
}

impl Webhook {
    /// Whether it gets events of a type.
    pub(crate) fn wants(&self, event_type: &str) -> bool {
        self.disabled_reason.is_none()
            && (self.events.is_empty() || self.events.iter().any(|own| own == event_type))
    }

    /// A delivery ended, after all its tries.
    pub(crate) fn count(&mut self, was_taken: bool, problem: &str) {
        if was_taken {
            self.failures = 0;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= MOST_FAILURES && self.disabled_reason.is_none() {
            self.disabled_reason =
                Some(format!("{} deliveries in a row failed, the last one: {problem}", self.failures));
        }
    }
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// Id of the event.
    pub(crate) event: String,
    /// Its type.
    pub(crate) event_type: String,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// How it stands: `pending`, `delivered`, `failed`.
    pub(crate) state: String,
    /// Status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// How long the last try took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) milliseconds: Option<u64>,
    /// The beginning of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<String>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// When the event happened, later when it was tried last.
    pub(crate) at: Timestamp,
}

impl Delivery {
    /// The pause in seconds before the next try; `None` when all are used up.
    pub(crate) fn pause(&self) -> Option<i64> {
        let tried = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        PAUSES.get(tried.checked_sub(1)?).copied()
    }
}
