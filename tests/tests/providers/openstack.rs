//! OpenStack: a server, a network with servers, an object store.

use rondo_simulator::{CloudFailure, Failure, Service};
use serde_json::{Value, json};

use crate::{
    inventory::kinds_of,
    kills::{Change, Moment},
    stage::Stage,
};

/// What an undisturbed order makes and calls, which every other one is measured by.
struct Course {
    kinds: Vec<String>,
    events: Vec<String>,
    /// The changes at the cloud until it is completed.
    makes: Vec<Change>,
    /// The changes at the cloud when it is deprovisioned.
    removes: Vec<Change>,
}

impl Course {
    /// Orders and deprovisions once, with nothing in the way.
    async fn run(stage: &Stage, order: &Value) -> Self {
        let calls = stage.calls();
        let id = stage.order(order, "undisturbed").await;
        let request = stage.until_at_rest(&id, "Completed").await;
        stage.check("undisturbed").await;
        let makes = stage.changes_since(calls, Service::Openstack);
        let calls = stage.calls();
        let events = stage.events(&id).await;
        stage.act(&id, "deprovision").await;
        stage.until_at_rest(&id, "Rolled Back").await;
        stage.check("undisturbed, and deprovisioned").await;
        let removes = stage.changes_since(calls, Service::Openstack);
        Self { kinds: kinds_of(&request), events, makes, removes }
    }

    /// Waits until an order is completed, and compares what it made and told.
    async fn expect(&self, stage: &Stage, id: &str, context: &str) {
        let request = stage.until_at_rest(id, "Completed").await;
        assert_eq!(kinds_of(&request), self.kinds, "{context}");
        assert_eq!(stage.events(id).await, self.events, "{context}");
        stage.check(context).await;
    }
}

/// Ends a service and waits until it is gone.
async fn remove(stage: &Stage, id: &str, context: &str) {
    stage.act(id, "deprovision").await;
    stage.until_at_rest(id, "Rolled Back").await;
    stage.check(context).await;
}

