//! What the labels of a ticket decide: told by GitLab's webhook, or looked up again and again.
//!
//! Promises: who has set a label decides with it, and has to be an approver; an event that only finds a label which somebody else has set
//! decides nothing. What needs no name is a rejection: an issue that is closed without a label, or has both. A webhook that never comes
//! only makes it slower.

use serde_json::Value;

use super::{
    Desk, Fault, Work,
    gitlab::{GitLabError, Project},
};
use crate::{
    model::{Approval, ApprovalState, Counted, Person, TicketReading, Verdict, Via, is_same_label},
    refusal::Refusal,
    settings::Tickets,
    tables,
};

const PAGE: u32 = 64;

/// Who has set the label of an issue.
#[derive(Clone)]
enum SetBy {
    /// A user of this name.
    User(String),
    /// GitLab does not say; the rights in the project are what there is.
    Project,
}

/// Looks at the tickets of undecided approvals, for as long as the desk runs.
pub(super) async fn run(desk: Desk) {
    let Some(tickets) = desk.0.settings.tickets.clone() else { return };
    let pause = desk.0.clock.span(tickets.poll_interval);
    loop {
        tokio::time::sleep(pause).await;
        let mut after = 0;
        loop {
            let page = desk
                .read(move |connection| Ok(tables::approvals::with_open_ticket(connection, after, PAGE)?))
                .await;
            let page = page.unwrap_or_default();
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, approval) in page {
                desk.look_at_ticket(&tickets, &approval).await;
            }
        }
    }
}

impl Desk {
    async fn look_at_ticket(&self, tickets: &Tickets, approval: &Approval) {
        let problem = match self.read_ticket(tickets, approval).await {
            Ok(None) => return,
            Ok(Some((reading, by))) => match self.decide_by_ticket(&approval.id, reading, by).await {
                Ok(()) => return,
                Err(refusal) => refusal.message,
            },
            // It may have been deleted, or the token has lost its rights. Other channels can still decide.
            Err(error) => error.to_string(),
        };
        // It is told once, not at every look.
        if self.note_ticket_problem(&approval.id, problem.clone()).await {
            tracing::warn!(approval = %approval.id, problem, "the ticket of an approval decides nothing");
        }
    }

