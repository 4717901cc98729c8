//! The approval primitive: one question, its approvers, one decision by whatever channel.
//!
//! Promises: pending goes to approved, rejected, expired or withdrawn, and nothing leaves these; nobody decides twice; who asked does not
//! decide where four eyes are wanted. Source: provisioning contract, 3.5.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{NewApproval, OnDeadline, Person, Principal, ReasonRequired, Told};
use crate::refusal::Refusal;

/// A decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decision {
    /// Yes.
    Approved,
    /// No.
    Rejected,
}

/// The channel of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Via {
    /// A page of the desk.
    Inbox,
    /// A program.
    Rest,
    /// A label of a ticket.
    Ticket,
    /// A link that was sent to one approver.
    Link,
    /// Nobody: time was up.
    Deadline,
}

/// How far a question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ApprovalState {
    /// It waits.
    Pending,
    /// Enough people have agreed.
    Approved,
    /// Somebody has refused.
    Rejected,
    /// Time was up.
    Expired,
    /// It is not asked any more.
    Withdrawn,
}

impl ApprovalState {
    /// All states.
    pub(crate) const ALL: [Self; 5] =
        [Self::Pending, Self::Approved, Self::Rejected, Self::Expired, Self::Withdrawn];

    /// Its name, as JSON has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What one person has decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Vote {
    /// Who.
    pub(crate) by: String,
    /// What.
    pub(crate) decision: Decision,
    /// By which channel.
    pub(crate) via: Via,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What they corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) changes: Option<Map<String, Value>>,
    /// Whether an admin decided who is none of the approvers.
    #[serde(default)]
    pub(crate) forced: bool,
    /// When.
    pub(crate) at: Timestamp,
}

/// A decision that is asked to be taken.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// What.
    pub(crate) decision: Decision,
    /// By which channel.
    pub(crate) via: Via,
    /// Why.
    pub(crate) reason: Option<String>,
    /// Corrections.
    pub(crate) changes: Option<Map<String, Value>>,
    /// Whether an admin decides without being an approver.
    pub(crate) force: bool,
}

/// A question and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Approval {
    /// Its id.
    pub(crate) id: String,
    /// The question.
    pub(crate) asked: NewApproval,
    /// How far it is.
    pub(crate) state: ApprovalState,
    /// What people have decided.
    #[serde(default)]
    pub(crate) votes: Vec<Vote>,
    /// When it was asked.
    pub(crate) created_at: Timestamp,
    /// When time is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_at: Option<Timestamp>,
    /// The reminders that are still to be sent, the next first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remind_at: Vec<Timestamp>,
    /// Whether others are asked already.
    #[serde(default)]
    pub(crate) is_escalated: bool,
    /// When it was decided, expired or was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) decided_at: Option<Timestamp>,
}

/// What a decision changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The same person has decided the same before.
    Already,
    /// It counts, and more have to agree.
    Waits,
    /// The question is decided.
    Decides,
}

