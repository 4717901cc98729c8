//! GitHub in the name of a user, and clusters that the desk itself reads.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{bench::Bench, cloud::Planned};

const CANARY: &str = "github-token-canary";

async fn github(
    bench: &Bench,
    user: &str,
    instance: Uuid,
    method: &str,
    path: &str,
    body: Value,
) -> super::bench::Answered {
    let instance = instance.to_string();
    let headers = [("Authorization", "Bearer engine-token"), ("kogitoprocinstanceid", instance.as_str())];
    bench.ask(method, &format!("/users/{user}/gateway/github/{path}"), &headers, body).await
}

#[tokio::test]
async fn a_call_has_the_token_of_the_user_and_its_answer_has_not() {
    let bench = Bench::new().await;
    let (_, instance) = bench.request().await;
    let body = format!("{{\"full_name\": \"jane/shop\", \"echo\": \"{CANARY}\"}}");
    bench.cloud.plan("GET", "/github/repos/jane/shop", Planned { status: 200, body, ..Planned::default() });
    for user in ["jane", "user:default%2Fjane"] {
        bench.cloud.plan(
            "POST",
            "/github/user/repos",
            Planned {
                status: 422,
                body: "{\"message\": \"name already exists\"}".to_owned(),
                ..Planned::default()
            },
        );
        let refused = github(&bench, user, instance, "POST", "user/repos", json!({"name": "shop"})).await;
        assert_eq!(
            (refused.status, &refused.json["message"]),
            (422, &json!("name already exists")),
            "{refused:?}"
        );
    }
    let shown = github(&bench, "jane", instance, "GET", "repos/jane/shop?per_page=1", Value::Null).await;
    assert_eq!((shown.status, &shown.json["full_name"]), (200, &json!("jane/shop")), "{shown:?}");
    assert!(!shown.text.contains(CANARY), "{shown:?}");
    let got = bench.cloud.got();
    let last = got.last().unwrap();
    assert_eq!(
        (last.query.as_str(), last.headers["authorization"].to_str().unwrap()),
        ("per_page=1", format!("Bearer {CANARY}").as_str())
    );
    assert_eq!(last.headers["x-github-api-version"], "2022-11-28");
    assert!(last.headers.get("kogitoprocinstanceid").is_none());
}

#[tokio::test]
async fn only_listed_calls_for_flows_of_the_user_are_made() {
    let bench = Bench::new().await;
    let (_, instance) = bench.request().await;
    for (method, path) in [
        ("GET", "user/emails"),
        ("PATCH", "repos/jane/shop"),
        ("PUT", "repos/jane/shop/collaborators/kim"),
        ("DELETE", "repos/jane/shop/../../user"),
        ("GET", "repos/jane%2Fshop/x"),
        ("GET", "orgs/acme"),
    ] {
        let refused = github(&bench, "jane", instance, method, path, Value::Null).await;
        assert!([400, 403].contains(&refused.status), "{method} {path}: {refused:?}");
    }
    let hook = json!({"config": {"url": "https://a.example", "insecure_ssl": "1"}});
    assert_eq!(github(&bench, "jane", instance, "POST", "repos/jane/shop/hooks", hook).await.status, 403);
    let foreign = github(&bench, "kim", instance, "GET", "user", Value::Null).await;
    assert_eq!((foreign.status, &foreign.json["error"]["code"]), (403, &json!("FORBIDDEN")), "{foreign:?}");
    let unlinked = github(&bench, "kim", Uuid::nil(), "GET", "user", Value::Null).await;
    assert_eq!(
        (unlinked.status, &unlinked.json["error"]["code"]),
        (401, &json!("LINK_ACCOUNT")),
        "{unlinked:?}"
    );
    let person = bench.person("jane", "GET", "/users/jane/gateway/github/user").await;
    assert_eq!(person.status, 403, "{person:?}");
    assert_eq!(bench.cloud.got().len(), 0);
}

/// A product on a cluster of Kubernetes at the cloud.
async fn product(bench: &Bench, credentials: Value) -> String {
    let mut cluster = json!({"name": "silver", "type": "kubernetes", "region": "ca", "apiUrl": format!("{}/k8s", bench.cloud.address)});
    if !credentials.is_null() {
        cluster["credentials"] = credentials;
    }
    assert_eq!(bench.admin("POST", "/clusters", cluster).await.status, 201);
    let plate = bench.admin("POST", "/products/plates", json!({})).await.json["licencePlate"]
        .as_str()
        .unwrap()
        .to_owned();
    let written = bench
        .admin(
            "PUT",
            &format!("/products/{plate}"),
            json!({"status": "ACTIVE", "data": {"cluster": "SILVER"}}),
        )
        .await;
    assert_eq!(written.status, 200, "{written:?}");
    plate
}

#[tokio::test]
async fn the_desk_reads_a_cluster_without_a_token_and_flows_do_not_call_it() {
    let bench = Bench::new().await;
    let plate = product(&bench, Value::Null).await;
    let list = || Planned { status: 200, body: json!({"items": []}).to_string(), ..Planned::default() };
    for end in ["dev", "test", "prod", "tools"] {
        let namespace = format!("/k8s/api/v1/namespaces/{plate}-{end}");
        for path in
            [namespace.clone(), format!("{namespace}/pods"), format!("{namespace}/persistentvolumeclaims")]
        {
            bench.cloud.plan("GET", &path, list());
        }
    }
    let checked = bench.admin("GET", &format!("/products/{plate}/deletion-check"), Value::Null).await;
    assert_eq!((checked.status, &checked.json["eligible"]), (200, &json!(true)), "{checked:?}");
    let got = bench.cloud.got();
    assert!(got.len() == 12 && got.iter().all(|got| got.headers.get("authorization").is_none()), "{got:?}");
    let headers = [("Authorization", "Bearer engine-token")];
    let called = bench
        .ask("GET", "/clusters/silver/gateway/kubernetes/api/v1/namespaces", &headers, Value::Null)
        .await;
    assert_eq!((called.status, &called.json["error"]["code"]), (409, &json!("NOT_SUPPORTED")), "{called:?}");
    assert_eq!(bench.cloud.got().len(), 12);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_empty_list() {
    let bench = Bench::new().await;
    let plate = product(&bench, json!({"token": "t-silver"})).await;
    let namespace = format!("/k8s/api/v1/namespaces/{plate}-dev");
    for body in ["[]", "null", "<html>", "{\"items\": ["] {
        bench.cloud.plan(
            "GET",
            &namespace,
            Planned { status: 200, body: body.to_owned(), ..Planned::default() },
        );
        let checked = bench.admin("GET", &format!("/products/{plate}/deletion-check"), Value::Null).await;
        assert_eq!(
            (checked.status, &checked.json["error"]["code"]),
            (503, &json!("CLUSTER_UNAVAILABLE")),
            "{body}: {checked:?}"
        );
    }
    assert_eq!(bench.cloud.got()[0].headers["authorization"], "Bearer t-silver");
    let used = bench.admin("GET", &format!("/products/{plate}/usage"), Value::Null).await;
    assert_eq!(
        (used.status, used.json["production"]["cpu"]["usage"].as_f64()),
        (200, Some(-1.0)),
        "{used:?}"
    );
}
