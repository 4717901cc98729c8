//! The approval primitive: one question, its approvers, one decision by whatever channel.
//!
//! Promises: pending goes to approved, rejected, expired or withdrawn, and nothing leaves these; nobody decides twice; who asked does not
//! decide where four eyes are wanted. Source: provisioning contract, 3.5.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Person, Principal, Told};
use crate::refusal::Refusal;

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

/// A ticket in a project of `GitLab`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticket {
    /// Path or number of the project; absent: that of the properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// The label that approves.
    #[serde(default = "approved")]
    pub(crate) approved_label: String,
    /// The label that rejects.
    #[serde(default = "denied")]
    pub(crate) denied_label: String,
    /// Number of the issue, once it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issue: Option<u64>,
    /// Where people find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Whether the issue may have been made already, so that it is looked for first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_attempted: bool,
    /// Whether the decision stands in the issue, and it is closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_closed: bool,
}

impl Ticket {
    /// What the labels of the issue say; `None` as long as they say nothing. A closed issue without a label is a rejection, and so are
    /// both labels at once. The text is the reason.
    pub(crate) fn read(&self, labels: &[&str], is_open: bool) -> Option<(Decision, String)> {
        let has = |wanted: &str| labels.iter().any(|label| label.trim().eq_ignore_ascii_case(wanted.trim()));
        match (has(&self.approved_label), has(&self.denied_label)) {
            (true, true) => {
                let reason = format!("the ticket has both labels, `{}` and `{}`", self.approved_label, self.denied_label);
                Some((Decision::Rejected, reason))
            }
            (true, false) => Some((Decision::Approved, format!("label `{}` of the ticket", self.approved_label))),
            (false, true) => Some((Decision::Rejected, format!("label `{}` of the ticket", self.denied_label))),
            (false, false) if !is_open => Some((Decision::Rejected, "the ticket was closed without a label".to_owned())),
            (false, false) => None,
        }
    }
}

fn approved() -> String {
    "approved".to_owned()
}

