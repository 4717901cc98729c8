//! Bodies and names that nobody should send: each is refused with the place of every fault, or taken as what it says.

use serde_json::{Value, json};

use super::{Body, Web};

#[tokio::test]
async fn every_fault_of_a_request_is_told_with_its_place() {
    let web = Web::new().await;
    let before = web.usage().await;
    for (more, pointers) in [
        (json!({"name": "A b", "requester": 1}), vec!["/name", "/requester"]),
        (json!({"name": "shop\n"}), vec!["/name"]),
        (
            json!({"resources": {"cpu": -0.0001, "storageGiB": 1e18, "instances": 1.5}}),
            vec!["/resources/cpu", "/resources/instances", "/resources/storageGiB"],
        ),
        (json!({"resources": {"instances": 5_000_000_000_u64}}), vec!["/resources/instances"]),
        (json!({"ports": [0, 70_000, 2.5, 80]}), vec!["/ports/0", "/ports/1", "/ports/2"]),
        (json!({"replyTo": "a\nb"}), vec!["/replyTo"]),
        (json!({"launchAt": "tomorrow"}), vec!["/launchAt"]),
        (
            json!({"maxRunTime": "P9999999Y", "provider": "alien", "dependsOn": ["x"]}),
            vec!["/provider", "/maxRunTime", "/dependsOn/0"],
        ),
        (json!({"reason": "x".repeat(2001)}), vec!["/reason"]),
        (json!({"resources": null}), vec!["/resources"]),
    ] {
        let refused = web.ask("jane", "POST", "/requests", Web::order(&more)).await;
        let mut faults = refused.faults();
        faults.sort_unstable();
        let mut expected = pointers.clone();
        expected.sort_unstable();
        assert_eq!((refused.status, refused.code(), faults), (422, "INVALID", expected), "{refused:?}");
    }
    assert_eq!(web.usage().await, before);
}

