//! Many requests of several tenants at once, with the shipped flows of the imitated provider: of one tenant never more than five are worked
//! on, nobody waits for the tenants with more requests, and all of them end, also when the engine dies in between.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Method;
use rondo_tests::{Answer, Engine, PATIENCE, prepare, root};
use serde_json::{Value, json};
use tempfile::TempDir;

/// As many requests of a tenant may be worked on, by the properties of the flows.
const AT_ONCE: usize = 5;

/// The tenants, and how many requests each has.
const TENANTS: [(&str, usize); 4] = [("acme", 28), ("beta", 12), ("corp", 8), ("solo", 1)];

/// What `acme` may have; the others have no quota.
const QUOTA: usize = 24;

const FILES: [&str; 7] = [
    "application.properties",
    "provision-simulation/application.properties",
    "provision-simulation/provision-simulation.sw.yaml",
    "provision-simulation/remove-simulation.sw.yaml",
    "provision-simulation/deprovision-simulation.sw.yaml",
    "specs/desk.yaml",
    "specs/calls.yaml",
];

async fn serve() -> (Engine, TempDir) {
    prepare();
    let folder = TempDir::new().unwrap();
    for name in FILES {
        let target = folder.path().join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root().join("workflows").join(Path::new(name)), target).unwrap();
    }
    let engine = Engine::start(folder.path(), &[("DESK_ENABLED", "true".to_owned())]).await;
    (engine, folder)
}

async fn send(engine: &Engine, method: Method, path: &str, body: &Value) -> Value {
    let request = reqwest::Client::new().request(method, engine.url(&format!("/desk/v1{path}"))).json(body);
    let answer = Answer::to(request).await.unwrap();
    assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
    answer.body
}

async fn items(engine: &Engine, path: &str) -> Vec<Value> {
    let answer = engine.get(&format!("/desk/v1{path}")).await;
    assert_eq!((answer.status, &answer.body["next"]), (200, &Value::Null), "{answer:?}");
    answer.body["items"].as_array().unwrap().clone()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

/// Asks for everything in one transaction. Answers the tenant of each request, by its id.
async fn ask(engine: &Engine) -> BTreeMap<String, &'static str> {
    for (tenant, _) in TENANTS {
        let mut pool = json!({"kind": "tenant", "grants": [{"to": "everyone", "actions": ["create"]}]});
        if tenant == "acme" {
            pool["quota"] = json!({"instances": QUOTA});
        }
        send(engine, Method::PUT, &format!("/pools/{tenant}"), &pool).await;
    }
    // Some fail at the end of a step, so that they are rolled back by the same instance, which keeps its place for that.
    let settings =
        json!({"delays": {"allocate": "PT0.4S", "configure": "PT0.1S"}, "successRate": 0.6, "seed": 1});
    let cluster =
        json!({"name": "sim", "type": "simulation", "region": "eu", "enabled": true, "settings": settings});
    send(engine, Method::POST, "/clusters", &cluster).await;
    let requests: Vec<Value> = TENANTS
        .iter()
        .flat_map(|(tenant, count)| {
            (0..*count).map(move |number| {
                json!({
                    "pool": tenant, "requester": "user:default/jane", "type": "vps", "provider": "simulation",
                    "name": format!("shop-{number}"), "resources": {"cpu": 2, "memoryGiB": 4},
                })
            })
        })
        .collect();
    let made = send(engine, Method::POST, "/requests/batch", &json!({"requests": requests})).await;
    let tenant_of = |name: &str| TENANTS.iter().find(|(tenant, _)| *tenant == name).unwrap().0;
    let made = made["items"].as_array().unwrap().clone();
    made.iter().map(|request| (text(request, "id").to_owned(), tenant_of(text(request, "pool")))).collect()
}

