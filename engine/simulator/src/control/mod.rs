//! The control plane below `/_sim/`: the state, the log of requests, failures and delays to simulate, the approver's page.
//!
//! Needs no token. Every request takes JSON; the plain forms of the page are answered with a redirect to the page.
//!
//! | request | body | does |
//! | --- | --- | --- |
//! | `GET /_sim/` | | the approver's page |
//! | `GET /_sim/state` | | the state of all services |
//! | `GET /_sim/calls` | | the requests that the services received |
//! | `POST /_sim/failures` | [`Failure`] | makes coming requests fail |
//! | `POST /_sim/delays` | `{"service": "template", "millis": 500}` | delays, see [`Delays`](crate::Delays) |
//! | `POST /_sim/advance` | `{"millis": 60000}` | moves the clock forward |
//! | `POST /_sim/approvals` | `{"after_millis": 5000}` or `{"after_millis": null}` | switches automatic approval on or off |
//! | `POST /_sim/idempotency` | `{"remember": false}` | whether idempotency keys are honoured |
//! | `POST /_sim/issues/{project}/{iid}/approve`, `…/deny` | | sets the label |
//! | `POST /_sim/openstack/failures` | `{"fail": "no-host", "times": 1}` | makes the cloud fail in its own way, see [`CloudFailure`] |
//! | `POST /_sim/openstack/quota` | `{"volumes": 1}` | changes members of the quota, see [`Quota`](crate::Quota) |
//! | `POST /_sim/kubernetes/forbidden` | `{"resources": ["limitranges"]}` | what the token may not change |
//! | `POST /_sim/provisioner` | `{"behaviour": "silent"}` | what becomes of messages, see [`Behaviour`] |
//! | `GET /_sim/mails` | | the mailbox; as a page at `/_sim/mailbox` |
//! | `GET /_sim/events` | | the events that the order service's webhook received |
//! | `POST /_sim/reset` | | sets everything back to the start |

mod mailbox;
mod page;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::gitlab::Decision;
use crate::openstack::CloudFailure;
use crate::provisioner::Behaviour;
use crate::world::Shared;

/// Where the page is.
const PAGE: &str = "/_sim/";

/// All of it.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route(PAGE, get(page))
        .route("/_sim/state", get(state))
        .route("/_sim/calls", get(calls))
        .route("/_sim/failures", post(fail))
        .route("/_sim/delays", post(delay))
        .route("/_sim/advance", post(advance))
        .route("/_sim/approvals", post(approvals))
        .route("/_sim/idempotency", post(idempotency))
        .route("/_sim/issues/{project}/{iid}/{decision}", post(decide))
        .route("/_sim/openstack/failures", post(fail_cloud))
        .route("/_sim/openstack/quota", post(set_quota))
        .route("/_sim/kubernetes/forbidden", post(forbid))
        .route("/_sim/provisioner", post(set_provisioner))
        .route("/_sim/mails", get(mails))
        .route("/_sim/mailbox", get(mailbox))
        .route("/_sim/events", get(events))
        .route("/_sim/reset", post(reset))
}

/// Redirects every other address to the page.
pub(crate) async fn go_to_page() -> Redirect {
    Redirect::to(PAGE)
}

/// Redirects every other address of the mail service to the mailbox.
pub(crate) async fn go_to_mailbox() -> Redirect {
    Redirect::to("/_sim/mailbox")
}

async fn page(State(shared): State<Arc<Shared>>) -> Html<String> {
    Html(page::render(&shared.world(), &shared.urls).into_string())
}

async fn state(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.world().describe(&shared.urls))
}

async fn calls(State(shared): State<Arc<Shared>>) -> Response {
    Json(shared.world().traffic.calls()).into_response()
}

async fn fail(State(shared): State<Arc<Shared>>, Json(failure): Json<Failure>) -> Response {
    if StatusCode::from_u16(failure.status).is_err() {
        return wrong(&format!("{} is no HTTP status", failure.status));
    }
    shared.world().traffic.failures.add(failure);
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    service: String,
    millis: u64,
}

async fn delay(State(shared): State<Arc<Shared>>, Json(Delay { service, millis }): Json<Delay>) -> Response {
    match shared.world().delays.set(&service, Duration::from_millis(millis)) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => wrong(&error.to_string()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    millis: u64,
}

async fn advance(State(shared): State<Arc<Shared>>, Json(Advance { millis }): Json<Advance>) -> StatusCode {
    shared.world().clock.advance(Duration::from_millis(millis));
    shared.changed.notify_waiters();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approvals {
    after_millis: Option<u64>,
}

async fn approvals(State(shared): State<Arc<Shared>>, Json(body): Json<Approvals>) -> StatusCode {
    shared.world().approve_after = body.after_millis.map(Duration::from_millis);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Idempotency {
    remember: bool,
}

async fn idempotency(State(shared): State<Arc<Shared>>, Json(body): Json<Idempotency>) -> StatusCode {
    shared.world().traffic.remembers = body.remember;
    StatusCode::NO_CONTENT
}

async fn decide(
    State(shared): State<Arc<Shared>>,
    Path((project, iid, decision)): Path<(u64, u64, Decision)>,
    headers: HeaderMap,
) -> Response {
    let mut world = shared.world();
    let now = world.clock.now();
    if let Err(error) = world.gitlab.decide(project, iid, decision, now) {
        return (StatusCode::NOT_FOUND, Json(json!({ "error": error.to_string() }))).into_response();
    }
    drop(world);
    done(&headers)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloudFailures {
    fail: CloudFailure,
    #[serde(default = "crate::failure::once")]
    times: u32,
}

async fn fail_cloud(
    State(shared): State<Arc<Shared>>,
    Json(CloudFailures { fail, times }): Json<CloudFailures>,
) -> StatusCode {
    shared.world().cloud.fail(fail, times);
    StatusCode::NO_CONTENT
}

async fn set_quota(State(shared): State<Arc<Shared>>, Json(changes): Json<Value>) -> Response {
    match shared.world().cloud.set_quota(&changes) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => wrong(&error),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forbidden {
    resources: Vec<String>,
}

async fn forbid(State(shared): State<Arc<Shared>>, Json(body): Json<Forbidden>) -> StatusCode {
    shared.world().cluster.forbid(body.resources);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Messages {
    behaviour: Behaviour,
}

async fn set_provisioner(State(shared): State<Arc<Shared>>, Json(body): Json<Messages>) -> StatusCode {
    shared.world().provisioner.behaviour = body.behaviour;
    StatusCode::NO_CONTENT
}

async fn mails(State(shared): State<Arc<Shared>>) -> Response {
    Json(shared.world().mailbox.mails()).into_response()
}

async fn mailbox(State(shared): State<Arc<Shared>>) -> Html<String> {
    Html(mailbox::render(&shared.world()).into_string())
}

async fn events(State(shared): State<Arc<Shared>>) -> Response {
    Json(shared.world().orders.events()).into_response()
}

async fn reset(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shared.reset();
    done(&headers)
}

/// A form gets the page again, anything else nothing.
fn done(headers: &HeaderMap) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        Redirect::to(PAGE).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    }
}

fn wrong(message: &str) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": message }))).into_response()
}