fn denied() -> String {
    "denied".to_owned()
}

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
    pub(crate) fn decide(&mut self, person: &Person, verdict: Verdict, now: Timestamp) -> Result<Counted, Refusal> {
        let is_approver = self.asked.approvers.iter().any(|entry| person.is(&Principal::parse(entry)));
        let forced = !is_approver && verdict.force && person.is_admin();
        if !is_approver && !forced {
            return Err(Refusal::not_an_approver(&person.reference, &self.asked.approvers));
        }
        if let Some(own) = self.votes.iter().find(|vote| vote.by == person.reference) {
            if own.decision == verdict.decision {
                return Ok(Counted::Already);
            }
            let decision = Value::from(serde_json::to_value(own.decision).unwrap_or_default());
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
        self.votes.push(Vote {
            by: person.reference.clone(),
            decision: verdict.decision,
            via: verdict.via,
            reason: verdict.reason,
            changes: verdict.changes,
            forced,
            at: now,
        });
        let agreed = self.votes.iter().filter(|vote| vote.decision == Decision::Approved).count();
        match verdict.decision {
            Decision::Rejected => self.end(ApprovalState::Rejected, now),
            Decision::Approved if agreed >= self.asked.needed || forced => self.end(ApprovalState::Approved, now),
            Decision::Approved => return Ok(Counted::Waits),
        }
        Ok(Counted::Decides)
    }

    /// It is not asked any more. Answers whether it waited until now.
    pub(crate) fn withdraw(&mut self, now: Timestamp) -> bool {
        let waited = self.state == ApprovalState::Pending;
        if waited {
            self.end(ApprovalState::Withdrawn, now);
        }
        waited
    }

    /// Time is up. Answers whether the question is decided by it; else others are asked, until the moment that is given.
    pub(crate) fn reach_deadline(&mut self, now: Timestamp, again: Option<Timestamp>) -> bool {
        match self.asked.on_deadline {
            OnDeadline::Escalate if !self.is_escalated && !self.asked.escalate_to.is_empty() => {
                self.is_escalated = true;
                self.asked.approvers = self.asked.escalate_to.clone();
                self.deadline_at = again;
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
            ApprovalState::Approved | ApprovalState::Rejected => self.votes.last(),
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
            _ => ticket.issue.is_some() && !ticket.is_closed,
        }
    }

    /// What the flow that asked is told.
    pub(crate) fn told(&self) -> Option<Told> {
        let instance = self.asked.reply_to.clone()?;
        let vote = self.deciding();
        Some(Told {
            event_type: "desk.approval.decided".to_owned(),
            instance: Some(instance),
            business_key: None,
            data: json!({
                "approvalId": self.id,
                "decision": self.state.name(),
                "by": vote.map(|vote| &vote.by),
                "via": vote.map_or(Via::Deadline, |vote| vote.via),
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
mod tests {
    use super::*;

    fn approval(more: Value) -> Approval {
        let mut asked = json!({"subject": "instance:1", "title": "Open it", "requester": "jane", "approvers": ["jane", "kim", "role:reviewer"]});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Approval {
            id: "1".to_owned(),
            asked: serde_json::from_value(asked).unwrap(),
            state: ApprovalState::Pending,
            votes: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            deadline_at: None,
            remind_at: Vec::new(),
            is_escalated: false,
            decided_at: None,
        }
    }

    fn person(name: &str, roles: &[&str]) -> Person {
        Person { roles: roles.iter().map(ToString::to_string).collect(), ..Person::named(name) }
    }

    fn verdict(decision: Decision, reason: Option<&str>) -> Verdict {
        Verdict { decision, via: Via::Rest, reason: reason.map(str::to_owned), changes: None, force: false }
    }

    /// Each decision in turn, and what becomes of it.
    fn play(mut approval: Approval, votes: &[(Person, Verdict)]) -> (Vec<String>, ApprovalState) {
        let outcomes = votes.iter().map(|(person, verdict)| {
            match approval.decide(person, verdict.clone(), Timestamp::UNIX_EPOCH) {
                Ok(counted) => format!("{counted:?}"),
                Err(refusal) => refusal.code.to_owned(),
            }
        });
        let outcomes = outcomes.collect();
        (outcomes, approval.state)
    }

    #[test]
    fn who_may_decide_and_what_counts() {
        use Decision::{Approved, Rejected};
        let kim = || person("kim", &[]);
        let sam = || person("sam", &["reviewer"]);
        for (asked, votes, outcomes, state) in [
            (
                json!({}),
                vec![(person("max", &[]), verdict(Approved, None)), (person("jane", &[]), verdict(Approved, None)), (kim(), verdict(Approved, None))],
                vec!["NOT_AN_APPROVER", "FOUR_EYES", "Decides"],
                ApprovalState::Approved,
            ),
            (json!({"fourEyes": false}), vec![(person("jane", &[]), verdict(Approved, None))], vec!["Decides"], ApprovalState::Approved),
            (
                json!({}),
                vec![(kim(), verdict(Rejected, Some(" "))), (kim(), verdict(Rejected, Some("no"))), (kim(), verdict(Rejected, None)), (kim(), verdict(Approved, None)), (sam(), verdict(Approved, None))],
                vec!["REASON_REQUIRED", "Decides", "Already", "ALREADY_DECIDED", "ALREADY_DECIDED"],
                ApprovalState::Rejected,
            ),
            (
                json!({"needed": 2, "reasonRequired": "always"}),
                vec![(kim(), verdict(Approved, None)), (kim(), verdict(Approved, Some("ok"))), (kim(), verdict(Approved, Some("ok"))), (sam(), verdict(Approved, Some("ok")))],
                vec!["REASON_REQUIRED", "Waits", "Already", "Decides"],
                ApprovalState::Approved,
            ),
            (
                json!({"needed": 2}),
                vec![(kim(), verdict(Approved, None)), (sam(), verdict(Rejected, Some("no")))],
                vec!["Waits", "Decides"],
                ApprovalState::Rejected,
            ),
            (json!({}), vec![(person("root", &["admin"]), verdict(Approved, None))], vec!["NOT_AN_APPROVER"], ApprovalState::Pending),
            (
                json!({}),
                vec![(person("root", &["admin"]), Verdict { force: true, ..verdict(Approved, None) }), (person("root", &["admin"]), Verdict { force: true, ..verdict(Approved, Some("urgent")) })],
                vec!["REASON_REQUIRED", "Decides"],
                ApprovalState::Approved,
            ),
        ] {
            assert_eq!(play(approval(asked.clone()), &votes), (outcomes.into_iter().map(str::to_owned).collect(), state), "{asked}");
        }
    }

    #[test]
    fn labels_of_a_ticket_decide_whatever_their_case() {
        let ticket: Ticket = serde_json::from_value(json!({"approvedLabel": "Approved"})).unwrap();
        for (labels, is_open, decision) in [
            (&["team-a"][..], true, None),
            (&["team-a", "APPROVED"], true, Some(Decision::Approved)),
            (&["Denied"], true, Some(Decision::Rejected)),
            (&["approved", "denied"], true, Some(Decision::Rejected)),
            (&["approved"], false, Some(Decision::Approved)),
            (&[], false, Some(Decision::Rejected)),
        ] {
            assert_eq!(ticket.read(labels, is_open).map(|(decision, _)| decision), decision, "{labels:?} {is_open}");
        }
    }

    #[test]
    fn the_deadline_ends_it_or_asks_others_once() {
        let later = Timestamp::from_second(60).unwrap();
        for (asked, ends, state) in [
            (json!({}), true, ApprovalState::Expired),
            (json!({"onDeadline": "approve"}), true, ApprovalState::Approved),
            (json!({"onDeadline": "escalate", "escalateTo": ["role:lead"]}), false, ApprovalState::Pending),
        ] {
            let mut approval = approval(asked.clone());
            assert_eq!(approval.reach_deadline(later, Some(later)), ends, "{asked}");
            assert_eq!(approval.state, state, "{asked}");
            if !ends {
                assert_eq!(approval.asked.approvers, ["role:lead"]);
                assert!(approval.reach_deadline(later, Some(later)));
                assert_eq!(approval.state, ApprovalState::Expired);
            }
        }
    }
}
