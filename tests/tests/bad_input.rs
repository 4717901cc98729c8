//! Whatever a client or an author sends: a clear error, nothing is lost, and the engine lives.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_tests::{Answer, Engine, folder, prepare, run};
use serde_json::{Value, json};

const ORDER: &str = r"
id: order
version: '1.0'
specVersion: '0.8'
dataInputSchema: schemas/order.json
start: Say
states:
  - name: Say
    type: inject
    data: {said: true}
    end: true
";

const SCHEMA: &str = r#"{
  "type": "object",
  "properties": {"size": {"enum": ["small", "large"]}, "owner": {"type": "string", "minLength": 1}},
  "required": ["size", "owner"]
}"#;

/// A workflow that evaluates its input's `expression` to death.
fn hostile(id: &str, expression: &str) -> String {
    json!({
        "id": id, "version": "1.0", "specVersion": "0.8", "start": "Compute",
        "functions": [{"name": "compute", "type": "expression", "operation": expression}],
        "states": [{
            "name": "Compute", "type": "operation", "end": true,
            "actions": [{"name": "compute it", "functionRef": "compute"}]
        }]
    })
    .to_string()
}

async fn send(engine: &Engine, kind: &str, body: Vec<u8>) -> Answer {
    let request = reqwest::Client::new().post(engine.url("/order")).header("content-type", kind).body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_body_is_refused_and_starts_nothing() {
    prepare();
    let folder = folder(&[("order.sw.yaml", ORDER), ("schemas/order.json", SCHEMA)]);
    let engine = Engine::start(folder.path(), &[]).await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!(r#"{{"size": "small", "owner": "{}"}}"#, "x".repeat(20 << 20));
    let json = "application/json";
    let cases: [(&str, &str, Vec<u8>, u16, &[&str]); 10] = [
        ("cut off", json, br#"{"size": "#.to_vec(), 400, &["line 1"]),
        ("not JSON", json, b"size: small".to_vec(), 400, &["line 1 column 1"]),
        ("no UTF-8", json, b"{\"size\": \"\xff\"}".to_vec(), 400, &["unicode", "column 11"]),
        ("too deep", json, deep.into_bytes(), 400, &["deep"]),
        ("too large", json, large.into_bytes(), 413, &["rondo.http.max-body-bytes"]),
        ("a list", json, b"[1]".to_vec(), 400, &["object"]),
        ("no object at all", json, b"7".to_vec(), 400, &["object"]),
        ("against the schema", json, br#"{"size": "huge", "owner": ""}"#.to_vec(), 400, &["size", "owner"]),
        ("a member is missing", json, br#"{"size": "small"}"#.to_vec(), 400, &["owner"]),
        ("XML", "application/xml", b"<size/>".to_vec(), 415, &[]),
    ];
    for (what, kind, body, status, said) in cases {
        let answer = send(&engine, kind, body).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        let message = answer.body["message"].as_str().or(answer.body.as_str()).unwrap_or_default();
        for word in said {
            assert!(message.contains(word), "{what}: `{word}` is not said in `{message}`");
        }
    }
    assert!(engine.instances("order").await.is_empty(), "nothing was started");
    assert_eq!(engine.post("/order", &json!({"size": "small", "owner": "me"})).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expression_can_neither_hang_nor_exhaust_nor_end_the_engine() {
    prepare();
    let hostile_ones = [
        ("endless", "def f: f; f"),
        ("closures", "def f(x): f(x + 1); f(0)"),
        ("numbers", "[range(1000000000)]"),
        ("text", r#""x" * 1000000000"#),
        ("doubling", "reduce range(60) as $i ([1]; . + .)"),
        ("nesting", "reduce range(100000) as $i (1; [.])"),
        ("hole", "[] | .[1000000000] = 1"),
        ("pattern", r#"("a" * 40 + "b") | test("(a+)+$")"#),
    ];
    let files: Vec<_> =
        hostile_ones.iter().map(|(id, text)| (format!("{id}.sw.json"), hostile(id, text))).collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    let mut engine = Engine::start(folder.path(), &[]).await;
    for (id, expression) in hostile_ones {
        let answer = engine.post(&format!("/{id}"), &json!({"kept": id})).await;
        // A harmless answer is as good as an error, as for the pattern; a broken connection is neither.
        if answer.status == 201 {
            assert_eq!(id, "pattern", "{answer:?}");
            continue;
        }
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("Unable to evaluate") && message.contains(expression), "{message}");
        let instances = engine.instances(id).await;
        let failure = &engine.inspect(instances[0]["id"].as_str().unwrap()).await["error"];
        assert_eq!(failure["node"], "compute", "the action is not named: {failure}");
        assert_eq!(
            (&instances[0]["state"], &instances[0]["variables"]["workflowdata"]["kept"]),
            (&json!("ERROR"), &json!(id)),
            "what was sent is kept"
        );
    }
    assert!(!engine.has_ended(), "{}", engine.log());
}

#[test]
fn a_folder_with_a_fault_is_not_served() {
    let folder = folder(&[
        ("order.sw.yaml", ORDER),
        ("schemas/order.json", SCHEMA),
        (
            "faulty.sw.yaml",
            "id: faulty\nspecVersion: '0.8'\nstates: [{name: A, type: inject, transition: B}]\n",
        ),
    ]);
    let path = folder.path().to_str().unwrap();
    let (code, _, err) =
        run(&["serve", "--workflows", path, "--store", "sqlite::memory:", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("faulty.sw.yaml:3:"), "the fault is told with its place: {err}");
}
