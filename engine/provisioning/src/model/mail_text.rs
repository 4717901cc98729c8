//! What the mails about an approval say.
//!
//! Promises: a subject is one line; what people have written stands as it was written, and a mail is plain text, so nothing of it is markup.

use super::{Approval, ApprovalState, Content, Decision, Occasion, Ticket};

/// Subject and text of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailText {
    /// One line.
    pub(crate) subject: String,
    /// Plain text.
    pub(crate) text: String,
}

/// The question, with the address of the link by which the person who gets the mail decides.
pub(crate) fn question(approval: &Approval, occasion: Occasion, link: &str) -> MailText {
    let asked = &approval.asked;
    let beginning = match occasion {
        Occasion::Asked => "Approval needed",
        Occasion::Reminded => "Reminder: approval needed",
        Occasion::Escalated => "Approval needed, nobody has decided in time",
    };
    let mut text = format!("{} asks: {}\n{}\n", asked.requester, asked.title, details(approval));
    if asked.needed > 1 {
        let agreed = approval.votes.iter().filter(|vote| vote.decision == Decision::Approved).count();
        text.push_str(&format!("{agreed} of {} people who are needed have agreed.\n\n", asked.needed));
    }
    text.push_str(&format!("Approve or reject here:\n{link}\n\nThe link is yours alone: whoever has it decides in your name. It works once"));
    match approval.deadline_at {
        Some(deadline) => text.push_str(&format!(", until {deadline} at the latest.\n")),
        None => text.push_str(", as long as nobody else has decided.\n"),
    }
    if let Some(url) = asked.ticket.as_ref().and_then(|ticket: &Ticket| ticket.url.as_ref()) {
        text.push_str(&format!("\nThe ticket of the question: {url}\n"));
    }
    MailText { subject: one_line(&format!("{beginning}: {}", asked.title)), text }
}

/// How the question ended.
pub(crate) fn outcome(approval: &Approval) -> MailText {
    let asked = &approval.asked;
    let (word, sentence) = match approval.state {
        ApprovalState::Pending => ("Waiting", "nobody has decided yet"),
        ApprovalState::Approved => ("Approved", "it was approved"),
        ApprovalState::Rejected => ("Rejected", "it was rejected"),
        ApprovalState::Expired => ("Expired", "nobody has decided in time"),
        ApprovalState::Withdrawn => ("Withdrawn", "it is not asked any more"),
    };
    let vote = approval.deciding();
    let by = vote.map(|vote| format!(" by {}", vote.by)).unwrap_or_default();
    let mut text = format!(
        "{} asked: {}\n{}\nThe answer: {sentence}{by}.\n",
        asked.requester,
        asked.title,
        details(approval)
    );
    if let Some(reason) =
        vote.and_then(|vote| vote.reason.as_ref()).filter(|reason| !reason.trim().is_empty())
    {
        text.push_str(&format!("\nReason:\n{}\n", reason.trim()));
    }
    if vote.is_some_and(|vote| vote.changes.is_some()) {
        text.push_str("\nWhat was asked for was corrected before.\n");
    }
    MailText { subject: one_line(&format!("{word}: {}", asked.title)), text }
}

/// What an approver has to know: a line for each detail.
fn details(approval: &Approval) -> String {
    let shown = approval.asked.details.iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => format!("  {name}: {text}\n"),
        other => format!("  {name}: {other}\n"),
    });
    let shown: String = shown.collect();
    if shown.is_empty() { shown } else { format!("\n{shown}") }
}

/// A text as one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Content {
    /// The approval that a mail is about.
    pub(crate) fn approval(&self) -> Option<&str> {
        match self {
            Self::Question { approval, .. } | Self::Outcome { approval } => Some(approval),
            Self::Notice { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::model::{Via, Vote};

    fn approval() -> Approval {
        serde_json::from_value(json!({
            "id": "1", "state": "pending", "createdAt": "2027-01-01T00:00:00Z", "deadlineAt": "2027-01-02T00:00:00Z",
            "asked": {
                "subject": "instance:1", "title": "Launch `demo`\r\nBcc: all", "requester": "user:default/jane",
                "approvers": ["user:default/kim"], "details": {"reason": "customer demo", "instances": 2},
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_question_says_who_asks_what_until_when_and_where_to_answer() {
        let mail = question(&approval(), Occasion::Asked, "https://desk.example/l/T0KEN");
        assert_eq!(mail.subject, "Approval needed: Launch `demo` Bcc: all");
        for part in [
            "user:default/jane asks",
            "  reason: customer demo\n  instances: 2\n",
            "\nhttps://desk.example/l/T0KEN\n",
            "until 2027-01-02T00:00:00Z",
        ] {
            assert!(mail.text.contains(part), "{part}: {}", mail.text);
        }
    }

    #[test]
    fn an_outcome_says_who_decided_and_why() {
        let mut approval = approval();
        (approval.state, approval.decided_at) = (ApprovalState::Rejected, Some(Timestamp::UNIX_EPOCH));
        approval.votes.push(Vote {
            by: "user:default/kim".to_owned(),
            decision: Decision::Rejected,
            via: Via::Link,
            reason: Some("too expensive".to_owned()),
            changes: None,
            forced: false,
            at: Timestamp::UNIX_EPOCH,
        });
        let mail = outcome(&approval);
        assert_eq!(mail.subject, "Rejected: Launch `demo` Bcc: all");
        assert!(
            mail.text.contains("it was rejected by user:default/kim.") && mail.text.contains("too expensive"),
            "{}",
            mail.text
        );
        assert!(!mail.text.contains("http"), "{}", mail.text);
    }
}