/// Kills the engine at each such change that an order makes, and at each that its end makes, before its effect and behind it. Gives the number
/// of kills.
async fn kill_everywhere(order: &Value, is_played: impl Fn(&Change) -> bool) -> usize {
    let mut stage = Stage::start("openstack").await;
    // One that nobody touches: it stays as it is, and counts.
    let bystander = stage.order(order, "bystander").await;
    stage.until_at_rest(&bystander, "Completed").await;
    let course = Course::run(&stage, order).await;
    let pairs = |changes: &[Change]| -> Vec<(Change, Moment)> {
        changes.iter().flat_map(|change| Moment::BOTH.map(|moment| (change.clone(), moment))).collect()
    };
    let makes: Vec<_> = pairs(&course.makes).into_iter().filter(|(change, _)| is_played(change)).collect();
    let removes = pairs(&course.removes);
    let left = makes.len().max(removes.len());
    let (mut makes, mut removes) = (makes.into_iter().cycle(), removes.into_iter().cycle());
    let mut kills = 0;
    for number in 0..left {
        let (change, moment) = makes.next().unwrap();
        let context = format!("killed {moment:?} {change}");
        let name = format!("shop-{number}");
        let id = stage.kill_at((&change, moment), async |stage| stage.order(order, &name).await).await;
        course.expect(&stage, &id, &context).await;
        let (change, moment) = removes.next().unwrap();
        let context = format!("removed, killed {moment:?} {change}");
        stage.kill_at((&change, moment), async |stage| stage.act(&id, "deprovision").await).await;
        stage.until_at_rest(&id, "Rolled Back").await;
        stage.check(&context).await;
        kills += 2;
    }
    remove(&stage, &bystander, "the last one").await;
    assert_eq!(stage.things(), []);
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_survives_a_kill_at_every_call() {
    let kills = kill_everywhere(&json!({"type": "vps", "provider": "openstack"}), |_| true).await;
    assert!(kills >= 28, "{kills}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_cloud_survives_a_kill_at_every_call() {
    let resources = json!({"instances": 2, "cpu": 4, "memoryGiB": 8, "storageGiB": 40});
    let order = json!({"type": "private-cloud", "provider": "openstack", "resources": resources});
    // Its group and rules are those of a single server.
    let kills = kill_everywhere(&order, |change| !change.path.contains("/security-group")).await;
    assert!(kills >= 36, "{kills}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_store_survives_a_kill_at_every_call() {
    let kills = kill_everywhere(&json!({"type": "object-storage", "provider": "openstack"}), |_| true).await;
    assert!(kills >= 8, "{kills}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_makes_nothing_twice() {
    let stage = Stage::start("openstack").await;
    let order = json!({"type": "vps", "provider": "openstack"});
    let course = Course::run(&stage, &order).await;
    for (number, change) in course.makes.iter().enumerate() {
        stage.services.fail(change.lost());
        let id = stage.order(&order, &format!("shop-{number}")).await;
        let context = format!("the answer to {change} is lost");
        course.expect(&stage, &id, &context).await;
        remove(&stage, &id, &context).await;
    }
    assert_eq!(stage.things(), []);
}

/// A kill while the session is opened: nothing is made yet, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_survives_a_kill() {
    let mut stage = Stage::start("openstack").await;
    let order = json!({"type": "vps", "provider": "openstack"});
    for moment in Moment::BOTH {
        let login = Failure {
            service: Some(Service::Openstack),
            method: Some("POST".to_owned()),
            path_prefix: "/v3/auth/tokens".to_owned(),
            status: 504,
            times: 1,
            body: None,
            after_effect: moment == Moment::After,
            hangs_up: false,
            hangs: true,
            skips: 0,
        };
        // The session of the last one is in memory.
        stage.cut_power().await;
        let held = stage.held();
        stage.services.fail(login);
        let id = stage.order(&order, "shop").await;
        stage.kill_when_held(held, "the login", async |_| ()).await;
        stage.until_at_rest(&id, "Completed").await;
        stage.check("killed at the login").await;
        remove(&stage, &id, "killed at the login").await;
    }
}

/// How a step fails.
#[derive(Debug, Clone, Copy)]
enum Fails {
    Allocate,
    Configure,
    Activate,
    Verify,
}

/// Lets a step of the next order fail in the way of the real service.
async fn let_fail(stage: &Stage, step: Fails) {
    match step {
        Fails::Allocate => stage.services.fail(Failure {
            service: Some(Service::Openstack),
            method: Some("POST".to_owned()),
            path_prefix: "/v2.1/servers".to_owned(),
            status: 403,
            times: 1,
            body: Some(json!({"forbidden": {"code": 403, "message": "Quota exceeded for instances"}})),
            after_effect: false,
            hangs_up: false,
            hangs: false,
            skips: 0,
        }),
        Fails::Configure => stage.services.fail_cloud(CloudFailure::PoolEmpty, 1),
        Fails::Activate => stage.services.fail_cloud(CloudFailure::NoHost, 1),
        // Nothing listens at this port.
        Fails::Verify => stage.put_cloud(9).await,
    }
}

/// Orders a server whose step fails, and checks that nothing is left. Kills the engine at each of these changes of the rollback.
async fn fail(stage: &mut Stage, step: Fails, name: &str, kills: &[(Change, Moment)]) -> Vec<Change> {
    let context = format!("{step:?} fails, {kills:?}");
    let calls = stage.calls();
    let_fail(stage, step).await;
    let mut held = stage.held();
    for (change, moment) in kills {
        stage.services.fail(change.held(*moment));
    }
    let id = stage.order(&json!({"type": "vps", "provider": "openstack"}), name).await;
    for _ in kills {
        stage.kill_when_held(held, &context, async |_| ()).await;
        held += 1;
    }
    let request = stage.until_at_rest(&id, "Rolled Back").await;
    assert_eq!(request["failure"]["step"], format!("{step:?}").to_lowercase(), "{context}");
    let events = stage.events(&id).await;
    let count = |wanted: &str| events.iter().filter(|event| *event == wanted).count();
    assert_eq!(
        (count("provisioning.failed"), count("provisioning.rolled-back")),
        (1, 1),
        "{context}: {events:?}"
    );
    stage.check(&context).await;
    assert_eq!(stage.things(), [], "{context}");
    let changes = stage.changes_since(calls, Service::Openstack);
    changes.into_iter().filter(|change| change.method == "DELETE").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_fails_leaves_nothing_whenever_its_rollback_is_killed() {
    let mut stage = Stage::start("openstack").await;
    for step in [Fails::Allocate, Fails::Configure, Fails::Activate] {
        let deletes = fail(&mut stage, step, "undisturbed", &[]).await;
        assert!(deletes.len() >= 2, "{step:?}: {deletes:?}");
        for delete in deletes {
            for moment in Moment::BOTH {
                fail(&mut stage, step, "shop", &[(delete.clone(), moment)]).await;
            }
        }
    }
}

/// Ten minutes of probes take some seconds, so this is played once, with a kill at each delete in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_nobody_reaches_leaves_nothing() {
    let mut stage = Stage::start("openstack").await;
    let order = json!({"type": "vps", "provider": "openstack"});
    let deletes = Course::run(&stage, &order).await.removes;
    // Each kill lets one call be made again, which the next kill has to let pass.
    let kills: Vec<_> = deletes.into_iter().map(|delete| (delete, Moment::After)).collect();
    fail(&mut stage, Fails::Verify, "shop", &kills).await;
}
