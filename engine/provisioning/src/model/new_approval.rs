//! A question as it is asked: who, what, whom, until when.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Ticket;

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewApproval {
    /// What it is about: `request:<id>`, `instance:<id>`.
    pub(crate) subject: String,
    /// The pool in whose lists it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<String>,
    /// The question.
    pub(crate) title: String,
    /// What an approver has to know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) details: Map<String, Value>,
    /// Who asks.
    pub(crate) requester: String,
    /// Who may decide: entries that [`Principal::parse`] reads.
    pub(crate) approvers: Vec<String>,
    /// Whether the requester may not decide.
    #[serde(default = "yes")]
    pub(crate) four_eyes: bool,
    /// How many different people have to agree.
    #[serde(default = "one")]
    pub(crate) needed: usize,
    /// When a decision needs a reason.
    #[serde(default)]
    pub(crate) reason_required: ReasonRequired,
    /// Whether an approver may correct what is asked for.
    #[serde(default)]
    pub(crate) may_change: bool,
    /// How long they have: a duration or a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<String>,
    /// What happens then.
    #[serde(default)]
    pub(crate) on_deadline: OnDeadline,
    /// When they are reminded: durations from the beginning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remind_after: Vec<String>,
    /// Who decides after the deadline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) escalate_to: Vec<String>,
    /// Whether approvers are asked by mail, each with a link that decides, and all are told of the outcome so.
    #[serde(default = "yes")]
    pub(crate) mail: bool,
    /// The ticket whose labels decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<Ticket>,
    /// The instance that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<String>,
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

/// When a decision needs a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReasonRequired {
    /// Never.
    Never,
    /// When it is a rejection.
    #[default]
    OnReject,
    /// Always.
    Always,
}

/// What happens at the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnDeadline {
    /// It expires.
    #[default]
    Reject,
    /// It counts as approved.
    Approve,
    /// Others are asked, once.
    Escalate,
}
