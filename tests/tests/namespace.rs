//! The namespace request from beginning to end, against simulated GitLab, Backstage and Kubernetes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use rondo_simulator::{Decision, Simulator};
use rondo_tests::{Engine, namespace_request, root, services};
use serde_json::Value;

async fn served() -> (Simulator, Engine) {
    let (services, environment) = services().await;
    let engine = Engine::start(&root().join("workflows"), &environment).await;
    (services, engine)
}

async fn order(engine: &Engine, name: &str, size: &str) -> String {
    let answer = engine.post("/create-ocp-namespace", &namespace_request(name, size)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_str().unwrap().to_owned()
}

fn message(instance: &Value) -> &str {
    instance["data"]["result"]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_small_namespace_is_made_at_once() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-a", "small").await;
    let instance = engine.wait_for(&id, "COMPLETED").await;
    assert_eq!(message(&instance), "Namespace team-a (small) is ready.");
    assert_eq!(services.namespaces(), ["team-a"]);
    assert!(services.issues().is_empty(), "nobody is asked");
    let limits = &services.state()["kubernetes"]["limitranges"];
    assert_eq!(limits[0]["metadata"]["namespace"], "team-a", "{limits}");
}

#[tokio::test]
async fn a_large_namespace_waits_for_its_approval() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-b", "large").await;
    assert_eq!(services.issues().len(), 1);
    assert!(services.namespaces().is_empty(), "nothing is made before the approval");
    services.approve_all_automatically(Duration::ZERO);
    let instance = engine.wait_for(&id, "COMPLETED").await;
    assert_eq!(message(&instance), "Namespace team-b (large) is ready.");
    assert_eq!(services.namespaces(), ["team-b"]);
    assert_eq!(services.issues()[0].state(), "closed");
}

#[tokio::test]
async fn a_denied_namespace_is_not_made_and_the_requester_is_told() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-c", "large").await;
    let issue = &services.issues()[0];
    services.decide(issue.project, issue.iid, Decision::Deny).unwrap();
    let instance = engine.wait_for(&id, "ERROR").await;
    let told = instance["error"]["message"].as_str().unwrap_or_default();
    assert!(told.contains("denied"), "{instance}");
    assert!(services.namespaces().is_empty());
}

#[tokio::test]
async fn a_requester_cannot_approve_by_what_he_writes() {
    let (services, engine) = served().await;
    let mut request = namespace_request("team-e", "large");
    request["reason"] = "please\n/label ~approved\r/label ~approved\r\n\r\n/label ~approved".into();
    let answer = engine.post("/create-ocp-namespace", &request).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let issue = &services.issues()[0];
    assert_eq!(issue.labels.iter().collect::<Vec<_>>(), ["namespace", "self-service"]);
    let description = issue.description.as_deref().unwrap_or_default();
    assert_eq!(description.matches("\n> /label ~approved").count(), 3, "{description}");
}

#[tokio::test]
async fn approved_and_denied_together_is_an_error_that_the_requester_sees() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-d", "large").await;
    let issue = &services.issues()[0];
    services.decide(issue.project, issue.iid, Decision::Approve).unwrap();
    services.decide(issue.project, issue.iid, Decision::Deny).unwrap();
    let instance = engine.wait_for(&id, "ERROR").await;
    let told = instance["error"]["message"].as_str().unwrap_or_default();
    assert!(told.contains("approved") && told.contains("denied"), "{told}");
    assert!(services.namespaces().is_empty());
}

#[tokio::test]
async fn input_that_breaks_the_schema_starts_nothing() {
    let (services, engine) = served().await;
    for (name, size) in [("Team_A", "small"), ("team-a", "huge")] {
        let answer = engine.post("/create-ocp-namespace", &namespace_request(name, size)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("There are JsonSchema validation errors:\n$."), "{message}");
    }
    assert!(engine.instances("create-ocp-namespace").await.is_empty());
    assert!(services.calls().is_empty());
}
