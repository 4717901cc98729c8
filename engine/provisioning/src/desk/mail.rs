//! Sends the mails of the desk to a mail service with the interface of `mail.yaml`: `POST /email`.
//!
//! Promises: at least once, for a day; a question whose answer is not wanted any more is not sent. A mail is made when it is sent, so
//! neither an address nor the token of a link waits in the database.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    Clock, Desk,
    clock::{LONGEST_SLEEP, pause_until},
};
use crate::{
    http::BASE,
    model::{
        ApprovalState, Content, Mail, MailText, Person, Principal, is_worth_another_try, one_line, outcome,
        question,
    },
    refusal::Refusal,
    settings::MailService,
    tables,
};

/// How long the service may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Mails under way at once.
const AT_ONCE: usize = 8;

const PAGE: u32 = 32;

pub(super) async fn run(desk: Desk) {
    let Some(service) = desk.0.settings.mail.clone().map(Arc::new) else { return };
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let now = Clock::now();
        let read = desk.read(move |connection| {
            Ok((tables::mails::due(connection, now, PAGE)?, tables::mails::next_due(connection)?))
        });
        let Ok((due, next)) = read.await else {
            tokio::time::sleep(LONGEST_SLEEP).await;
            continue;
        };
        if due.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(pause_until(next, now)) => {}
                () = desk.0.has_mails.notified() => {}
            }
            continue;
        }
        let mut under_way = JoinSet::new();
        for (number, mail) in due {
            let (desk, service, places) = (desk.clone(), Arc::clone(&service), Arc::clone(&places));
            under_way.spawn(async move {
                let _place = places.acquire_owned().await;
                desk.deal_with_mail(&service, number, mail).await;
            });
        }
        while under_way.join_next().await.is_some() {}
    }
}

/// Why a mail was not taken.
struct NotTaken {
    problem: String,
    is_final: bool,
}

impl NotTaken {
    fn later(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), is_final: false }
    }
}

impl From<Refusal> for NotTaken {
    fn from(refusal: Refusal) -> Self {
        Self::later(refusal.to_string())
    }
}

impl Desk {
    /// Sends a mail, and notes what came of it.
    async fn deal_with_mail(&self, service: &MailService, number: i64, mut mail: Mail) {
        let pause = match self.send_mail(service, &mail).await {
            Ok(()) => None,
            Err(NotTaken { problem, is_final }) => {
                let pause = mail.fail().filter(|_| !is_final);
                let then = if pause.is_some() { "trying again" } else { "given up" };
                tracing::warn!(to = mail.to, attempts = mail.attempts, problem, then, "a mail was not taken");
                pause
            }
        };
        let own = Person::desk();
        let noted = self.change(&own, move |work| {
            match pause {
                None => tables::mails::delete(work.connection, number)?,
                Some(pause) => {
                    let due_at = work.clock().after(work.now, pause);
                    tables::mails::put(work.connection, number, &mail, due_at)?;
                }
            }
            Ok(())
        });
        if let Err(refusal) = noted.await {
            tracing::warn!(%refusal, "it could not be noted what became of a mail, so it is sent again");
            // The same read would give the same mail at once.
            tokio::time::sleep(LONGEST_SLEEP).await;
        }
    }

    async fn send_mail(&self, service: &MailService, mail: &Mail) -> Result<(), NotTaken> {
        let Some(MailText { subject, text }) = self.mail_text(mail).await? else { return Ok(()) };
        let mut body = json!({
            "to": [self.0.settings.address(&mail.to)],
            "subject": subject,
            "body": text,
            "bodyType": "text",
        });
        if let Some(from) = &service.from {
            body["from"] = Value::from(from.as_str());
        }
        let url = format!("{}/email", service.url.trim_end_matches('/'));
        let client = self.0.surroundings.outbound.client();
        let mut request =
            client.post(url).timeout(TIMEOUT).header("Idempotency-Key", mail.id.to_string()).json(&body);
        if let Some(token) = &service.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|error| {
            NotTaken::later(if error.is_timeout() {
                "no answer within 10 s"
            } else {
                "no connection to the mail service"
            })
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let problem = format!("the mail service answered {status}");
        Err(NotTaken { problem, is_final: !is_worth_another_try(status.as_u16()) })
    }

    /// What a mail says; `None` when it is not wanted any more.
    async fn mail_text(&self, mail: &Mail) -> Result<Option<MailText>, Refusal> {
        let Some(id) = mail.content.approval().map(str::to_owned) else {
            let Content::Notice { subject, text } = &mail.content else { return Ok(None) };
            return Ok(Some(MailText { subject: one_line(subject), text: text.clone() }));
        };
        let Some(approval) =
            self.read(move |connection| Ok(tables::approvals::get(connection, &id)?)).await?
        else {
            return Ok(None);
        };
        let Content::Question { link, occasion, .. } = &mail.content else {
            return Ok(Some(outcome(&approval)));
        };
        let person = self.0.settings.person(&mail.to);
        let is_asked = approval.asked.approvers.iter().any(|entry| person.is(&Principal::parse(entry)));
        let has_decided = approval.votes.iter().any(|vote| vote.by == person.reference);
        if approval.state != ApprovalState::Pending || !is_asked || has_decided {
            return Ok(None);
        }
        let token = self.link_key().await?.token(*link);
        let address = format!("{}{BASE}/approvals/links/{token}", self.0.settings.service_url);
        Ok(Some(question(&approval, *occasion, &address)))
    }
}
