//! Tokens and passwords appear neither in the log, nor in the database, nor in any answer, whatever goes wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_simulator::{Failure, GITLAB_TOKEN, Service};
use rondo_tests::{Engine, folder, namespace_request, root, services};
use serde_json::{Value, json};

/// Says its secrets wherever a workflow can: in a log line, in an error, in a header and a query of a call.
const TALKER: &str = r#"
id: talker
version: '1.0'
specVersion: '0.8'
start: Talk
functions:
  - name: say
    type: custom
    operation: sysout:INFO
  - name: ask
    type: custom
    operation: rest:get:http://user:pass-7Hq2w@127.0.0.1:1/things
states:
  - name: Talk
    type: operation
    actions:
      - functionRef:
          refName: say
          arguments:
            message: '"the password is " + $SECRET.db_password'
      - functionRef:
          refName: ask
          arguments:
            HEADER_Authorization: '"Basic " + $SECRET.db_password'
            QUERY_token: $SECRET.db_password
    end: true
"#;

const PASSWORD: &str = "swordfish-0815";

/// Everything that can be seen of an engine from outside.
async fn seen(engine: &Engine, id: &str) -> Vec<(&'static str, Vec<u8>)> {
    let query = "{ ProcessInstances { id variables error { message } nodes { name errorMessage } } }";
    let listed = engine.post("/graphql", &json!({"query": query})).await.body;
    assert!(listed["data"].is_object(), "{listed}");
    let definitions =
        engine.post("/graphql", &json!({"query": "{ ProcessDefinitions { id source } }"})).await.body;
    vec![
        ("the log", engine.log().into_bytes()),
        ("the database", engine.database()),
        ("the instance", engine.inspect(id).await.to_string().into_bytes()),
        ("GraphQL", listed.to_string().into_bytes()),
        ("definitions", definitions.to_string().into_bytes()),
    ]
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_says_its_secrets_does_not_spread_them() {
    let (_services, mut environment) = services().await;
    environment.push(("DB_PASSWORD", PASSWORD.to_owned()));
    let folder = folder(&[("talker.sw.yaml", TALKER)]);
    let engine = Engine::start(folder.path(), &environment).await;
    let answer = engine.post("/talker", &json!({})).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    let id = answer.body["id"].as_str().unwrap();
    let mut places = seen(&engine, id).await;
    places.push(("the answer", answer.body.to_string().into_bytes()));
    for (place, text) in places {
        assert!(!contains(&text, PASSWORD), "{place} has the password: {}", String::from_utf8_lossy(&text));
        // A password in the text of a workflow is where that text is, and nowhere else.
        let is_text = ["the database", "definitions"].contains(&place);
        assert!(is_text || !contains(&text, "pass-7Hq2w"), "{place} has the password of the address");
    }
    assert!(engine.log().contains("the password is ***"), "the line is logged, masked: {}", engine.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_echoes_its_token_does_not_spread_it() {
    let (services, environment) = services().await;
    services.fail(Failure {
        service: Some(Service::Gitlab),
        method: None,
        path_prefix: "/".to_owned(),
        status: 403,
        times: 10,
        body: Some(json!({"message": format!("the token {GITLAB_TOKEN} may not do this")})),
        after_effect: false,
        hangs_up: false,
        hangs: false,
        skips: 0,
    });
    let engine = Engine::start(&root().join("workflows"), &environment).await;
    let answer = engine.post("/create-ocp-namespace", &namespace_request("team-a", "large")).await;
    let id = answer.body["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    for (place, text) in seen(&engine, &id).await {
        assert!(!contains(&text, GITLAB_TOKEN), "{place} has the token");
    }
    // The same words without the token are told: whoever looks for the fault needs them.
    let told: Value = engine.inspect(&id).await;
    assert!(told.to_string().contains("may not do this"), "{told}");
}
