//! A database that is taken away ends the engine, with the reason.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use rondo_tests::{Engine, QUICK, folder, prepare};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_the_database_ends_the_engine() {
    prepare();
    let folder = folder(&[("quick.sw.yaml", QUICK)]);
    let mut engine = Engine::start(folder.path(), &[]).await;
    assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
    fs::remove_file(engine.database_folder().join("rondo.db")).unwrap();
    let answer = engine.try_post("/quick", &json!({}), &[]).await;
    assert!(answer.is_none_or(|answer| answer.status >= 500), "nothing is answered that is not kept");
    let status = engine.wait_until_it_ends();
    assert!(!status.success(), "{status}: a lost database is no good end");
    assert!(engine.log().contains("was deleted or replaced while the engine ran"), "{}", engine.log());
}
