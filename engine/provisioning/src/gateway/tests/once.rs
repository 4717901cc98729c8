//! What has a name of its own is made once, whatever becomes of the answers.

use serde_json::{Value, json};

use super::{bench::Bench, cloud::Planned};

fn lost() -> Planned {
    Planned { acts: true, is_lost: true, ..Planned::default() }
}

/// Kind, path at the gateway, path at the cloud, body.
fn things() -> [(&'static str, &'static str, &'static str, Value); 4] {
    [
        (
            "servers",
            "/compute/servers",
            "/v2.1/servers",
            json!({"server": {"name": "rq-1", "flavorRef": "3"}}),
        ),
        ("ports", "/network/v2.0/ports", "/v2.0/ports", json!({"port": {"name": "rq-1", "network_id": "n"}})),
        (
            "security-groups",
            "/network/v2.0/security-groups",
            "/v2.0/security-groups",
            json!({"security_group": {"name": "rq-1"}}),
        ),
        (
            "floatingips",
            "/network/v2.0/floatingips",
            "/v2.0/floatingips",
            json!({"floatingip": {"description": "rq-1"}}),
        ),
    ]
}

#[tokio::test]
async fn a_lost_answer_makes_one_thing() {
    for (kind, path, at_cloud, body) in things() {
        let bench = Bench::new().await;
        bench.cloud.plan("POST", at_cloud, lost());
        let first = bench.call("POST", path, body.clone()).await;
        assert_eq!((first.status, &first.json["error"]["code"]), (504, &json!("NO_ANSWER")), "{kind}");
        let again = bench.call("POST", path, body.clone()).await;
        assert_eq!(
            (again.status, again.headers.get("X-Desk-Found").is_some()),
            (200, true),
            "{kind}: {again:?}"
        );
        let (one, sent) = body.as_object().unwrap().iter().next().unwrap();
        assert_eq!(again.json[one]["id"], format!("{one}-1"), "{kind}");
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(again.json[one][name], *value, "{kind}");
        }
        assert_eq!((bench.cloud.made(kind).len(), bench.cloud.count("POST", at_cloud)), (1, 1), "{kind}");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_before_anything_was_done_makes_one_thing_too() {
    let bench = Bench::new().await;
    bench.cloud.plan("POST", "/v2.1/servers", Planned { acts: false, ..lost() });
    let body = json!({"server": {"name": "rq-1"}});
    assert_eq!(bench.call("POST", "/compute/servers", body.clone()).await.status, 504);
    let again = bench.call("POST", "/compute/servers", body).await;
    assert_eq!((again.status, again.headers.get("X-Desk-Found").is_none()), (202, true));
    assert_eq!(bench.cloud.made("servers").len(), 1);
}

#[tokio::test]
async fn a_call_that_is_repeated_after_a_crash_finds_what_it_made() {
    let bench = Bench::new().await;
    let body = json!({"server": {"name": "rq-1"}});
    assert_eq!(bench.call("POST", "/compute/servers", body.clone()).await.status, 202);
    // The engine has stopped before it knew.
    let again = bench.call("POST", "/compute/servers", body).await;
    assert_eq!((again.status, &again.json["server"]["id"]), (200, &json!("server-1")));
    assert_eq!(bench.cloud.made("servers").len(), 1);
    let other = bench.call("POST", "/compute/servers", json!({"server": {"name": "rq-2"}})).await;
    assert_eq!((other.status, bench.cloud.made("servers").len()), (202, 2));
}

#[tokio::test]
async fn calls_that_make_the_same_at_once_make_one_thing() {
    let bench = std::sync::Arc::new(Bench::new().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let bench = std::sync::Arc::clone(&bench);
        calls.spawn(async move {
            bench.call("POST", "/compute/servers", json!({"server": {"name": "rq-1"}})).await.status
        });
    }
    let mut statuses = calls.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 202]);
    assert_eq!(bench.cloud.made("servers").len(), 1);
}

#[tokio::test]
async fn a_call_whose_caller_is_gone_is_finished() {
    let bench = Bench::new().await;
    bench.call("GET", "/compute/flavors/detail", Value::Null).await;
    bench.cloud.gate.forget_permits(usize::MAX);
    {
        let call = bench.call("POST", "/compute/servers", json!({"server": {"name": "rq-1"}}));
        tokio::pin!(call);
        tokio::select! {
            _ = &mut call => panic!("nothing is answered yet"),
            () = bench.cloud.wait_for_calls(1) => {}
        }
    }
    bench.cloud.gate.add_permits(100);
    let again = bench.call("POST", "/compute/servers", json!({"server": {"name": "rq-1"}})).await;
    assert_eq!((again.status, bench.cloud.made("servers").len()), (200, 1));
}

#[tokio::test]
async fn a_list_that_cannot_be_had_makes_nothing() {
    let bench = Bench::new().await;
    let refused =
        Planned { status: 403, body: "{\"forbidden\":{\"code\":403}}".to_owned(), ..Planned::default() };
    bench.cloud.plan("GET", "/v2.1/servers/detail", refused);
    let answer = bench.call("POST", "/compute/servers", json!({"server": {"name": "rq-1"}})).await;
    assert_eq!((answer.status, answer.json["forbidden"]["code"].as_u64()), (403, Some(403)));
    assert!(bench.cloud.made("servers").is_empty());
}

#[tokio::test]
async fn what_has_a_name_of_the_tenant_is_made_as_often_as_it_is_asked_for() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        assert_eq!(
            bench.call("POST", "/compute/servers", json!({"server": {"name": "web"}})).await.status,
            202
        );
    }
    assert_eq!((bench.cloud.made("servers").len(), bench.cloud.count("GET", "/v2.1/servers/detail")), (2, 0));
}

#[tokio::test]
async fn an_equal_rule_of_a_group_counts_as_made() {
    let bench = Bench::new().await;
    let rule = json!({"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "security_group_id": "sg1"});
    let mut known = rule.clone();
    known["id"] = "ru22".into();
    bench.cloud.add("security-group-rules", known);
    let body =
        json!({"NeutronError": {"type": "SecurityGroupRuleExists", "message": "", "detail": ""}}).to_string();
    for _ in 0..2 {
        bench.cloud.plan(
            "POST",
            "/v2.0/security-group-rules",
            Planned { status: 409, body: body.clone(), ..Planned::default() },
        );
    }
    let answer =
        bench.call("POST", "/network/v2.0/security-group-rules", json!({"security_group_rule": rule})).await;
    assert_eq!((answer.status, &answer.json["security_group_rule"]["id"]), (200, &json!("ru22")));
    assert!(answer.headers.get("X-Desk-Found").is_some());
    // A rule that is not equal is an error still.
    let other = json!({"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80, "security_group_id": "sg1"});
    let answer =
        bench.call("POST", "/network/v2.0/security-group-rules", json!({"security_group_rule": other})).await;
    assert_eq!(
        (answer.status, &answer.json["NeutronError"]["type"]),
        (409, &json!("SecurityGroupRuleExists"))
    );
}
