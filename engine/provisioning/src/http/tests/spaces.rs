//! Environments, pipelines and namespaces. Scenarios of the provisioning contract, 6.

use serde_json::{Value, json};

use super::Web;

/// A desk with the space `juke` of jane, to which kim contributes, and the space `kite` of ana.
async fn spaces() -> Web {
    let web = Web::new().await;
    let grants = json!([{"to": "eve", "actions": ["manage"]}, {"to": "kim", "actions": ["contribute"]}]);
    web.done("root", "PUT", "/pools/juke", json!({"kind": "space", "owner": "jane", "grants": grants})).await;
    web.done("root", "PUT", "/pools/kite", json!({"kind": "space", "owner": "ana"})).await;
    web
}

fn environment(name: &str, kind: &str) -> Value {
    let attributes = json!({"name": name, "type": kind, "cluster-url": "https://c1.example"});
    json!({"data": {"type": "environments", "attributes": attributes}})
}

async fn create(web: &Web, space: &str, name: &str, kind: &str) -> String {
    let made =
        web.done("flow", "POST", &format!("/spaces/{space}/environments"), environment(name, kind)).await;
    assert_eq!(
        (&made["data"]["attributes"]["type"], &made["data"]["type"]),
        (&json!(kind), &json!("environments"))
    );
    assert_eq!(made["data"]["relationships"]["space"]["data"]["id"], space);
    made["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_space_has_one_environment_for_builds_and_any_number_of_stages() {
    let web = spaces().await;
    let path = "/spaces/juke/environments";
    let build = create(&web, "juke", "build", "build").await;
    for (name, kind, status, code) in [
        ("build-2", "build", 409, "NAME_TAKEN"),
        ("stage-1", "stage", 201, ""),
        ("stage-2", "stage", 201, ""),
        ("stage-1", "run", 409, "NAME_TAKEN"),
        ("x", "moon", 422, "INVALID"),
    ] {
        let answered = web.ask("jane", "POST", path, environment(name, kind)).await;
        assert_eq!((answered.status, answered.code()), (status, code), "{name} {kind}: {answered:?}");
    }
    let mut named = environment("dev", "dev");
    named["data"]["attributes"]["namespaceName"] = "mine".into();
    let refused = web.ask("flow", "POST", path, named).await;
    assert_eq!(refused.faults(), ["/data/attributes/namespaceName"]);
    for (person, status) in [("kim", 403), ("ana", 403), ("eve", 201)] {
        assert_eq!(
            web.ask(person, "POST", path, environment(person, "test")).await.status,
            status,
            "{person}"
        );
    }
    assert_eq!(
        web.ask("flow", "POST", "/spaces/none/environments", environment("a", "run")).await.code(),
        "NOT_FOUND"
    );
    for (query, count) in [("", 4), ("?type=stage", 2), ("?name=eve", 1), ("?type=stage&name=eve", 0)] {
        let listed = web.done("kim", "GET", &format!("{path}{query}"), Value::Null).await;
        assert_eq!(listed["data"].as_array().unwrap().len(), count, "{query}");
    }
    let one = format!("/environments/{build}");
    assert_eq!(web.done("kim", "GET", &one, Value::Null).await["data"]["attributes"]["name"], "build");
    assert_eq!(web.ask("jane", "DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(web.ask("jane", "GET", &one, Value::Null).await.code(), "NOT_FOUND");
    create(&web, "juke", "build", "build").await;
}

#[tokio::test]
async fn a_map_has_environments_of_its_space_and_a_name_of_its_own() {
    let web = spaces().await;
    let (stage, run) =
        (create(&web, "juke", "stage", "stage").await, create(&web, "juke", "run", "run").await);
    let foreign = create(&web, "kite", "stage", "stage").await;
    let map = |name: &str, stages: &[(&str, &str)]| {
        let environments: Vec<_> = stages
            .iter()
            .map(|(stage, environment)| json!({"stage": stage, "envUUID": environment}))
            .collect();
        json!({"data": {"name": name, "environments": environments}})
    };
    let path = "/spaces/juke/pipeline-environment-maps";
    for (body, status, code) in [
        (map("shop", &[("Stage", &stage), ("Run", &foreign)]), 404, "NOT_FOUND"),
        (map("shop", &[("Stage", "none")]), 404, "NOT_FOUND"),
        (map("shop", &[("Stage", &stage), ("Stage", &run)]), 422, "INVALID"),
        (map("shop", &[]), 422, "INVALID"),
        (map("shop", &[("Stage", &stage), ("Run", &run)]), 201, ""),
        (map("shop", &[("Stage", &stage)]), 409, "NAME_TAKEN"),
    ] {
        let answered = web.ask("flow", "POST", path, body.clone()).await;
        assert_eq!((answered.status, answered.code()), (status, code), "{body}: {answered:?}");
    }
    assert_eq!(web.ask("kim", "POST", path, map("other", &[("Stage", &stage)])).await.code(), "FORBIDDEN");
    let listed = web.done("kim", "GET", path, Value::Null).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "nothing of a refused map is kept");
    let id = listed["data"][0]["id"].as_str().unwrap().to_owned();
    let one = format!("/pipeline-environment-maps/{id}");
    assert_eq!(web.ask("jane", "PATCH", &one, map("shop", &[("Run", &foreign)])).await.code(), "NOT_FOUND");
    web.done("jane", "PATCH", &one, map("shop", &[("Run", &run)])).await;
    let shown = web.done("kim", "GET", &one, Value::Null).await;
    assert_eq!(shown["data"]["environments"], json!([{"stage": "Run", "envUUID": run}]));
    assert_eq!(
        web.ask("jane", "DELETE", &format!("/environments/{run}"), Value::Null).await.code(),
        "NOT_SUPPORTED"
    );
    assert_eq!(web.ask("jane", "DELETE", &format!("/environments/{stage}"), Value::Null).await.status, 204);
    let codebase = |map: &str| json!({"url": "https://github.com/jane/shop", "pipelineEnvironmentMap": map});
    let made = web.done("flow", "POST", "/spaces/juke/codebases", codebase(&id)).await;
    assert!(made["id"].is_string() && made["space"] == "juke", "{made}");
    assert_eq!(web.ask("flow", "POST", "/spaces/kite/codebases", codebase(&id)).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn who_works_in_a_space() {
    let web = spaces().await;
    for (user, role) in
        [("jane", "owner"), ("user:default%2Feve", "owner"), ("kim", "contributor"), ("ana", "none")]
    {
        let shown = web.done("flow", "GET", &format!("/spaces/juke/collaborators/{user}"), Value::Null).await;
        assert_eq!(shown, json!({"role": role, "owner": "jane"}), "{user}");
    }
    assert_eq!(
        web.ask("flow", "GET", "/spaces/none/collaborators/jane", Value::Null).await.code(),
        "NOT_FOUND"
    );
    let types = web.done("kim", "GET", "/environment-types", Value::Null).await;
    assert_eq!(types["items"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn a_namespace_keeps_its_name_and_shares_it_with_nobody() {
    let web = spaces().await;
    let put = async |user: &str, more: Value| {
        let mut body = json!({"type": "che", "cluster": "c1", "state": "provisioning"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        web.ask("flow", "PUT", &format!("/tenants/{user}/namespaces"), body).await
    };
    for (user, more, name) in [
        ("john@a.example", json!({}), "john-che"),
        ("john@a.example", json!({"state": "ready"}), "john-che"),
        ("john@a.example", json!({"type": "user"}), "john"),
        // The same in a space is another one; the first name is taken in this cluster, and free in the other.
        ("john@a.example", json!({"space": "kite"}), "john2-che"),
        ("john@a.example", json!({"space": "juke", "cluster": "c2"}), "john-che"),
        // Somebody else of the same name.
        ("john@b.example", json!({"cluster": "c3"}), "john3-che"),
        ("1234", json!({}), "os-1234-io-che"),
        ("kim", json!({"type": "run", "space": "juke", "environment": "e1"}), "kim-run"),
        ("kim", json!({"type": "run", "space": "juke", "environment": "e2", "name": "shop-run"}), "shop-run"),
        ("kim", json!({"type": "run", "space": "juke", "environment": "e2"}), "shop-run"),
    ] {
        let answered = put(user, more.clone()).await;
        assert_eq!(
            (answered.status, &answered.json["name"]),
            (200, &json!(name)),
            "{user} {more}: {answered:?}"
        );
    }
    let taken = put("ana", json!({"name": "john-che"})).await;
    assert_eq!((taken.status, taken.code()), (409, "NAME_TAKEN"));
    for (query, names) in
        [("", vec!["john", "john-che", "john-che", "john2-che"]), ("?type=che&space=kite", vec!["john2-che"])]
    {
        let listed =
            web.done("flow", "GET", &format!("/tenants/john@a.example/namespaces{query}"), Value::Null).await;
        let listed: Vec<_> =
            listed["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(listed, names, "{query}");
    }
    assert_eq!(web.ask("jane", "GET", "/tenants/kim/namespaces", Value::Null).await.code(), "FORBIDDEN");
    assert_eq!(web.ask("kim", "PUT", "/tenants/kim/namespaces", json!({})).await.code(), "FORBIDDEN");
    for _ in 0..2 {
        assert_eq!(
            web.ask("flow", "DELETE", "/tenants/kim/namespaces?name=kim-run", Value::Null).await.status,
            204
        );
    }
    assert_eq!(
        web.done("kim", "GET", "/tenants/kim/namespaces", Value::Null).await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
