//! The control plane, and what all services have in common: failures, idempotency, the log, the page.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::Duration;

use common::{World, contains, header, namespace};
use rondo_simulator::GITLAB_TOKEN;
use rondo_simulator::Service::{Backstage, Gitlab, Kubernetes};
use serde_json::{Value, json};

const NONE: Value = Value::Null;
const ISSUES: &str = "POST /api/v4/projects/1/issues";

fn issue() -> Value {
    json!({ "title": "x" })
}

#[tokio::test]
async fn a_repeated_request_has_one_effect_and_one_answer() {
    let world = World::new().await;
    let key = || header("idempotency-key", "instance-1/7");
    let first = world.ask_with(Gitlab, (ISSUES, issue()), key()).await;
    let second = world.ask_with(Gitlab, (ISSUES, issue()), key()).await;
    assert_eq!(first, second);
    let other_body = world.ask_with(Gitlab, (ISSUES, json!({ "title": "y" })), key()).await;
    assert_eq!(other_body.1["iid"], 2, "another request is not a repetition, whatever its key");
    assert_eq!(world.simulator.issues().len(), 2);

    assert_eq!(world.control("POST /_sim/idempotency", json!({ "remember": false })).await.0, 204);
    world.ask_with(Gitlab, (ISSUES, issue()), key()).await;
    assert_eq!(world.simulator.issues().len(), 3, "switched off, each request counts");

    let calls: Vec<_> = world.simulator.calls().iter().map(|call| (call.status, call.repeated)).collect();
    assert_eq!(calls, [(201, false), (201, true), (201, false), (201, false)]);
    assert_eq!(world.simulator.state()["repeated"], 1);
}

#[tokio::test]
async fn a_read_with_a_key_is_never_answered_from_memory() {
    let world = World::new().await;
    world.ask(Gitlab, (ISSUES, issue())).await;
    let get = ("GET /api/v4/projects/1/issues/1", NONE);
    let key = || header("idempotency-key", "instance-1/8");
    assert_eq!(world.ask_with(Gitlab, get.clone(), key()).await.1["labels"], json!([]));
    world.control("POST /_sim/issues/1/1/approve", NONE).await;
    assert_eq!(world.ask_with(Gitlab, get, key()).await.1["labels"], json!(["approved"]));
}

