//! A mail service with a REST face: takes mails and shows them in a mailbox.
//!
//! Promises: a mail that was answered with 201 is in the mailbox, until newer ones take its place. Never: sends anything, or
//! shows the markup of a mail as such; a page of mails from anywhere must not run what they bring along.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::Shared;

/// Mails in the mailbox: more than a person reads.
const MOST: usize = 2000;

/// A mail, as the mailbox has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// When it was taken, by the simulator's clock.
    pub time: Timestamp,
    /// The receivers: `to`, `cc` and `bcc`.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text, which may be HTML.
    pub body: String,
}

/// All mails, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(VecDeque<Mail>);

impl Mailbox {
    pub(crate) fn mails(&self) -> &VecDeque<Mail> {
        &self.0
    }
}

/// The API.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/email", post(send))
}

/// `{"type", "title", "status", "detail"}`, the form of problems.
pub(crate) fn refusal_body(status: StatusCode, message: &str) -> Value {
    let title = status.canonical_reason().unwrap_or("Error");
    json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": message })
}

/// The body of a mail, as far as the mailbox shows it; other members are taken and not kept.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewMail {
    to: Vec<String>,
    #[serde(default)]
    cc: Vec<String>,
    #[serde(default)]
    bcc: Vec<String>,
    subject: String,
    body: String,
}

async fn send(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let refuse =
        |status: StatusCode, message: &str| (status, Json(refusal_body(status, message))).into_response();
    let mail: NewMail = match serde_json::from_slice(&body) {
        Ok(mail) => mail,
        Err(error) if error.is_data() => return refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if mail.to.is_empty() || mail.to.iter().any(|address| !address.contains('@')) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "`to` must be a list of one or more addresses");
    }
    let messages: Vec<Value> =
        mail.to.iter().map(|to| json!({ "msgId": Uuid::new_v4(), "to": [to] })).collect();
    let to = [mail.to, mail.cc, mail.bcc].concat();
    let mut world = shared.world();
    let time = world.clock.now();
    let mails = &mut world.mailbox.0;
    if mails.len() >= MOST {
        mails.pop_front();
    }
    mails.push_back(Mail { time, to, subject: mail.subject, body: mail.body });
    (StatusCode::CREATED, Json(json!({ "txId": Uuid::new_v4(), "messages": messages }))).into_response()
}