    async fn read_ticket(
        &self,
        tickets: &Tickets,
        approval: &Approval,
    ) -> Result<Option<(TicketReading, SetBy)>, GitLabError> {
        let Some(ticket) = &approval.asked.ticket else { return Ok(None) };
        let (Some(name), Some(number)) = (&ticket.project, ticket.issue) else { return Ok(None) };
        let project = Project::new(self.0.surroundings.outbound.client(), tickets, name);
        let issue = project.issue(number).await?;
        let labels: Vec<&str> =
            issue["labels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let Some(reading) = ticket.read(&labels, issue["state"] != "closed") else { return Ok(None) };
        let by = match &reading {
            TicketReading::Rejection(_) => SetBy::Project,
            TicketReading::Label { label, .. } => {
                project.who_labelled(number, label).await?.map_or(SetBy::Project, SetBy::User)
            }
        };
        Ok(Some((reading, by)))
    }

    async fn decide_by_ticket(&self, id: &str, reading: TicketReading, by: SetBy) -> Result<(), Refusal> {
        let id = id.to_owned();
        self.change(&Person::desk(), move |work| work.decide_by_ticket(&id, reading.clone(), by.clone()))
            .await
    }

    /// An issue changed, as GitLab's webhook tells.
    pub(crate) async fn issue_changed(&self, event: &Value) -> Result<(), Refusal> {
        let (Some(number), true) =
            (event["object_attributes"]["iid"].as_u64(), event["object_kind"] == "issue")
        else {
            return Ok(());
        };
        let project = &event["project"];
        let names = [
            project["path_with_namespace"].as_str().map(str::to_owned),
            project["id"].as_u64().map(|id| id.to_string()),
        ];
        let found = self.read(move |connection| {
            for name in names.iter().flatten() {
                if let Some(approval) = tables::approvals::of_ticket(connection, name, number)? {
                    return Ok(Some(approval));
                }
            }
            Ok(None)
        });
        let Some(approval) = found.await? else { return Ok(()) };
        let Some(ticket) = &approval.asked.ticket else { return Ok(()) };
        let Some(reading) =
            ticket.read(&titles(&event["labels"]), event["object_attributes"]["state"] != "closed")
        else {
            return Ok(());
        };
        let user = event["user"]["username"].as_str().unwrap_or_default().to_owned();
        if let TicketReading::Label { label, .. } = &reading
            && !sets_label(event, label)
        {
            return Ok(());
        }
        match self.decide_by_ticket(&approval.id, reading, SetBy::User(user)).await {
            // GitLab can do nothing about it, and would switch the webhook off.
            Err(refusal) if refusal.status < 500 => {
                if self.note_ticket_problem(&approval.id, refusal.message.clone()).await {
                    tracing::warn!(approval = %approval.id, problem = refusal.message, "the ticket of an approval decides nothing");
                }
                Ok(())
            }
            other => other,
        }
    }
}

/// The labels of an event.
fn titles(labels: &Value) -> Vec<&str> {
    labels.as_array().into_iter().flatten().filter_map(|label| label["title"].as_str()).collect()
}

/// Whether an event tells that a label was set, not only that it is there. Without `changes` it is taken for the former.
fn sets_label(event: &Value, label: &str) -> bool {
    let Some(changes) = event["changes"].as_object().filter(|changes| !changes.is_empty()) else {
        return true;
    };
    let Some(change) = changes.get("labels") else { return false };
    let has = |labels: &Value| titles(labels).iter().any(|title| is_same_label(title, label));
    has(&change["current"]) && !has(&change["previous"])
}

impl Work<'_, '_> {
    /// Decides as a ticket says, unless it is decided already: the event of the desk's own closing comes back too.
    fn decide_by_ticket(&mut self, id: &str, reading: TicketReading, by: SetBy) -> Result<(), Fault> {
        let mut approval = self.approval(id)?;
        if approval.state != ApprovalState::Pending {
            return Ok(());
        }
        let (decision, reason) = match (reading, &by) {
            (TicketReading::Label { decision, label }, SetBy::User(name)) => {
                let person = self.shared.settings.person(name);
                let reason = Some(format!("label `{label}` of the ticket"));
                let verdict = Verdict { decision, via: Via::Ticket, reason, changes: None, force: false };
                return self.decide(id, &person, verdict).map(drop);
            }
            (TicketReading::Label { decision, label }, SetBy::Project) => {
                (decision, format!("label `{label}` of the ticket"))
            }
            (TicketReading::Rejection(reason), _) => (crate::model::Decision::Rejected, reason),
        };
        let who = match &by {
            SetBy::User(name) if !name.is_empty() => self.shared.settings.person(name).reference,
            _ => {
                let ticket = approval.asked.ticket.as_ref();
                let project = ticket.and_then(|ticket| ticket.project.as_deref()).unwrap_or_default();
                let issue = ticket.and_then(|ticket| ticket.issue).unwrap_or_default();
                format!("ticket:{project}#{issue}")
            }
        };
        match approval.decide_by_ticket(&who, decision, reason, self.now) {
            Counted::Already => Ok(()),
            Counted::Waits => Ok(tables::approvals::put(self.connection, &approval)?),
            Counted::Decides => self.apply(&approval, &who),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_counts_for_the_label_that_it_sets() {
        let labels =
            |titles: &[&str]| json!(titles.iter().map(|title| json!({"title": title})).collect::<Vec<_>>());
        let change = |previous: &[&str], current: &[&str]| json!({"changes": {"labels": {"previous": labels(previous), "current": labels(current)}}});
        for (event, expected) in [
            (json!({}), true),
            (json!({"changes": {}}), true),
            (change(&["team-a"], &["team-a", "APPROVED"]), true),
            (change(&["approved"], &["approved", "team-a"]), false),
            (json!({"changes": {"title": {"previous": "a", "current": "b"}}}), false),
        ] {
            assert_eq!(sets_label(&event, "approved"), expected, "{event}");
        }
    }
}