impl Approval {
    /// Somebody decides.
    pub(crate) fn decide(
        &mut self,
        person: &Person,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Counted, Refusal> {
        let is_approver = self.asked.approvers.iter().any(|entry| person.is(&Principal::parse(entry)));
        let forced = !is_approver && verdict.force && person.is_admin();
        if !is_approver && !forced {
            return Err(Refusal::not_an_approver(&person.reference, &self.asked.approvers));
        }
        if let Some(own) = self.votes.iter().find(|vote| vote.by == person.reference) {
            if own.decision == verdict.decision {
                return Ok(Counted::Already);
            }
            let decision = serde_json::to_value(own.decision).unwrap_or_default();
            let decision = decision.as_str().unwrap_or_default();
            return Err(Refusal::already_decided(decision, Some(&own.by), Some(own.at.to_string())));
        }
        if self.state != ApprovalState::Pending {
            return Err(self.already_decided());
        }
        if self.asked.four_eyes && Principal::parse(&self.asked.requester).to_string() == person.reference {
            return Err(Refusal::four_eyes());
        }
        let is_without_reason = verdict.reason.as_ref().is_none_or(|reason| reason.trim().is_empty());
        let needs_reason = match self.asked.reason_required {
            ReasonRequired::Always => true,
            ReasonRequired::OnReject => verdict.decision == Decision::Rejected,
            ReasonRequired::Never => false,
        };
        if is_without_reason && (needs_reason || forced) {
            return Err(Refusal::reason_required());
        }
        if verdict.changes.as_ref().is_some_and(|changes| !changes.is_empty()) && !self.asked.may_change {
            return Err(Refusal::invalid_at("/changes", "what is asked for may not be corrected here"));
        }
        Ok(self.count(&person.reference, verdict, forced, now))
    }

    /// The ticket itself decides, where it does not matter or cannot be known who brought it about. `by` says so in words.
    pub(crate) fn decide_by_ticket(
        &mut self,
        by: &str,
        decision: Decision,
        reason: String,
        now: Timestamp,
    ) -> Counted {
        if self.state != ApprovalState::Pending || self.votes.iter().any(|vote| vote.by == by) {
            return Counted::Already;
        }
        let verdict =
            Verdict { decision, via: Via::Ticket, reason: Some(reason), changes: None, force: false };
        self.count(by, verdict, false, now)
    }

    fn count(&mut self, by: &str, verdict: Verdict, forced: bool, now: Timestamp) -> Counted {
        let Verdict { decision, via, reason, changes, .. } = verdict;
        self.votes.push(Vote { by: by.to_owned(), decision, via, reason, changes, forced, at: now });
        let agreed = self.votes.iter().filter(|vote| vote.decision == Decision::Approved).count();
        match decision {
            Decision::Rejected => self.end(ApprovalState::Rejected, now),
            Decision::Approved if agreed >= self.asked.needed || forced => {
                self.end(ApprovalState::Approved, now);
            }
            Decision::Approved => return Counted::Waits,
        }
        Counted::Decides
    }

    /// It is not asked any more. Answers whether it waited until now.
    pub(crate) fn withdraw(&mut self, now: Timestamp) -> bool {
        let waited = self.state == ApprovalState::Pending;
        if waited {
            self.end(ApprovalState::Withdrawn, now);
        }
        waited
    }

    /// Time is up. Answers whether the question is decided by it; else others are asked, for as long again.
    pub(crate) fn reach_deadline(&mut self, now: Timestamp) -> bool {
        match self.asked.on_deadline {
            OnDeadline::Escalate if !self.is_escalated && !self.asked.escalate_to.is_empty() => {
                let time = self.deadline_at.map(|deadline| deadline.duration_since(self.created_at));
                self.is_escalated = true;
                self.asked.approvers = self.asked.escalate_to.clone();
                // A deadline that lay in the past when it was asked gives those no time either.
                self.deadline_at = time.and_then(|time| now.checked_add(time.max(SignedDuration::ZERO)).ok());
                return false;
            }
            OnDeadline::Approve => self.end(ApprovalState::Approved, now),
            OnDeadline::Reject | OnDeadline::Escalate => self.end(ApprovalState::Expired, now),
        }
        true
    }

    fn end(&mut self, state: ApprovalState, now: Timestamp) {
        self.state = state;
        self.decided_at = Some(now);
        (self.deadline_at, self.remind_at) = (None, Vec::new());
    }

    /// The vote that decided it; `None` when nobody did.
    pub(crate) fn deciding(&self) -> Option<&Vote> {
        match self.state {
            // One that was approved because time was up has votes too, but none that decided it.
            ApprovalState::Approved | ApprovalState::Rejected => {
                self.votes.last().filter(|vote| Some(vote.at) == self.decided_at)
            }
            _ => None,
        }
    }

    /// The request that waits for it.
    pub(crate) fn request(&self) -> Option<&str> {
        self.asked.subject.strip_prefix("request:")
    }

    /// When there is something to do next: a reminder or the deadline.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.remind_at.first().copied().into_iter().chain(self.deadline_at).min()
    }

    /// Whether its ticket has to be opened, or closed with the decision.
    pub(crate) fn has_ticket_work(&self) -> bool {
        let Some(ticket) = &self.asked.ticket else { return false };
        match self.state {
            ApprovalState::Pending => ticket.issue.is_none(),
            _ => (ticket.issue.is_some() || ticket.is_attempted) && !ticket.is_closed,
        }
    }

    /// What the flow that asked is told.
    pub(crate) fn told(&self) -> Option<Told> {
        let instance = self.asked.reply_to.clone()?;
        let vote = self.deciding();
        let via = match self.state {
            ApprovalState::Withdrawn | ApprovalState::Pending => None,
            _ => Some(vote.map_or(Via::Deadline, |vote| vote.via)),
        };
        Some(Told {
            event_type: "desk.approval.decided".to_owned(),
            instance: Some(instance),
            business_key: None,
            data: json!({
                "approvalId": self.id,
                "decision": self.state.name(),
                "by": vote.map(|vote| &vote.by),
                "via": via,
                "reason": vote.and_then(|vote| vote.reason.as_ref()),
                "changes": vote.and_then(|vote| vote.changes.as_ref()),
                "at": self.decided_at.map(|at| at.to_string()),
            }),
        })
    }

    fn already_decided(&self) -> Refusal {
        let by = self.deciding().map(|vote| vote.by.as_str());
        Refusal::already_decided(self.state.name(), by, self.decided_at.map(|at| at.to_string()))
    }
}

#[cfg(test)]
mod tests;