#[tokio::test]
async fn faults_of_other_bodies() {
    let web = Web::new().await;
    let approval = |more: Value| {
        let mut asked = json!({"subject": "x:1", "title": "t", "requester": "jane", "approvers": ["kim"]});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("POST", "/approvals", asked)
    };
    let rule = |more: Value| {
        let mut rule = json!({"name": "r", "priority": 1, "approvers": ["kim"]});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("POST", "/approval-rules", rule)
    };
    let cluster = |more: Value| {
        let mut cluster = json!({"name": "c", "type": "manual", "region": "eu"});
        cluster.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("POST", "/clusters", cluster)
    };
    let webhook = |url: &str, more: Value| {
        let mut webhook = json!({"pool": "acme", "url": url, "secret": "0123456789abcdef"});
        webhook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("POST", "/webhooks", webhook)
    };
    for ((method, path, body), pointers) in [
        (approval(json!({"needed": 0})), "/needed"),
        (approval(json!({"needed": -1})), "/needed"),
        (approval(json!({"needed": 1e30})), "/needed"),
        (approval(json!({"approvers": []})), "/approvers"),
        (approval(json!({"approvers": [""]})), "/approvers/0"),
        (approval(json!({"deadline": "P9999999Y"})), "/deadline"),
        (approval(json!({"deadline": "-PT1S"})), "/deadline"),
        (approval(json!({"remindAfter": ["P1D", "later"]})), "/remindAfter/1"),
        (approval(json!({"replyTo": "a b"})), "/replyTo"),
        (approval(json!({"onDeadline": "escalate"})), "/escalateTo"),
        (rule(json!({"priority": 1.5})), "/priority"),
        (rule(json!({"minCpu": -1})), "/minCpu"),
        (rule(json!({"minStorage": 1e18})), "/minStorage"),
        (rule(json!({"deadline": "soon"})), "/deadline"),
        (rule(json!({"pool": "none"})), "/pool"),
        (cluster(json!({"name": ""})), "/name"),
        (cluster(json!({"name": "a\nb"})), "/name"),
        (cluster(json!({"name": "a/b"})), "/name"),
        (cluster(json!({"capacity": {"slots": -5}})), "/capacity/slots"),
        (cluster(json!({"capacity": {"memoryGiB": 1e18}})), "/capacity/memoryGiB"),
        (cluster(json!({"credentials": "text"})), "/credentials"),
        (webhook("ftp://a.example/", json!({})), "/url"),
        (webhook("nonsense", json!({})), "/url"),
        (webhook("https://user:password@a.example/", json!({})), "/url"),
        (webhook("http://169.254.169.254/", json!({})), "/url"),
        (webhook("http://[::ffff:169.254.169.254]/", json!({})), "/url"),
        (webhook("http://127.0.0.1:9/", json!({})), "/url"),
        (webhook("http://0.0.0.0:9/", json!({})), "/url"),
        (webhook("http://localhost:8080/", json!({})), "/url"),
        (webhook("https://a.example/", json!({"username": "a:b"})), "/username"),
        (("PUT", "/pools/neg", json!({"quota": {"instances": -1}})), "/quota/instances"),
        (("PUT", "/pools/neg", json!({"grants": [{"to": "", "actions": ["create"]}]})), "/grants/0/to"),
        (("PUT", "/pools/neg", json!({"grants": [{"to": "jane"}]})), "/grants/0"),
        (("PUT", "/pools/a%0Ab", json!({})), "/pool"),
        (("POST", "/probes", json!({"kind": "tcp", "host": "a.example", "port": 99_999})), "/port"),
    ] {
        let refused = web.ask("root", method, path, body).await;
        assert_eq!(
            (refused.status, refused.code(), refused.faults()),
            (422, "INVALID", vec![pointers]),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_large_deep_or_odd() {
    let web = Web::new().await;
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let large = format!("{{\"a\": \"{}\"}}", "a".repeat(10_000_000));
    for body in [deep, large, "\0".to_owned(), "[".repeat(1000), "nul".to_owned()] {
        let refused = web.send("jane", "POST", "/requests", &[], Body::from(body)).await;
        assert_eq!((refused.status, refused.code()), (400, "BAD_REQUEST"), "{refused:?}");
        assert!(refused.text.len() < 1000, "{}", refused.text.len());
    }
    for body in ["[]", "1", "\"text\"", "[{}]"] {
        let refused = web.send("jane", "POST", "/requests", &[], Body::from(body)).await;
        assert_eq!((refused.status, refused.code()), (422, "INVALID"), "{refused:?}");
    }
    // JSON has one kind of numbers, and of a member that is there twice the last one counts.
    let body = Web::order(&json!({"resources": {"instances": 2.0, "cpu": 1.0}})).to_string().replacen(
        '{',
        "{\"name\": \"Not This\", ",
        1,
    );
    let made = web.send("jane", "POST", "/requests", &[], Body::from(body)).await;
    assert_eq!(
        (made.status, &made.json["resources"]["instances"], &made.json["name"]),
        (201, &json!(2), &json!("shop"))
    );
}

#[tokio::test]
async fn the_end_of_the_year_9999_is_a_moment() {
    let web = Web::new().await;
    let request = web
        .done(
            "jane",
            "POST",
            "/requests",
            Web::order(&json!({"launchAt": "9999-12-31T23:59:59Z", "maxRunTime": "P999999D"})),
        )
        .await;
    assert!(
        request["state"] == "Queued" && request["reason"].as_str().unwrap().contains("9999-12-30"),
        "{request}"
    );
    let question =
        web.question(json!({"deadline": "9999-12-31T23:59:59+14:00", "remindAfter": ["P999999D"]})).await;
    let shown = web.done("jane", "GET", &format!("/approvals/{question}"), Value::Null).await;
    assert!(shown["deadlineAt"].as_str().unwrap().starts_with("9999-12-30T22:00:00"), "{shown}");
}
