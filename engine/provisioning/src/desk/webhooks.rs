//! Delivers events to the webhooks of pools.
//!
//! Promises: the body is signed; a delivery that is not taken is tried three times more; what is switched off gets nothing; redirects are not
//! followed; no receiver holds up another.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use base64::Engine as _;
use jiff::Timestamp;
use ring::hmac;
use rondo_function::Secrets;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Clock, Desk, Fault, HookSecrets, Work, clock::pause_until, event_view};
use crate::{
    model::{Delivery, MOST_ANSWER, Person, Webhook},
    refusal::Refusal,
    tables::{self, webhooks::Due},
};

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Deliveries under way at once, and those of one webhook: a receiver that hangs does not hold up the others.
const AT_ONCE: usize = 32;
const EACH_AT_ONCE: usize = 4;

/// Letters that one letter of a secret becomes at most, where a receiver escapes it: `\u002b`.
const LONGEST_FORM: usize = 6;

/// How long ended deliveries are kept.
const KEEP: Duration = Duration::from_hours(30 * 24);

pub(super) async fn run(desk: Desk) {
    let mut tries = JoinSet::new();
    // Deliveries under way, each with its webhook.
    let mut under_way: HashMap<i64, String> = HashMap::new();
    loop {
        let now = Clock::now();
        let places = AT_ONCE.saturating_sub(under_way.len());
        let busy = busy(&under_way);
        // Those under way are still due, so that many more rows are looked at.
        let page = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        let read = desk.read(move |connection| {
            Ok((
                tables::webhooks::due(connection, now, &busy, page)?,
                tables::webhooks::next_due(connection, now)?,
            ))
        });
        let (due, next) = read.await.unwrap_or_default();
        for due in due {
            let is_busy =
                under_way.values().filter(|webhook| **webhook == due.webhook).count() >= EACH_AT_ONCE;
            if under_way.len() >= AT_ONCE || is_busy || under_way.contains_key(&due.number) {
                continue;
            }
            under_way.insert(due.number, due.webhook.clone());
            let desk = desk.clone();
            tries.spawn(async move {
                let number = due.number;
                desk.deliver(due).await;
                number
            });
        }
        tokio::select! {
            Some(ended) = tries.join_next() => {
                match ended {
                    Ok(number) => _ = under_way.remove(&number),
                    // A defect of one delivery must not keep its webhook busy for ever: all that are due are looked at anew.
                    Err(_) => under_way.clear(),
                }
            }
            () = tokio::time::sleep(pause_until(next, now)) => {}
            () = desk.0.has_deliveries.notified(), if places > 0 => {}
        }
    }
}

/// The webhooks that have as many deliveries under way as one may have.
fn busy(under_way: &HashMap<i64, String>) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for webhook in under_way.values() {
        *counts.entry(webhook).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count >= EACH_AT_ONCE)
        .map(|(webhook, _)| webhook.to_owned())
        .collect()
}

/// What came of a try.
#[derive(Default)]
struct Tried {
    status: Option<u16>,
    milliseconds: u64,
    answer: Option<String>,
    problem: Option<String>,
}

impl Desk {
    async fn deliver(&self, due: Due) {
        let (id, event) = (due.webhook.clone(), due.event);
        let read = self.read(move |connection| {
            let webhook = tables::webhooks::get(connection, &id)?;
            Ok((webhook, tables::webhooks::sealed(connection, &id)?, tables::events::get(connection, event)?))
        });
        let Ok((Some(webhook), Some(sealed), Some(event))) = read.await else { return };
        let tried = if webhook.disabled_reason.is_some() {
            Tried { problem: Some("the webhook is switched off".to_owned()), ..Tried::default() }
        } else {
            let body = event_view(&event).to_string();
            self.try_to_send(&due.webhook, &webhook, &sealed, (&event.id, &event.event_type), body).await
        };
        let own = Person::desk();
        let noted = self.change(&own, move |work| work.note_delivery(&due, &tried));
        if let Err(refusal) = noted.await {
            tracing::warn!(%refusal, "a delivery to a webhook could not be noted, and is made again");
        }
    }

    async fn try_to_send(
        &self,
        id: &str,
        webhook: &Webhook,
        sealed: &[u8],
        event: (&str, &str),
        body: String,
    ) -> Tried {
        let began = Instant::now();
        let sent = self.send(id, webhook, sealed, event, body).await;
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match sent {
            Ok((status, answer)) => {
                let problem =
                    (!(200..300).contains(&status)).then(|| format!("the receiver answered {status}"));
                Tried { status: Some(status), milliseconds, answer: Some(answer), problem }
            }
            Err(problem) => Tried { milliseconds, problem: Some(problem), ..Tried::default() },
        }
    }

