//! A database of each format that was ever stored is continued from: every instance in it goes on where it stands, also in a build that
//! lowers its definition to other instructions.
//!
//! `fixtures/formats/<number>` holds a database of that format with instances in each kind of wait, made by
//! `fixtures/formats/make.py` by the last build that wrote the format. `cases.json` says of each instance (by its business key) what is done to
//! it here and how it must end; `calls.json` under which idempotency keys calls were made that nobody answered.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, fs, path::Path};

use rondo_tests::{Call, Engine, Service, binary, padded_binary, prepare, root, until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The engine on a copy of a format's database, and the service that its instances call.
struct Continued {
    engine: Engine,
    service: Service,
    _workflows: TempDir,
}

async fn continued(build: &Path, format: &Path) -> Continued {
    prepare();
    let service = Service::start().await;
    let data = TempDir::new().unwrap();
    fs::create_dir(data.path().join("db")).unwrap();
    for name in ["rondo.db", "rondo.key"] {
        fs::copy(format.join(name), data.path().join("db").join(name)).unwrap();
    }
    let workflows = TempDir::new().unwrap();
    for file in fs::read_dir(format.join("workflows")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), workflows.path().join(file.file_name())).unwrap();
    }
    // An instance is pinned to its revision: what the folder says now does not matter to it.
    fs::remove_file(workflows.path().join("sleep-before.sw.yaml")).unwrap();
    let approval = workflows.path().join("approval.sw.yaml");
    let text = fs::read_to_string(&approval).unwrap();
    fs::write(&approval, text.replace("{result: denied}", "{result: changed}")).unwrap();
    let environment = [("SERVICE_PORT", service.port().to_string())];
    let engine = Engine::start_on(build, data, workflows.path(), &environment).await;
    Continued { engine, service, _workflows: workflows }
}

fn read(format: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(format.join(name)).unwrap()).unwrap()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Does to an instance what its case says.
async fn treat(engine: &Engine, case: &Value, instance: &Value) {
    let path = |instance: &Value| {
        let (workflow, id) = (instance["workflow"].as_str().unwrap(), instance["id"].as_str().unwrap());
        format!("/management/processes/{workflow}/instances/{id}")
    };
    for step in case["then"].as_array().into_iter().flatten() {
        let answer = match step.as_str() {
            Some("retrigger") => engine.post(&format!("{}/retrigger", path(instance)), &json!({})).await,
            Some("skip") => engine.post(&format!("{}/skip", path(instance)), &json!({})).await,
            Some("abort") => engine.delete(&path(instance)).await,
            Some("retrigger child") => {
                let below = json!({"parentProcessInstanceId": {"equal": instance["id"]}});
                let children = engine.instances_where(below).await;
                engine.post(&format!("{}/retrigger", path(&children[0])), &json!({})).await
            }
            _ => {
                let (workflow, id) = (case["workflow"].as_str().unwrap(), instance["id"].as_str().unwrap());
                engine.patch(&format!("/{workflow}/{id}"), &step["patch"]).await
            }
        };
        // A step that fails again is answered as such; that it does is what the case says.
        assert!(answer.status == 200 || case["ends"] == "ERROR", "{}, {step}: {answer:?}", case["name"]);
    }
}

/// What the case says of the data; of a crowd, with the number of this instance.
fn expected_data(case: &Value, instance: &Value) -> Value {
    let text = case["data"].to_string();
    let number =
        instance["data"]["what"].as_str().and_then(|what| what.rsplit('-').next()).unwrap_or_default();
    serde_json::from_str(&text.replace('%', number)).unwrap()
}

