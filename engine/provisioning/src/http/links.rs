//! Pages of the links by which an approver decides: the question with a form, and what became of it.
//!
//! Promises: `GET` and `HEAD` change nothing, because programs that check mails follow links; `POST` decides, once. The link is the right:
//! who has it needs no token of the desk. Never: writes a link into the log, or tells a browser to send it elsewhere.

use axum::{
    Router,
    body::to_bytes,
    extract::{Path, Request, State},
    http::StatusCode,
    routing::get,
};

use super::{
    App,
    page::{Page, details, escape},
};
use crate::{
    desk::{LinkProblem, Linked},
    model::{Approval, ApprovalState, Decision, ReasonRequired, Verdict, Via},
    values::who,
};

/// The largest form: a reason of a thousand characters, encoded, and the decision.
const MOST_BYTES: usize = 16 * 1024;

/// Characters of a reason, as for other channels.
const LONGEST_REASON: usize = 1000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/approvals/links/{token}", get(show).post(decide))
}

async fn show(State(app): State<App>, Path(token): Path<String>) -> Page {
    match app.desk.look_at_link(&token).await {
        Ok(linked) => question(StatusCode::OK, &linked.approval, None),
        Err(problem) => refused(&problem),
    }
}

async fn decide(State(app): State<App>, Path(token): Path<String>, request: Request) -> Page {
    let verdict = match read_form(request).await {
        Ok(verdict) => verdict,
        Err(fault) => {
            return match app.desk.look_at_link(&token).await {
                Ok(linked) => question(StatusCode::UNPROCESSABLE_ENTITY, &linked.approval, Some(&fault)),
                Err(problem) => refused(&problem),
            };
        }
    };
    match app.desk.decide_by_link(&token, verdict.clone()).await {
        Ok(linked) => thanks(&linked, verdict.decision),
        Err(problem) => refused(&problem),
    }
}

/// The decision of a form; the error says what is wrong with it.
async fn read_form(request: Request) -> Result<Verdict, String> {
    let body = to_bytes(request.into_body(), MOST_BYTES)
        .await
        .map_err(|_| format!("The form is larger than {MOST_BYTES} bytes, or broke off."))?;
    let (mut decision, mut reason) = (None, None);
    for (name, value) in url::form_urlencoded::parse(&body) {
        match (name.as_ref(), value.trim()) {
            ("decision", "approved") => decision = Some(Decision::Approved),
            ("decision", "rejected") => decision = Some(Decision::Rejected),
            ("reason", "") => {}
            ("reason", text) => reason = Some(text.to_owned()),
            _ => {}
        }
    }
    let decision = decision
        .ok_or("Choose whether you approve or reject: the form says neither `approved` nor `rejected`.")?;
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err(format!("A reason has at most {LONGEST_REASON} characters."));
    }
    Ok(Verdict { decision, via: Via::Link, reason, changes: None, force: false })
}

/// The question with its form. `fault` says why the last answer was not taken.
fn question(status: StatusCode, approval: &Approval, fault: Option<&str>) -> Page {
    let asked = &approval.asked;
    let mut body = String::new();
    if let Some(fault) = fault {
        body.push_str(&format!("<p class=\"fault\" role=\"alert\">{}</p>", escape(fault)));
    }
    body.push_str(&format!("<p>{} asks.</p>{}", who(&asked.requester).into_string(), details(approval)));
    if asked.needed > 1 {
        let agreed = approval.votes.iter().filter(|vote| vote.decision == Decision::Approved).count();
        body.push_str(&format!("<p>{agreed} of {} people who are needed have agreed.</p>", asked.needed));
    }
    if let Some(deadline) = approval.deadline_at {
        body.push_str(&format!("<p>It can be decided until {deadline}.</p>"));
    }
    let needs = match asked.reason_required {
        ReasonRequired::Always => "Your reason",
        ReasonRequired::OnReject => "Your reason (needed to reject)",
        ReasonRequired::Never => "Your reason, if you want to give one",
    };
    body.push_str(&format!(
        "<form method=\"post\"><label for=\"reason\">{needs}</label>\
         <textarea id=\"reason\" name=\"reason\" rows=\"4\" maxlength=\"{LONGEST_REASON}\"></textarea>\
         <button name=\"decision\" value=\"approved\">Approve</button>\
         <button name=\"decision\" value=\"rejected\">Reject</button></form>"
    ));
    Page::new(status, &asked.title, &body)
}

fn thanks(linked: &Linked, decision: Decision) -> Page {
    let (heading, verb) = match decision {
        Decision::Approved => ("Approved", "approved"),
        Decision::Rejected => ("Rejected", "rejected"),
    };
    let then = match linked.approval.state {
        ApprovalState::Pending => " Others still have to agree.",
        _ => "",
    };
    let body = format!(
        "<p>You have {verb} it as {}.{then}</p><p>{}</p>",
        escape(&linked.person),
        escape(&linked.approval.asked.title)
    );
    Page::new(StatusCode::OK, heading, &body)
}

