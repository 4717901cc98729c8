//! Deadlines, sizes, redirects and addresses.

use serde_json::{Value, json};

use rondo_memory::MemoryBudget;
use rondo_program::{FailureKind, Origin};

use super::support::{Reply, Server, call, client_message, openapi, properties, spec};
use crate::caller::Caller;
use crate::error::CallErrorKind;
use crate::mask::Secrets;

fn get() -> std::sync::Arc<crate::Binding> {
    openapi(&spec("/a", "get", json!({}), json!({})))
}

#[tokio::test]
async fn a_silent_service_is_given_up() {
    // The system accepts connections for the listener, and nobody answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let properties = properties(&url, "quarkus.rest-client.svc.read-timeout=30");
    let error = call(&get(), &properties, Value::Null).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Timeout(std::time::Duration::from_millis(30)));
    let failure = error.into_failure();
    assert_eq!((failure.kind, failure.origin), (FailureKind::NoAnswer, Origin::OpenApi));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_refused() {
    let server = Server::start(vec![Reply::json(200, &json!("x".repeat(100)))]).await;
    let properties = properties(&server.url, "rondo.http.max-answer-bytes=99");
    let error = call(&get(), &properties, Value::Null).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::TooLarge { limit: 99 });
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_only() {
    let redirect = |status: u16, to: &str| {
        let mut reply = Reply::new(status, "", "");
        reply.headers.push(("location", to.to_owned()));
        reply
    };
    let ok = || Reply::json(200, &json!({"ok": true}));
    let other = Server::start(vec![ok()]).await;
    for (method, status, to, expected) in [
        ("get", 302, "/b", "GET /b"),
        ("get", 307, "b?x=1", "GET /b?x=1"),
        ("post", 307, "/b", "POST /b {\"x\":1}"),
        ("post", 303, "/b", "GET /b"),
        (
            "post",
            302,
            "/b",
            "it redirects to `/b`, which is not followed: after this status a client may change POST to GET",
        ),
        (
            "get",
            302,
            other.url.as_str(),
            "it redirects to `OTHER`, which is not followed: a call stays at its service, and this is another host or port",
        ),
    ] {
        let server = Server::start(vec![redirect(status, to), ok()]).await;
        let operation = if method == "post" {
            json!({"requestBody": {"content": {"application/json": {"schema": {"properties": {"x": {}}}}}}})
        } else {
            json!({})
        };
        let binding = openapi(&spec("/a", method, operation, json!({})));
        let got = match call(&binding, &properties(&server.url, ""), json!({"x": 1})).await {
            Ok(_) => {
                let seen = server.last();
                format!("{} {} {}", seen.method, seen.target, seen.body).trim().to_owned()
            }
            // The message that a client of the instance gets.
            Err(error) => client_message(&error).replace(&other.url, "OTHER"),
        };
        assert_eq!(got, expected, "{method} {status} {to}");
    }
    assert!(other.seen().is_empty());
    let circle = Server::start(vec![redirect(302, "/a")]).await;
    let error = call(&get(), &properties(&circle.url, ""), Value::Null).await.unwrap_err();
    assert_eq!((error.status(), circle.seen().len()), (Some(302), 6));
}

#[tokio::test]
async fn metadata_addresses_are_not_called() {
    let error = call(&get(), &properties("http://169.254.169.254", ""), Value::Null).await.unwrap_err();
    insta::assert_snapshot!(error, @"function `f`: GET http://169.254.169.254/a is refused: 169.254.169.254 is a link-local address; `rondo.http.allow-link-local=true` allows it (state `Create issue`, action `create`, attempt 2)");
}

#[test]
fn a_property_that_the_client_cannot_use_is_named() {
    let file = tempfile("no certificate");
    for (line, key) in [
        (format!("rondo.tls.ca-file={}", file.display()), "rondo.tls.ca-file"),
        ("quarkus.tls.trust-store.pem.certs=/nowhere".to_owned(), "quarkus.tls.trust-store.pem.certs"),
        ("rondo.http.max-answer-bytes=0".to_owned(), "rondo.http.max-answer-bytes"),
        ("rondo.http.timeout=abc".to_owned(), "rondo.http.timeout"),
    ] {
        let error = Caller::new(&properties("", &line), Secrets::default(), &MemoryBudget::new(1 << 26))
            .err()
            .unwrap();
        assert_eq!(error.key, key, "{error}");
        assert!(error.to_string().contains(key), "{error}");
    }
    std::fs::remove_file(file).unwrap();
}

fn tempfile(text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("rondo-function-{}.pem", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}
