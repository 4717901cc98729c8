//! The inbox: what waits for a decision, with buttons for those who may decide, and what was decided lately.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Pages,
    forms::Sent,
    layout::{self, Place, Problem, notice, section, table},
    session::Visitor,
    texts::{link, members, moment, pill, who, who_all},
    waiting::{Start, Waiting},
};
use crate::{
    model::{Approval, ApprovalState, Decision, Person, Principal, ReasonRequired, Verdict, Via},
    refusal::Refusal,
    tables,
};

/// Decided questions of a page.
const MOST_DECIDED: u32 = 30;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/inbox", get(list)).route("/inbox/{id}/decision", post(decide))
}

#[derive(Deserialize)]
struct Opened {
    /// The question that was decided a moment ago.
    decided: Option<String>,
    /// Where the list of what waits for the person begins.
    mine: Option<i64>,
    /// Where the list of what waits for others begins.
    others: Option<i64>,
}

async fn list(
    State(pages): State<Pages>,
    visitor: Visitor,
    Query(Opened { decided, mine, others }): Query<Opened>,
) -> Result<Response, Problem> {
    let thanks = match decided {
        Some(id) => {
            let found =
                pages.desk.read(move |connection| Ok(tables::approvals::get(connection, &id)?)).await?;
            found.and_then(|approval| thanks(&approval, &visitor.person))
        }
        None => None,
    };
    let content = html! {
        @if let Some(thanks) = &thanks { (notice(true, thanks)) }
        (content(&pages, &visitor.person, Start { mine, others }, None).await?)
    };
    Ok(layout::live(&visitor, Place::Inbox, "Inbox", &content))
}

/// What somebody is told who has decided; `None` for others.
fn thanks(approval: &Approval, person: &Person) -> Option<String> {
    let vote = approval.votes.iter().find(|vote| vote.by == person.reference)?;
    let verb = match vote.decision {
        Decision::Approved => "approved",
        Decision::Rejected => "rejected",
    };
    let then = if approval.state == ApprovalState::Pending { " Others still have to agree." } else { "" };
    Some(format!("You have {verb} “{}”.{then}", approval.asked.title))
}

/// A decision that was not taken: what was filled in, and why.
struct NotTaken<'f> {
    id: &'f str,
    form: &'f Decided,
    why: &'f str,
}

async fn content(
    pages: &Pages,
    person: &Person,
    start: Start,
    not_taken: Option<&NotTaken<'_>>,
) -> Result<Markup, Problem> {
    let reader = person.clone();
    let (waiting, decided) = pages
        .desk
        .read(move |connection| {
            let decides = |approval: &Approval| part_of(approval, &reader) == Part::Decides;
            let waiting = Waiting::read(connection, &reader, start, decides)?;
            Ok((waiting, tables::approvals::decided(connection, MOST_DECIDED)?))
        })
        .await?;
    let Waiting { mine, others, next } = &waiting;
    let none_of_others = match next.others {
        Some(_) => "None of the questions up to here waits for others.",
        None => "Nothing waits for others.",
    };
    let cards = |approvals: &[Approval]| {
        html! { @for approval in approvals {
            (card(approval, person, not_taken.filter(|not_taken| not_taken.id == approval.id)))
        } }
    };
    let rows = table(["Question", "State", "Who", "Why", "When"], decided.iter().map(row));
    let is_gone =
        |not_taken: &&NotTaken<'_>| mine.iter().chain(others).all(|approval| approval.id != not_taken.id);
    Ok(html! {
        @if let Some(not_taken) = not_taken.filter(is_gone) { (notice(false, not_taken.why)) }
        (section("Waiting for you", mine.len(), "Nothing waits for you.", &cards(mine)))
        (later(Start { mine: next.mine, ..start }, next.mine))
        (section("Waiting for others", others.len(), none_of_others, &cards(others)))
        (later(Start { others: next.others, ..start }, next.others))
        (section("Decided", decided.len(), "No decisions yet.", &rows))
    })
}

/// The way to the next questions of a list, if there are any; the other list stays where it is.
fn later(start: Start, next: Option<i64>) -> Markup {
    html! {
        @if next.is_some() {
            form class="row" method="get" action=(Place::Inbox.address()) {
                @for (name, place) in [("mine", start.mine), ("others", start.others)] {
                    @if let Some(place) = place { input type="hidden" name=(name) value=(place); }
                }
                button class="plain" { "Later ones" }
            }
        }
    }
}

/// What somebody can do about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Decide, as one of the approvers.
    Decides,
    /// Decide as an admin, with a reason, though they are no approver.
    Forces,
    /// Not decide, because they have asked.
    Asked,
    /// Only look on.
    Watches,
}

fn part_of(approval: &Approval, person: &Person) -> Part {
    let asked = &approval.asked;
    let has_asked = Principal::parse(&asked.requester).to_string() == person.reference;
    if asked.four_eyes && has_asked {
        Part::Asked
    } else if asked.approvers.iter().any(|entry| person.is(&Principal::parse(entry))) {
        Part::Decides
    } else if person.is_admin() {
        Part::Forces
    } else {
        Part::Watches
    }
}

