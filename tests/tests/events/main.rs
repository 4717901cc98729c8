//! Events against the real binary, which is killed meanwhile: none is lost, none counts twice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod callbacks;
mod failpoints;
mod kafka;
mod nats;
mod partner;
mod published;
mod random;
mod route;
mod sender;

use std::time::{Duration, Instant};

use rondo_tests::{Answer, Engine, PATIENCE};
use serde_json::{Value, json};

/// The instances of a workflow, or those of a business key, as the Data Index shows them; `None` while the engine is away.
async fn instances(engine: &str, condition: Value) -> Option<Vec<Value>> {
    let query = "query ($w: ProcessInstanceArgument) { ProcessInstances(where: $w) { id state businessKey variables } }";
    let body = json!({"query": query, "variables": {"w": condition}});
    let answer = Answer::to(reqwest::Client::new().post(format!("{engine}/graphql")).json(&body)).await?;
    answer.body["data"]["ProcessInstances"].as_array().cloned()
}

/// Starts an instance with a business key once, on an engine that may be killed meanwhile.
async fn start_once(client: &reqwest::Client, engine: &str, workflow: &str, key: &str, data: &Value) {
    loop {
        let request = client.post(format!("{engine}/{workflow}?businessKey={key}")).json(data);
        if let Some(answer) = Answer::to(request).await {
            assert_eq!(answer.status, 201, "{answer:?}");
            return;
        }
        // The engine was killed. What it has not stored by then never comes.
        let found = loop {
            match instances(engine, json!({"businessKey": {"equal": key}})).await {
                Some(found) => break found,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        if !found.is_empty() {
            return;
        }
    }
}

/// Waits until nothing is left. Panics with one of the things that are left when these stay as many for too long.
async fn until_none_is_left(what: &str, mut left: impl AsyncFnMut() -> Option<Vec<String>>) {
    let (mut least, mut since) = (usize::MAX, Instant::now());
    loop {
        let left = left().await;
        match &left {
            Some(left) if left.is_empty() => return,
            Some(left) if left.len() < least => (least, since) = (left.len(), Instant::now()),
            _ => {}
        }
        assert!(since.elapsed() < PATIENCE, "{least} {what}: {:?}", left.unwrap_or_default().first());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the only column of a query on the database of an engine holds, as a number.
fn number_in_database(engine: &Engine, query: &str) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let path = engine.database_folder().join("rondo.db");
    let database = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    database.query_row(query, [], |row| row.get(0)).unwrap()
}
