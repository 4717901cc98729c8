//! The four steps of a request, as its flow reports them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// What it takes is reserved at the provider.
    Allocate,
    /// It is set up.
    Configure,
    /// It is switched on.
    Activate,
    /// It answers.
    Verify,
}

impl Step {
    /// All steps, in their order.
    pub(crate) const ALL: [Self; 4] = [Self::Allocate, Self::Configure, Self::Activate, Self::Verify];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allocate => "allocate",
            Self::Configure => "configure",
            Self::Activate => "activate",
            Self::Verify => "verify",
        }
    }

    /// The step of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// The state of a request whose flow is at this step.
    pub(crate) fn state(self) -> State {
        match self {
            Self::Allocate => State::Allocating,
            Self::Configure => State::Configuring,
            Self::Activate => State::Activating,
            Self::Verify => State::Verifying,
        }
    }

    /// The step before it.
    pub(crate) fn before(self) -> Option<Self> {
        match self {
            Self::Allocate => None,
            Self::Configure => Some(Self::Allocate),
            Self::Activate => Some(Self::Configure),
            Self::Verify => Some(Self::Activate),
        }
    }
}

/// How far a step is. A later status is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) enum StepStatus {
    /// Not begun.
    #[default]
    Pending,
    /// Begun.
    Running,
    /// Done.
    Completed,
    /// It came to nothing.
    Failed,
}

/// What is known of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepRecord {
    /// Which one.
    pub(crate) name: Step,
    /// How far it is.
    pub(crate) status: StepStatus,
    /// What its flow says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    /// When it was done or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<Timestamp>,
}

impl StepRecord {
    /// A step that has not begun.
    pub(crate) fn pending(name: Step) -> Self {
        Self { name, status: StepStatus::Pending, detail: None, started_at: None, ended_at: None }
    }
}
