//! A full disk: said once, shown to whoever asks for health, and over as soon as there is room again.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use rondo_tests::{Engine, QUICK, folder, prepare, until};
use serde_json::json;

/// More than the log has by the end, and less than the database's.
const ROOM: u64 = 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_once_and_shown_by_health_until_there_is_room() {
    prepare();
    let folder = folder(&[("quick.sw.yaml", QUICK)]);
    let engine = Engine::start(folder.path(), &[]).await;
    let written = engine.database_folder().join("rondo.db-wal");
    while fs::metadata(&written).unwrap().len() <= ROOM {
        assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
    }
    engine.limit_files(&ROOM.to_string());
    for _ in 0..20 {
        assert_eq!(engine.post("/quick", &json!({})).await.status, 503);
    }
    let ready = engine.get("/q/health/ready").await;
    assert_eq!((ready.status, &ready.body["status"]), (503, &json!("DOWN")), "{ready:?}");
    assert_eq!(engine.get("/q/health/live").await.status, 200, "starting it again would not help");

    engine.limit_files("unlimited");
    until("it is ready again", async || engine.get("/q/health/ready").await.status == 200).await;
    assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
    let log = engine.log();
    for (told, level) in [("does not take what is written", "ERROR"), ("takes what is written again", "INFO")]
    {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(told)).collect();
        assert!(lines.len() == 1 && lines[0].contains(level), "{told}: {log}");
    }
}
