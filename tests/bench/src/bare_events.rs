//! The events of the bare server: each goes to the one instance that waits for its order, and ends it.
//!
//! The same two transactions as in the engine: the event with the message for its instance, before the answer; then the instance as it ends,
//! with its line of history, which removes wait, message and event.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use rondo_expression::{MergeRules, Val, merge};
use rondo_store::{
    AcceptEvent, Accepted, Commit, EventWait, History, Instance, InstanceWaits, ReceivedEvent,
    State as InstanceState, Store, Update, Write,
};
use uuid::Uuid;

use crate::{
    Result,
    bare::{REVISION, now, row},
};

const TYPE: &str = "order.approved";

#[derive(Clone)]
struct Events {
    store: Arc<dyn Store>,
    /// Instances that have their event, and have not ended.
    at_work: Arc<AtomicUsize>,
}

/// Its routes: events, and the figure by which the engine says too that nothing is going on.
pub(crate) fn routes(store: Arc<dyn Store>) -> Router {
    Router::new()
        .route("/", post(receive))
        .route("/q/metrics", get(metrics))
        .with_state(Events { store, at_work: Arc::default() })
}

/// Has so many instances wait, each for the event of its number.
pub(crate) async fn fill(store: &Arc<dyn Store>, waiting: usize) -> Result<()> {
    const AT_ONCE: usize = 1000;
    for first in (0..waiting).step_by(AT_ONCE) {
        let numbers = first..waiting.min(first + AT_ONCE);
        let answers: Vec<_> = numbers.map(|number| store.commit(waiting_instance(number))).collect();
        for answer in answers {
            answer.await?;
        }
    }
    Ok(())
}

fn waiting_instance(number: usize) -> Commit {
    let id = Uuid::now_v7();
    let order = i64::try_from(number).unwrap_or(i64::MAX);
    let data = Val::object([("order", Val::Int(order)), ("asked", Val::Bool(true))]);
    let wait = EventWait {
        event: "approved".to_owned(),
        event_type: TYPE.to_owned(),
        correlation: vec![("order".to_owned(), Some(number.to_string()))],
        since: now(),
        ..EventWait::default()
    };
    let facts = r#"[{"f":"started"},{"f":"entered","v":1,"state":"Ask","kind":"inject"},{"f":"left","v":1},{"f":"entered","v":2,"state":"Wait","kind":"event"}]"#;
    let line = History { instance: id, turn: 1, at: now(), facts: facts.to_owned() };
    let row =
        Instance { state: InstanceState::Active, ended_at: None, frames: vec![7; 64], ..row(id, 1, &data) };
    Commit {
        writes: vec![Write::Insert(row)],
        history: vec![line],
        waits: vec![InstanceWaits { instance: id, waits: vec![wait] }],
        ..Commit::default()
    }
}

async fn metrics(State(events): State<Events>) -> String {
    format!("rondo_instances_in_memory {}\n", events.at_work.load(Ordering::Relaxed))
}

/// Writes the event, answers, and ends its instance.
async fn receive(State(events): State<Events>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(data) = serde_json::from_slice::<Val>(&body) else { return StatusCode::BAD_REQUEST };
    let attribute = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = now();
    let event = ReceivedEvent {
        id: attribute("ce-id").to_owned(),
        source: attribute("ce-source").to_owned(),
        event_type: attribute("ce-type").to_owned(),
        at: now,
        attributes: vec![("order".to_owned(), attribute("ce-order").to_owned())],
        content: body.to_vec(),
        forget_at: now + 86_400_000,
        keep_until: now + 86_400_000,
        ..ReceivedEvent::default()
    };
    let accept = AcceptEvent {
        event,
        consumers: vec![REVISION.to_owned()],
        max_kept: 100_000,
        max_bytes: 1 << 40,
        starts: Vec::new(),
    };
    let Ok(Accepted::Taken { delivered, .. }) = events.store.accept_event(accept).await else {
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    for id in delivered {
        events.at_work.fetch_add(1, Ordering::Relaxed);
        let (events, data) = (events.clone(), data.clone());
        tokio::spawn(async move {
            // A failure shows as an instance that has not ended.
            if events.end(id, data).await.is_ok() {
                events.at_work.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }
    StatusCode::ACCEPTED
}

impl Events {
    async fn end(&self, id: Uuid, approval: Val) -> Result<()> {
        let instance = self.store.instance(id).await?.ok_or("the instance is there")?;
        let messages = self.store.mailbox(id, None).await?;
        let data: Val = serde_json::from_str(&instance.data)?;
        let data = merge(data, Val::object([("approval", approval)]), MergeRules::default());
        let (now, turn) = (now(), instance.turn);
        let ended = Instance {
            state: InstanceState::Completed,
            ended_at: Some(now),
            updated_at: now,
            turn: turn + 1,
            frames: Vec::new(),
            data: data.to_json(),
            ..instance
        };
        let facts =
            r#"[{"f":"event","v":2,"event":"approved","id":"1"},{"f":"left","v":2},{"f":"completed"}]"#;
        let commit = Commit {
            history: vec![History { instance: id, turn: turn + 1, at: now, facts: facts.to_owned() }],
            writes: vec![Write::Update(Update::of_row(ended, turn))],
            messages_consumed: messages.iter().map(|message| message.number).collect(),
            ..Commit::default()
        };
        self.store.commit(commit).await?;
        Ok(())
    }
}
