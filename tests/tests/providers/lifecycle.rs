//! The life of a server at OpenStack: completed, switched off and on, removed; and where its password is not.

use reqwest::Method;
use rondo_simulator::{Failure, Service};
use serde_json::{Value, json};

use crate::{
    kills::Moment,
    stage::{JANE, ROOT, Stage},
};

/// The events of an order until it is completed.
const COMPLETED: [&str; 8] = [
    "provisioning.started",
    "resource.allocated",
    "provisioning.step-completed",
    "provisioning.step-completed",
    "service.activated",
    "provisioning.step-completed",
    "provisioning.step-completed",
    "provisioning.completed",
];

/// Status of the one server.
fn status(stage: &Stage) -> Value {
    stage.services.state()["openstack"]["servers"][0]["status"].clone()
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

/// Everything that can be seen of what happened, except by who asked for the password.
async fn seen(stage: &Stage, id: &str) -> Vec<(&'static str, Vec<u8>)> {
    let query = "{ ProcessInstances { id variables error { message } nodes { name errorMessage } } }";
    let listed = stage.engine.post("/graphql", &json!({"query": query})).await.body;
    assert!(listed["data"].is_object(), "{listed}");
    vec![
        ("the log", stage.engine.log().into_bytes()),
        ("the database", stage.engine.database()),
        ("GraphQL", listed.to_string().into_bytes()),
        ("the events", stage.get(&format!("/events?request={id}")).await.to_string().into_bytes()),
        ("the request", stage.request(id).await.to_string().into_bytes()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_completed_revealed_switched_and_removed() {
    let stage = Stage::start("openstack").await;
    let id = stage.order(&json!({"type": "vps", "provider": "openstack", "orderId": "ord-1"}), "shop").await;
    let request = stage.until_at_rest(&id, "Completed").await;
    assert_eq!(stage.events(&id).await, COMPLETED);
    let steps: Vec<&Value> =
        request["steps"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
    assert_eq!(steps, ["Completed"; 4]);
    let state = stage.services.state();
    let address = &state["openstack"]["network"]["floatingips"][0]["floating_ip_address"];
    assert_eq!(&request["access"]["ip"], address);
    assert_eq!(status(&stage), "ACTIVE");

    let path = format!("/requests/{id}/credentials/reveal");
    let other = stage.ask(ROOT, Method::POST, &path, &json!({})).await;
    assert_eq!(other.status, 403, "{other:?}");
    let revealed = stage.ask(JANE, Method::POST, &path, &json!({})).await;
    assert_eq!(revealed.status, 200, "{revealed:?}");
    let password = revealed.body["password"].as_str().unwrap().to_owned();
    assert_eq!(password.len(), 24);
    let again = stage.ask(JANE, Method::POST, &path, &json!({})).await;
    assert!(again.status == 410 && !again.body.to_string().contains(&password), "{again:?}");

    for (action, wanted, then, event) in [
        ("suspend", "SHUTOFF", "Suspended", "service.suspended"),
        ("reactivate", "ACTIVE", "Completed", "service.reactivated"),
    ] {
        let calls = stage.calls();
        stage.act(&id, action).await;
        stage.until_at_rest(&id, then).await;
        assert_eq!(status(&stage), wanted);
        let changes = stage.changes_since(calls, Service::Openstack);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(stage.events(&id).await.last().unwrap(), event);
        let again =
            stage.ask(JANE, Method::POST, &format!("/requests/{id}/actions/{action}"), &json!({})).await;
        assert_eq!(again.status, 409, "{again:?}");
        stage.check(action).await;
    }

    for (place, text) in seen(&stage, &id).await {
        assert!(!contains(&text, &password), "{place} has the password");
    }
    stage.act(&id, "deprovision").await;
    let request = stage.until_at_rest(&id, "Rolled Back").await;
    assert_eq!(request["cause"], "deprovisioned");
    assert_eq!(stage.events(&id).await.last().unwrap(), "provisioning.rolled-back");
    stage.check("removed").await;
    assert_eq!(stage.things(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switching_survives_a_kill_at_its_call() {
    let mut stage = Stage::start("openstack").await;
    let id = stage.order(&json!({"type": "vps", "provider": "openstack"}), "shop").await;
    stage.until_at_rest(&id, "Completed").await;
    let switches = [("suspend", "SHUTOFF", "Suspended"), ("reactivate", "ACTIVE", "Completed")];
    let calls = stage.calls();
    for (action, _, then) in switches {
        stage.act(&id, action).await;
        stage.until_at_rest(&id, then).await;
    }
    let changes = stage.changes_since(calls, Service::Openstack);
    let [first, _] = changes.as_slice() else { panic!("{changes:?}") };
    for moment in Moment::BOTH {
        for (action, wanted, then) in switches {
            stage.kill_at((first, moment), async |stage| stage.act(&id, action).await).await;
            stage.until_at_rest(&id, then).await;
            assert_eq!(status(&stage), wanted, "{moment:?} {action}");
            stage.check(&format!("{moment:?} {action}")).await;
        }
    }
    let events = stage.events(&id).await;
    let count = |wanted: &str| events.iter().filter(|event| *event == wanted).count();
    assert_eq!((count("service.suspended"), count("service.reactivated")), (3, 3), "{events:?}");
}

/// One of two servers changes just then, so the cloud refuses the call for it; the other one is switched all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_busy_keeps_no_other_from_being_switched() {
    let stage = Stage::start("openstack").await;
    let resources = json!({"instances": 2, "cpu": 4, "memoryGiB": 8, "storageGiB": 40});
    let order = json!({"type": "private-cloud", "provider": "openstack", "resources": resources});
    let id = stage.order(&order, "shop").await;
    stage.until_at_rest(&id, "Completed").await;
    let calls = stage.calls();
    stage.act(&id, "suspend").await;
    stage.until_at_rest(&id, "Suspended").await;
    let changes = stage.changes_since(calls, Service::Openstack);
    let [first, second] = changes.as_slice() else { panic!("{changes:?}") };
    stage.act(&id, "reactivate").await;
    stage.until_at_rest(&id, "Completed").await;

    for busy in [first, second] {
        stage.services.fail(Failure { status: 409, hangs: false, ..busy.held(Moment::Before) });
        stage.act(&id, "suspend").await;
        stage.until_at_rest(&id, "Suspended").await;
        let servers = stage.services.state()["openstack"]["servers"].clone();
        let off = servers.as_array().unwrap().iter().filter(|server| server["status"] == "SHUTOFF").count();
        assert_eq!(off, 2, "{servers}");
        stage.act(&id, "reactivate").await;
        stage.until_at_rest(&id, "Completed").await;
    }
    stage.check("switched").await;
}
