//! Many calls at the same time: one decides, and no limit is passed.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Web;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_decisions_one_decides() {
    let web = Web::new().await;
    let question = web.question(json!({})).await;
    let decided = (0..50).map(|number| {
        let (web, question) = (web.clone(), question.clone());
        tokio::spawn(async move {
            let (person, decision) = [("kim", "approved"), ("ana", "rejected")][number % 2];
            let body = json!({"decision": decision, "reason": "first"});
            (person, web.ask(person, "POST", &format!("/approvals/{question}/decision"), body).await)
        })
    });
    let answers: Vec<_> = join_all(decided).await.into_iter().map(Result::unwrap).collect();
    let shown = web.done("jane", "GET", &format!("/approvals/{question}"), Value::Null).await;
    assert_eq!(shown["votes"].as_array().unwrap().len(), 1, "{shown}");
    let winner = shown["votes"][0]["by"].as_str().unwrap();
    for (person, answered) in answers {
        let expected = if winner.ends_with(person) { 200 } else { 409 };
        assert_eq!(answered.status, expected, "{person}: {answered:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_different_people_have_to_agree() {
    let web = Web::new().await;
    let question = web.question(json!({"needed": 3, "approvers": ["kim", "ana", "eve", "jane"]})).await;
    let decide = async |person: &str| {
        web.ask(person, "POST", &format!("/approvals/{question}/decision"), json!({"decision": "approved"}))
            .await
    };
    for (person, state, votes) in [("kim", "pending", 1), ("kim", "pending", 1), ("ana", "pending", 2)] {
        let answered = decide(person).await;
        assert_eq!((answered.status, &answered.json["state"]), (200, &json!(state)), "{answered:?}");
        assert_eq!(answered.json["votes"].as_array().unwrap().len(), votes);
    }
    assert_eq!(decide("jane").await.code(), "FOUR_EYES");
    assert_eq!(decide("eve").await.json["state"], "approved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quota_is_never_passed() {
    let web = Web::new().await;
    let quota =
        json!({"quota": {"cpu": 10, "instances": 7}, "grants": [{"to": "jane", "actions": ["create"]}]});
    web.done("root", "PUT", "/pools/acme", quota).await;
    let made = (0..50).map(|_| {
        let web = web.clone();
        tokio::spawn(async move { web.done("jane", "POST", "/requests", Web::order(&json!({}))).await })
    });
    let mut states = BTreeMap::new();
    let mut queued = Vec::new();
    for made in join_all(made).await {
        let made = made.unwrap();
        *states.entry(made["state"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        match made["state"].as_str().unwrap() {
            "Queued" => queued.push(super::id(&made)),
            _ => {
                assert_eq!(
                    made["failure"]["violations"][0]["message"],
                    "instances: 7 of 7 used, 1 requested"
                );
            }
        }
    }
    assert_eq!(states, BTreeMap::from([("Failed".to_owned(), 43), ("Queued".to_owned(), 7)]));
    assert_eq!(web.usage().await, json!({"instances": 7, "cpu": 7, "memoryGiB": 0, "storageGiB": 0}));
    // Both limits are told at once, and what is over is not counted.
    let over = web.done("jane", "POST", "/requests", Web::order(&json!({"resources": {"cpu": 4}}))).await;
    let told: Vec<_> =
        over["failure"]["violations"].as_array().unwrap().iter().map(|one| &one["resource"]).collect();
    assert_eq!(told, ["instances", "cpu"]);
    let cancelled = queued.iter().flat_map(|id| [id, id]).map(|id| {
        let (web, path) = (web.clone(), format!("/requests/{id}/actions/cancel"));
        tokio::spawn(async move { web.ask("jane", "POST", &path, Value::Null).await.status })
    });
    let mut statuses: Vec<_> = join_all(cancelled).await.into_iter().map(Result::unwrap).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[202; 7], [409; 7]].concat());
    assert_eq!(web.usage().await, json!({"instances": 0, "cpu": 0, "memoryGiB": 0, "storageGiB": 0}));
}

#[tokio::test]
async fn a_chain_of_requests_falls_with_its_first_one() {
    const LENGTH: usize = 2_000;
    let web = Web::new().await;
    web.done("root", "PUT", "/pools/acme", json!({"grants": [{"to": "jane", "actions": ["create"]}]})).await;
    let first = web.request(json!({})).await;
    let mut last = first.clone();
    for batch in 0..LENGTH / 100 {
        let orders: Vec<_> = (0..100)
            .map(|number| {
                let on = if number == 0 { last.clone() } else { format!("{batch}-{}", number - 1) };
                Web::order(&json!({"ref": format!("{batch}-{number}"), "dependsOn": [on]}))
            })
            .collect();
        let made = web.done("jane", "POST", "/requests/batch", json!({"requests": orders})).await;
        last = super::id(&made["items"][99]);
    }
    let circle = web.ask("jane", "PATCH", &format!("/requests/{first}"), json!({"dependsOn": [last]})).await;
    assert_eq!(circle.status, 409, "it has its place already: {circle:?}");
    let second = web.done("jane", "GET", &format!("/requests/{last}"), Value::Null).await["dependsOn"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let circle = web.ask("jane", "PATCH", &format!("/requests/{second}"), json!({"dependsOn": [last]})).await;
    assert_eq!(
        (circle.code(), &circle.json["error"]["details"]["cycle"]),
        ("DEPENDENCY_CYCLE", &json!([second, last, second]))
    );
    web.done("jane", "POST", &format!("/requests/{first}/actions/cancel"), Value::Null).await;
    let shown = web.done("jane", "GET", &format!("/requests/{last}"), Value::Null).await;
    assert_eq!(shown["failure"]["code"], "DEPENDENCY_FAILED");
    assert_eq!(web.usage().await["instances"], 0);
}
