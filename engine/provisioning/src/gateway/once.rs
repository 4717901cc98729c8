//! Makes once what has a name of its own, at services that know no Idempotency-Key.
//!
//! A call is made at least once: after a crash, or when its answer is lost, the flow sends it again. So each is preceded by a look whether the
//! thing is there. A call that was sent before and not answered is noted in the database, and the look waits until the service had time to act
//! on it.
//!
//! Promises: two calls that make the same thing are never under way at once; what is there is answered as if it had been made now.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::Value;

use super::{
    call::Call,
    exchange::{Answer, CALL_TIME, Failed, OWN_TIME, Reached},
    provider::{Create, Look, Seen},
};
use crate::{Desk, model::Person, refusal::Refusal, tables};

/// How long after a call without an answer the look waits: the service may be about to make the thing.
const SETTLING: Duration = Duration::from_secs(5);

/// Looks that lead to each other at most.
const MOST_LOOKS: usize = 4;

/// Things that are being made.
#[derive(Default)]
pub(super) struct Making(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Making {
    /// The lock of a thing.
    fn lock(&self, thing: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock();
        if let Some(lock) = locks.get(thing).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(thing.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

/// What a look came to.
enum Looked {
    Nothing,
    Found(Value),
    /// The list could not be had; this is what the service answered.
    Answer(Answer),
}

impl Desk {
    /// Makes a thing, unless it is there.
    pub(super) async fn make_once(
        &self,
        reached: &Reached,
        call: &Call,
        create: Create,
    ) -> Result<Answer, Refusal> {
        let cluster = reached.place.cluster.name.clone();
        let lock = self.0.gateway.making.lock(&format!("{cluster}/{}", create.thing));
        let _only = lock.lock().await;
        let was_sent = self.wait_for_sent(&cluster, &create.thing).await?;
        match self.look(reached, create.look).await.map_err(|failed| failed.refusal)? {
            Looked::Found(thing) => {
                self.forget_sent(&cluster, &create.thing).await?;
                return Ok(found(thing));
            }
            // Where there is no such list there is nothing in it.
            Looked::Answer(answer) if was_sent || answer.status != 404 => return Ok(answer),
            Looked::Nothing | Looked::Answer(_) => {}
        }
        self.note_sent(&cluster, &create.thing).await?;
        match self.exchange(reached, call, CALL_TIME, false).await {
            Ok(answer) => {
                self.forget_sent(&cluster, &create.thing).await?;
                self.look_after(reached, call, answer).await
            }
            Err(failed) => {
                if !failed.was_sent {
                    self.forget_sent(&cluster, &create.thing).await?;
                }
                Err(failed.refusal)
            }
        }
    }

    /// Turns the answer that there is such a thing already into the thing, if it is ours.
    pub(super) async fn look_after(
        &self,
        reached: &Reached,
        call: &Call,
        answer: Answer,
    ) -> Result<Answer, Refusal> {
        let look = match answer.is_success() {
            true => None,
            false => reached.provider.look_after(call, answer.status, &answer.json()),
        };
        let Some(look) = look else { return Ok(answer) };
        match self.look(reached, look).await.map_err(|failed| failed.refusal)? {
            Looked::Found(thing) => Ok(found(thing)),
            Looked::Nothing | Looked::Answer(_) => Ok(answer),
        }
    }

    async fn look(&self, reached: &Reached, mut look: Look) -> Result<Looked, Failed> {
        for _ in 0..MOST_LOOKS {
            let answer = self.exchange(reached, &look.call, OWN_TIME, false).await?;
            if !answer.is_success() {
                return Ok(Looked::Answer(answer));
            }
            match (look.read)(&answer.json()) {
                Seen::Nothing => return Ok(Looked::Nothing),
                Seen::Found(thing) => return Ok(Looked::Found(thing)),
                Seen::Look(next) => look = next,
            }
        }
        Ok(Looked::Nothing)
    }

    /// Whether the thing was asked for before and nothing was answered. If so, the service had its time when this returns.
    async fn wait_for_sent(&self, cluster: &str, thing: &str) -> Result<bool, Refusal> {
        let (cluster, thing) = (cluster.to_owned(), thing.to_owned());
        let sent =
            self.read(move |connection| Ok(tables::creates::sent_at(connection, &cluster, &thing)?)).await?;
        let Some(sent) = sent else { return Ok(false) };
        let settled = self.0.clock.after(sent, SETTLING);
        let left = settled.duration_since(crate::desk::Clock::now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default().min(SETTLING)).await;
        Ok(true)
    }

    async fn note_sent(&self, cluster: &str, thing: &str) -> Result<(), Refusal> {
        let (cluster, thing) = (cluster.to_owned(), thing.to_owned());
        self.change(&Person::desk(), move |work| {
            Ok(tables::creates::put(work.connection, &cluster, &thing, work.now)?)
        })
        .await
    }

    async fn forget_sent(&self, cluster: &str, thing: &str) -> Result<(), Refusal> {
        let (cluster, thing) = (cluster.to_owned(), thing.to_owned());
        self.change(&Person::desk(), move |work| {
            Ok(tables::creates::delete(work.connection, &cluster, &thing)?)
        })
        .await
    }
}

fn found(thing: Value) -> Answer {
    let headers =
        [(reqwest::header::CONTENT_TYPE, reqwest::header::HeaderValue::from_static("application/json"))];
    Answer {
        status: 200,
        headers: headers.into_iter().collect(),
        body: thing.to_string().into_bytes(),
        is_found: true,
    }
}
