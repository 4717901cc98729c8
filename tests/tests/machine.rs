//! The request for a virtual machine from beginning to end, against simulated GitLab, Backstage and Kubernetes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use rondo_simulator::{Decision, Delays, Failure, Service, Simulator};
use rondo_tests::{Engine, namespace_request, root, services, until};
use serde_json::{Value, json};

/// Services with a namespace `team-a`, and an engine.
async fn served() -> (Simulator, Engine) {
    let (services, environment) = services().await;
    let engine = Engine::start(&root().join("workflows"), &environment).await;
    let answer = engine.post("/create-ocp-namespace", &namespace_request("team-a", "small")).await;
    engine.wait_for(answer.body["id"].as_str().unwrap(), "COMPLETED").await;
    (services, engine)
}

/// Orders a machine and gives the id of the instance, whatever has become of it already.
async fn order(engine: &Engine, namespace: &str) -> String {
    let request = json!({
        "name": "db", "namespace": namespace, "cpu": 2, "memory": "4Gi", "image": "rhel9",
        "requester": "user:default/jdoe", "reason": "a test needs it"
    });
    let answer = engine.post("/request-vm", &request).await;
    answer.body["id"].as_str().unwrap().to_owned()
}

fn approve(services: &Simulator) {
    let issue = services.issues().pop().unwrap();
    services.decide(issue.project, issue.iid, Decision::Approve).unwrap();
}

/// The next machine is made, and only the answer lost.
fn lose_the_answer_to_the_creation(services: &Simulator) {
    services.fail(Failure {
        service: Some(Service::Kubernetes),
        method: Some("POST".to_owned()),
        path_prefix: "/apis/kubevirt.io".to_owned(),
        status: 502,
        times: 1,
        body: None,
        after_effect: true,
        hangs_up: false,
        hangs: false,
        skips: 0,
    });
}

fn machines(services: &Simulator) -> usize {
    let state = services.state();
    let machines = state["kubernetes"]["virtualmachines"].as_array();
    machines.unwrap_or_else(|| panic!("{state}")).len()
}

fn result(instance: &Value) -> &str {
    instance["data"]["result"]["message"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_machine_is_created_started_and_reported() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-a").await;
    assert_eq!(machines(&services), 0, "nothing is made before the approval");
    approve(&services);
    let instance = engine.wait_for(&id, "COMPLETED").await;
    assert_eq!(result(&instance), "Virtual machine db is running in namespace team-a.");
    assert_eq!((machines(&services), services.issues()[0].state()), (1, "closed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_machine_is_not_made() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-a").await;
    let issue = services.issues().pop().unwrap();
    services.decide(issue.project, issue.iid, Decision::Deny).unwrap();
    let instance = engine.wait_for(&id, "ERROR").await;
    assert!(result(&instance).contains("was denied"), "{instance}");
    assert_eq!(machines(&services), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_about_a_namespace_that_is_not_there() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-z").await;
    let instance = engine.wait_for(&id, "ERROR").await;
    assert_eq!(result(&instance), "There is no namespace team-z in the cluster. Please ask for one first.");
    assert!(services.issues().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_does_not_come_up_is_removed() {
    let (services, engine) = served().await;
    services.set_delays(Delays { vm_starting: Duration::from_hours(1), ..Delays::default() });
    let id = order(&engine, "team-a").await;
    approve(&services);
    let instance = engine.wait_for(&id, "ERROR").await;
    assert!(result(&instance).contains("did not run in time"), "{instance}");
    assert!(result(&instance).ends_with("It was removed again."), "{instance}");
    assert_eq!(machines(&services), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_the_creation_does_not_lose_the_machine() {
    let (services, engine) = served().await;
    let id = order(&engine, "team-a").await;
    // The machine is made and only the answer lost: what the flow then finds is its own.
    lose_the_answer_to_the_creation(&services);
    approve(&services);
    let instance = engine.wait_for(&id, "COMPLETED").await;
    assert_eq!(result(&instance), "Virtual machine db is running in namespace team-a.");
    assert_eq!(machines(&services), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_of_somebody_else_is_left_alone() {
    let (services, engine) = served().await;
    let first = order(&engine, "team-a").await;
    approve(&services);
    engine.wait_for(&first, "COMPLETED").await;
    let second = order(&engine, "team-a").await;
    approve(&services);
    let instance = engine.wait_for(&second, "ERROR").await;
    assert!(result(&instance).contains("has a virtual machine called db already"), "{instance}");
    assert_eq!(machines(&services), 1);
    // Nor does an abort of the second request take the machine of the first.
    let answer = engine.delete(&format!("/management/processes/request-vm/instances/{second}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    engine.wait_for(&second, "ABORTED").await;
    assert_eq!(machines(&services), 1);
}

/// Whether the creation was answered, or only its answer lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aborted_request_takes_its_machine_with_it() {
    for answered in [true, false] {
        let (services, engine) = served().await;
        services.set_delays(Delays { vm_starting: Duration::from_hours(1), ..Delays::default() });
        let id = order(&engine, "team-a").await;
        if !answered {
            lose_the_answer_to_the_creation(&services);
        }
        approve(&services);
        until("the machine is made", async || machines(&services) > 0).await;
        engine.delete(&format!("/management/processes/request-vm/instances/{id}")).await;
        engine.wait_for(&id, "ABORTED").await;
        assert_eq!(machines(&services), 0, "answered: {answered}");
    }
}
