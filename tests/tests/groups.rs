//! Concurrency groups of the real binary: what waits is seen everywhere with its reason, and survives kills; of one key never more run than
//! the limit says, and everybody gets a place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use reqwest::header::CONTENT_TYPE;
use rondo_tests::{Answer, Engine, PATIENCE, Service, folder, prepare, run};
use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: usize = 2;
const PROPERTIES: &str = "\
rondo.concurrency.tenants.workflows=by-request,by-event
rondo.concurrency.tenants.key=.request.tenant
rondo.concurrency.tenants.limit=2
";

/// A request or an event starts one; it asks the service twice, with a sleep in between.
fn workflows(service: &Service, sleep: &str) -> [(String, String); 2] {
    let ask = |how: &str| {
        format!(
            "{{name: ask, type: custom, operation: 'rest:post:http://127.0.0.1:{}/{how}/{{tenant}}'}}",
            service.port()
        )
    };
    let states = "
- {name: Ask, type: operation, actions: [{functionRef: {refName: ask, arguments: {tenant: .request.tenant}}, actionDataFilter: {useResults: false}}], transition: Rest}
- {name: Rest, type: sleep, duration: DURATION, transition: Again}
- {name: Again, type: operation, actions: [{functionRef: {refName: ask, arguments: {tenant: .request.tenant}}, actionDataFilter: {useResults: false}}], end: true}
"
    .replace("DURATION", sleep);
    let head = |id: &str| format!("id: {id}\nversion: '1.0'\nspecVersion: '0.8'\n");
    let by_request =
        format!("{}start: Ask\nfunctions: [{}]\nstates:{states}", head("by-request"), ask("quick"));
    let by_event = format!(
        "{}functions: [{}]\nevents: [{{name: wanted, type: t.wanted, source: s}}]\nstates:\n\
         - {{name: Begin, type: event, onEvents: [{{eventRefs: [wanted]}}], transition: Ask}}{states}",
        head("by-event"),
        ask("quick")
    );
    [("by-request.sw.yaml".to_owned(), by_request), ("by-event.sw.yaml".to_owned(), by_event)]
}

async fn serve(sleep: &str) -> (Service, Engine, TempDir) {
    prepare();
    let service = Service::start().await;
    let workflows = workflows(&service, sleep);
    let mut files: Vec<(&str, &str)> =
        workflows.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("application.properties", PROPERTIES));
    let folder = folder(&files);
    let engine = Engine::start(folder.path(), &[]).await;
    (service, engine, folder)
}

fn data(tenant: &str) -> Value {
    json!({"request": {"tenant": tenant}})
}

