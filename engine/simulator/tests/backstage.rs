//! The simulated Backstage over real HTTP, with its effects in the cluster.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::Duration;

use common::{World, contains, header};
use rondo_simulator::Service::{Backstage, Kubernetes};
use rondo_simulator::{Delays, NAMESPACE_TEMPLATE};
use serde_json::{Value, json};

const NONE: Value = Value::Null;
const TASKS: &str = "/api/scaffolder/v2/tasks";

async fn launch(world: &World, namespace: &str) -> String {
    let values = json!({ "namespace": namespace, "size": "large", "owner": "group:default/team-a" });
    let body = json!({ "templateRef": NAMESPACE_TEMPLATE, "values": values });
    let (status, answer) = world.ask(Backstage, (&format!("POST {TASKS}"), body)).await;
    assert_eq!(status, 201, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_completed_template_has_created_the_namespace_with_quota_and_owner() {
    let world = World::with(Delays { template: Duration::from_mins(1), ..Delays::default() }).await;
    let id = launch(&world, "team-a").await;
    let task = format!("GET {TASKS}/{id}");
    world.play(Backstage, &[(&task, NONE, 200, json!({ "id": id, "status": "processing" }))]).await;
    assert!(world.simulator.namespaces().is_empty(), "nothing is there before the template has ended");

    world.simulator.advance(Duration::from_mins(1));
    assert_eq!(world.simulator.namespaces(), ["team-a"]);
    world
        .play(
            Backstage,
            &[
                (
                    &task,
                    NONE,
                    200,
                    json!({ "status": "completed", "spec": { "parameters": { "size": "large" } } }),
                ),
                (
                    &format!("GET {TASKS}/{id}/events?after=1"),
                    NONE,
                    200,
                    json!([{ "type": "completion", "body": { "status": "completed" } }]),
                ),
                (&format!("GET {TASKS}?status=completed"), NONE, 200, json!({ "totalTasks": 1 })),
                (
                    "GET /api/catalog/entities/by-name/component/default/team-a",
                    NONE,
                    200,
                    json!({ "kind": "Component" }),
                ),
            ],
        )
        .await;
    world
        .play(
            Kubernetes,
            &[
                (
                    "GET /api/v1/namespaces/team-a/resourcequotas/size",
                    NONE,
                    200,
                    json!({ "spec": { "hard": { "limits.cpu": "32" } } }),
                ),
                (
                    "GET /api/v1/namespaces/team-a/limitranges/size",
                    NONE,
                    200,
                    json!({ "kind": "LimitRange", "spec": { "limits": [{ "type": "Container", "max": { "cpu": "8" } }] } }),
                ),
                (
                    "GET /apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings",
                    NONE,
                    200,
                    json!({ "items": [{ "subjects": [{ "kind": "Group", "name": "team-a" }] }] }),
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn the_values_that_workflows_of_the_orchestrator_send_are_enough() {
    let world = World::new().await;
    let values = json!({ "component_id": "team-z", "namespace_owner": "jane", "git_host": "git.example.com", "size": "small" });
    let body = json!({ "templateRef": NAMESPACE_TEMPLATE, "values": values });
    world.play(Backstage, &[(&format!("POST {TASKS}"), body, 201, json!({}))]).await;
    assert_eq!(world.simulator.namespaces(), ["team-z"]);
    let bindings = "GET /apis/rbac.authorization.k8s.io/v1/namespaces/team-z/rolebindings/owner";
    let subject = json!({ "subjects": [{ "kind": "User", "name": "jane" }] });
    world.play(Kubernetes, &[(bindings, NONE, 200, subject)]).await;
    let component = "GET /api/catalog/entities/by-name/component/default/team-z";
    world.play(Backstage, &[(component, NONE, 200, json!({ "spec": { "owner": "jane" } }))]).await;
}

#[tokio::test]
async fn a_template_fails_when_the_namespace_exists_and_can_be_cancelled() {
    let world = World::with(Delays { template: Duration::from_mins(1), ..Delays::default() }).await;
    launch(&world, "team-a").await;
    let failing = launch(&world, "team-a").await;
    let cancelled = launch(&world, "team-b").await;
    let cancel = format!("POST {TASKS}/{cancelled}/cancel");
    world.play(Backstage, &[(&cancel, json!({}), 200, json!({ "status": "cancelled" }))]).await;
    world.simulator.advance(Duration::from_mins(1));
    world
        .play(
            Backstage,
            &[
                (&format!("GET {TASKS}/{failing}"), NONE, 200, json!({ "status": "failed" })),
                (&format!("GET {TASKS}/{cancelled}"), NONE, 200, json!({ "status": "cancelled" })),
                (&cancel, json!({}), 200, json!({ "status": "cancelled" })),
            ],
        )
        .await;
    let (_, events) = world.ask(Backstage, (&format!("GET {TASKS}/{failing}/events"), NONE)).await;
    let message = "Run completed with status: failed. namespaces \"team-a\" already exists";
    contains(&events, &json!([{ "type": "log" }, { "body": { "message": message } }]), "events");
    assert_eq!(world.simulator.namespaces(), ["team-a"]);
}

#[tokio::test]
async fn notifications_reach_each_recipient() {
    let world = World::new().await;
    let send = |recipients: Value| json!({ "recipients": recipients, "payload": { "title": "Ready" } });
    let two = json!({ "type": "entity", "entityRef": ["user:default/jane", "user:default/joe"] });
    let path = "POST /api/notifications";
    let wrong = |message: &str| json!({ "error": { "name": "InputError", "message": message } });
    world
        .play(
            Backstage,
            &[
                (
                    path,
                    send(two),
                    200,
                    json!([{ "user": "user:default/jane", "payload": { "severity": "normal" } }, {}]),
                ),
                (path, send(json!({ "type": "broadcast" })), 200, json!([{ "user": null }])),
                (
                    path,
                    json!({}),
                    400,
                    wrong("Invalid notification request received. Missing: title, recipients"),
                ),
                ("GET /api/notifications", NONE, 200, json!({ "totalCount": 3 })),
            ],
        )
        .await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_backstages_words() {
    let world = World::new().await;
    let start = |template: &str, values: Value| json!({ "templateRef": template, "values": values });
    let size = start("create-namespace", json!({ "namespace": "a", "size": "huge" }));
    let post = format!("POST {TASKS}");
    world
        .play(
            Backstage,
            &[
                (&post, start("template:default/other", json!({})), 404, json!({ "error": { "name": "NotFoundError", "message": "Template template:default/other not found" } })),
                (&post, json!({}), 400, json!({ "error": { "name": "InputError" } })),
                (&post, start(NAMESPACE_TEMPLATE, json!({})), 400, json!({ "errors": [{ "stack": "instance requires property \"namespace\"" }] })),
                (&post, size, 400, json!({ "errors": [{ "path": ["size"], "message": "is not one of enum values: small,medium,large" }] })),
                (&format!("GET {TASKS}/none"), NONE, 404, json!({ "error": { "message": "No task with id 'none' found" } })),
                (
                    "GET /api/catalog/entities/by-name/user/default/jane",
                    NONE,
                    404,
                    json!({ "error": { "message": "No entity named 'jane' found, with kind 'user' in namespace 'default'" } }),
                ),
                ("GET /api/search", NONE, 404, json!({ "error": { "name": "NotFoundError" } })),
            ],
        )
        .await;
    let (status, body) = world
        .ask_with(Backstage, ("GET /api/notifications", NONE), header("authorization", "Bearer no"))
        .await;
    assert_eq!(status, 401);
    let expected = json!({
        "error": { "name": "AuthenticationError", "message": "Missing credentials" },
        "request": { "method": "GET", "url": "/api/notifications" },
        "response": { "statusCode": 401 },
    });
    assert_eq!(body, expected);
}
