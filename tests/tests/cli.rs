//! The commands as a person at a terminal uses them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use rondo_tests::{Engine, folder, prepare, run, run_with};
use serde_json::{Value, json};

/// What a run printed, with the folder's name replaced, so that it reads the same everywhere.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = run(arguments);
    let text = format!("{out}{err}").replace(&format!("{}/", folder.display()), "");
    format!("{}\nexit code {code}", text.trim_end())
}

const FAULTY: &str = r"
id: faulty
version: '1.0'
specVersion: '0.8'
start: Beginning
functions:
  - name: openTicket
    operation: specs/gitlab.yaml#openTicket
  - name: readTicket
    operation: specs/missing.yaml#readTicket
states:
  - name: Begin
    type: operation
    actions:
      - functionRef: closeTicket
      - functionRef: openTicket
        actionDataFilter:
          results: .issues[
    transition: Nowhere
  - name: Wait
    type: sleep
    duration: 5 minutes
    end: true
";

const GITLAB: &str = r"
openapi: 3.0.3
info: {title: GitLab, version: '1'}
servers: [{url: 'http://gitlab.example.com'}]
paths:
  /issues:
    post:
      operationId: createIssue
      responses: {'201': {description: made}}
";

#[test]
fn check_tells_all_faults_at_once() {
    let folder = folder(&[
        ("faulty.sw.yaml", FAULTY),
        ("specs/gitlab.yaml", GITLAB),
        ("text.sw.yaml", "id: [unclosed\n"),
        ("application.properties", "rondo.http.max-body-bytes=many\n"),
    ]);
    let path = folder.path().to_str().unwrap();
    insta::assert_snapshot!(printed(folder.path(), &["check", path]), @r"
    2 workflow files: 9 errors, 0 warnings
    application.properties:1:27: error[RON0503]: the value of the property `rondo.http.max-body-bytes` is not a whole number above 0
      |
    1 | rondo.http.max-body-bytes=many
      |                           ^
    faulty.sw.yaml:5:8: error[RON0103]: Workflow does not define a starting state: `start` is `Beginning`, and no state has this name
      |
    5 | start: Beginning
      |        ^^^^^^^^^
    faulty.sw.yaml:8:16: error[RON0303]: function `openTicket` calls `openTicket`, but `specs/gitlab.yaml` has no such operation
      |
    8 |     operation: specs/gitlab.yaml#openTicket
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: it has `createIssue`
    faulty.sw.yaml:10:16: error[RON0302]: function `readTicket` needs the document `specs/missing.yaml`: the file does not exist; looked for `specs/missing.yaml`, `src/main/resources/specs/missing.yaml`
       |
    10 |     operation: specs/missing.yaml#readTicket
       |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    faulty.sw.yaml:15:22: error[RON0110]: state `Begin`, action 1: Cannot find function closeTicket
       |
    15 |       - functionRef: closeTicket
       |                      ^^^^^^^^^^^
    faulty.sw.yaml:18:28: error[RON0201]: state `Begin`: action `openTicket`: results: `.issues[` is not a valid expression: it ends where closing bracket is expected
       |
    18 |           results: .issues[
       |                            ^
    faulty.sw.yaml:19:17: error[RON0103]: There is no state for transition Nowhere originated in Begin; it connects to nothing
       |
    19 |     transition: Nowhere
       |                 ^^^^^^^
    faulty.sw.yaml:22:15: error[RON0126]: state `Wait`: `duration`: `5 minutes` is not an ISO 8601 duration such as PT30S, PT1H30M or P2D
       |
    22 |     duration: 5 minutes
       |               ^^^^^^^^^
    text.sw.yaml:1:5: error[RON0002]: not valid YAML, line 1 column 5: unclosed bracket '['
      |
    1 | id: [unclosed
      |     ^
    exit code 1
    ");
    // The same as data, for editors: one object a fault, with the same places.
    let (code, out, _) = run(&["check", "--json", path]);
    let told: Value = serde_json::from_str(&out).unwrap();
    let places: Vec<_> = told["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| format!("{}:{}:{}", fault["file"], fault["line"], fault["column"]))
        .collect();
    assert_eq!((code, places.len()), (1, 9), "{out}");
}

#[test]
fn check_is_content_with_our_own_flows() {
    let workflows = rondo_tests::root().join("workflows");
    let tokens = [("GITLAB_TOKEN", "a"), ("BACKSTAGE_TOKEN", "b"), ("KUBERNETES_TOKEN", "c")];
    let (code, out, err) = run_with(&tokens, &["check", workflows.to_str().unwrap()]);
    let counted = "26 workflow files in the folder and 13 projects below it: 0 errors, 0 warnings\n";
    assert_eq!((code, out.as_str()), (0, counted), "{err}");
    // Without the tokens nothing is an error yet, but each one that is missing is told once a document.
    let (code, out, err) = run(&["check", workflows.to_str().unwrap()]);
    let counted = "26 workflow files in the folder and 13 projects below it: 0 errors, 6 warnings\n";
    assert_eq!((code, out.as_str()), (0, counted), "{err}");
}

#[test]
fn without_an_engine_the_commands_say_so() {
    let nobody = "http://127.0.0.1:1";
    for arguments in [
        &["ps", "--url", nobody][..],
        &["show", "1c60c7ea-0000-4000-8000-000000000000", "--url", nobody],
        &["start", "hello", "--url", nobody],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains("http://127.0.0.1:1"), "{err}");
    }
}

#[test]
fn what_is_wrong_with_the_command_line_is_said() {
    for (arguments, environment, said) in [
        (
            &["ps", "--url", "bogus"][..],
            &[][..],
            "it is not an http or https address such as http://127.0.0.1:8080",
        ),
        (&["ps", "--url", "localhost:8080"], &[], "it is not an http or https address"),
        (&["ps"], &[("RONDO_URL", "ftp://h")], "it is not an http or https address"),
        (&["ps", "--token", "a\nsecret"], &[], "the token (--token, or RONDO_TOKEN) has a line break"),
        (
            &["ps", "--url", "http://ada:secret@127.0.0.1:1"],
            &[],
            "no engine at http://127.0.0.1:1: nothing listens there",
        ),
        (&["ps", "--state", "foo"], &[], "[possible values: pending, active, completed, aborted, error]"),
        (
            &["serve", "--workflows", "/nowhere", "--listen", "127.0.0.1:0"],
            &[("RUST_LOG", "info=x=y")],
            "RUST_LOG is not understood",
        ),
    ] {
        let (code, out, err) = run_with(environment, arguments);
        assert!(code != 0 && out.lines().count() <= 1, "{arguments:?}: {out}");
        assert!(err.contains(said) && !err.contains("secret"), "{arguments:?}: {err}");
    }
    let (code, out, _) = run(&["-V"]);
    assert!(code == 0 && out.starts_with("rondo 0."), "{out}");
}

const GREETING: &str = r"
id: greeting
version: '1.0'
specVersion: '0.8'
start: Wait
states:
  - name: Wait
    type: sleep
    duration: PT1H
    end: true
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_ps_and_show_tell_why_an_instance_waits() {
    prepare();
    let folder = folder(&[("greeting.sw.yaml", GREETING)]);
    let engine = Engine::start(folder.path(), &[]).await;
    let url = engine.url("");
    let json = |arguments: &[&str]| -> Value {
        let (code, out, err) = run(&[arguments, &["--url", &url, "--json"]].concat());
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let started = json(&["start", "greeting", "--data", r#"{"name": "Ada"}"#]);
    let id = started["id"].as_str().unwrap().to_owned();
    let listed = json(&["ps"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let shown = json(&["show", &id]);
    assert_eq!((&shown["state"], &shown["data"]), (&json!("ACTIVE"), &json!({"name": "Ada"})), "{shown}");

    let is_time = |value: &Value| value.as_str().is_some_and(|text| text.ends_with('Z'));
    for (commands, time) in
        [("ps", &listed[0]["start"]), ("show", &shown["start"]), ("show", &shown["history"][0]["at"])]
    {
        assert!(is_time(time), "{commands}: {time}");
    }

    let (_, text, _) = run(&["show", &id, "--url", &url]);
    assert!(text.contains("Wait") && text.contains("ACTIVE"), "{text}");

    // What is not shown is counted.
    json(&["start", "greeting"]);
    json(&["start", "greeting"]);
    for (arguments, rows, rest) in [
        (&["ps", "--limit", "1"][..], 1, "… and 2 older; `--limit N` shows N of them all\n"),
        (&["ps", "--limit", "3", "--state", "ACTIVE,error"], 3, ""),
        (&["ps", "--state", "completed"], 0, ""),
    ] {
        let (_, out, err) = run(&[arguments, &["--url", &url]].concat());
        assert_eq!((out.lines().count(), err.as_str()), (rows + 1, rest), "{arguments:?}: {out}");
    }

    // What the engine refuses is told with its own words.
    let (code, _, err) = run(&["start", "greting", "--url", &url]);
    assert!(code == 1 && err.contains("greting"), "{err}");
    let (code, _, err) = run(&["start", "greeting", "--data", "{", "--url", &url]);
    assert!(code != 0 && err.contains("--data"), "{err}");
    let (code, _, err) = run(&["show", "1c60c7ea-0000-4000-8000-000000000000", "--url", &url]);
    assert!(code == 1 && err.contains("1c60c7ea"), "{err}");
}

const LOUD: &str = r"
id: loud
version: '1.0'
specVersion: '0.8'
start: Say
functions:
  - name: say
    type: custom
    operation: sysout
  - name: fail
    type: expression
    operation: error(.message)
states:
  - name: Say
    type: operation
    actions:
      - functionRef: {refName: say, arguments: {message: '${ .message }'}}
      - functionRef: fail
    end: true
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_data_and_errors_hold_does_nothing_to_terminal_and_log() {
    prepare();
    let folder = folder(&[("loud.sw.yaml", LOUD)]);
    let engine = Engine::start(folder.path(), &[]).await;
    let url = engine.url("");
    let message = "done\u{1b}]0;title\u{7}\r\n2026-01-01T00:00:00Z  INFO forged \u{9b}31m";
    let data = json!({"message": message}).to_string();
    let (code, id, err) = run(&["start", "loud", "--data", &data, "--url", &url]);
    assert_eq!(code, 1, "{err}");
    let (_, shown, _) = run(&["show", id.trim(), "--data", "--url", &url]);
    let (_, listed, _) = run(&["ps", "--url", &url]);
    let (_, json, _) = run(&["ps", "--json", "--url", &url]);
    let log = engine.log();
    for (what, text) in [("start", err), ("show", shown), ("ps", listed), ("json", json), ("log", log)] {
        assert!(text.contains("title"), "{what}: {text}");
        let is_raw = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(is_raw), "{what}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("2026-01-01T00:00:00Z")), "{what}: {text}");
    }

    let named = rondo_tests::folder(&[("a\nerror: forged\u{1b}[2J.sw.yaml", "id: \u{1b}[31m\n")]);
    let (code, out, err) = run(&["check", named.path().to_str().unwrap()]);
    assert!(code == 1 && err.contains("a\\nerror: forged\\u{1b}[2J.sw.yaml"), "{out}{err}");
    assert!(!err.contains('\u{1b}'), "{err:?}");
}

#[test]
fn a_demo_that_is_ended_leaves_nothing_behind() {
    let (workflows, scratch) = (rondo_tests::root().join("workflows"), folder(&[]));
    for (signal, code) in [("-TERM", 130), ("-INT", 130)] {
        let mut demo = Command::new(rondo_tests::binary())
            .args(["demo", "--listen", "127.0.0.1:0", "--workflows", workflows.to_str().unwrap()])
            .env("TMPDIR", scratch.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("approval asked for")), "it waits for the approver");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
        assert!(Command::new("kill").args([signal, &demo.id().to_string()]).status().unwrap().success());
        assert_eq!(demo.wait().unwrap().code(), Some(code));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_shows_when_workflows_are_started() {
    prepare();
    let daily = GREETING
        .replace("start: Wait", "start: {stateName: Wait, schedule: {cron: {expression: '0 0 3 * * ?'}}}");
    let folder = folder(&[("greeting.sw.yaml", &daily)]);
    let engine = Engine::start(folder.path(), &[]).await;
    let url = engine.url("");
    let (code, out, err) = run(&["schedules", "--count", "2", "--url", &url]);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("WORKFLOW") && lines[1].starts_with("greeting"), "{out}");
    assert!(lines.len() == 3 && lines[1].contains("cron 0 0 3 * * ?"), "{out}");
    let (_, out, _) = run(&["schedules", "--url", &url, "--json"]);
    let listed: Value = serde_json::from_str(&out).unwrap();
    let next = listed[0]["next"].as_array().unwrap();
    assert!(next.len() == 5 && next.iter().all(|at| at.as_str().unwrap().ends_with(":00.000Z")), "{out}");
    let (code, _, err) = run(&["schedules", "--count", "101", "--url", &url]);
    assert!(code != 0 && err.contains("--count"), "{err}");
}