    async fn send(
        &self,
        id: &str,
        webhook: &Webhook,
        sealed: &[u8],
        event: (&str, &str),
        body: String,
    ) -> Result<(u16, String), String> {
        let text = self.0.surroundings.seal.open(id, sealed)?;
        let secrets: HookSecrets =
            serde_json::from_slice(&text).map_err(|_| "its secret cannot be read".to_owned())?;
        self.0.check_webhook_target(&webhook.url).await?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secrets.secret.as_bytes());
        let tag = hmac::sign(&key, body.as_bytes());
        let signature: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut request = self
            .0
            .surroundings
            .outbound
            .client()
            .post(&webhook.url)
            .timeout(TIMEOUT)
            .header("Content-Type", "application/cloudevents+json")
            .header("X-Hub-Signature-256", format!("sha256={signature}"))
            .header("X-Desk-Event", event.1)
            .header("X-Desk-Delivery", event.0);
        // A receiver may repeat what it was sent, and its answer is kept and shown.
        let hidden = Secrets::default();
        hidden.hide(&secrets.secret);
        let mut longest = secrets.secret.len();
        if let Some(name) = &webhook.username {
            let password = secrets.password.unwrap_or_default();
            let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
            hidden.hide(&password);
            hidden.hide(&encoded);
            longest = longest.max(encoded.len());
            request = request.header("Authorization", format!("Basic {encoded}"));
        }
        let mut answer = request.body(body).send().await.map_err(|error| {
            let kind = if error.is_timeout() { "no answer within 10 s" } else { "no connection" };
            kind.to_owned()
        })?;
        let status = answer.status().as_u16();
        // More than is kept, so that a secret at its end is seen whole.
        let enough = MOST_ANSWER + LONGEST_FORM * longest + 1;
        let mut beginning = Vec::new();
        while beginning.len() < enough {
            match answer.chunk().await {
                Ok(Some(chunk)) => beginning.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        Ok((status, hidden.mask_beginning(&String::from_utf8_lossy(&beginning), MOST_ANSWER)))
    }

    /// Sends an event of its own to a webhook, once, and answers the delivery. It does not count.
    pub(crate) async fn test_webhook(&self, id: String) -> Result<Delivery, Refusal> {
        let wanted = id.clone();
        let (webhook, sealed) = self
            .read(move |connection| {
                let webhook = tables::webhooks::get(connection, &wanted)?
                    .ok_or_else(|| Refusal::not_found("webhook", &wanted))?;
                Ok((webhook, tables::webhooks::sealed(connection, &wanted)?.unwrap_or_default()))
            })
            .await?;
        let now = Clock::now();
        let event = Uuid::now_v7().to_string();
        let body = serde_json::json!({
            "specversion": "1.0", "id": event, "source": super::work::SOURCE, "type": "webhook.test", "time": now.to_string(),
            "subject": id, "datacontenttype": "application/json", "pool": webhook.pool, "data": {"pool": webhook.pool},
        });
        let tried =
            self.try_to_send(&id, &webhook, &sealed, (&event, "webhook.test"), body.to_string()).await;
        let mut delivery = Delivery {
            event,
            event_type: "webhook.test".to_owned(),
            attempts: 0,
            state: String::new(),
            status: None,
            milliseconds: None,
            answer: None,
            problem: None,
            at: now,
        };
        let was_taken = tried.problem.is_none();
        note(&mut delivery, &tried, now);
        if was_taken { "delivered" } else { "failed" }.clone_into(&mut delivery.state);
        let written = delivery.clone();
        self.change(&Person::desk(), move |work| {
            Ok(tables::webhooks::add_delivery(work.connection, &id, 0, &written, None).map(drop)?)
        })
        .await?;
        Ok(delivery)
    }
}

fn note(delivery: &mut Delivery, tried: &Tried, now: Timestamp) {
    delivery.attempts = delivery.attempts.saturating_add(1);
    delivery.status = tried.status;
    delivery.milliseconds = Some(tried.milliseconds);
    delivery.answer.clone_from(&tried.answer);
    delivery.problem.clone_from(&tried.problem);
    delivery.at = now;
}

impl Work<'_, '_> {
    /// Notes what came of a try: the next one, or the end of the delivery.
    fn note_delivery(&mut self, due: &Due, tried: &Tried) -> Result<(), Fault> {
        let Some(mut webhook) = tables::webhooks::get(self.connection, &due.webhook)? else { return Ok(()) };
        let mut delivery = due.delivery.clone();
        note(&mut delivery, tried, self.now);
        let mut due_at = None;
        match (&tried.problem, delivery.pause()) {
            (None, _) => {
                "delivered".clone_into(&mut delivery.state);
                webhook.count(true, "");
            }
            (Some(_), Some(seconds)) if webhook.disabled_reason.is_none() => {
                due_at = Some(self.clock().after(self.now, Duration::from_secs(seconds.unsigned_abs())));
            }
            (Some(problem), _) => {
                "failed".clone_into(&mut delivery.state);
                if webhook.disabled_reason.is_none() {
                    webhook.count(false, problem);
                }
            }
        }
        tables::webhooks::update_delivery(self.connection, due.number, &delivery, due_at)?;
        tables::webhooks::update(self.connection, &due.webhook, &webhook)?;
        let before = self
            .now
            .checked_sub(jiff::SignedDuration::try_from(KEEP).unwrap_or_default())
            .unwrap_or(Timestamp::MIN);
        Ok(tables::webhooks::forget(self.connection, before)?)
    }
}
