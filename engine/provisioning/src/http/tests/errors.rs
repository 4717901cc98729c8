//! Each code of the contract with its status, and what else its answer has.

use serde_json::{Value, json};

use super::{Answered, Body, Web};
use crate::tables;

fn check(answered: &Answered, status: u16, code: &str) {
    assert_eq!((answered.status, answered.code()), (status, code), "{answered:?}");
    assert!(
        answered.json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()),
        "{answered:?}"
    );
}

#[tokio::test]
async fn who_calls_and_who_may() {
    let web = Web::new().await;
    for person in ["", "mallory"] {
        let refused = web.ask(person, "GET", "/pools", Value::Null).await;
        check(&refused, 401, "UNAUTHENTICATED");
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
    }
    let (pool, rule) = (json!({}), json!({"name": "r", "priority": 1, "approvers": ["kim"]}));
    for (person, method, path, body) in [
        ("jane", "PUT", "/pools/acme", pool),
        ("jane", "POST", "/approval-rules", rule),
        ("jane", "POST", "/clusters", json!({"name": "x", "type": "manual", "region": "eu"})),
        ("jane", "PUT", "/requests/x/steps/allocate", json!({"status": "Running"})),
        ("jane", "GET", "/clusters/sim/gateway/compute/servers", Value::Null),
        ("jane", "GET", "/users/kim/tokens?for=github", Value::Null),
        ("jane", "POST", "/products/plates", json!({})),
        (
            "jane",
            "POST",
            "/webhooks",
            json!({"pool": "acme", "url": "https://a.example/", "secret": "0123456789abcdef"}),
        ),
        ("flow", "POST", "/products/a1b2c3/provision", json!({})),
        ("kim", "POST", "/requests", Web::order(&json!({}))),
        ("kim", "POST", "/requests", Web::order(&json!({"requester": "kim"}))),
    ] {
        check(&web.ask(person, method, path, body).await, 403, "FORBIDDEN");
    }
}

