//! A disk that does not take what is written: a sync that fails is no commit, now or after the next start.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path, process::Command};

use rondo_tests::{Engine, QUICK, folder, prepare, root, until};
use serde_json::json;

/// Compiles the library that lets syncs fail. Where the engine was built there is a compiler of C, which SQLite needs.
fn library(folder: &Path) -> String {
    let library = folder.join("failing_sync.so");
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(root().join("tests/fixtures/failing_sync.c"));
    assert!(compile.arg("-ldl").status().unwrap().success());
    library.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_sync_left_is_neither_answered_nor_there_after_a_start() {
    prepare();
    let workflows = folder(&[("quick.sw.yaml", QUICK)]);
    let scratch = folder(&[]);
    let fails = scratch.path().join("fails");
    let environment =
        [("LD_PRELOAD", library(scratch.path())), ("FAILING_SYNC", fails.to_str().unwrap().to_owned())];
    let mut engine = Engine::start(workflows.path(), &environment).await;
    for _ in 0..3 {
        assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
    }
    let log = engine.database_folder().join("rondo.db-wal");
    let synced = fs::read(&log).unwrap();

    fs::write(&fails, "").unwrap();
    for _ in 0..3 {
        let refused = engine.post("/quick", &json!({})).await;
        assert_eq!(refused.status, 503, "{refused:?}");
    }
    let ready = engine.get("/q/health/ready").await;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.to_string().contains("problem"), "health says why: {ready:?}");
    until("nothing stays behind the last sync", async || fs::read(&log).unwrap() == synced).await;
    assert_eq!(engine.instances("quick").await.len(), 3);

    // The process ends before the disk works again: the next start finds what was answered, and nothing else.
    engine.kill();
    fs::remove_file(&fails).unwrap();
    engine.restart().await;
    assert_eq!(engine.instances("quick").await.len(), 3);

    fs::write(&fails, "").unwrap();
    assert_eq!(engine.post("/quick", &json!({})).await.status, 503);
    fs::remove_file(&fails).unwrap();
    until("it is ready again", async || engine.get("/q/health/ready").await.status == 200).await;
    assert_eq!(engine.post("/quick", &json!({})).await.status, 201);
    engine.kill();
    engine.restart().await;
    assert_eq!(engine.instances("quick").await.len(), 4);
}
