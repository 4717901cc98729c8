//! The ticket of an approval: an issue in a project of GitLab, whose labels decide.
//!
//! Promises: upper and lower case of labels are the same; an issue that is closed without a label, or that has both labels, is a
//! rejection that says so, whoever brought it about, because nothing is granted by it.

use serde::{Deserialize, Serialize};

use super::Decision;

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
    /// Why the ticket does not work, or why its label does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// Whether the issue may have been made already, so that it is looked for first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_attempted: bool,
    /// Whether the decision stands in the issue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_commented: bool,
    /// Whether the issue is closed, or there is none to close.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_closed: bool,
}

fn approved() -> String {
    "approved".to_owned()
}

fn denied() -> String {
    "denied".to_owned()
}

/// What an issue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TicketReading {
    /// A label decides: in the name of the person who has set it.
    Label {
        /// What it decides.
        decision: Decision,
        /// The label, as the question names it.
        label: String,
    },
    /// It is a rejection whoever did it, for this reason.
    Rejection(String),
}

impl Ticket {
    /// A ticket as it was asked for: what the desk notes in it is left out.
    pub(crate) fn asked(self) -> Self {
        let Self { project, approved_label, denied_label, .. } = self;
        Self {
            project,
            approved_label,
            denied_label,
            issue: None,
            url: None,
            problem: None,
            is_attempted: false,
            is_commented: false,
            is_closed: false,
        }
    }

    /// What the issue says with these labels; `None` as long as it says nothing.
    pub(crate) fn read(&self, labels: &[&str], is_open: bool) -> Option<TicketReading> {
        let has = |wanted: &str| labels.iter().any(|label| is_same_label(label, wanted));
        let says = |decision, label: &String| Some(TicketReading::Label { decision, label: label.clone() });
        match (has(&self.approved_label), has(&self.denied_label)) {
            (true, true) => Some(TicketReading::Rejection(format!(
                "the ticket has both labels, `{}` and `{}`",
                self.approved_label, self.denied_label
            ))),
            (true, false) => says(Decision::Approved, &self.approved_label),
            (false, true) => says(Decision::Rejected, &self.denied_label),
            (false, false) if !is_open => {
                Some(TicketReading::Rejection("the ticket was closed without a label".to_owned()))
            }
            (false, false) => None,
        }
    }
}

/// Whether two labels are the same: blanks around them and upper and lower case do not matter.
pub(crate) fn is_same_label(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_of_a_ticket_decide_whatever_their_case() {
        let ticket: Ticket =
            serde_json::from_value(json!({"approvedLabel": "Approved", "deniedLabel": "ABGELEHNT Ä"}))
                .unwrap();
        for (labels, is_open, expected) in [
            (&["team-a"][..], true, "None"),
            (&["team-a", "APPROVED"], true, "Approved by Approved"),
            (&[" abgelehnt ä "], true, "Rejected by ABGELEHNT Ä"),
            (&["approved", "abgelehnt ä"], true, "the ticket has both labels, `Approved` and `ABGELEHNT Ä`"),
            (&["approved"], false, "Approved by Approved"),
            (&["approve"], false, "the ticket was closed without a label"),
            (&[], false, "the ticket was closed without a label"),
        ] {
            let said = match ticket.read(labels, is_open) {
                None => "None".to_owned(),
                Some(TicketReading::Label { decision, label }) => format!("{decision:?} by {label}"),
                Some(TicketReading::Rejection(reason)) => reason,
            };
            assert_eq!(said, expected, "{labels:?} {is_open}");
        }
    }
}
