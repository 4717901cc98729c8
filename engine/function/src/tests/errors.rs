//! Failures as people, clients and error handlers see them.

use serde_json::{Value, json};

use super::support::{Reply, Server, call, client_message, openapi, properties, rest, spec};
use crate::error::CallError;

/// All texts of the error, with the server's address made stable.
fn shown(error: &CallError, server: &str) -> String {
    let failure = error.clone().into_failure();
    let text = format!(
        "{error}\n{:?} {:?} {:?}: {}",
        failure.kind,
        failure.origin,
        failure.status,
        client_message(error)
    );
    text.replace(server, "http://SERVER")
}

async fn openapi_error(reply: Reply) -> String {
    let server = Server::start(vec![reply]).await;
    let binding = openapi(&spec("/a", "post", json!({}), json!({})));
    let error = call(&binding, &properties(&server.url, ""), Value::Null).await.unwrap_err();
    shown(&error, &server.url)
}

async fn rest_error(reply: Reply) -> String {
    let server = Server::start(vec![reply]).await;
    let binding = rest(&format!("get:{}/a", server.url), true);
    let error = call(&binding, &properties(&server.url, ""), Value::Null).await.unwrap_err();
    shown(&error, &server.url)
}

#[tokio::test]
async fn an_error_status_tells_the_body() {
    insta::assert_snapshot!(openapi_error(Reply::new(500, "application/json", "{ \"difference\": 68.0 }")).await, @r#"
    function `f`: POST http://SERVER/a answered 500 Internal Server Error: {"difference":68.0} (state `Create issue`, action `create`, attempt 2)
    Service OpenApi Some(500): {"difference":68.0}
    "#);
    insta::assert_snapshot!(openapi_error(Reply::new(403, "", "")).await, @r"
    function `f`: POST http://SERVER/a answered 403 Forbidden (state `Create issue`, action `create`, attempt 2)
    Service OpenApi Some(403): Forbidden
    ");
    insta::assert_snapshot!(rest_error(Reply::new(404, "text/plain", "gone")).await, @r"
    function `f`: GET http://SERVER/a answered 404 Not Found: gone (state `Create issue`, action `create`, attempt 2)
    Service Rest Some(404): Request failed with message: Not Found
    ");
}

/// Test services often repeat the request in their answer.
#[tokio::test]
async fn credentials_of_an_address_are_hidden_where_a_service_repeats_them() {
    let server =
        Server::start(vec![Reply::new(403, "text/plain", "Basic dXNlcjpodW50ZXIy is not hunter2")]).await;
    let with_password = server.url.replace("://", "://user:hunter2@");
    let binding = rest(&format!("get:{with_password}/a"), true);
    let error = call(&binding, &properties(&server.url, ""), Value::Null).await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("answered 403 Forbidden: *** is not ***"), "{told}");
}

#[tokio::test]
async fn long_bodies_are_cut() {
    let error = openapi_error(Reply::new(500, "text/plain", "ä".repeat(400))).await;
    let first = error.lines().next().unwrap();
    assert!(first.contains(&format!("{}… (state", "ä".repeat(250))), "{first}");
}

#[tokio::test]
async fn an_answer_that_is_not_json_fails_a_rest_function() {
    insta::assert_snapshot!(rest_error(Reply::new(200, "text/plain", "hello")).await, @r"
    function `f`: GET http://SERVER/a answered 200 with something that is not JSON: hello (state `Create issue`, action `create`, attempt 2)
    BadAnswer Rest None: com.fasterxml.jackson.core.JsonParseException - answered 200 with something that is not JSON: hello
    ");
}

#[tokio::test]
async fn a_refused_connection_is_a_connect_exception() {
    // The listener was dropped, so nobody listens at its port.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let binding = openapi(&spec("/a", "get", json!({}), json!({})));
    let error = call(&binding, &properties(&url, ""), Value::Null).await.unwrap_err();
    insta::assert_snapshot!(shown(&error, &url), @r"
    function `f`: GET http://SERVER/a could not connect: Connection refused (state `Create issue`, action `create`, attempt 2)
    Connection OpenApi None: java.net.ConnectException - Connection refused
    ");
}

#[tokio::test]
async fn what_is_not_configured_says_which_property() {
    let binding = openapi(&spec("/a", "get", json!({}), json!({"servers": [{"url": "/api"}]})));
    let error = call(&binding, &properties("", ""), Value::Null).await.unwrap_err();
    insta::assert_snapshot!(shown(&error, "http://none"), @r"
    function `f`: no address is known; set `quarkus.rest-client.svc.url` (state `Create issue`, action `create`, attempt 2)
    Validation OpenApi None: no address is known; set `quarkus.rest-client.svc.url`
    ");
    for (url, expected) in [
        ("ftp://host", "`ftp://host/a` is no HTTP address"),
        ("not an address", "`not an address/a` is no HTTP address"),
    ] {
        let error = call(&binding, &properties(url, ""), Value::Null).await.unwrap_err();
        assert_eq!(client_message(&error), expected);
    }
    let error = call(&binding, &properties("${NOWHERE}", ""), Value::Null).await.unwrap_err();
    insta::assert_snapshot!(client_message(&error), @"the property `quarkus.rest-client.svc.url` refers to `${NOWHERE}`, which is neither a property nor an environment variable");
}
