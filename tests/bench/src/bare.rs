//! The bare server: what somebody would write by hand who wants no more than this.
//!
//! It reads JSON, evaluates the same jq, merges, writes the same two rows with the same group commit, and answers when they are
//! durable. It has no definitions, no schemas, no errors, no retries, no timers, no recovery. Nothing that a workflow engine adds can
//! be free, and the ratio to this server says what it costs.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use rondo_expression::{Budget, Expression, Language, MergeRules, Scope, Val, compile, merge};
use rondo_store::{Commit, History, Instance, Revision, Store, Update, Write};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Result, bare_events};

pub(crate) const REVISION: &str = "bare";

#[derive(Clone)]
struct Bare(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    budget: Budget,
    is_large: Expression,
    results: Expression,
    client: reqwest::Client,
    service: Option<String>,
}

type Answer = std::result::Result<(StatusCode, Json<Value>), StatusCode>;

pub(crate) async fn serve(
    listen: SocketAddr,
    store: &str,
    service: Option<String>,
    waiting: usize,
) -> Result<()> {
    let store = rondo_store::open(store).await?;
    let revision =
        Revision { digest: REVISION.to_owned(), workflow: REVISION.to_owned(), ..Revision::default() };
    store.put_revisions(vec![revision]).await?;
    bare_events::fill(&store, waiting).await?;
    let events = bare_events::routes(Arc::clone(&store));
    let bare = Bare(Arc::new(Inner {
        store,
        budget: Budget::default(),
        is_large: compile(Language::Jq, ".size == \"large\"")?,
        results: compile(Language::Jq, "{ticket: .number}")?,
        client: reqwest::Client::new(),
        service,
    }));
    let router = Router::new()
        .route("/q/health/ready", get(|| async { "ready" }))
        .route("/switch", post(switch))
        .route("/call", post(call))
        .with_state(bare)
        .merge(events);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    Ok(axum::serve(listener, router).await?)
}

/// Decides, merges, writes, answers.
async fn switch(State(Bare(bare)): State<Bare>, body: Bytes) -> Answer {
    let data: Val = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let large = bare.is_large.eval_bool(&data, &Scope::bare(&bare.budget));
    let added = match large.map_err(|_| StatusCode::BAD_REQUEST)? {
        true => Val::object([("approval", Val::text("required")), ("quota", Val::Int(64))]),
        false => Val::object([("approval", Val::text("none")), ("quota", Val::Int(8))]),
    };
    let data = merge(data, added, MergeRules::default());
    let id = Uuid::now_v7();
    let facts = r#"[{"f":"started"},{"f":"entered","v":1,"state":"Decide","kind":"switch"},{"f":"left","v":1},{"f":"entered","v":2,"state":"Large","kind":"inject"},{"f":"left","v":2},{"f":"completed"}]"#;
    bare.commit(Write::Insert(row(id, 1, &data)), facts).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": id, "workflowdata": data}))))
}

/// Writes, calls, writes, answers.
async fn call(State(Bare(bare)): State<Bare>, body: Bytes) -> Answer {
    let data: Val = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let id = Uuid::now_v7();
    let busy = Instance { busy: true, frames: vec![7; 48], ..row(id, 1, &data) };
    let facts = r#"[{"f":"started"},{"f":"entered","v":1,"state":"Order","kind":"operation"},{"f":"action","v":2,"target":"order","kind":"call","within":1}]"#;
    bare.commit(Write::Insert(busy), facts).await?;
    let service = bare.service.as_deref().unwrap_or_default();
    let body = json!({"name": data.get("name")});
    let answer = bare.client.post(format!("{service}/orders")).json(&body).send().await;
    let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let answer = answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let answer: Val = serde_json::from_slice(&answer).map_err(|_| StatusCode::BAD_GATEWAY)?;
    let result = bare.results.eval(&answer, &Scope::bare(&bare.budget));
    let data = merge(data, result.map_err(|_| StatusCode::BAD_GATEWAY)?, MergeRules::default());
    let facts = r#"[{"f":"left","v":2},{"f":"left","v":1},{"f":"completed"}]"#;
    bare.commit(Write::Update(Update::of_row(row(id, 2, &data), 1)), facts).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": id, "workflowdata": data}))))
}

impl Inner {
    async fn commit(&self, write: Write, facts: &str) -> std::result::Result<(), StatusCode> {
        let (id, turn) = (write.id(), write.turn());
        let line = History { instance: id, turn, at: now(), facts: facts.to_owned() };
        let commit = Commit { writes: vec![write], history: vec![line], ..Commit::default() };
        self.store.commit(commit).await.map(drop).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
    }
}

pub(crate) fn row(id: Uuid, turn: u64, data: &Val) -> Instance {
    let now = now();
    Instance {
        id,
        revision: REVISION.to_owned(),
        started_at: now,
        updated_at: now,
        turn,
        data: data.to_json(),
        ..Instance::default()
    }
}

#[allow(clippy::disallowed_methods, reason = "a bare server has no clock but the machine's")]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
