//! Mails that flows send to people of the desk, whose addresses the desk knows.

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::json;

use super::{App, answer::Reply, caller::Call};
use crate::refusal::Refusal;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/mails", post(send))
}

#[derive(Deserialize)]
struct NewMail {
    to: Vec<String>,
    subject: String,
    text: String,
}

async fn send(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    let person = &call.change.person;
    if !person.is_service() {
        return Err(Refusal::forbidden("only a flow or a service sends mails"));
    }
    let NewMail { to, subject, text } = call.read(&app, "sendMail")?;
    let made = call.change.make(&app.desk, move |work| {
        let told = work.notify(&to, &subject, &text)?;
        Ok(Reply::accepted(json!({"to": told})))
    });
    made.await
}
