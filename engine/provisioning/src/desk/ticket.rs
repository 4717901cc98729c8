//! Tickets of approvals: opened, read, closed.
//!
//! Promises: an issue is made once, also when the answer to its making was lost; a decision is written into it and it is closed, for as
//! long as it takes. Who sets a label decides with it, and has to be an approver.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Desk;
use crate::{
    model::{Approval, Person, Ticket, Verdict, Via},
    refusal::Refusal,
    settings::Tickets,
    tables,
};

/// The pause after something could not be done.
const PAUSE: Duration = Duration::from_secs(5);

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

const PAGE: u32 = 16;

pub(super) async fn run(desk: Desk) {
    let Some(tickets) = desk.0.settings.tickets.clone() else { return };
    loop {
        let work = desk.read(|connection| Ok(tables::approvals::with_ticket_work(connection, PAGE)?)).await.unwrap_or_default();
        let mut failed = false;
        for approval in &work {
            if let Err(problem) = desk.work_on(&tickets, approval).await {
                tracing::warn!(approval = %approval.id, %problem, "the ticket of an approval could not be worked on; trying again");
                failed = true;
            }
        }
        if failed {
            tokio::time::sleep(PAUSE).await;
        } else if work.is_empty() {
            desk.0.has_tickets.notified().await;
        }
    }
}

impl Desk {
    async fn work_on(&self, tickets: &Tickets, approval: &Approval) -> Result<(), String> {
        let Some(ticket) = &approval.asked.ticket else { return Ok(()) };
        let Some(project) = &ticket.project else { return Ok(()) };
        let issues = format!(
            "{}/api/v4/projects/{}/issues",
            tickets.url.trim_end_matches('/'),
            utf8_percent_encode(project, NON_ALPHANUMERIC)
        );
        match ticket.issue {
            None => {
                let known = if ticket.is_attempted { self.find_issue(tickets, &issues, approval).await? } else { None };
                let made = match known {
                    Some(made) => made,
                    None => {
                        self.put_ticket(&approval.id, |ticket| ticket.is_attempted = true).await?;
                        let title = format!("{} ({})", approval.asked.title, approval.asked.requester);
                        let body = json!({"title": title, "description": description(approval)});
                        self.gitlab(tickets, reqwest::Method::POST, &issues, Some(body)).await?
                    }
                };
                let number = made["iid"].as_u64().ok_or("the answer to a new issue has no `iid`")?;
                let url = made["web_url"].as_str().map(str::to_owned);
                self.put_ticket(&approval.id, move |ticket| (ticket.issue, ticket.url) = (Some(number), url.clone())).await
            }
            Some(number) => {
                let issue = format!("{issues}/{number}");
                let body = json!({"body": outcome(approval)});
                self.gitlab(tickets, reqwest::Method::POST, &format!("{issue}/notes"), Some(body)).await?;
                let close = json!({"state_event": "close"});
                self.gitlab(tickets, reqwest::Method::PUT, &issue, Some(close)).await?;
                self.put_ticket(&approval.id, |ticket| ticket.is_closed = true).await
            }
        }
    }

    /// The issue of an approval, by the mark in its description.
    async fn find_issue(&self, tickets: &Tickets, issues: &str, approval: &Approval) -> Result<Option<Value>, String> {
        let found = self.gitlab(tickets, reqwest::Method::GET, &format!("{issues}?in=description&search={}", approval.id), None).await?;
        let found = found.as_array().into_iter().flatten();
        let mut own = found.filter(|issue| issue["description"].as_str().is_some_and(|text| text.contains(&approval.id)));
        Ok(own.next().cloned())
    }

    async fn put_ticket(&self, id: &str, change: impl Fn(&mut Ticket) + Send + 'static) -> Result<(), String> {
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

    async fn gitlab(&self, tickets: &Tickets, method: reqwest::Method, url: &str, body: Option<Value>) -> Result<Value, String> {
        let client = &self.0.surroundings.client;
        let mut request = client.request(method, url).header("PRIVATE-TOKEN", &tickets.token).timeout(TIMEOUT);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("GitLab answered {status}"));
        }
        answer.json().await.map_err(|error| error.without_url().to_string())
    }

    /// An issue changed, as GitLab's webhook tells.
    pub(crate) async fn issue_changed(&self, event: &Value) -> Result<(), Refusal> {
        let (Some(number), true) = (event["object_attributes"]["iid"].as_u64(), event["object_kind"] == "issue") else {
            return Ok(());
        };
        let project = &event["project"];
        let names = [project["path_with_namespace"].as_str().map(str::to_owned), project["id"].as_u64().map(|id| id.to_string())];
        let labels: Vec<String> =
            event["labels"].as_array().into_iter().flatten().filter_map(|label| label["title"].as_str()).map(str::to_owned).collect();
        let is_open = event["object_attributes"]["state"] != "closed";
        let user = event["user"]["username"].as_str().unwrap_or_default().to_owned();
        let person = self.0.settings.person(&user);
        let asking = person.clone();
        let decided = self.change(&asking, move |work| {
            for name in names.iter().flatten() {
                let Some(approval) = tables::approvals::of_ticket(work.connection, name, number)? else { continue };
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                let said = approval.asked.ticket.as_ref().and_then(|ticket| ticket.read(&labels, is_open));
                // The event of the desk's own closing comes back here too.
                if let (Some((decision, reason)), crate::model::ApprovalState::Pending) = (said, approval.state) {
                    let verdict = Verdict { decision, via: Via::Ticket, reason: Some(reason), changes: None, force: false };
                    work.decide(&approval.id, &person, verdict)?;
                }
            }
            Ok(())
        });
        match decided.await {
            // GitLab can do nothing about it, and would switch the webhook off.
            Err(refusal) if refusal.status < 500 => {
                tracing::warn!(user, number, %refusal, "a label of a ticket does not count");
                Ok(())
            }
            other => other,
        }
    }
}

fn description(approval: &Approval) -> String {
    let asked = &approval.asked;
    let (approved, denied) = asked.ticket.as_ref().map_or(("", ""), |ticket| (ticket.approved_label.as_str(), ticket.denied_label.as_str()));
    let details: String = asked.details.iter().map(|(name, value)| format!("* {name}: {value}\n")).collect();
    format!(
        "{} asks: {}\n\n{details}\nThe label `{approved}` approves, `{denied}` rejects. Who may decide: {}.\n\nApproval {}",
        asked.requester,
        asked.title,
        asked.approvers.join(", "),
        approval.id
    )
}

fn outcome(approval: &Approval) -> String {
    let vote = approval.deciding();
    let by = vote.map(|vote| format!(" by {}", vote.by)).unwrap_or_default();
    let why = vote.and_then(|vote| vote.reason.as_ref()).map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{by}{why}", approval.state.name())
}
