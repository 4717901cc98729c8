//! What a page of another site can reach through the browser of somebody who reaches the engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use serde_json::json;
use support::{Answer, Served, serve};

const JSON: (&str, &str) = ("content-type", "application/json");
const TEXT: (&str, &str) = ("content-type", "text/plain");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const EVIL: (&str, &str) = ("origin", "http://evil.test");

async fn state(served: &Served, id: &str) -> String {
    served.get(&format!("/rondo/instances/{id}")).await.json()["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let served = serve("").await;
    let id = served.start("sleeper", &json!({})).await;
    let abort = json!({"query": format!("mutation {{ProcessInstanceAbort(id: \"{id}\")}}")}).to_string();
    let by_get = format!("/graphql?query=mutation%7BProcessInstanceAbort(id:%22{id}%22)%7D");
    let instance = format!("/sleeper/{id}");
    let operation = format!("/management/processes/sleeper/instances/{id}");
    let skip = format!("{operation}/skip");
    for (method, path, headers, body, status) in [
        ("POST", "/graphql", &[TEXT, EVIL, ("host", "evil.test")][..], Some(abort.as_str()), 415),
        ("POST", "/graphql", &[TEXT], Some(&abort), 415),
        ("POST", "/graphql", &[FORM], Some(&abort), 415),
        ("POST", "/graphql", &[], Some(&abort), 415),
        ("POST", "/graphql", &[JSON, EVIL], Some(&abort), 403),
        ("POST", "/graphql", &[JSON, ("host", "evil.test")], Some(&abort), 403),
        ("GET", &by_get, &[], None, 200),
        ("POST", "/sleeper", &[EVIL], None, 403),
        ("POST", "/sleeper", &[TEXT], Some("{}"), 415),
        ("POST", &skip, &[EVIL], None, 403),
        ("POST", &skip, &[("origin", "null")], None, 403),
        ("POST", &skip, &[("sec-fetch-site", "cross-site")], None, 403),
        ("POST", &skip, &[FORM], None, 415),
        ("DELETE", &operation, &[EVIL], None, 403),
        ("PUT", &instance, &[TEXT], Some("{\"a\": 1}"), 415),
        ("PATCH", &instance, &[JSON, ("host", "evil.test")], Some("{\"a\": 1}"), 403),
        ("DELETE", &instance, &[("host", "evil.test")], None, 403),
    ] {
        let answer = served.send(method, path, headers, body.map(Into::into)).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.text);
        assert_eq!(state(&served, &id).await, "ACTIVE", "{method} {path} {headers:?}");
    }
    let shown = served.get(&format!("/rondo/instances/{id}")).await.json();
    assert_eq!(shown["data"], json!({}));
    // As the plugin sends it: no content type, no body, no origin.
    assert_eq!(served.send("DELETE", &operation, &[("sec-fetch-mode", "cors")], None).await.status, 200);
    assert_eq!(state(&served, &id).await, "ABORTED");
}

#[tokio::test]
async fn a_name_that_was_bound_anew_reads_nothing_but_health() {
    let served = serve("").await;
    let asked = async |path: &str| served.send("GET", path, &[("host", "evil.test:80")], None).await;
    for path in [
        "/",
        "/sleeper",
        "/graphql?query=%7BProcessInstances%7Bid%7D%7D",
        "/management/processes",
        "/q/openapi",
        "/no",
    ] {
        let answer: Answer = asked(path).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
        assert!(answer.text.contains("set `rondo.http.allowed-hosts=evil.test`"), "{path}: {}", answer.text);
    }
    let graphql = asked("/graphql").await.json();
    assert!(graphql["errors"][0]["message"].is_string(), "clients of GraphQL show no other error: {graphql}");
    assert_eq!(asked("/q/health/ready").await.status, 200);
}

#[tokio::test]
async fn configured_hosts_and_tokens_let_others_in() {
    let named = serve("rondo.http.allowed-hosts=flows.example.com\n").await;
    for (host, status) in [("flows.example.com", 200), ("Flows.Example.com:8443", 200), ("evil.test", 403)] {
        assert_eq!(named.send("GET", "/sleeper", &[("host", host)], None).await.status, status, "{host}");
    }
    let origin = ("origin", "https://flows.example.com");
    assert_eq!(named.send("POST", "/sleeper", &[JSON, origin], None).await.status, 201);
    let with_token = serve("rondo.auth.token=one\n").await;
    let headers = [("host", "evil.test"), ("authorization", "Bearer one")];
    assert_eq!(with_token.send("GET", "/sleeper", &headers, None).await.status, 200);
    let headers = [TEXT, ("authorization", "Bearer one")];
    assert_eq!(with_token.send("POST", "/graphql", &headers, Some("{}".into())).await.status, 415);
}

#[tokio::test]
async fn no_answer_can_be_embedded() {
    let served = serve("").await;
    let client = reqwest::Client::new();
    for (path, accept) in [
        ("/", "*/*"),
        ("/sleeper", "text/html"),
        ("/sleeper", "*/*"),
        ("/graphql", "*/*"),
        ("/nosuch", "*/*"),
    ] {
        let answer =
            client.get(format!("{}{path}", served.base)).header("accept", accept).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(header("access-control-allow-origin"), "", "{path}");
        if header("content-type").starts_with("text/html") {
            let policy = header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                "{path}: {policy}"
            );
            assert!(!policy.contains("unsafe"), "{path}: {policy}");
        }
    }
}
