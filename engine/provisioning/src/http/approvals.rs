//! Approvals and their rules: inbox, decisions, GitLab's webhook.

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{
    App,
    answer::{Reply, items},
    caller::{Call, Caller, check_admin, read},
    paging::Paging,
    params::Params,
};
use crate::{
    desk::approval_view,
    model::{Decision, NewApproval, Principal, Rule, Verdict, Via},
    refusal::Refusal,
    tables::{self, approvals::Listed},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/approval-rules", get(rules).post(create_rule))
        .route("/approval-rules/{id}", put(put_rule).delete(delete_rule))
        .route("/approvals", get(list).post(ask))
        .route("/approvals/{id}", get(show).delete(withdraw))
        .route("/approvals/{id}/decision", post(decide))
        .route("/approvals/hooks/gitlab", post(gitlab))
}

fn rule_view(id: &str, rule: &Rule) -> Value {
    let mut view = serde_json::to_value(rule).unwrap_or_default();
    view["id"] = id.into();
    view
}

async fn rules(State(app): State<App>, _caller: Caller) -> Result<Json<Value>, Refusal> {
    let rules = app.desk.read(|connection| Ok(tables::rules::all(connection)?)).await?;
    Ok(Json(items(rules.iter().map(|(id, rule)| rule_view(id, rule)).collect(), None)))
}

async fn create_rule(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    check_admin(&call.change.person, "only an admin changes approval rules")?;
    let rule: Rule = call.read(&app, "createRule")?;
    let made = call.change.make(&app.desk, move |work| {
        let id = Uuid::now_v7().to_string();
        let rule = Rule { created_at: work.now, ..rule.clone() };
        work.check_rule(&rule)?;
        tables::rules::put(work.connection, &id, &rule)?;
        Ok(Reply::created(rule_view(&id, &rule)))
    });
    made.await
}

async fn put_rule(State(app): State<App>, Path(id): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    check_admin(&call.change.person, "only an admin changes approval rules")?;
    let rule: Rule = call.read(&app, "putRule")?;
    let made = call.change.make(&app.desk, move |work| {
        let known =
            tables::rules::get(work.connection, &id)?.ok_or_else(|| Refusal::not_found("rule", &id))?;
        let rule = Rule { created_at: known.created_at, ..rule.clone() };
        work.check_rule(&rule)?;
        tables::rules::put(work.connection, &id, &rule)?;
        Ok(Reply::ok(rule_view(&id, &rule)))
    });
    made.await
}

async fn delete_rule(State(app): State<App>, Path(id): Path<String>, call: Call) -> Result<Reply, Refusal> {
    check_admin(&call.change.person, "only an admin changes approval rules")?;
    let made = call.change.make(&app.desk, move |work| match tables::rules::delete(work.connection, &id)? {
        true => Ok(Reply::gone()),
        false => Err(Refusal::not_found("rule", &id).into()),
    });
    made.await
}

#[derive(Deserialize)]
struct ListQuery {
    state: Option<String>,
    approver: Option<String>,
    requester: Option<String>,
    pool: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn list(
    State(app): State<App>,
    Caller(person): Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    let approver = query.approver.map(|approver| match approver.as_str() {
        "me" => person,
        name => app.desk.0.settings.person(name),
    });
    let paging = Paging::read(query.cursor.as_deref(), query.limit)?;
    let listed = Listed {
        state: query.state,
        pool: query.pool,
        requester: query.requester.map(|name| Principal::parse(&name).to_string()),
        approver: approver.map(|person| person.entries()),
        after: paging.after,
        limit: paging.limit,
    };
    let found = app.desk.read(move |connection| Ok(tables::approvals::list(connection, &listed)?)).await?;
    Ok(paging.answer(&found, approval_view))
}

async fn ask(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    let asked: NewApproval = call.read(&app, "askApproval")?;
    let made = call.change.make(&app.desk, move |work| {
        work.check_speaks_for(&asked.requester)?;
        Ok(Reply::created(approval_view(&work.ask_people(asked.clone())?)))
    });
    made.await
}

async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        Ok(tables::approvals::get(connection, &id)?.ok_or_else(|| Refusal::not_found("approval", &id))?)
    });
    Ok(Json(approval_view(&found.await?)))
}

async fn withdraw(State(app): State<App>, Path(id): Path<String>, call: Call) -> Result<Reply, Refusal> {
    let made = call.change.make(&app.desk, move |work| {
        let approval = work.approval(&id)?;
        work.check_speaks_for(&approval.asked.requester)?;
        Ok(Reply::ok(approval_view(&work.withdraw(&id)?)))
    });
    made.await
}

#[derive(Deserialize)]
struct Decided {
    decision: Decision,
    reason: Option<String>,
    changes: Option<Map<String, Value>>,
    #[serde(default)]
    force: bool,
}

async fn decide(State(app): State<App>, Path(id): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    let Decided { decision, reason, changes, force } = call.read(&app, "decide")?;
    let verdict = Verdict { decision, via: Via::Rest, reason, changes, force };
    let made = call.change.make(&app.desk, move |work| {
        let person = work.person.clone();
        Ok(Reply::ok(approval_view(&work.decide(&id, &person, verdict.clone())?)))
    });
    made.await
}

async fn gitlab(State(app): State<App>, request: Request) -> Result<StatusCode, Refusal> {
    let (parts, body) = request.into_parts();
    let wanted = app.desk.0.settings.tickets.as_ref().and_then(|tickets| tickets.hook_token.clone());
    let given =
        parts.headers.get("X-Gitlab-Token").map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    if !wanted.is_some_and(|wanted| bool::from(wanted.as_bytes().ct_eq(given))) {
        return Err(Refusal::unauthenticated());
    }
    let body = read(body).await?;
    let event: Value = serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request(format!("the body is no JSON: {error}")))?;
    app.desk.issue_changed(&event).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl crate::desk::Work<'_, '_> {
    /// Checks what the schema of a rule cannot.
    fn check_rule(&self, rule: &Rule) -> Result<(), crate::desk::Fault> {
        if let Some(deadline) = &rule.deadline {
            self.clock().deadline(self.now, deadline, "/deadline")?;
        }
        match &rule.pool {
            Some(pool) if tables::pools::get(self.connection, pool)?.is_none() => {
                Err(Refusal::invalid_at("/pool", format!("there is no pool `{pool}`")).into())
            }
            None if rule.approvers.is_empty() && rule.active => {
                Err(Refusal::invalid_at("/approvers", "a rule for all pools must say who decides").into())
            }
            _ => Ok(()),
        }
    }
}
