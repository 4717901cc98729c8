//! A request that is acted on milliseconds after a flow reported its end: the flow of the attempt before may still be at its last steps, and
//! the event that starts the next one must wait for it, not get lost.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::stage::{PATIENCE, Stage};

/// What is done with each request: the attempt and the state in which it is, and the action that follows as soon as it is seen.
type Act = (u64, &'static str, &'static str);

/// Orders so many services, of which five have a place at a time, and acts on each of them as soon as it is as wanted, until all are in the
/// attempt and state `end`. Cuts the power so many times, each right after an action.
async fn act_at_once(
    stage: &mut Stage,
    (order, many): (&Value, usize),
    acts: &[Act],
    (end, cuts): ((u64, &str), usize),
) -> Vec<String> {
    let mut open: BTreeMap<String, &[Act]> = BTreeMap::new();
    for number in 0..many {
        open.insert(stage.order(order, &format!("shop-{number}")).await, acts);
    }
    let (mut moved, mut acted, mut cut) = (Instant::now(), 0, 0);
    let mut most = 0;
    loop {
        let listed = stage.get("/requests").await["items"].clone();
        let mut ended = 0;
        for request in listed.as_array().unwrap() {
            let id = request["id"].as_str().unwrap();
            let Some(acts) = open.get_mut(id) else { continue };
            let is = |attempt: u64, state: &str| request["attempt"] == attempt && request["state"] == state;
            match acts {
                [(attempt, state, action), rest @ ..] if is(*attempt, state) => {
                    stage.act(id, action).await;
                    *acts = rest;
                    (acted, moved) = (acted + 1, Instant::now());
                    if cut < cuts && acted * (cuts + 1) > many * (cut + 1) {
                        cut += 1;
                        stage.cut_power().await;
                    }
                }
                [] if is(end.0, end.1) => ended += 1,
                _ => {}
            }
        }
        if ended > most {
            (most, moved) = (ended, Instant::now());
        }
        if ended == many {
            break;
        }
        let is_moving = moved.elapsed() < PATIENCE;
        assert!(is_moving, "{ended} of {many} have ended: {listed:#}\n{}", stage.engine.log());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(cut, cuts);
    for id in open.keys() {
        stage.until_at_rest(id, end.1).await;
    }
    stage.check("all at rest").await;
    open.into_keys().collect()
}

/// How many instances of a workflow there were for a request, all of which have ended.
async fn count(stage: &Stage, id: &str, workflow: &str) -> usize {
    stage.instances(id).await.iter().filter(|(name, _)| name == workflow).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_at_the_moment_of_the_rollback_is_not_lost() {
    let mut stage = Stage::start("simulation").await;
    stage.put_cluster("sim", "simulation", json!({"settings": {"failAt": "allocate"}})).await;
    let order = json!({"type": "vps", "provider": "simulation"});
    let end = (2, "Rolled Back");
    let ids = act_at_once(&mut stage, (&order, 30), &[(1, "Rolled Back", "retry")], (end, 4)).await;
    for id in &ids {
        assert_eq!(count(&stage, id, "provision-simulation").await, 2);
        let events = stage.events(id).await;
        let attempt = ["provisioning.started", "provisioning.failed", "provisioning.rolled-back"];
        assert_eq!(events, attempt.repeat(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_at_the_moment_of_the_failure_is_not_lost() {
    let mut stage = Stage::start("kubernetes").await;
    // Kubernetes makes no such thing, so nothing is recorded and nothing rolled back.
    let order = json!({"type": "object-storage", "provider": "kubernetes"});
    let ids = act_at_once(&mut stage, (&order, 30), &[(1, "Failed", "retry")], ((2, "Failed"), 0)).await;
    for id in &ids {
        assert_eq!(count(&stage, id, "provision-kubernetes").await, 2);
        assert_eq!(stage.events(id).await, ["provisioning.started", "provisioning.failed"].repeat(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_switched_and_removed_at_the_moment_of_each_report() {
    let mut stage = Stage::start("simulation").await;
    let order = json!({"type": "vps", "provider": "simulation"});
    let acts = [
        (1, "Completed", "suspend"),
        (1, "Suspended", "reactivate"),
        (1, "Completed", "suspend"),
        (1, "Suspended", "deprovision"),
        (1, "Rolled Back", "retry"),
    ];
    let ids = act_at_once(&mut stage, (&order, 12), &acts, ((2, "Completed"), 3)).await;
    for id in &ids {
        assert_eq!(count(&stage, id, "provision-simulation").await, 2);
        assert_eq!(count(&stage, id, "power-simulation").await, 3);
        assert_eq!(count(&stage, id, "deprovision-simulation").await, 1);
    }
}

/// The flow of a request that was cancelled before it had a place runs when it gets one, and must not take the next attempt for its own: the
/// clusters of the two may differ, and another flow works on the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_of_a_cancelled_attempt_does_not_take_the_next_one_for_its_own() {
    let stage = Stage::start("simulation").await;
    let slowly = json!({"settings": {"delays": {"allocate": "PT1H"}}, "default": true});
    stage.put_cluster("sim", "simulation", slowly).await;
    let order = json!({"type": "vps", "provider": "simulation"});
    let mut running = Vec::new();
    for number in 0..5 {
        let id = stage.order(&order, &format!("slow-{number}")).await;
        stage.until_state(&id, "Allocating").await;
        running.push(id);
    }
    let id = stage.order(&order, "shop").await;
    stage
        .until(&id, "its flow waits for a place", async |_| {
            stage.instances(&id).await.iter().any(|(_, state)| state == "PENDING")
        })
        .await;
    assert_eq!(stage.request(&id).await["cluster"], "sim");
    stage.act(&id, "cancel").await;
    // The next attempt is made elsewhere.
    stage.put_cluster("sim", "simulation", json!({"enabled": false})).await;
    stage.put_cluster("sim-2", "simulation", json!({})).await;
    stage.act(&id, "retry").await;
    assert_eq!(stage.request(&id).await["cluster"], "sim-2");
    for id in &running {
        stage.act(id, "cancel").await;
    }
    let request = stage.until_at_rest(&id, "Completed").await;
    let states: Vec<String> = stage.instances(&id).await.into_iter().map(|(workflow, _)| workflow).collect();
    assert_eq!((&request["attempt"], states.len()), (&json!(2), 2), "{states:?}");
    let instance = request["instanceId"].as_str().unwrap();
    let worked = stage.engine.inspect(instance).await;
    assert_eq!(worked["data"]["request"]["attempt"], 2, "the flow of the first attempt works on the second");
    stage.check("after all").await;
}
