//! A process without free handles for files and sockets: it waits until there are some.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, net::TcpStream};

use rondo_tests::{Engine, QUICK, folder, prepare, until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_without_free_handles_goes_on_when_there_are_some() {
    prepare();
    let folder = folder(&[("quick.sw.yaml", QUICK)]);
    let engine = Engine::start(folder.path(), &[]).await;
    assert!(engine.log().contains("open files and sockets are divided"), "{}", engine.log());
    assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
    let open = fs::read_dir(format!("/proc/{}/fd", engine.process_id())).unwrap().count();
    let limit = open + 4;
    engine.limit("nofile", &limit.to_string());
    // More than there are handles for: the listener's queue takes them, and the loop that accepts them is refused.
    let connections: Vec<_> = (0..20).map(|_| TcpStream::connect(engine.address()).unwrap()).collect();
    until("it says that it cannot accept", async || engine.log().contains("no connection can be accepted"))
        .await;
    let before = engine.processor_time();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let tries = engine.log().matches("no connection can be accepted").count();
    assert!(tries < 8, "it does not try again and again: {tries} lines");
    let spent = engine.processor_time() - before;
    assert!(spent < 100, "it does not spin: {spent} hundredths of a second");

    drop(connections);
    engine.limit("nofile", "1000");
    until("it answers again", async || engine.get("/q/health/ready").await.status == 200).await;
    assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
}