/// How many instances work on requests of each tenant.
async fn at_work(engine: &Engine, asked: &BTreeMap<String, &'static str>) -> BTreeMap<&'static str, usize> {
    let condition = json!({"processId": {"equal": "provision-simulation"}, "state": {"equal": "ACTIVE"}});
    let mut count = BTreeMap::new();
    for instance in engine.instances_where(condition).await {
        *count.entry(asked[text(&instance, "businessKey")]).or_default() += 1;
    }
    count
}

/// From when to when each request was worked on, by its history.
async fn spans(
    engine: &Engine,
    asked: &BTreeMap<String, &'static str>,
) -> BTreeMap<&'static str, Vec<(String, String)>> {
    let mut spans: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (id, tenant) in asked {
        let request = engine.get(&format!("/desk/v1/requests/{id}")).await.body;
        let at = |states: &[&str]| {
            let history = request["history"].as_array().unwrap();
            let found = history.iter().find(|transition| states.contains(&text(transition, "to")));
            found.map(|transition| moment(text(transition, "at")))
        };
        let span = at(&["Allocating"]).zip(at(&["Completed", "Rolled Back"]));
        spans.entry(*tenant).or_default().extend(span);
    }
    spans
}

/// How many spans overlap at most. Who begins at the millisecond at which another one ends is not there with it.
fn most_at_once(spans: &[(String, String)]) -> usize {
    let mut changes: Vec<(String, bool)> = Vec::new();
    for (from, to) in spans {
        changes.push((from.clone(), true));
        changes.push((to.clone(), false));
    }
    changes.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, begins) in changes {
        now = if begins { now + 1 } else { now - 1 };
        most = most.max(now);
    }
    most
}

/// A moment with all its milliseconds, so that the later of two is the greater text.
fn moment(text: &str) -> String {
    let text = text.trim_end_matches('Z');
    let (second, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{second}.{fraction:0<3}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_of_a_tenant_at_once_and_nobody_is_left_behind() {
    let (mut engine, _folder) = serve().await;
    let asked = ask(&engine).await;
    let over_quota = items(&engine, "/requests?limit=200&state=Failed").await;
    assert_eq!(over_quota.len(), TENANTS[0].1 - QUOTA);
    assert!(
        over_quota.iter().all(|request| request["failure"]["code"] == "QUOTA_EXCEEDED"),
        "{over_quota:?}"
    );

    let expected = asked.len() - over_quota.len();
    let (begin, mut was_killed, mut tenants) = (Instant::now(), false, BTreeSet::new());
    loop {
        let working = at_work(&engine, &asked).await;
        assert!(working.values().all(|count| *count <= AT_ONCE), "{working:?}\n{}", engine.log());
        tenants.extend(working.keys().copied());
        let completed = items(&engine, "/requests?limit=200&state=Completed").await.len();
        let ended = completed + items(&engine, "/requests?limit=200&state=Rolled%20Back").await.len();
        if ended == expected && working.is_empty() {
            assert!(completed < expected, "some are rolled back");
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{ended} of {expected} have ended\n{}", engine.log());
        if !was_killed && ended >= expected / 2 {
            engine.kill();
            engine.restart().await;
            was_killed = true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(was_killed);
    assert_eq!(tenants, TENANTS.iter().map(|(tenant, _)| *tenant).collect());

    let spans = spans(&engine, &asked).await;
    assert_eq!(spans.values().map(Vec::len).sum::<usize>(), expected);
    for (tenant, spans) in &spans {
        assert!(most_at_once(spans) <= AT_ONCE, "{tenant}: {spans:?}");
    }
    assert!(most_at_once(&spans["acme"]) > 1, "{spans:?}");
    // Who asked for one thing has it before the one who asked for much has more than two rounds.
    let solo = &spans["solo"][0].1;
    let before = spans["acme"].iter().filter(|(_, to)| to < solo).count();
    assert!(before <= 2 * AT_ONCE, "{before} requests of acme were done before the one of solo");

    // Quota is what lives.
    for (tenant, _) in TENANTS {
        let live = items(&engine, &format!("/requests?limit=200&pool={tenant}&state=Completed")).await.len();
        let usage = engine.get(&format!("/desk/v1/pools/{tenant}")).await.body["usage"].clone();
        assert_eq!(usage["instances"], json!(live), "{tenant}: {usage}");
    }
}