#[tokio::test]
async fn what_is_not_there() {
    let web = Web::new().await;
    for (method, path) in [
        ("GET", "/pools/none"),
        ("GET", "/requests/none"),
        ("POST", "/requests/none/actions/cancel"),
        ("POST", "/requests/none/actions/explode"),
        ("PUT", "/requests/none/steps/dance"),
        ("GET", "/approvals/none"),
        ("DELETE", "/approval-rules/none"),
        ("GET", "/clusters/none"),
        ("POST", "/clusters/none/test"),
        ("GET", "/webhooks/none/deliveries"),
        ("GET", "/products/a1b2c3"),
        ("POST", "/products/a1b2c3/provision"),
        ("GET", "/events?after=none-1"),
        ("GET", "/nothing"),
        ("GET", "/users/jane/gateway/gitlab/user"),
    ] {
        check(&web.ask("root", method, path, Value::Null).await, 404, "NOT_FOUND");
    }
    let wrong = web.ask("root", "PATCH", "/pools/acme", Value::Null).await;
    check(&wrong, 405, "METHOD_NOT_ALLOWED");
    assert!(wrong.headers["allow"].to_str().unwrap().contains("PUT"));
    for (method, path, body) in [
        ("POST", "/requests", "{"),
        ("POST", "/requests", r#"{"name": "\ud800"}"#),
        ("POST", "/requests", r#"{"resources": {"cpu": 1e400}}"#),
        ("GET", "/requests?limit=many", ""),
        ("GET", "/requests/%FF", ""),
        ("DELETE", "/products/a1b2c3/lock", ""),
    ] {
        check(&web.send("root", method, path, &[], Body::from(body)).await, 400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn decisions() {
    let web = Web::new().await;
    let question = web.question(json!({})).await;
    let decide = async |person: &str, decision: Value| {
        web.ask(person, "POST", &format!("/approvals/{question}/decision"), decision).await
    };
    let approved = || json!({"decision": "approved"});
    check(&decide("eve", approved()).await, 403, "NOT_AN_APPROVER");
    // An admin is none of them either, and without a reason not by force.
    check(&decide("root", approved()).await, 403, "NOT_AN_APPROVER");
    check(&decide("root", json!({"decision": "approved", "force": true})).await, 422, "REASON_REQUIRED");
    check(
        &decide("eve", json!({"decision": "approved", "force": true, "reason": "x"})).await,
        403,
        "NOT_AN_APPROVER",
    );
    check(&decide("jane", approved()).await, 403, "FOUR_EYES");
    check(&decide("kim", json!({"decision": "rejected", "reason": " "})).await, 422, "REASON_REQUIRED");
    let changed = decide("kim", json!({"decision": "approved", "changes": {"a": 1}})).await;
    check(&changed, 422, "INVALID");
    assert_eq!(changed.faults(), ["/changes"]);
    assert_eq!(decide("kim", approved()).await.status, 200);
    assert_eq!(decide("kim", approved()).await.status, 200);
    for (person, decision) in [("kim", "rejected"), ("ana", "approved"), ("ana", "rejected")] {
        let late = decide(person, json!({"decision": decision, "reason": "late"})).await;
        check(&late, 409, "ALREADY_DECIDED");
        let details = &late.json["error"]["details"];
        assert_eq!((&details["by"], &details["decision"]), (&json!("user:default/kim"), &json!("approved")));
        assert!(details["at"].is_string(), "{late:?}");
    }
    let withdrawn = web.question(json!({})).await;
    web.done("jane", "DELETE", &format!("/approvals/{withdrawn}"), Value::Null).await;
    let late = web.ask("kim", "POST", &format!("/approvals/{withdrawn}/decision"), approved()).await;
    check(&late, 409, "ALREADY_DECIDED");
    assert_eq!(late.json["error"]["details"]["decision"], "withdrawn");
}

#[tokio::test]
async fn transitions() {
    let web = Web::new().await;
    let request = web.request(json!({})).await;
    let act = async |action: &str| {
        web.ask("jane", "POST", &format!("/requests/{request}/actions/{action}"), Value::Null).await
    };
    for action in ["suspend", "reactivate", "deprovision", "retry"] {
        let refused = act(action).await;
        check(&refused, 409, "ILLEGAL_TRANSITION");
        let legal = refused.json["error"]["details"]["legal"].as_array().unwrap();
        assert!(
            legal.iter().any(|way| way["to"] == "Allocating")
                && legal.iter().any(|way| way["to"] == "Failed")
        );
    }
    check(&act("complete-manually").await, 403, "FORBIDDEN");
    check(&web.report(&request, "configure", "Running").await, 409, "ILLEGAL_TRANSITION");
    assert_eq!(web.report(&request, "allocate", "Running").await.status, 200);
    let recorded = format!("/requests/{request}/resources/server/one");
    web.done("flow", "PUT", &recorded, json!({"status": "Creating"})).await;
    assert_eq!(act("cancel").await.status, 202);
    check(&act("cancel").await, 409, "ILLEGAL_TRANSITION");
    check(&web.report(&request, "allocate", "Completed").await, 409, "CANCELLED");
    check(
        &web.ask("flow", "PUT", &recorded.replace("one", "two"), json!({"status": "Creating"})).await,
        409,
        "CANCELLED",
    );
    let rollback = async || {
        web.ask("flow", "PUT", &format!("/requests/{request}/rollback"), json!({"status": "Completed"})).await
    };
    let left = rollback().await;
    check(&left, 409, "RESOURCES_LEFT");
    assert_eq!(left.json["error"]["details"]["recorded"][0]["name"], "one");
    assert_eq!(web.usage().await["cpu"], 1);
    web.ask("flow", "DELETE", &recorded, Value::Null).await;
    for _ in 0..2 {
        assert_eq!(rollback().await.json["state"], "Rolled Back");
        assert_eq!(web.usage().await["cpu"], 0);
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_told_to_the_admins_and_stays_taken() {
    let web = Web::new().await;
    let request = web.request(json!({})).await;
    web.report(&request, "allocate", "Running").await;
    let recorded = format!("/requests/{request}/resources/server/one");
    web.done("flow", "PUT", &recorded, json!({"status": "Created", "providerId": "s1"})).await;
    let failed = web.report(&request, "allocate", "Failed").await;
    assert_eq!(failed.json["state"], "Rolling Back");
    let rollback = format!("/requests/{request}/rollback");
    let report =
        json!({"status": "Failed", "error": {"code": "IN_USE", "message": "the server does not go"}});
    for _ in 0..2 {
        let reported = web.done("flow", "PUT", &rollback, report.clone()).await;
        assert_eq!(
            (&reported["state"], &reported["failure"]["code"]),
            (&json!("Failed"), &json!("ROLLBACK_INCOMPLETE"))
        );
    }
    assert_eq!(web.usage().await["cpu"], 1);
    let mails = web
        .desk
        .read(|connection| Ok(tables::mails::due(connection, jiff::Timestamp::MAX, 10)?))
        .await
        .unwrap();
    let text = format!("{mails:?}");
    assert_eq!(mails.len(), 1, "a repeated report raises no second alarm: {text}");
    assert!(
        text.contains("user:default/root") && text.contains("server one") && text.contains("does not go"),
        "{text}"
    );
    assert_eq!(
        web.ask("jane", "POST", &format!("/requests/{request}/actions/retry"), Value::Null).await.code(),
        "RESOURCES_LEFT"
    );
    assert_eq!(
        web.ask("jane", "POST", &format!("/requests/{request}/actions/deprovision"), Value::Null).await.json
            ["state"],
        "Rolling Back"
    );
}

#[tokio::test]
async fn names_products_and_dependencies() {
    let web = Web::new().await;
    let cluster = json!({"name": "sim", "type": "simulation", "region": "eu"});
    check(&web.ask("root", "POST", "/clusters", cluster).await, 409, "NAME_TAKEN");
    let request = web.request(json!({})).await;
    check(&web.ask("root", "DELETE", "/clusters/sim", Value::Null).await, 409, "NOT_SUPPORTED");
    check(
        &web.ask("jane", "GET", &format!("/requests/{request}/metrics"), Value::Null).await,
        409,
        "NOT_SUPPORTED",
    );
    let plate = web.done("flow", "POST", "/products/plates", json!({})).await["licencePlate"]
        .as_str()
        .unwrap()
        .to_owned();
    let lock = format!("/products/{plate}/lock");
    for _ in 0..2 {
        web.done("flow", "PUT", &lock, json!({"request": "one"})).await;
    }
    let second = web.ask("flow", "PUT", &lock, json!({"request": "two"})).await;
    check(&second, 409, "ACTIVE_REQUEST");
    assert_eq!(second.json["error"]["details"]["request"], "one");
    let order = |name: &str, on: &str| Web::order(&json!({"ref": name, "dependsOn": [on]}));
    let circle = json!({"requests": [order("a", "b"), order("b", "a")]});
    let refused = web.ask("jane", "POST", "/requests/batch", circle).await;
    check(&refused, 422, "DEPENDENCY_CYCLE");
    let cycle: Vec<_> = refused.json["error"]["details"]["cycle"].as_array().unwrap().iter().collect();
    assert!(cycle.len() == 3 && cycle[0] == cycle[2] && cycle[0] != cycle[1], "{refused:?}");
    assert_eq!(web.usage().await["instances"], 1);
}

#[tokio::test]
async fn secrets_and_clusters_that_are_away() {
    let web = Web::new().await;
    let request = web.request(json!({})).await;
    let reveal = format!("/requests/{request}/credentials/reveal");
    check(&web.ask("jane", "POST", &reveal, Value::Null).await, 404, "NOT_FOUND");
    web.done("flow", "PUT", &format!("/requests/{request}/credentials"), json!({"kind": "vm"})).await;
    check(&web.ask("kim", "POST", &reveal, Value::Null).await, 403, "FORBIDDEN");
    assert_eq!(web.ask("jane", "POST", &reveal, Value::Null).await.status, 200);
    check(&web.ask("jane", "POST", &reveal, Value::Null).await, 410, "GONE");
    // Nobody listens at port 1.
    let away = json!({"name": "away", "type": "kubernetes", "region": "eu", "apiUrl": "http://127.0.0.1:1", "credentials": {"token": "t"}});
    web.done("root", "POST", "/clusters", away).await;
    let refused =
        web.ask("flow", "GET", "/clusters/away/gateway/kubernetes/api/v1/namespaces", Value::Null).await;
    check(&refused, 503, "CLUSTER_UNAVAILABLE");
    assert!(refused.headers.contains_key("retry-after"));
    let tested = web.done("root", "POST", "/clusters/away/test", Value::Null).await;
    assert!(
        tested["ok"] == false && tested["error"].is_string() && tested["latencyMs"].is_number(),
        "{tested}"
    );
    assert_eq!(web.done("root", "GET", "/clusters/away", Value::Null).await["health"], "offline");
}

#[tokio::test]
async fn linked_accounts() {
    let web = Web::new().await;
    for address in ["github", "https://github.com/jane/shop", "https://api.github.com"] {
        let path = format!("/users/jane/tokens?for={address}");
        let linked = web.done("jane", "GET", &path, Value::Null).await;
        assert_eq!(linked, json!({"username": "jane", "ref": "token:jane:github"}), "{address}");
        let missing = web.ask("flow", "GET", &path.replace("jane/t", "kim/t"), Value::Null).await;
        check(&missing, 401, "LINK_ACCOUNT");
        assert!(
            missing.json["error"]["details"]["link"]
                .as_str()
                .is_some_and(|link| link.starts_with("https://"))
        );
    }
    let unlinked = web.ask("flow", "GET", "/users/kim/gateway/github/user", Value::Null).await;
    check(&unlinked, 401, "LINK_ACCOUNT");
    let unknown =
        web.ask("flow", "GET", "/users/user:default%2Fjane/tokens?for=https://a.example", Value::Null).await;
    check(&unknown, 422, "INVALID");
    let cluster = json!({"name": "c1", "type": "kubernetes", "region": "eu", "apiUrl": "https://c1.example/", "consoleUrl": "https://console.c1.example"});
    web.done("root", "POST", "/clusters", cluster).await;
    let missing = web.ask("jane", "GET", "/users/jane/tokens?for=https://c1.example", Value::Null).await;
    check(&missing, 401, "LINK_ACCOUNT");
    assert_eq!(missing.json["error"]["details"]["link"], "https://console.c1.example");
    assert_eq!(web.done("jane", "GET", "/users/jane/clusters", Value::Null).await, json!({"items": []}));
}
