//! Tickets of approvals: opened, and closed with the decision.
//!
//! Promises: an issue is made once, also when the answer to its making was lost; a decision is written into it and it is closed, for as
//! long as it takes. A ticket that does not work holds up no other, and says why in the approval. Never: reads what an issue says;
//! `ticket_decision.rs` does.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{
    Desk,
    gitlab::{GitLabError, Project, quoted},
};
use crate::{
    model::{Approval, ApprovalState, Person, Ticket, one_line},
    settings::Tickets,
    tables,
};

/// The first pause after something could not be done; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

const PAGE: u32 = 64;

/// When something that failed is tried again.
struct Retry {
    at: Instant,
    pause: Duration,
}

pub(super) async fn run(desk: Desk) {
    let Some(tickets) = desk.0.settings.tickets.clone() else { return };
    let mut retries: HashMap<String, Retry> = HashMap::new();
    loop {
        let mut has_progress = false;
        let mut after = 0;
        let mut seen = Vec::new();
        loop {
            let page = desk
                .read(move |connection| Ok(tables::approvals::with_ticket_work(connection, after, PAGE)?))
                .await;
            let page = page.unwrap_or_default();
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, approval) in page {
                if retries.get(&approval.id).is_none_or(|retry| retry.at <= Instant::now()) {
                    has_progress |= desk.work_on_ticket(&tickets, &approval, &mut retries).await;
                }
                seen.push(approval.id);
            }
        }
        retries.retain(|id, _| seen.contains(id));
        // Whatever was done may be followed by more.
        if has_progress {
            continue;
        }
        let next = retries.values().map(|retry| retry.at.saturating_duration_since(Instant::now())).min();
        tokio::select! {
            () = tokio::time::sleep(next.unwrap_or(LONGEST_PAUSE)) => {}
            () = desk.0.has_tickets.notified() => {}
        }
    }
}

impl Desk {
    /// Takes a ticket one step further. Answers whether it went on.
    async fn work_on_ticket(
        &self,
        tickets: &Tickets,
        approval: &Approval,
        retries: &mut HashMap<String, Retry>,
    ) -> bool {
        let Err(problem) = self.take_ticket_further(tickets, approval).await else {
            retries.remove(&approval.id);
            return true;
        };
        tracing::warn!(approval = %approval.id, %problem, "the ticket of an approval could not be worked on; trying again");
        self.note_ticket_problem(&approval.id, problem).await;
        let pause =
            retries.get(&approval.id).map_or(FIRST_PAUSE, |retry| (retry.pause * 2).min(LONGEST_PAUSE));
        retries.insert(approval.id.clone(), Retry { at: Instant::now() + pause, pause });
        false
    }

    async fn take_ticket_further(&self, tickets: &Tickets, approval: &Approval) -> Result<(), String> {
        let Some(ticket) = &approval.asked.ticket else { return Ok(()) };
        let Some(name) = &ticket.project else { return Ok(()) };
        let project = Project::new(self.0.surroundings.outbound.client(), tickets, name);
        let text = |error: GitLabError| error.to_string();
        let Some(number) = ticket.issue else {
            let known = if ticket.is_attempted {
                project.find_issue(&approval.id).await.map_err(text)?
            } else {
                None
            };
            let made = match known {
                Some(made) => made,
                None if approval.state != ApprovalState::Pending => {
                    return self.put_ticket(&approval.id, |ticket| ticket.is_closed = true).await;
                }
                None => {
                    self.put_ticket(&approval.id, |ticket| ticket.is_attempted = true).await?;
                    let title = one_line(&format!("{} ({})", approval.asked.title, approval.asked.requester));
                    project.open_issue(&title, &description(approval, ticket)).await.map_err(text)?
                }
            };
            let number = made["iid"].as_u64().ok_or("the answer of GitLab to a new issue has no `iid`")?;
            let url = made["web_url"].as_str().map(str::to_owned);
            let note = move |ticket: &mut Ticket| {
                (ticket.issue, ticket.url, ticket.problem) = (Some(number), url.clone(), None);
            };
            return self.put_ticket(&approval.id, note).await;
        };
        // An issue that was deleted needs neither comment nor closing.
        let done = |answer: Result<(), GitLabError>| match answer {
            Ok(()) | Err(GitLabError::NotFound) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if !ticket.is_commented {
            done(project.comment(number, &outcome(approval)).await)?;
            return self.put_ticket(&approval.id, |ticket| ticket.is_commented = true).await;
        }
        done(project.close(number).await)?;
        self.put_ticket(&approval.id, |ticket| (ticket.is_closed, ticket.problem) = (true, None)).await
    }

    /// Says in the approval why its ticket does not work, or does not count. Answers whether it is news.
    pub(super) async fn note_ticket_problem(&self, id: &str, problem: String) -> bool {
        let (id, own) = (id.to_owned(), Person::desk());
        let noted = self.change(&own, move |work| {
            let mut approval = work.approval(&id)?;
            let Some(ticket) =
                approval.asked.ticket.as_mut().filter(|ticket| ticket.problem.as_ref() != Some(&problem))
            else {
                return Ok(false);
            };
            ticket.problem = Some(problem.clone());
            tables::approvals::put(work.connection, &approval)?;
            Ok(true)
        });
        noted.await.unwrap_or_default()
    }

    async fn put_ticket(
        &self,
        id: &str,
        change: impl Fn(&mut Ticket) + Send + 'static,
    ) -> Result<(), String> {
        let (id, own) = (id.to_owned(), Person::desk());
        let changed = self.change(&own, move |work| {
            let mut approval = work.approval(&id)?;
            if let Some(ticket) = &mut approval.asked.ticket {
                change(ticket);
            }
            Ok(tables::approvals::put(work.connection, &approval)?)
        });
        changed.await.map_err(|refusal| refusal.to_string())
    }
}

/// What an issue asks. The id of the approval is the mark by which the issue is found again.
fn description(approval: &Approval, ticket: &Ticket) -> String {
    let asked = &approval.asked;
    let details: Vec<_> = asked
        .details
        .iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        })
        .collect();
    let details =
        if details.is_empty() { String::new() } else { format!("{}\n\n", quoted(&details.join("\n\n"))) };
    format!(
        "**{}** asks: {}\n\n{details}The label `{}` approves, `{}` rejects. Closing the issue without a label rejects, too. \
         Who may decide: {}.\n\nApproval {}",
        one_line(&asked.requester),
        one_line(&asked.title),
        one_line(&ticket.approved_label),
        one_line(&ticket.denied_label),
        one_line(&asked.approvers.join(", ")),
        approval.id
    )
}

/// The comment that tells the decision.
fn outcome(approval: &Approval) -> String {
    let vote = approval.deciding();
    let by = vote.map(|vote| format!(" by {}", vote.by)).unwrap_or_default();
    let why = vote
        .and_then(|vote| vote.reason.as_ref())
        .map(|reason| format!("\n\n{}", quoted(reason)))
        .unwrap_or_default();
    let sentence = match approval.state {
        ApprovalState::Pending => "Waiting",
        ApprovalState::Approved => "Approved",
        ApprovalState::Rejected => "Rejected",
        ApprovalState::Expired => "Expired: nobody has decided in time",
        ApprovalState::Withdrawn => "Withdrawn: it is not asked any more",
    };
    format!("{sentence}{by}.{why}")
}
