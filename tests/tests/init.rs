//! `rondo init`, and the demo in a folder that has nothing of the repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use rondo_tests::{Engine, folder, prepare, run, run_with};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_init_writes_passes_the_check_and_runs() {
    prepare();
    let scratch = folder(&[]);
    let new = scratch.path().join("my flows");
    let new = new.to_str().unwrap();
    let (code, out, err) = run(&["init", new]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out.replace(scratch.path().to_str().unwrap(), "SCRATCH"), @"
    wrote SCRATCH/my flows/greeting.sw.yaml

    Next:
      rondo check 'SCRATCH/my flows'
      rondo serve --workflows 'SCRATCH/my flows'
      rondo start greeting --data '{…}'
    ");
    assert_eq!(run(&["check", new]), (0, "1 workflow file: 0 errors, 0 warnings\n".into(), String::new()));
    let engine = Engine::start(new.as_ref(), &[]).await;
    for (data, greeting) in [(json!({"name": "Ada"}), "Hello, Ada!"), (json!({}), "Hello, world!")] {
        let answer = engine.post("/greeting", &data).await;
        assert_eq!(
            (answer.status, &answer.body["workflowdata"]["greeting"]),
            (201, &json!(greeting)),
            "{answer:?}"
        );
    }
}

#[test]
fn every_shipped_flow_can_be_written_out() {
    let tokens = [("GITLAB_TOKEN", "a"), ("BACKSTAGE_TOKEN", "b"), ("KUBERNETES_TOKEN", "c")];
    for (flow, needs) in
        [("create-ocp-namespace", "BACKSTAGE_TOKEN, GITLAB_TOKEN"), ("request-vm", "KUBERNETES_TOKEN")]
    {
        let scratch = folder(&[]);
        // An empty folder is as good as a new one.
        let path = scratch.path().to_str().unwrap();
        let (code, out, err) = run(&["init", path, "--flow", flow]);
        assert_eq!((code, err.as_str()), (0, ""), "{flow}");
        assert!(out.contains("It needs the environment variables ") && out.contains(needs), "{out}");
        let written = fs::read(scratch.path().join(format!("{flow}.sw.yaml"))).unwrap();
        let shipped = rondo_tests::root().join(format!("workflows/{flow}/{flow}.sw.yaml"));
        assert_eq!(written, fs::read(shipped).unwrap());
        let checked = run_with(&tokens, &["check", path]);
        assert_eq!(checked, (0, "1 workflow file: 0 errors, 0 warnings\n".into(), String::new()), "{flow}");
    }
}

#[test]
fn init_refuses_what_it_would_spoil_or_does_not_know() {
    let taken = folder(&[("mine.txt", "mine")]);
    let path = taken.path().to_str().unwrap();
    let (code, out, err) = run(&["init", path]);
    assert!(code == 1 && out.is_empty() && err.contains("is not empty"), "{err}");
    assert_eq!(fs::read_dir(taken.path()).unwrap().count(), 1);
    let file = taken.path().join("mine.txt");
    let (code, out, err) = run(&["init", file.to_str().unwrap()]);
    assert!(code == 1 && out.is_empty() && err.contains("cannot be used"), "{err}");
    let new = taken.path().join("new");
    let (code, _, err) = run(&["init", new.to_str().unwrap(), "--flow", "greting"]);
    assert!(code == 2 && err.contains("'greeting'") && !new.exists(), "{err}");
}

#[test]
fn the_demo_runs_in_an_empty_folder_and_leaves_nothing_behind() {
    let (home, scratch) = (folder(&[]), folder(&[]));
    let mut demo = Command::new(rondo_tests::binary())
        .args(["demo", "--auto-approve", "--listen", "127.0.0.1:0"])
        .current_dir(home.path())
        .env("TMPDIR", scratch.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<_> = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(demo.wait().unwrap().success(), "{lines:#?}");
    let completed = lines.iter().filter(|line| line.contains("COMPLETED")).count();
    assert_eq!(completed, 2, "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.contains("team-small") && line.contains("team-large")),
        "{lines:#?}"
    );
    for folder in [&home, &scratch] {
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
