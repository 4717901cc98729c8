//! Credentials that a service is sent, or that it sends itself, stay between the engine and the service: whatever the service repeats of
//! them, and in which form, neither the database nor the log nor any answer has them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use rondo_tests::{Engine, folder, prepare};
use serde_json::json;
use tokio::net::TcpListener;

/// What is sent to the service, each in another way, and what the service sends.
const SENT: [&str; 6] = [
    "canary-password-?>/+ü",
    "canary-header-7711",
    "canary-query-7712",
    "canary-body-7713",
    "canary-nested-7714",
    "canary-address-7715",
];
const RECEIVED: [&str; 5] = [
    "canary-cookie-8811",
    "canary-challenge-8812",
    "canary-token-8813",
    "canary-redirect-8814",
    "canary-place-8815",
];

/// Answers by the path: `/error` repeats the request in many forms, `/cookie` sends credentials, `/redirect` leads elsewhere with some.
async fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn answer(uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    match uri.path() {
        "/error" => {
            let body = String::from_utf8_lossy(&body);
            let request = format!("{uri} {headers:?} {body}");
            let decoded: String = headers
                .get("authorization")
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .unwrap_or_default();
            let message = json!({
                "request": request,
                "again": json!({"request": request}).to_string(),
                "authorization": decoded,
                "known": SENT,
                "escaped": SENT.map(|secret| secret.bytes().map(|byte| match byte {
                    b'a'..=b'z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
                    _ => format!("%{byte:02x}"),
                }).collect::<String>()),
            });
            (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(message)).into_response()
        }
        "/redirect" => {
            let place = format!("http://user:{}@127.0.0.1:1/else?access_token={}", RECEIVED[3], RECEIVED[4]);
            (StatusCode::FOUND, [("location", place)]).into_response()
        }
        _ => (
            [
                ("set-cookie", format!("session={}; HttpOnly", RECEIVED[0])),
                ("www-authenticate", format!("Bearer realm=\"{}\"", RECEIVED[1])),
                ("x-auth-token", RECEIVED[2].to_owned()),
                ("x-page", "7".to_owned()),
            ],
            axum::Json(json!({"a": 1})),
        )
            .into_response(),
    }
}

fn workflow(id: &str, address: &str, operation: &str, arguments: &str, results: &str) -> String {
    format!(
        r"
id: {id}
version: '1.0'
specVersion: '0.8'
start: Ask
functions:
  - name: {id}
    type: custom
    operation: rest:{}
states:
  - name: Ask
    type: operation
    actions:
      - functionRef:
          refName: {id}
          arguments: {arguments}
        actionDataFilter:
          results: '{results}'
    transition: Wait
  - name: Wait
    type: sleep
    duration: PT1H
    end: true
",
        operation.replace("HOST", address),
    )
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

/// Everything that can be seen of an engine from outside.
async fn seen(engine: &Engine) -> Vec<(&'static str, Vec<u8>)> {
    let query = "{ ProcessInstances { id variables error { message } nodes { name errorMessage } } }";
    let listed = engine.post("/graphql", &json!({"query": query})).await.body;
    assert!(listed["data"].is_object(), "{listed}");
    vec![
        ("the log", engine.log().into_bytes()),
        ("the database", engine.database()),
        ("GraphQL", listed.to_string().into_bytes()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_service_repeats_or_sends_gets_further() {
    prepare();
    let address = service().await;
    let arguments = "{HEADER_X-Api-Key: $SECRET.value_one, QUERY_signature: $SECRET.value_two, \
                     clientSecret: $SECRET.value_three, credentials: {user: [$SECRET.value_four]}}";
    let error =
        workflow("repeats", &address, "post:http://user:canary-address-7715@HOST/error", arguments, ".");
    let basic = workflow("basic", &address, "post:http://HOST/error", "{a: 1}", ".");
    let cookie = workflow(
        "cookie",
        &address,
        "get:http://HOST/cookie",
        "{}",
        "{page: $WORKFLOW.responseHeaders[\"X-Page\"], all: $WORKFLOW.responseHeaders}",
    );
    let redirect = workflow("redirect", &address, "get:http://HOST/redirect", "{}", ".");
    let properties = format!(
        "kogito.sw.functions.basic.username=somebody\nkogito.sw.functions.basic.password={}\n",
        SENT[0]
    );
    let folder = folder(&[
        ("repeats.sw.yaml", &error),
        ("basic.sw.yaml", &basic),
        ("cookie.sw.yaml", &cookie),
        ("redirect.sw.yaml", &redirect),
        ("application.properties", &properties),
    ]);
    let secrets = ["VALUE_ONE", "VALUE_TWO", "VALUE_THREE", "VALUE_FOUR"].into_iter().zip(&SENT[1..]);
    let environment: Vec<_> = secrets.map(|(name, secret)| (name, (*secret).to_owned())).collect();
    let engine = Engine::start(folder.path(), &environment).await;
    let mut answers = Vec::new();
    for (path, status) in [("/repeats", 500), ("/basic", 500), ("/cookie", 201), ("/redirect", 500)] {
        let answer = engine.post(path, &json!({})).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        answers.push(("the answer", answer.body.to_string().into_bytes()));
    }
    assert!(contains(&answers[2].1, r#""page":"7""#), "{}", String::from_utf8_lossy(&answers[2].1));
    let mut places = seen(&engine).await;
    places.extend(answers);
    let base64 = ["Y2FuYXJ5", "NhbmFye", "jYW5hcn"];
    for (place, text) in places {
        for secret in SENT.iter().chain(&RECEIVED).copied().chain(base64) {
            // A password in the text of a workflow is where that text is, and nowhere else.
            let is_text = place == "the database" && secret == SENT[5];
            assert!(is_text || !contains(&text, secret), "{place} has {secret}: {}", around(&text, secret));
        }
        let password = "canary-password";
        assert!(
            !contains(&text, password),
            "{place} has a form of the password: {}",
            around(&text, password)
        );
    }
    assert!(engine.log().contains("answered 500"), "the errors are logged: {}", engine.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_asks_for_a_cookie_gets_it() {
    prepare();
    let address = service().await;
    let asks = workflow(
        "asks",
        &address,
        "get:http://HOST/cookie",
        "{}",
        "{cookie: $WORKFLOW.responseHeaders[\"Set-Cookie\"]}",
    );
    let engine = Engine::start(folder(&[("asks.sw.yaml", &asks)]).path(), &[]).await;
    let answer = engine.post("/asks", &json!({})).await;
    assert_eq!(answer.body["workflowdata"]["cookie"], json!(format!("session={}; HttpOnly", RECEIVED[0])));
    for (place, text) in seen(&engine).await {
        assert!(!contains(&text, RECEIVED[2]), "{place} has the token that it does not ask for");
    }
}

/// What stands around a part of a text.
fn around(text: &[u8], part: &str) -> String {
    let at = text.windows(part.len()).position(|window| window == part.as_bytes()).unwrap_or_default();
    let range = at.saturating_sub(200)..(at + 200).min(text.len());
    String::from_utf8_lossy(&text[range]).into_owned()
}
