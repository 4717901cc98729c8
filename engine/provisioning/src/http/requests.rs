//! Requests: made by people and flows, reported by flows.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    App,
    answer::{Reply, items},
    caller::{Call, Caller, instance_of},
    paging::{MOST, Paging},
    params::Params,
};
use crate::{
    desk::{Fault, RequestAction, StepReport, Work, event_view, request_view, short_request_view},
    model::{Access, Failure, NewRequest, Power, Recorded, RecordedStatus, Request, Step, StepStatus},
    refusal::Refusal,
    tables::{self, requests::Listed},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/requests", get(list).post(create))
        .route("/requests/batch", post(create_batch))
        .route("/requests/{id}", get(show).patch(change_dependencies))
        .route("/requests/{id}/steps/{step}", put(report_step))
        .route("/requests/{id}/rollback", put(report_rollback))
        .route("/requests/{id}/power", put(report_power))
        .route("/requests/{id}/resources/{kind}/{name}", put(record).delete(forget))
        .route("/requests/{id}/access", put(set_access))
        .route("/requests/{id}/actions/{action}", post(act))
        .route("/events", get(events))
}

fn view(work: &Work<'_, '_>, request: &Request) -> Result<Value, Fault> {
    Ok(request_view(work.connection, request)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    pool: Option<String>,
    state: Option<String>,
    order_id: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn list(
    State(app): State<App>,
    _caller: Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    if let Some(state) = query.state.as_ref().filter(|state| crate::model::State::of_name(state).is_none()) {
        let all = crate::model::State::ALL.map(crate::model::State::name).join(", ");
        return Err(Refusal::invalid_at(
            "/state",
            format!("`{state}` is no state of a request; they are {all}"),
        ));
    }
    let paging = Paging::read(query.cursor.as_deref(), query.limit)?;
    let Paging { after, limit } = paging;
    let listed = Listed { pool: query.pool, state: query.state, order: query.order_id, after, limit };
    let found = app.desk.read(move |connection| Ok(tables::requests::list(connection, &listed)?)).await?;
    Ok(paging.answer(&found, short_request_view))
}

async fn create(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    let asked: NewRequest = call.read(&app, "createRequest")?;
    let made = call.change.make(&app.desk, move |work| {
        work.check_speaks_for(&asked.requester)?;
        let made = work.create(vec![asked.clone()])?;
        let request = made.into_iter().next().ok_or_else(|| Refusal::unavailable("nothing was made"))?;
        Ok(Reply::created(view(work, &request)?))
    });
    made.await
}

#[derive(Deserialize)]
struct Batch {
    requests: Vec<NewRequest>,
}

async fn create_batch(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    let batch: Batch = call.read(&app, "createRequests")?;
    let made = call.change.make(&app.desk, move |work| {
        for asked in &batch.requests {
            work.check_speaks_for(&asked.requester)?;
        }
        let made = work.create(batch.requests.clone())?;
        let views: Result<Vec<_>, _> = made.iter().map(|request| view(work, request)).collect();
        Ok(Reply::created(items(views?, None)))
    });
    made.await
}

async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let shown = app.desk.read(move |connection| {
        let request =
            tables::requests::get(connection, &id)?.ok_or_else(|| Refusal::not_found("request", &id))?;
        Ok(request_view(connection, &request)?)
    });
    Ok(Json(shown.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependencies {
    depends_on: Vec<String>,
}

async fn change_dependencies(
    State(app): State<App>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    let body: Dependencies = call.read(&app, "changeDependencies")?;
    let made = call.change.make(&app.desk, move |work| {
        let request = work.request(&id)?;
        work.check_speaks_for(&request.asked.requester)?;
        let request = work.change_dependencies(&id, body.depends_on.clone())?;
        Ok(Reply::ok(view(work, &request)?))
    });
    made.await
}

/// What a flow says of an error.
#[derive(Deserialize, Clone)]
struct ReportedError {
    code: Option<String>,
    message: Option<String>,
}

impl ReportedError {
    fn failure(self) -> Failure {
        let code = self.code.filter(|code| !code.is_empty()).unwrap_or_else(|| "STEP_FAILED".to_owned());
        let message = self.message.unwrap_or_else(|| "the flow gives no reason".to_owned());
        Failure::new(&code, message)
    }
}

#[derive(Deserialize)]
struct Report {
    status: StepStatus,
    detail: Option<String>,
    error: Option<ReportedError>,
    attempt: Option<u32>,
}

async fn report_step(
    State(app): State<App>,
    Path((id, step)): Path<(String, String)>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    call.check_service()?;
    let step = Step::of_name(&step).ok_or_else(|| Refusal::not_found("step", &step))?;
    let instance = instance_of(&call.headers);
    let Report { status, detail, error, attempt } = call.read(&app, "reportStep")?;
    let report =
        StepReport { step, status, detail, error: error.map(ReportedError::failure), instance, attempt };
    let made = call.change.make(&app.desk, move |work| {
        let request = work.report_step(&id, report.clone())?;
        Ok(Reply::ok(view(work, &request)?))
    });
    made.await
}

async fn report_rollback(
    State(app): State<App>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    call.check_service()?;
    let report: Report = call.read(&app, "reportRollback")?;
    let made = call.change.make(&app.desk, move |work| {
        let request =
            work.report_rollback(&id, report.status, report.error.clone().map(ReportedError::failure))?;
        Ok(Reply::ok(view(work, &request)?))
    });
    made.await
}

#[derive(Deserialize)]
struct PowerReport {
    status: Power,
}

async fn report_power(
    State(app): State<App>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    call.check_service()?;
    let report: PowerReport = call.read(&app, "reportPower")?;
    let made = call.change.make(&app.desk, move |work| {
        let request = work.report_power(&id, report.status)?;
        Ok(Reply::ok(view(work, &request)?))
    });
    made.await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceReport {
    status: RecordedStatus,
    provider_id: Option<String>,
    #[serde(default)]
    attributes: Map<String, Value>,
}

async fn record(
    State(app): State<App>,
    Path((id, kind, name)): Path<(String, String, String)>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    call.check_service()?;
    let ResourceReport { status, provider_id, attributes } = call.read(&app, "recordResource")?;
    let recorded = Recorded { kind, name, status, provider_id, attributes };
    let made = call.change.make(&app.desk, move |work| {
        let request = work.record(&id, recorded.clone())?;
        Ok(Reply::ok(json!({"recorded": request.recorded})))
    });
    made.await
}

async fn forget(
    State(app): State<App>,
    Path((id, kind, name)): Path<(String, String, String)>,
    call: Call,
) -> Result<Reply, Refusal> {
    call.check_service()?;
    let made = call.change.make(&app.desk, move |work| {
        work.forget(&id, &kind, &name)?;
        Ok(Reply::gone())
    });
    made.await
}

async fn set_access(
    State(app): State<App>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    call.check_service()?;
    let access: Access = call.read(&app, "setAccess")?;
    let made = call.change.make(&app.desk, move |work| {
        let request = work.set_access(&id, access.clone())?;
        Ok(Reply::ok(view(work, &request)?))
    });
    made.await
}

#[derive(Deserialize)]
struct Acted {
    reason: Option<String>,
    access: Option<Access>,
}

async fn act(
    State(app): State<App>,
    Path((id, action)): Path<(String, String)>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    let action = RequestAction::of_name(&action).ok_or_else(|| Refusal::not_found("action", &action))?;
    let body: Acted = call.read(&app, "act")?;
    let made = call.change.make(&app.desk, move |work| {
        let request = work.do_with(&id, action, body.reason.as_deref(), body.access.clone())?;
        Ok(Reply::accepted(view(work, &request)?))
    });
    made.await
}

#[derive(Deserialize)]
struct EventsQuery {
    request: Option<String>,
    after: Option<String>,
}

async fn events(
    State(app): State<App>,
    _caller: Caller,
    Params(query): Params<EventsQuery>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        let after = match &query.after {
            None => 0,
            Some(id) => {
                tables::events::number_of(connection, id)?.ok_or_else(|| Refusal::not_found("event", id))?
            }
        };
        Ok(tables::events::behind(connection, after, query.request.as_deref(), MOST)?)
    });
    let found = found.await?;
    let next = found.last().filter(|_| found.len() as u64 == u64::from(MOST)).map(|event| event.id.clone());
    Ok(Json(items(found.iter().map(event_view).collect(), next)))
}