#[tokio::test]
async fn failures_hit_what_they_name_as_often_as_they_say() {
    let world = World::new().await;
    let failure = json!({ "service": "kubernetes", "method": "POST", "path_prefix": "/api/v1/namespaces", "status": 503, "times": 2 });
    assert_eq!(world.control("POST /_sim/failures", failure).await.0, 204);
    let post = "POST /api/v1/namespaces";
    let key = || header("idempotency-key", "k");
    world.play(Kubernetes, &[("GET /api/v1/namespaces/default", NONE, 200, json!({}))]).await;
    for expected in [503, 503, 201] {
        let (status, answer) = world.ask_with(Kubernetes, (post, namespace("a")), key()).await;
        assert_eq!(status, expected);
        if status == 503 {
            contains(
                &answer,
                &json!({ "kind": "Status", "reason": "ServiceUnavailable", "code": 503 }),
                "failure",
            );
        }
    }
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_effect() {
    let world = World::new().await;
    let failure = json!({ "path_prefix": "/api/v4", "status": 502, "body": { "gateway": "bad" }, "after_effect": true });
    world.control("POST /_sim/failures", failure).await;
    let key = || header("idempotency-key", "k");
    let lost = world.ask_with(Gitlab, (ISSUES, issue()), key()).await;
    assert_eq!(lost, (502, json!({ "gateway": "bad" })));
    let again = world.ask_with(Gitlab, (ISSUES, issue()), key()).await;
    assert_eq!((again.0, &again.1["iid"]), (201, &json!(1)));
    assert_eq!(world.simulator.issues().len(), 1);
}

#[tokio::test]
async fn a_connection_can_be_closed_in_place_of_an_answer() {
    let world = World::new().await;
    let failure = json!({ "path_prefix": "/api/v4", "status": 500, "hangs_up": true, "after_effect": true });
    world.control("POST /_sim/failures", failure).await;
    let url = format!("{}/api/v4/projects/1/issues", world.simulator.gitlab_url());
    let request = reqwest::Client::new().post(url).bearer_auth(GITLAB_TOKEN).json(&issue());
    let answer = match request.send().await {
        Err(error) => Err(error),
        Ok(answer) => answer.bytes().await,
    };
    assert!(answer.is_err(), "there is no answer: {answer:?}");
    assert_eq!(world.simulator.issues().len(), 1, "the request was carried out");
}

#[tokio::test]
async fn the_control_plane_says_what_it_does_not_take() {
    let world = World::new().await;
    for (line, body, status) in [
        ("POST /_sim/delays", json!({ "service": "template", "millis": 5 }), 204),
        ("POST /_sim/delays", json!({ "service": "lunch", "millis": 5 }), 422),
        ("POST /_sim/failures", json!({ "path_prefix": "/", "status": 7 }), 422),
        ("POST /_sim/failures", json!({ "path_prefix": "/", "status": 500, "typo": 1 }), 422),
        ("POST /_sim/approvals", json!({ "after_millis": 0 }), 204),
        ("POST /_sim/approvals", json!({ "after_millis": null }), 204),
        ("POST /_sim/advance", json!({ "millis": 60_000 }), 204),
        ("POST /_sim/issues/1/1/approve", NONE, 404),
        ("POST /_sim/issues/1/1/ponder", NONE, 400),
        ("POST /_sim/reset", NONE, 204),
    ] {
        let (found, answer) = world.control(line, body.clone()).await;
        assert_eq!(found, status, "{line} {body}: {answer}");
    }
    let (_, answer) = world.control("POST /_sim/delays", json!({ "service": "lunch", "millis": 5 })).await;
    insta::assert_snapshot!(answer["error"].as_str().unwrap(), @"no delay is called `lunch`; there are `gitlab`, `backstage`, `kubernetes`, `openstack`, `mail`, `orders` (latency of answers), `template`, `vm-provisioning`, `vm-starting`, `namespace-deletion`, `server-build`, `server-power`, `server-deletion` and `provisioner`");
}

#[tokio::test]
async fn a_reset_makes_everything_as_it_was() {
    let world = World::new().await;
    let before = world.simulator.state();
    world.ask(Gitlab, (ISSUES, issue())).await;
    world.ask(Kubernetes, ("POST /api/v1/namespaces", namespace("a"))).await;
    let payload = json!({ "recipients": { "type": "broadcast" }, "payload": { "title": "x" } });
    world.ask(Backstage, ("POST /api/notifications", payload)).await;
    let calls = world.control("GET /_sim/calls", NONE).await.1;
    let expected = json!([
        { "service": "gitlab", "method": "POST", "path": "/api/v4/projects/1/issues", "status": 201 },
        { "service": "kubernetes", "path": "/api/v1/namespaces", "idempotency_key": null },
        { "service": "backstage", "repeated": false },
    ]);
    contains(&calls, &expected, "calls");
    world.control("POST /_sim/reset", NONE).await;
    assert_eq!(world.simulator.state(), before);
}

#[tokio::test]
async fn the_page_lets_a_person_decide_without_javascript() {
    let world = World::new().await;
    world.ask(Gitlab, (ISSUES, json!({ "title": "<b>bold</b>", "labels": "large" }))).await;
    let page = || async {
        let (status, page) = world.ask(Backstage, ("GET /_sim/", NONE)).await;
        assert_eq!(status, 200);
        page.as_str().unwrap().to_owned()
    };
    let waiting = page().await;
    assert!(waiting.contains("&lt;b&gt;bold&lt;/b&gt;") && !waiting.contains("<b>bold"));
    assert!(waiting.contains(r#"<form method="post" action="/_sim/issues/1/1/deny">"#));

    let form = header("content-type", "application/x-www-form-urlencoded");
    let (status, _) = world.ask_with(Gitlab, ("POST /_sim/issues/1/1/deny", NONE), form).await;
    assert_eq!(status, 303, "a form gets the page again");
    assert!(world.simulator.issues()[0].labels.contains("denied"));
    assert!(page().await.contains("Nothing is waiting."));

    let (status, _) = world.ask(Gitlab, ("GET /platform/self-service/-/issues/1", NONE)).await;
    assert_eq!(status, 303, "links in results lead to the page");
}

#[tokio::test]
async fn a_stopped_simulator_is_gone_even_if_clients_keep_connections() {
    let world = World::new().await;
    world.ask(Gitlab, (ISSUES, issue())).await;
    let address = world.simulator.gitlab_url().replace("http://", "");
    world.simulator.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

/// A client that gives up waiting.
async fn gives_up(world: &World, request: (&str, Value)) {
    let waited = world.ask(Kubernetes, request);
    assert!(tokio::time::timeout(Duration::from_millis(200), waited).await.is_err(), "it is not answered");
}

#[tokio::test]
async fn a_request_that_is_held_is_never_answered_and_had_its_effect_or_not() {
    let world = World::new().await;
    let post = "POST /api/v1/namespaces";
    for (after_effect, skips) in [(false, 0), (true, 1)] {
        let failure = json!({ "method": "POST", "path_prefix": "/", "status": 500, "hangs": true, "after_effect": after_effect, "skips": skips });
        assert_eq!(world.control("POST /_sim/failures", failure).await.0, 204);
    }
    gives_up(&world, (post, namespace("a"))).await;
    assert_eq!(world.ask(Kubernetes, (post, namespace("b"))).await.0, 201);
    gives_up(&world, (post, namespace("c"))).await;
    assert_eq!(world.simulator.namespaces(), ["b", "c"]);
    assert_eq!((world.simulator.held(), world.simulator.calls().len()), (2, 1));
}
