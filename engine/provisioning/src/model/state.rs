//! The eleven states of a request, and how they may follow one another.

use serde::{Deserialize, Serialize};

use super::Step;

/// A state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum State {
    /// Waits for those it depends on, or for a place at a cluster, or for its flow to begin.
    Queued,
    /// Waits for people.
    #[serde(rename = "Pending Approval")]
    PendingApproval,
    /// Its flow is at the step `allocate`.
    Allocating,
    /// Its flow is at the step `configure`.
    Configuring,
    /// Its flow is at the step `activate`.
    Activating,
    /// Its flow is at the step `verify`.
    Verifying,
    /// It runs.
    Completed,
    /// It is switched off, and keeps all that it has.
    Suspended,
    /// It came to nothing. What is still recorded of it could not be removed.
    Failed,
    /// What was made for it is being removed.
    #[serde(rename = "Rolling Back")]
    RollingBack,
    /// Nothing is left of it.
    #[serde(rename = "Rolled Back")]
    RolledBack,
}

impl State {
    /// All states.
    pub(crate) const ALL: [Self; 11] = [
        Self::Queued,
        Self::PendingApproval,
        Self::Allocating,
        Self::Configuring,
        Self::Activating,
        Self::Verifying,
        Self::Completed,
        Self::Suspended,
        Self::Failed,
        Self::RollingBack,
        Self::RolledBack,
    ];

    /// Its name, as JSON has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::PendingApproval => "Pending Approval",
            Self::Allocating => "Allocating",
            Self::Configuring => "Configuring",
            Self::Activating => "Activating",
            Self::Verifying => "Verifying",
            Self::Completed => "Completed",
            Self::Suspended => "Suspended",
            Self::Failed => "Failed",
            Self::RollingBack => "Rolling Back",
            Self::RolledBack => "Rolled Back",
        }
    }

    /// The state of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The step that a flow is at in this state.
    pub(crate) fn step(self) -> Option<Step> {
        match self {
            Self::Allocating => Some(Step::Allocate),
            Self::Configuring => Some(Step::Configure),
            Self::Activating => Some(Step::Activate),
            Self::Verifying => Some(Step::Verify),
            _ => None,
        }
    }

    /// The states that may follow.
    pub(crate) fn next(self) -> &'static [Self] {
        use State::{
            Activating, Allocating, Completed, Configuring, Failed, PendingApproval, Queued, RolledBack,
            RollingBack, Suspended, Verifying,
        };
        match self {
            Queued => &[Allocating, Failed],
            PendingApproval => &[Queued, Failed],
            Allocating => &[Configuring, Failed, RollingBack],
            Configuring => &[Activating, Failed, RollingBack],
            Activating => &[Verifying, Failed, RollingBack],
            Verifying => &[Completed, Failed, RollingBack],
            Completed => &[Suspended, RollingBack],
            Suspended => &[Completed, RollingBack],
            Failed => &[Queued, PendingApproval, RollingBack],
            RollingBack => &[RolledBack, Failed],
            RolledBack => &[Queued, PendingApproval],
        }
    }
}
