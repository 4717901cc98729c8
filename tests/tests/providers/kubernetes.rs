//! Kubernetes: a namespace with its quota, limits, binding and policy, and a virtual machine in one.

use rondo_simulator::{Failure, Service};
use serde_json::{Value, json};

use crate::{
    inventory::{Thing, kinds_of},
    kills::{Change, Moment},
    stage::Stage,
};

const KINDS: [&str; 5] = ["limit-range", "namespace", "network-policy", "resource-quota", "role-binding"];

/// With a virtual machine.
const MACHINE_KINDS: [&str; 6] =
    ["limit-range", "namespace", "network-policy", "resource-quota", "role-binding", "virtual-machine"];

fn order() -> Value {
    json!({"type": "namespace", "provider": "kubernetes"})
}

fn order_of_machine() -> Value {
    json!({"type": "vps", "provider": "kubernetes", "image": "fedora"})
}

/// What an order and its end change at the cluster.
async fn changes(stage: &Stage) -> [Vec<Change>; 2] {
    changes_of(stage, &order(), &KINDS).await
}

async fn changes_of(stage: &Stage, order: &Value, kinds: &[&str]) -> [Vec<Change>; 2] {
    let calls = stage.calls();
    let id = stage.order(order, "undisturbed").await;
    let request = stage.until_at_rest(&id, "Completed").await;
    assert_eq!(kinds_of(&request), kinds);
    let makes = stage.changes_since(calls, Service::Kubernetes);
    let calls = stage.calls();
    stage.act(&id, "deprovision").await;
    stage.until_at_rest(&id, "Rolled Back").await;
    stage.check("undisturbed").await;
    [makes, stage.changes_since(calls, Service::Kubernetes)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_survives_a_kill_at_every_call() {
    let mut stage = Stage::start("kubernetes").await;
    let [makes, removes] = changes(&stage).await;
    assert_eq!((makes.len(), removes.len()), (5, 1), "{makes:?} {removes:?}");
    for (number, change) in makes.iter().enumerate() {
        for moment in Moment::BOTH {
            let context = format!("killed {moment:?} {change}");
            let name = format!("shop-{number}");
            let id = stage.kill_at((change, moment), async |stage| stage.order(&order(), &name).await).await;
            let request = stage.until_at_rest(&id, "Completed").await;
            assert_eq!(kinds_of(&request), KINDS, "{context}");
            stage.check(&context).await;
            // The same name is free again for the next one.
            stage.kill_at((&removes[0], moment), async |stage| stage.act(&id, "deprovision").await).await;
            stage.until_at_rest(&id, "Rolled Back").await;
            stage.check(&format!("removed, {context}")).await;
        }
    }
    assert_eq!(stage.things(), Vec::<Thing>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_refused_leaves_nothing_whenever_its_rollback_is_killed() {
    let mut stage = Stage::start("kubernetes").await;
    let [makes, removes] = changes(&stage).await;
    for (change, moment) in makes.iter().zip(Moment::BOTH.into_iter().cycle()) {
        let context = format!("{change} is refused, killed {moment:?}");
        let refused = Failure { status: 403, hangs: false, ..change.held(Moment::Before) };
        stage.services.fail(refused);
        let is_first = change.number == 0;
        let id = if is_first {
            // There is no namespace to delete.
            stage.order(&order(), "shop").await
        } else {
            stage.kill_at((&removes[0], moment), async |stage| stage.order(&order(), "shop").await).await
        };
        stage.until_at_rest(&id, "Rolled Back").await;
        stage.check(&context).await;
        assert_eq!(stage.things(), Vec::<Thing>::new(), "{context}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_makes_no_namespace_twice() {
    let stage = Stage::start("kubernetes").await;
    let [makes, removes] = changes(&stage).await;
    for change in makes.iter().chain(&removes) {
        let context = format!("the answer to {change} is lost");
        stage.services.fail(change.lost());
        let id = stage.order(&order(), "shop").await;
        let request = stage.until_at_rest(&id, "Completed").await;
        assert_eq!(kinds_of(&request), KINDS, "{context}");
        stage.check(&context).await;
        stage.act(&id, "deprovision").await;
        stage.until_at_rest(&id, "Rolled Back").await;
        stage.check(&context).await;
    }
    assert_eq!(stage.things(), Vec::<Thing>::new());
}

/// The calls about machines; the others are those of a namespace.
fn about_machines(changes: Vec<Change>) -> Vec<Change> {
    changes.into_iter().filter(|change| change.to_string().contains("virtualmachines")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_survives_a_kill_at_every_call_about_it() {
    let mut stage = Stage::start("kubernetes").await;
    let order = order_of_machine();
    let [makes, _] = changes_of(&stage, &order, &MACHINE_KINDS).await;
    let makes = about_machines(makes);
    assert_eq!(makes.len(), 2, "{makes:?}");
    for change in &makes {
        for moment in Moment::BOTH {
            let context = format!("killed {moment:?} {change}");
            let id = stage.kill_at((change, moment), async |stage| stage.order(&order, "shop").await).await;
            let request = stage.until_at_rest(&id, "Completed").await;
            assert_eq!(kinds_of(&request), MACHINE_KINDS, "{context}");
            assert!(request["access"]["ip"].is_string(), "{context}: {request:#}");
            stage.check(&context).await;
            stage.act(&id, "deprovision").await;
            stage.until_at_rest(&id, "Rolled Back").await;
            stage.check(&format!("removed, {context}")).await;
        }
    }
    assert_eq!(stage.things(), Vec::<Thing>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_is_stopped_and_started_whatever_answers_are_lost() {
    let stage = Stage::start("kubernetes").await;
    let id = stage.order(&order_of_machine(), "shop").await;
    stage.until_at_rest(&id, "Completed").await;
    let mut switches = Vec::new();
    for is_lost in [false, true] {
        for (action, state) in [("suspend", "Suspended"), ("reactivate", "Completed")] {
            let calls = stage.calls();
            if is_lost {
                let change: &Change = &switches.remove(0);
                stage.services.fail(change.lost());
            }
            stage.act(&id, action).await;
            stage.until_at_rest(&id, state).await;
            stage.check(&format!("{action}, is lost: {is_lost}")).await;
            if !is_lost {
                let made = about_machines(stage.changes_since(calls, Service::Kubernetes));
                assert_eq!(made.len(), 1, "{made:?}");
                switches.extend(made);
            }
        }
    }
    stage.act(&id, "deprovision").await;
    stage.until_at_rest(&id, "Rolled Back").await;
    assert_eq!(stage.things(), Vec::<Thing>::new());
}
