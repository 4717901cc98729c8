//! Sessions, the breaker, places, and what is let through.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    bench::Bench,
    cloud::{Planned, TOKEN},
};

const FLAVORS: &str = "/compute/flavors/detail";

fn status(status: u16) -> Planned {
    Planned { status, body: "{}".to_owned(), ..Planned::default() }
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_sent_with_every_call() {
    let bench = Arc::new(Bench::new().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let bench = Arc::clone(&bench);
        calls.spawn(async move { bench.call("GET", FLAVORS, Value::Null).await.status });
    }
    assert_eq!(calls.join_all().await, [200; 10]);
    assert_eq!(bench.cloud.tokens(), 1);
    for got in bench.cloud.got() {
        assert_eq!(got.headers["X-Auth-Token"], format!("{TOKEN}-1").as_str());
        assert_eq!(got.headers["OpenStack-API-Version"], "compute 2.67");
        assert!(
            got.headers.get("authorization").is_none() && got.headers.get("kogitoprocinstanceid").is_none()
        );
    }
    bench.call("GET", "/network/v2.0/networks?router%3Aexternal=true", Value::Null).await;
    let got = bench.cloud.got().pop().unwrap();
    assert_eq!((got.path.as_str(), got.query.as_str()), ("/v2.0/networks", "router%3Aexternal=true"));
    assert!(got.headers.get("OpenStack-API-Version").is_none());
}

#[tokio::test]
async fn a_token_is_not_used_in_its_last_minute() {
    let bench = Bench::new().await;
    *bench.cloud.token_seconds.lock() = 59;
    for _ in 0..3 {
        assert_eq!(bench.call("GET", FLAVORS, Value::Null).await.status, 200);
    }
    assert_eq!(bench.cloud.tokens(), 3);
}

#[tokio::test]
async fn a_call_that_is_refused_is_repeated_once_with_a_new_token() {
    let bench = Bench::new().await;
    bench.call("GET", FLAVORS, Value::Null).await;
    bench.cloud.revoke();
    assert_eq!(bench.call("GET", FLAVORS, Value::Null).await.status, 200);
    assert_eq!((bench.cloud.tokens(), bench.cloud.got().len()), (2, 3));
    for _ in 0..2 {
        bench.cloud.plan("GET", "/v2.1/flavors/detail", status(401));
    }
    assert_eq!(bench.call("GET", FLAVORS, Value::Null).await.status, 401);
    assert_eq!((bench.cloud.tokens(), bench.cloud.got().len()), (3, 5));
}

#[tokio::test]
async fn credentials_that_are_not_taken_are_no_case_for_another_try() {
    let bench = Bench::new().await;
    let changed = bench.admin("PUT", "/clusters/os-eu", bench.cluster("wrong-password")).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let answer = bench.call("GET", FLAVORS, Value::Null).await;
    assert_eq!((answer.status, &answer.json["error"]["code"]), (401, &json!("UNAUTHENTICATED")));
    assert!(bench.cloud.got().is_empty());
    // Other credentials are another session.
    bench.admin("PUT", "/clusters/os-eu", bench.cluster(super::cloud::PASSWORD)).await;
    assert_eq!(bench.call("GET", FLAVORS, Value::Null).await.status, 200);
}

#[tokio::test]
async fn five_failures_open_the_breaker_and_a_test_closes_it() {
    // Nothing closes it while the test looks.
    let bench = Bench::at_speed(1).await;
    for _ in 0..4 {
        bench.cloud.plan("GET", "/v2.1/flavors/detail", status(503));
    }
    bench.cloud.plan("GET", "/v2.1/flavors/detail", Planned { is_lost: true, ..Planned::default() });
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(bench.call("GET", FLAVORS, Value::Null).await.status);
    }
    assert_eq!(statuses, [503, 503, 503, 503, 504]);
    assert_eq!(bench.health().await, "degraded");
    let sent = bench.cloud.got().len();
    let refused = bench.call("GET", FLAVORS, Value::Null).await;
    assert_eq!((refused.status, &refused.json["error"]["code"]), (503, &json!("CLUSTER_UNAVAILABLE")));
    assert!(refused.headers["Retry-After"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(bench.cloud.got().len(), sent, "nothing is sent while it is open");
    let tested = bench.admin("POST", "/clusters/os-eu/test", Value::Null).await;
    assert_eq!(tested.json["ok"], true, "a test goes through: {tested:?}");
    assert_eq!(bench.call("GET", FLAVORS, Value::Null).await.status, 200);
    assert_eq!(bench.health().await, "online");
}

#[tokio::test]
async fn a_refusal_of_the_service_is_no_failure_of_the_cluster() {
    let bench = Bench::new().await;
    for _ in 0..6 {
        bench.cloud.plan("GET", "/v2.1/flavors/detail", status(409));
    }
    for _ in 0..6 {
        assert_eq!(bench.call("GET", FLAVORS, Value::Null).await.status, 409);
    }
    assert_eq!(bench.call("GET", FLAVORS, Value::Null).await.status, 200);
    assert_eq!(bench.health().await, "online");
}

#[tokio::test]
async fn sixteen_calls_are_under_way_at_once_and_the_others_wait() {
    let bench = Arc::new(Bench::new().await);
    bench.call("GET", FLAVORS, Value::Null).await;
    bench.cloud.gate.forget_permits(usize::MAX);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let bench = Arc::clone(&bench);
        calls.spawn(async move { bench.call("GET", FLAVORS, Value::Null).await.status });
    }
    bench.cloud.wait_for_calls(16).await;
    bench.cloud.gate.add_permits(100);
    assert_eq!(calls.join_all().await, [200; 40]);
    assert_eq!(bench.cloud.most_under_way(), 16);
}

#[tokio::test]
async fn only_what_is_listed_is_sent() {
    let bench = Bench::new().await;
    for (method, path, body, expected) in [
        ("DELETE", "/compute/flavors/1", Value::Null, 403),
        ("GET", "/compute/os-hypervisors", Value::Null, 403),
        ("GET", "/compute/servers/1/os-server-password", Value::Null, 403),
        ("POST", "/compute/servers/1/action", json!({"changePassword": {"adminPass": "x"}}), 403),
        ("GET", "/object-store/container/object", Value::Null, 403),
        ("GET", "/compute/servers/%2e%2e/os-hypervisors", Value::Null, 400),
        ("GET", "/compute/servers/a%2fb", Value::Null, 400),
        ("GET", "/identity/v3/users", Value::Null, 404),
        ("GET", "/kubernetes/api/v1/namespaces", Value::Null, 404),
        ("GET", "/image/v2/images", Value::Null, 404),
    ] {
        let answer = bench.call(method, path, body).await;
        assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
    }
    assert!(bench.cloud.got().is_empty());
    let person = bench.person("jane", "GET", "/clusters/os-eu/gateway/compute/flavors/detail").await;
    assert_eq!(
        (person.status, bench.cloud.tokens()),
        (403, 1),
        "the token is of the call without an endpoint"
    );
    let unknown = bench
        .ask(
            "GET",
            "/clusters/none/gateway/compute/flavors/detail",
            &[("Authorization", "Bearer engine-token")],
            Value::Null,
        )
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn redirects_are_not_followed_and_headers_of_the_connection_end_here() {
    let bench = Bench::new().await;
    let target = format!("{}/v2.1/flavors/stolen", bench.cloud.address);
    let headers = vec![("location", target)];
    bench.cloud.plan("GET", "/v2.1/flavors/detail", Planned { status: 302, headers, ..Planned::default() });
    let answer = bench.call("GET", FLAVORS, Value::Null).await;
    assert_eq!((answer.status, &answer.json["error"]["code"]), (502, &json!("NO_ANSWER")));
    assert_eq!(bench.cloud.got().len(), 1);
    let headers = vec![
        ("set-cookie", "a=b".to_owned()),
        ("x-subject-token", TOKEN.to_owned()),
        ("keep-alive", "timeout=5".to_owned()),
        ("location", "http://internal/".to_owned()),
        ("x-openstack-request-id", "req-1".to_owned()),
        ("retry-after", "7".to_owned()),
    ];
    bench.cloud.plan(
        "GET",
        "/v2.1/flavors/detail",
        Planned { headers, body: "{\"a\":1}".to_owned(), ..status(200) },
    );
    let answer = bench.call("GET", FLAVORS, Value::Null).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{\"a\":1}"));
    for name in ["set-cookie", "x-subject-token", "keep-alive", "location", "x-desk-found"] {
        assert!(answer.headers.get(name).is_none(), "{name}");
    }
    assert_eq!(
        (&answer.headers["x-openstack-request-id"], &answer.headers["retry-after"]),
        (&"req-1".parse().unwrap(), &"7".parse().unwrap())
    );
}

#[tokio::test]
async fn an_answer_without_end_is_not_taken() {
    let bench = Bench::new().await;
    let body = "x".repeat(5 * 1024 * 1024);
    bench.cloud.plan("GET", "/v2.1/flavors/detail", Planned { body, ..status(200) });
    let answer = bench.call("GET", FLAVORS, Value::Null).await;
    assert_eq!(answer.status, 502, "{}", answer.text.len());
    assert!(
        answer.json["error"]["message"].as_str().unwrap().contains("more than 4194304 bytes"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_container_is_made_with_its_quota() {
    let bench = Bench::new().await;
    let headers = [("Authorization", "Bearer engine-token"), ("X-Container-Meta-Quota-Bytes", "1000")];
    let answer = bench.ask("PUT", "/clusters/os-eu/gateway/object-store/rq-1", &headers, Value::Null).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let got = bench.cloud.got().pop().unwrap();
    assert_eq!(
        (got.path.as_str(), &got.headers["X-Container-Meta-Quota-Bytes"]),
        ("/v1/AUTH_1/rq-1", &"1000".parse().unwrap())
    );
}