fn card(approval: &Approval, person: &Person, not_taken: Option<&NotTaken<'_>>) -> Markup {
    let asked = &approval.asked;
    html! {
        article {
            h3 { (asked.title) }
            p class="quiet" {
                "Asked by " (who(&asked.requester)) " " (moment(approval.created_at))
                @if let Some(pool) = &asked.pool { " · pool " (pool) }
                @if let Some(deadline) = approval.deadline_at { " · until " (moment(deadline)) }
                @if asked.needed > 1 { " · " (approval.votes.len()) " of " (asked.needed) " agreed" }
                @if let Some(id) = approval.request() { " · " a href={ "/desk/requests/" (id) } { "the request" } }
                @if let Some(url) = asked.ticket.as_ref().and_then(|ticket| ticket.url.as_ref()) { " · " (link(url)) }
            }
            @if !asked.details.is_empty() { (members(&asked.details)) }
            (buttons(approval, part_of(approval, person), not_taken))
        }
    }
}

/// The form of a decision, for those who may take it.
fn buttons(approval: &Approval, part: Part, not_taken: Option<&NotTaken<'_>>) -> Markup {
    let asked = &approval.asked;
    let reason = match (part, asked.reason_required) {
        (Part::Watches, _) => {
            return html! { p class="quiet" { "To be decided by " (who_all(&asked.approvers)) "." } };
        }
        (Part::Asked, _) => {
            return html! { p class="quiet" { "You asked for this, so somebody else decides: " (who_all(&asked.approvers)) "." } };
        }
        (Part::Forces, _) => "Reason (needed, since you are none of the approvers)",
        (_, ReasonRequired::Always) => "Reason (needed)",
        (_, ReasonRequired::OnReject) => "Reason (needed to reject)",
        (_, ReasonRequired::Never) => "Reason",
    };
    let filled = |field: fn(&Decided) -> &String| {
        not_taken.map(|not_taken| field(not_taken.form).as_str()).unwrap_or_default()
    };
    let changes = filled(|form| &form.changes);
    let reason_id = format!("reason-{}", approval.id);
    html! {
        form method="post" action={ "/desk/inbox/" (approval.id) "/decision" } {
            @if let Some(not_taken) = not_taken { (notice(false, not_taken.why)) }
            @if asked.may_change {
                details open[!changes.is_empty()] {
                    summary { "Correct what is asked for" }
                    textarea name="changes" aria-label="Corrections as JSON" placeholder="{\"production\": {\"cpu\": 2.5}}" { (changes) }
                }
            }
            label for=(reason_id) { (reason) }
            input type="text" id=(reason_id) name="reason" maxlength="2000" autocomplete="off" value=(filled(|form| &form.reason)) autofocus[not_taken.is_some()];
            @if part == Part::Forces { input type="hidden" name="force" value="yes"; }
            div class="buttons" {
                button class="yes" name="decision" value="approved" aria-label={ "Approve " (asked.title) } { "Approve" }
                button class="no" name="decision" value="rejected" aria-label={ "Reject " (asked.title) } { "Reject" }
            }
        }
    }
}

fn row(approval: &Approval) -> [Markup; 5] {
    let tone = match approval.state {
        ApprovalState::Approved => "good",
        ApprovalState::Rejected | ApprovalState::Expired => "bad",
        ApprovalState::Pending | ApprovalState::Withdrawn => "",
    };
    let vote = approval.deciding();
    [
        html! { (approval.asked.title) br; small { (who(&approval.asked.requester)) } },
        pill(approval.state.name(), tone),
        html! { @if let Some(vote) = vote { (who(&vote.by)) @if vote.forced { " " small { "as admin" } } } },
        html! { (vote.and_then(|vote| vote.reason.as_deref()).unwrap_or_default()) },
        html! { @if let Some(at) = approval.decided_at { (moment(at)) } },
    ]
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
    fn verdict(&self) -> Result<Verdict, Refusal> {
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
    let decided = match form.verdict() {
        Ok(verdict) => {
            let id = id.clone();
            let change = pages.desk.change(&visitor.person, move |work| {
                let person = work.person.clone();
                work.decide(&id, &person, verdict.clone()).map(drop)
            });
            change.await
        }
        Err(refusal) => Err(refusal),
    };
    let Err(refusal) = decided else {
        return Ok(Redirect::to(&format!("{}?decided={id}", Place::Inbox.address())).into_response());
    };
    let problem = Problem(refusal);
    let not_taken = NotTaken { id: &id, form: &form, why: &problem.0.sentence() };
    let content = content(&pages, &visitor.person, Start::default(), Some(&not_taken)).await?;
    Ok(problem.shown_as(layout::answer(&visitor, Place::Inbox, "Inbox", &content)))
}