fn refused(problem: &LinkProblem) -> Page {
    let text = |text: &str| format!("<p>{}</p>", escape(text));
    match problem {
        LinkProblem::Unknown => Page::new(
            StatusCode::NOT_FOUND,
            "This link leads nowhere",
            &text(
                "There is no question behind it. It may have been cut short; take the whole link out of the mail.",
            ),
        ),
        LinkProblem::Used(approval, person) => {
            let vote = approval.votes.iter().find(|vote| vote.by == *person);
            let said = vote.map_or_else(String::new, |vote| {
                let verb = if vote.decision == Decision::Approved { "approved" } else { "rejected" };
                text(&format!("You have {verb} it at {}.", vote.at))
            });
            let body = format!("<p>{}</p>{said}<p>A link decides once.</p>", escape(&approval.asked.title));
            Page::new(StatusCode::GONE, "You have decided already", &body)
        }
        LinkProblem::Ended(approval) => {
            Page::new(StatusCode::CONFLICT, "There is nothing to decide any more", &text(&ending(approval)))
        }
        LinkProblem::NotAsked(approval) => {
            let sentence = format!("Others are asked by now: {}.", approval.asked.approvers.join(", "));
            Page::new(StatusCode::CONFLICT, "You are not asked any more", &text(&sentence))
        }
        LinkProblem::Refused(Some(approval), refusal) if refusal.status == 422 => {
            question(StatusCode::UNPROCESSABLE_ENTITY, approval, Some(&refusal.sentence()))
        }
        LinkProblem::Refused(_, refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            Page::new(status, "Your answer was not taken", &text(&refusal.sentence()))
        }
    }
}

/// How a question has ended.
fn ending(approval: &Approval) -> String {
    let title = &approval.asked.title;
    let by = approval.deciding().map(|vote| format!(" by {}", vote.by)).unwrap_or_default();
    match approval.state {
        ApprovalState::Pending => format!("You have decided otherwise about “{title}” already."),
        ApprovalState::Approved => format!("“{title}” was approved{by}."),
        ApprovalState::Rejected => format!("“{title}” was rejected{by}."),
        ApprovalState::Expired => format!("Nobody has decided about “{title}” in time."),
        ApprovalState::Withdrawn => format!("“{title}” is not asked any more."),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::refusal::Refusal;

    fn approval(state: &str, more: Value) -> Box<Approval> {
        let mut asked = json!({"subject": "instance:1", "title": "<b>Open</b>", "requester": "user:default/jane", "approvers": ["user:default/kim"]});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let approval =
            json!({"id": "1", "state": state, "createdAt": "2027-01-01T00:00:00Z", "asked": asked});
        Box::new(serde_json::from_value(approval).unwrap())
    }

    async fn form(text: &str) -> Result<(Decision, Option<String>), String> {
        let verdict = read_form(Request::new(axum::body::Body::from(text.to_owned()))).await?;
        Ok((verdict.decision, verdict.reason))
    }

    #[tokio::test]
    async fn a_form_is_read() {
        let reason = Some("ok for the demo".to_owned());
        assert_eq!(
            form("decision=approved&reason=ok+for%20the+demo").await,
            Ok((Decision::Approved, reason))
        );
        assert_eq!(form("reason=+&decision=rejected").await, Ok((Decision::Rejected, None)));
        for wrong in ["", "decision=yes", "{\"decision\": \"approved\"}"] {
            assert!(form(wrong).await.unwrap_err().contains("neither"), "{wrong}");
        }
        assert!(form(&format!("decision=approved&reason={}", "a".repeat(LONGEST_REASON + 1))).await.is_err());
        assert!(
            form(&format!("decision=approved&x={}", "a".repeat(MOST_BYTES)))
                .await
                .unwrap_err()
                .contains("larger")
        );
    }

    #[test]
    fn a_question_is_escaped() {
        let asked = json!({"details": {"<script>": {"a": "<i>"}, "reason": "line 1\n\"line\" 2"}});
        let page = question(StatusCode::OK, &approval("pending", asked), Some("<fault>"));
        for part in
            ["&lt;b&gt;Open&lt;/b&gt;", "&lt;script&gt;", "&lt;i&gt;", "&quot;line&quot; 2", "&lt;fault&gt;"]
        {
            assert!(page.html().contains(part), "{part}: {}", page.html());
        }
        for part in ["<b>", "<script", "<i>"] {
            assert!(!page.html().contains(part), "{part}");
        }
    }

    #[test]
    fn each_problem_has_its_status() {
        let refusal = |status, refusal| {
            (status, LinkProblem::Refused(Some(approval("pending", json!({}))), Box::new(refusal)))
        };
        for (status, problem) in [
            (404, LinkProblem::Unknown),
            (410, LinkProblem::Used(approval("approved", json!({})), "user:default/kim".to_owned())),
            (409, LinkProblem::Ended(approval("expired", json!({})))),
            (409, LinkProblem::NotAsked(approval("pending", json!({})))),
            refusal(422, Refusal::reason_required()),
            refusal(403, Refusal::four_eyes()),
            (503, LinkProblem::Refused(None, Box::new(Refusal::unavailable("later")))),
        ] {
            assert_eq!(refused(&problem).status(), status, "{problem:?}");
        }
    }
}