async fn start(engine: &Engine, tenant: &str, key: &str) -> Answer {
    let answer = engine.post(&format!("/by-request?businessKey={key}"), &data(tenant)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}

async fn send(engine: &Engine, tenant: &str, key: &str) {
    let event = json!({
        "specversion": "1.0", "id": key, "source": "s", "type": "t.wanted", "kogitobusinesskey": key,
        "data": data(tenant),
    });
    let request = reqwest::Client::new()
        .post(engine.url("/"))
        .header(CONTENT_TYPE, "application/cloudevents+json")
        .body(event.to_string());
    let answer = Answer::to(request).await.unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_seen_with_its_reason() {
    let (_service, engine, _folder) = serve("PT1H").await;
    let mut answers = Vec::new();
    for number in 0..4 {
        answers.push(start(&engine, "acme", &format!("r{number}")).await.body);
    }
    let reason = "waits for a place in concurrency group `tenants`, key `acme`: 2 of 2 run and 2 wait";
    assert_eq!(answers[1]["state"], Value::Null, "{}", answers[1]);
    assert_eq!((&answers[3]["state"], &answers[3]["reason"]), (&json!("PENDING"), &json!(reason)));
    let id = answers[3]["id"].as_str().unwrap();
    let shown = engine.get(&format!("/by-request/{id}")).await;
    assert_eq!(shown.body, answers[3]);
    let managed = engine.get(&format!("/management/processes/by-request/instances/{id}")).await;
    let place = json!({"group": "tenants", "key": "acme", "limit": 2, "running": 2, "waiting": 2});
    let told =
        json!({"id": id, "processId": "by-request", "state": "PENDING", "reason": reason, "place": place});
    assert_eq!(managed.body, told);
    assert_eq!(engine.inspect(id).await["place"], place);
    let listed = engine.get("/by-request").await.body;
    let pending = listed.as_array().unwrap().iter().filter(|instance| instance["reason"] == reason).count();
    assert_eq!((listed.as_array().unwrap().len(), pending), (4, 2));
    let query =
        "{ ProcessInstances(where: {state: {equal: PENDING}}) { id state executionSummary nodes { name } } }";
    let answer = engine.post("/graphql", &json!({"query": query})).await.body;
    let found = answer["data"]["ProcessInstances"].as_array().unwrap();
    assert_eq!(found.len(), 2, "{answer}");
    assert_eq!(found[0]["executionSummary"], json!([format!("Workflow {reason}")]));
    let url = engine.url("");
    let (code, shown, _) = run(&["show", id, "--url", &url]);
    assert!(code == 0 && shown.contains(&format!("waits     {}", &reason[6..])), "{shown}");
    let (code, shown, _) = run(&["ps", "--state", "pending", "--url", &url]);
    assert!(code == 0 && shown.matches(reason).count() == 2, "{shown}");
    let aborted = engine.delete(&format!("/by-request/{id}")).await;
    assert_eq!(aborted.status, 200, "{aborted:?}");
    assert_eq!(engine.inspect(id).await["state"], "ABORTED");
}

/// Tenant and state of every instance, by business key.
async fn instances(engine: &Engine) -> BTreeMap<String, (String, String)> {
    let found = engine.instances_where(json!({})).await;
    let of = |instance: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&instance["businessKey"]), text(&instance["state"]))
    };
    let tenant = |key: &str| key.split('-').next().unwrap_or_default().to_owned();
    found.iter().map(of).map(|(key, state)| (key.clone(), (tenant(&key), state))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cuts_lose_no_place_and_no_instance() {
    const TENANTS: [&str; 4] = ["acme", "beta", "corp", "dune"];
    const EACH: usize = 12;
    const KILLS: usize = 5;
    let (service, mut engine, _folder) = serve("PT0.3S").await;
    let mut keys = BTreeSet::new();
    for number in 0..EACH {
        for tenant in TENANTS {
            let key = format!("{tenant}-{number}");
            match number % 3 {
                0 => send(&engine, tenant, &key).await,
                _ => drop(start(&engine, tenant, &key).await),
            }
            keys.insert(key);
        }
    }
    // Whoever is alone with a key does not wait behind the others.
    let single = start(&engine, "single", "single-0").await.body;
    assert_eq!(single["state"], Value::Null, "{single}");
    keys.insert("single-0".to_owned());
    let (begin, mut kills, mut most) = (Instant::now(), 0, 0);
    loop {
        let instances = instances(&engine).await;
        assert_eq!(instances.keys().cloned().collect::<BTreeSet<_>>(), keys);
        let mut active: BTreeMap<&str, usize> = BTreeMap::new();
        for (tenant, state) in instances.values() {
            *active.entry(tenant).or_default() += usize::from(state == "ACTIVE");
        }
        assert!(active.values().all(|count| *count <= LIMIT), "{active:?}\n{}", engine.log());
        most = most.max(active.values().sum());
        let ended = instances.values().filter(|(_, state)| state == "COMPLETED").count();
        if ended == keys.len() {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{instances:?}\n{}", engine.log());
        if kills < KILLS && ended > kills * keys.len() / (KILLS + 1) {
            engine.kill();
            engine.restart().await;
            kills += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(kills, KILLS);
    assert!(most > LIMIT, "tenants run side by side: {most}");
    // Each asked twice, whatever was asked again after a kill.
    let asked: BTreeSet<_> = service.calls().into_iter().map(|call| call.key).collect();
    assert_eq!(asked.len(), 2 * keys.len());
    assert_eq!(start(&engine, "acme", "acme-later").await.body["state"], Value::Null, "all places are free");
}