/// Says what is wrong with the calls that were made for a case.
fn wrong_calls(case: &Value, keys: &Value, calls: &[Call]) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Value::Array(_) = &case["then_calls"] {
        let mut expected = texts(&case["then_calls"]);
        let known: Vec<_> = expected.iter().cloned().chain(texts(&case["called"])).collect();
        let mut made: Vec<_> =
            calls.iter().map(|call| call.what.clone()).filter(|what| known.contains(what)).collect();
        expected.sort();
        made.sort();
        if made != expected {
            wrong.push(format!("{}: it calls {made:?}, not {expected:?}", case["name"]));
        }
    }
    for what in texts(&case["same_key"]) {
        for call in calls.iter().filter(|call| call.what == what && call.key != keys[&what]) {
            wrong.push(format!("{}: {what} is called as {}, not as {}", case["name"], call.key, keys[&what]));
        }
    }
    for (what, body) in case["body"].as_object().into_iter().flatten() {
        for call in calls.iter().filter(|call| call.what == *what) {
            if body.as_object().unwrap().iter().any(|(name, value)| call.body[name] != *value) {
                wrong.push(format!("{}: {what} is sent {}, not {body}", case["name"], call.body));
            }
        }
    }
    wrong
}

/// Says what is wrong with the history of an instance: what happened before and after is one.
async fn wrong_history(engine: &Engine, case: &Value, instance: &Value) -> Option<String> {
    case["nodes"].as_array()?;
    let (found, expected) = (engine.nodes(instance["id"].as_str()?).await, texts(&case["nodes"]));
    (found != expected).then(|| format!("{}: it has the nodes {found:?}, not {expected:?}", case["name"]))
}

/// Continues from a copy of a format's database; says what is wrong.
async fn wrong_in(build: &Path, format: &Path) -> Vec<String> {
    let Continued { engine, service, _workflows } = continued(build, format).await;
    let (cases, keys) = (read(format, "cases.json"), read(format, "calls.json"));
    let mut instances = Vec::new();
    for case in cases.as_array().unwrap() {
        let found = engine.instances_where(json!({"businessKey": {"equal": case["name"]}})).await;
        assert_eq!(found.len() as u64, case["times"].as_u64().unwrap_or(1), "{}", case["name"]);
        instances.extend(found.into_iter().map(|instance| (case, instance)));
    }
    for (case, instance) in &instances {
        treat(&engine, case, instance).await;
    }
    let mut wrong = Vec::new();
    for (case, instance) in &instances {
        let id = instance["id"].as_str().unwrap();
        let state = case["ends"].as_str().unwrap();
        let begun = texts(&case["then_calls"]);
        let called = || {
            let calls = service.calls();
            begun.iter().all(|what| calls.iter().any(|call| call.what == *what))
        };
        let is_right = |shown: &Value| {
            shown["state"] == state && shown["data"] == expected_data(case, shown) && called()
        };
        // All that is wrong is told, and waited for once.
        let shown = match wrong.is_empty() {
            true => engine.wait_until(id, is_right).await,
            false => Ok(engine.inspect(id).await)
                .and_then(|shown| if is_right(&shown) { Ok(shown) } else { Err(shown) }),
        };
        if let Err(shown) = shown {
            let expected = expected_data(case, &shown);
            wrong.push(format!("{} is to be {state} with {expected}: {shown}", case["name"]));
        }
    }
    // Nobody is left running below what has ended.
    until("all subflows have ended", async || {
        let children = engine.instances("child").await;
        children.iter().all(|child| child["state"] != "ACTIVE")
    })
    .await;
    for (case, instance) in &instances {
        wrong.extend(wrong_history(&engine, case, instance).await);
    }
    let calls = service.calls();
    wrong.extend(cases.as_array().unwrap().iter().flat_map(|case| wrong_calls(case, &keys, &calls)));
    if !wrong.is_empty() {
        wrong.push(engine.log());
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_instance_of_every_stored_format_goes_on_where_it_stands() {
    let formats = root().join("tests/fixtures/formats");
    let folders = fs::read_dir(formats).unwrap().map(|entry| entry.unwrap().path());
    let formats: BTreeMap<u32, _> =
        folders.filter_map(|path| Some((path.file_name()?.to_str()?.parse().ok()?, path))).collect();
    assert!(formats.contains_key(&2), "{formats:?}");
    for (which, build) in [("this build", binary()), ("a build that lowers otherwise", padded_binary())] {
        for (number, format) in &formats {
            let wrong = wrong_in(build, format).await;
            assert!(wrong.is_empty(), "{which} on format {number}:\n{}", wrong.join("\n"));
        }
    }
}
