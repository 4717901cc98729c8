//! Kills at the calls that flows make to the desk: every report, record and question, before it reaches the desk and behind it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    inventory::kinds_of,
    kills::Moment,
    stage::{ROOT, Stage},
};

/// What a person does while flows work, until the request is in a state and everything rests.
async fn attend(stage: &Stage, id: &str, state: &str) -> Value {
    stage
        .until(id, &format!("it comes to rest as {state}"), async |request| {
            do_what_is_asked(stage, request).await;
            let instances = stage.instances(id).await;
            request["state"] == state && instances.iter().all(|(_, state)| state == "COMPLETED")
        })
        .await
}

/// Sets the service up that people are asked for, and confirms that it is removed, as soon as the desk lets them.
async fn do_what_is_asked(stage: &Stage, request: &Value) {
    if request["provider"] != "manual" {
        return;
    }
    let id = request["id"].as_str().unwrap();
    if request["state"] == "Activating" && request["access"].is_null() && request["recorded"] != json!([]) {
        let access = json!({"access": {"hostname": "shop.example.com"}});
        let path = format!("/requests/{id}/actions/complete-manually");
        let answer = stage.ask(ROOT, Method::POST, &path, &access).await;
        assert!(matches!(answer.status, 202 | 409), "{answer:?}");
    }
    if request["state"] == "Rolling Back" {
        let pending = stage.get("/approvals?state=pending").await;
        for approval in pending["items"].as_array().unwrap() {
            let path = format!("/approvals/{}/decision", approval["id"].as_str().unwrap());
            let decision = json!({"decision": "approved"});
            let answer = stage.ask(ROOT, Method::POST, &path, &decision).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

/// What an order makes and tells, and how many changes its flows ask the desk for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Course {
    kinds: Vec<String>,
    events: Vec<String>,
    makes: usize,
    removes: usize,
}

/// A change that a flow asks the desk for, by its number, and when the engine is killed at it.
type Kill = Option<(usize, Moment)>;

/// Has something done, kills the engine at a change that follows, and waits until the request comes to rest in a state. Gives the request
/// and how many changes the flow asked for.
async fn play(
    stage: &mut Stage,
    (kill, end): (Kill, &str),
    act: impl AsyncFnOnce(&Stage) -> String,
) -> (Value, usize) {
    let held = stage.held();
    stage.gate.watch(kill);
    let id = act(stage).await;
    if kill.is_some() {
        let meanwhile = async |stage: &Stage| do_what_is_asked(stage, &stage.request(&id).await).await;
        stage.kill_when_held(held, &format!("{kill:?}"), meanwhile).await;
    }
    let request = attend(stage, &id, end).await;
    stage.check(&format!("{kill:?} of {:?}", stage.gate.changes())).await;
    (request, stage.gate.changes().len())
}

/// Orders a service that ends so, and removes it if it is there then.
async fn run(stage: &mut Stage, order: &Value, end: &str, kills: [Kill; 2]) -> Course {
    let (request, makes) = play(stage, (kills[0], end), async |stage| stage.order(order, "shop").await).await;
    let id = request["id"].as_str().unwrap().to_owned();
    let (kinds, events) = (kinds_of(&request), stage.events(&id).await);
    let mut removes = 0;
    if end == "Completed" {
        let removed = play(stage, (kills[1], "Rolled Back"), async |stage| {
            stage.act(&id, "deprovision").await;
            id
        });
        removes = removed.await.1;
    }
    Course { kinds, events, makes, removes }
}

/// Kills the engine at each change that flows ask the desk for, in an order that ends so and when it is removed: at these moments of each,
/// or, without any, before one and after the next. Gives the number of kills.
async fn kill_everywhere(stage: &mut Stage, order: &Value, end: &str, moments: &[Moment]) -> usize {
    let course = run(stage, order, end, [None, None]).await;
    let mut kills = 0;
    for number in 0..course.makes.max(course.removes) {
        let in_turn = [Moment::BOTH[number % 2]];
        for moment in if moments.is_empty() { &in_turn } else { moments } {
            let is_call = |calls: usize| (number < calls).then_some((number, *moment));
            let each = [is_call(course.makes), is_call(course.removes)];
            kills += each.iter().flatten().count();
            // A call that is made again is one more.
            let Course { kinds, events, .. } = run(stage, order, end, each).await;
            assert_eq!((kinds, events), (course.kinds.clone(), course.events.clone()), "{each:?}");
        }
    }
    let usage = stage.get("/pools/acme").await["usage"].clone();
    assert_eq!(usage["instances"], 0, "{usage}");
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_service_survives_a_kill_at_every_call() {
    let mut stage = Stage::start("simulation").await;
    let order = json!({"type": "vps", "provider": "simulation"});
    let kills = kill_everywhere(&mut stage, &order, "Completed", &Moment::BOTH).await;
    assert!(kills >= 30, "{kills}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_step_that_fails_survives_a_kill_at_every_call() {
    let mut stage = Stage::start("simulation").await;
    let order = json!({"type": "vps", "provider": "simulation"});
    let mut kills = 0;
    for step in ["allocate", "verify"] {
        stage.put_cluster("sim", "simulation", json!({"settings": {"failAt": step}})).await;
        kills += kill_everywhere(&mut stage, &order, "Rolled Back", &[]).await;
    }
    assert!(kills >= 20, "{kills}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_people_set_up_survives_a_kill_at_every_call() {
    let mut stage = Stage::start("manual").await;
    let order = json!({"type": "vps", "provider": "manual"});
    let kills = kill_everywhere(&mut stage, &order, "Completed", &Moment::BOTH).await;
    assert!(kills >= 24, "{kills}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_survives_a_kill_at_every_call_to_the_desk() {
    let mut stage = Stage::start("kubernetes").await;
    let order = json!({"type": "namespace", "provider": "kubernetes"});
    let kills = kill_everywhere(&mut stage, &order, "Completed", &[]).await;
    assert!(kills >= 25, "{kills}");
}

/// Behind a call means here that the provider has done it, the desk has noted that, and the flow has no answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_survives_a_kill_behind_every_call_to_the_desk() {
    let mut stage = Stage::start("openstack").await;
    let order = json!({"type": "vps", "provider": "openstack"});
    let kills = kill_everywhere(&mut stage, &order, "Completed", &[Moment::After]).await;
    assert!(kills >= 30, "{kills}");
}
