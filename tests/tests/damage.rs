//! Damage to the files of the database: nothing is lost without a word, and what can be read goes on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, fs, path::Path};

use rondo_tests::{Answer, Engine, folder, prepare, run};
use rusqlite::Connection;
use serde_json::{Value, json};

const SLEEP: &str = r"
id: sleep
version: '1.0'
specVersion: '0.8'
start: Sleep
states:
  - name: Sleep
    type: sleep
    duration: PT1H
    end: true
";

/// An engine with so many sleeping instances, and their ids.
async fn with_sleeping(count: usize, folder: &Path) -> (Engine, Vec<String>) {
    prepare();
    let engine = Engine::start(folder, &[]).await;
    let mut ids = Vec::new();
    for number in 0..count {
        let body = json!({"marker": format!("marker-{number}"), "text": "x".repeat(200)});
        let Answer { status, body } = engine.post("/sleep", &body).await;
        assert_eq!(status, 201, "{body}");
        ids.push(body["id"].as_str().unwrap().to_owned());
    }
    (engine, ids)
}

/// Ids of all instances that lists show.
async fn listed(engine: &Engine) -> BTreeSet<String> {
    let rows = engine.instances("sleep").await;
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn doctor(engine: &Engine, more: &[&str]) -> (i32, Value, String) {
    let store = engine.store();
    let (code, out, err) = run(&[&["doctor", "--json", "--store", &store], more].concat());
    (code, serde_json::from_str(&out).unwrap_or_default(), err)
}

/// Has the engine serve what `doctor` wrote.
async fn serve_salvaged(engine: &mut Engine, new: &Path) {
    for ending in ["", "-wal", "-shm", ".last-commit"] {
        let _ = fs::remove_file(engine.database_folder().join(format!("rondo.db{ending}")));
    }
    fs::rename(new, engine.database_folder().join("rondo.db")).unwrap();
    engine.restart().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_log_is_refused_and_doctor_gets_back_what_is_in_it() {
    let folder = folder(&[("sleep.sw.yaml", SLEEP)]);
    let (mut engine, ids) = with_sleeping(60, folder.path()).await;
    let (code, _, problem) = doctor(&engine, &[]);
    assert!(code == 1 && problem.contains("in use by another process"), "{problem}");
    engine.kill();
    let log = engine.database_folder().join("rondo.db-wal");
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, &bytes).unwrap();

    engine.restart_and_die();
    let text = engine.log();
    assert!(text.contains("write-ahead log is damaged at frame") && text.contains("rondo doctor"), "{text}");
    let new = engine.database_folder().join("new.db");
    let (code, found, _) = doctor(&engine, &[]);
    assert_eq!((code, &found["whole"]), (1, &json!(60)), "{found}");
    let (code, found, problem) = doctor(&engine, &["--salvage", new.to_str().unwrap()]);
    assert_eq!((code, &found["instances"]), (0, &json!([])), "{found} {problem}");
    assert_eq!(fs::read(&log).unwrap(), bytes, "the damaged file is left as it is");
    let (code, _, problem) = doctor(&engine, &["--salvage", new.to_str().unwrap()]);
    assert!(code == 1 && problem.contains("is there already"), "{problem}");
    serve_salvaged(&mut engine, &new).await;
    assert_eq!(listed(&engine).await, ids.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_the_instances_that_were_on_a_damaged_page() {
    let folder = folder(&[("sleep.sw.yaml", SLEEP)]);
    let (mut engine, ids) = with_sleeping(120, folder.path()).await;
    assert!(engine.terminate().success());
    let file = engine.database_folder().join("rondo.db");
    let mut bytes = fs::read(&file).unwrap();
    // The leaves of tables that hold data of instances.
    let has = |page: &[u8], text: &[u8]| page.windows(text.len()).any(|window| window == text);
    let leaves: Vec<_> = (1..bytes.len() / 8192)
        .filter(|page| bytes[page * 8192] == 13 && has(&bytes[page * 8192..][..8192], b"marker-"))
        .collect();
    let damaged = leaves[leaves.len() / 2];
    bytes[damaged * 8192 + 1..][..400].fill(0xff);
    fs::write(&file, bytes).unwrap();

    let new = engine.database_folder().join("new.db");
    let (code, found, problem) = doctor(&engine, &["--salvage", new.to_str().unwrap()]);
    assert_eq!(code, 0, "{problem}");
    let lost = found["instances"].as_array().unwrap();
    assert!(lost.iter().all(|lost| lost["lost"] == true && lost["workflow"] == "sleep"), "{found}");
    assert!(lost.iter().all(|lost| lost["lastState"] == "ACTIVE"), "{found}");
    let lost: BTreeSet<_> = lost.iter().map(|lost| lost["id"].as_str().unwrap().to_owned()).collect();
    assert!((2..60).contains(&lost.len()), "{lost:?}");
    serve_salvaged(&mut engine, &new).await;
    let kept = listed(&engine).await;
    assert!(kept.is_disjoint(&lost));
    assert_eq!(kept.union(&lost).cloned().collect::<BTreeSet<_>>(), ids.into_iter().collect());
    assert_eq!(engine.post("/sleep", &json!({})).await.status, 201);
    assert_eq!(listed(&engine).await.len(), kept.len() + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_is_shown_in_error_and_the_others_go_on() {
    let folder = folder(&[("sleep.sw.yaml", SLEEP)]);
    let (mut engine, ids) = with_sleeping(5, folder.path()).await;
    assert!(engine.terminate().success());
    let file = Connection::open(engine.database_folder().join("rondo.db")).unwrap();
    file.execute_batch(
        r#"UPDATE instance SET data = '{"marker": [1, ' WHERE number = 1;
           UPDATE instance SET frames = x'02ffff' WHERE number = 2;
           UPDATE instance SET revision = 99 WHERE number = 3;
           UPDATE instance SET state = 77 WHERE number = 4"#,
    )
    .unwrap();
    file.close().unwrap();
    engine.restart().await;
    for _ in 0..2 {
        let all: Vec<_> = engine.instances_where(json!({})).await;
        assert_eq!(all.len(), 5, "{all:?}");
        for (number, id) in (1..).zip(&ids) {
            let shown = engine.inspect(id).await;
            let state = if number == 5 { "ACTIVE" } else { "ERROR" };
            assert_eq!(shown["state"], state, "{number}: {shown}");
            let message = shown["error"]["message"].as_str().unwrap_or_default();
            assert_eq!(message.is_empty(), number == 5, "{number}: {shown}");
        }
        let all_healthy = engine.get("/q/health/ready").await;
        assert_eq!(all_healthy.status, 200);
        assert!(
            all_healthy.body["checks"].to_string().contains(r#""damagedInstances":4"#),
            "{all_healthy:?}"
        );
    }
    let log = engine.log();
    for id in &ids[..4] {
        let lines =
            log.lines().filter(|line| line.contains("is damaged in the database") && line.contains(id));
        assert_eq!(lines.count(), 1, "{id}: {log}");
    }
    // Changing it is refused with the reason.
    let refused = engine.patch(&format!("/sleep/{}", ids[1]), &json!({"a": 1})).await;
    assert_eq!(refused.status, 500, "{refused:?}");
    assert!(refused.body.to_string().contains("cannot be continued"), "{refused:?}");
    assert_eq!(engine.patch(&format!("/sleep/{}", ids[4]), &json!({"a": 1})).await.status, 200);
}
