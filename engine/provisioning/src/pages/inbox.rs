//! The inbox: what waits for a decision, with buttons for those who may decide, and what was decided lately.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Pages,
    forms::Sent,
    layout::{self, Place, Problem, section},
    session::Visitor,
    texts::{link, members, moment, pill},
};
use crate::{
    model::{Approval, ApprovalState, Decision, Person, Principal, ReasonRequired, Verdict, Via},
    refusal::Refusal,
    tables,
};

/// Questions that wait, and decided ones, of a page.
const MOST: u32 = 200;
const MOST_DECIDED: u32 = 30;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/inbox", get(list)).route("/inbox/{id}/decision", post(decide))
}

async fn list(State(pages): State<Pages>, visitor: Visitor) -> Result<Response, Problem> {
    let (waiting, decided) = pages
        .desk
        .read(|connection| {
            let waiting =
                tables::approvals::list(connection, Some(ApprovalState::Pending.name()), None, None, MOST)?;
            Ok((waiting, tables::approvals::decided(connection, MOST_DECIDED)?))
        })
        .await?;
    let person = &visitor.person;
    let (mine, others): (Vec<&Approval>, Vec<&Approval>) =
        waiting.iter().partition(|approval| part_of(approval, person) == Part::Decides);
    let cards = |approvals: &[&Approval]| html! { @for approval in approvals { (card(approval, person)) } };
    let rows = html! {
        div class="scroll" { table {
            tr { th { "Question" } th { "State" } th { "Who" } th { "Why" } th { "When" } }
            @for approval in &decided { (row(approval)) }
        } }
    };
    let content = html! {
        (section("Waiting for you", mine.len(), "Nothing waits for you.", &cards(&mine)))
        (section("Waiting for others", others.len(), "Nothing waits for others.", &cards(&others)))
        (section("Decided", decided.len(), "No decisions yet.", &rows))
    };
    Ok(layout::live(&visitor, Place::Inbox, "Inbox", &content))
}

/// What somebody can do about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Decide, as one of the approvers.
    Decides,
    /// Decide as an admin, with a reason, though they are no approver.
    Forces,
    /// Only look on.
    Watches,
}

fn part_of(approval: &Approval, person: &Person) -> Part {
    let asked = &approval.asked;
    let has_asked = Principal::parse(&asked.requester).to_string() == person.reference;
    if asked.four_eyes && has_asked {
        Part::Watches
    } else if asked.approvers.iter().any(|entry| person.is(&Principal::parse(entry))) {
        Part::Decides
    } else if person.is_admin() {
        Part::Forces
    } else {
        Part::Watches
    }
}

fn card(approval: &Approval, person: &Person) -> Markup {
    let asked = &approval.asked;
    html! {
        article {
            h3 { (asked.title) }
            p class="quiet" {
                "asked by " (asked.requester) " " (moment(approval.created_at))
                @if let Some(pool) = &asked.pool { " · pool " (pool) }
                @if let Some(deadline) = approval.deadline_at { " · until " (moment(deadline)) }
                @if asked.needed > 1 { " · " (approval.votes.len()) " of " (asked.needed) " agreed" }
                @if let Some(id) = approval.request() { " · " a href={ "/desk/requests/" (id) } { "request" } }
                @if let Some(url) = asked.ticket.as_ref().and_then(|ticket| ticket.url.as_ref()) { " · " (link(url)) }
            }
            (members(&asked.details))
            (buttons(approval, part_of(approval, person)))
        }
    }
}

/// The form of a decision, for those who may take it.
fn buttons(approval: &Approval, part: Part) -> Markup {
    let asked = &approval.asked;
    let reason = match (part, asked.reason_required) {
        (Part::Watches, _) => return html! { p class="quiet" { "decided by " (asked.approvers.join(", ")) } },
        (Part::Forces, _) => "reason, since you are none of the approvers",
        (_, ReasonRequired::Always) => "reason (needed)",
        (_, ReasonRequired::OnReject) => "reason (needed to reject)",
        (_, ReasonRequired::Never) => "reason",
    };
    html! {
        form method="post" action={ "/desk/inbox/" (approval.id) "/decision" } {
            @if asked.may_change {
                details {
                    summary { "Correct what is asked for" }
                    textarea name="changes" aria-label="changes as JSON" placeholder="{\"production\": {\"cpu\": 2.5}}" {}
                }
            }
            div class="buttons" {
                input type="text" name="reason" maxlength="2000" aria-label="reason" placeholder=(reason);
                @if part == Part::Forces { input type="hidden" name="force" value="yes"; }
                button class="yes" name="decision" value="approved" { "Approve" }
                button class="no" name="decision" value="rejected" { "Reject" }
            }
        }
    }
}

fn row(approval: &Approval) -> Markup {
    let tone = match approval.state {
        ApprovalState::Approved => "good",
        ApprovalState::Rejected | ApprovalState::Expired => "bad",
        ApprovalState::Pending | ApprovalState::Withdrawn => "",
    };
    let vote = approval.deciding();
    html! {
        tr {
            td { (approval.asked.title) br; small { (approval.asked.requester) } }
            td { (pill(approval.state.name(), tone)) }
            td { @if let Some(vote) = vote { (vote.by) @if vote.forced { " " small { "as admin" } } } }
            td { (vote.and_then(|vote| vote.reason.as_deref()).unwrap_or_default()) }
            td class="number" { @if let Some(at) = approval.decided_at { (moment(at)) } }
        }
    }
}

#[derive(Deserialize)]
struct Decided {
    decision: Decision,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    changes: String,
    #[serde(default)]
    force: String,
}

impl Decided {
    fn verdict(self) -> Result<Verdict, Refusal> {
        let changes: Option<Map<String, Value>> = match self.changes.trim() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|error| {
                Refusal::invalid_at("/changes", format!("corrections are a JSON object: {error}"))
            })?),
        };
        let reason = Some(self.reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        Ok(Verdict { decision: self.decision, via: Via::Inbox, reason, changes, force: self.force == "yes" })
    }
}

async fn decide(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Sent { visitor, form }: Sent<Decided>,
) -> Result<Response, Problem> {
    let verdict = form.verdict()?;
    let changed = pages.desk.change(&visitor.person, move |work| {
        let person = work.person.clone();
        work.decide(&id, &person, verdict.clone()).map(drop)
    });
    changed.await?;
    Ok(Redirect::to(Place::Inbox.address()).into_response())
}
