//! A crash at any moment changes nothing: same end, one ticket, one namespace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rondo_tests::{Engine, namespace_request, root, services, until};
use serde_json::{Value, json};

/// The names of all failpoints, found in the sources so that none is forgotten.
fn failpoints() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for krate in ["engine/runtime/src", "engine/store/src"] {
        collect(&root().join(krate), &mut names);
    }
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for (_, rest) in
                text.match_indices("failpoint(\"").map(|(at, found)| (at, &text[at + found.len()..]))
            {
                names.extend(rest.split('"').next().map(str::to_owned));
            }
        }
    }
}

/// Waits until the request has ended or the engine has died; says whether it died.
async fn ends_or_dies(engine: &mut Engine) -> bool {
    let query = json!({"query": "{ ProcessInstances { state } }"});
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(30) {
        if engine.has_ended() {
            return true;
        }
        let answer = engine.try_post("/graphql", &query, &[]).await;
        let state = answer.map(|answer| answer.body["data"]["ProcessInstances"][0]["state"].clone());
        if state == Some(Value::from("COMPLETED")) && !engine.has_ended() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the request neither ends nor kills the engine:\n{}", engine.log());
}

/// Orders a large namespace from an engine that dies at the failpoint; says whether it was reached.
async fn survives(failpoint: &str, nth: u32) -> bool {
    let (services, mut environment) = services().await;
    environment.push(("RONDO_FAILPOINTS", format!("{failpoint}@{nth}")));
    services.approve_all_automatically(Duration::ZERO);
    let mut engine = Engine::start(&root().join("workflows"), &environment).await;
    engine.forget("RONDO_FAILPOINTS");
    let request = namespace_request("team-a", "large");
    let answered = engine.try_post("/create-ocp-namespace", &request, &[]).await;
    let died = ends_or_dies(&mut engine).await;
    if died {
        engine.restart().await;
    }
    let mut instances = engine.instances("create-ocp-namespace").await;
    if instances.is_empty() {
        // The start was never made durable, and so was not answered: nothing has happened, and it is asked again.
        assert!(answered.is_none(), "an answered start is lost at {failpoint}:{nth}");
        assert!(
            services.issues().is_empty(),
            "a call was made before its instance was durable at {failpoint}:{nth}"
        );
        engine.post("/create-ocp-namespace", &request).await;
        instances = engine.instances("create-ocp-namespace").await;
    }
    assert_eq!(instances.len(), 1);
    let instance = engine.wait_for(instances[0]["id"].as_str().unwrap(), "COMPLETED").await;
    let message = instance["data"]["result"]["message"].as_str();
    assert_eq!(message, Some("Namespace team-a (large) is ready."), "{failpoint}:{nth}");
    assert_eq!(services.issues().len(), 1, "tickets after a crash at {failpoint}:{nth}");
    assert_eq!(services.namespaces(), ["team-a"], "namespaces after a crash at {failpoint}:{nth}");
    died
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_failpoint_changes_nothing() {
    let mut names = failpoints();
    // This flow has no schedule, takes no event and sends none; `events` plays those of events.
    names.retain(|name| !name.starts_with("event-") && !name.starts_with("schedule-"));
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let mut reached = 0;
        // Each point is passed many times in a request; the first ones cover the start, the ticket, a sleep and a poll.
        for nth in 1..=8 {
            reached += u32::from(survives(&name, nth).await);
        }
        assert!(reached >= 4, "{name} is hardly ever reached");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_arbitrary_moments_changes_nothing() {
    let (services, environment) = services().await;
    let mut engine = Engine::start(&root().join("workflows"), &environment).await;
    let answer = engine.post("/create-ocp-namespace", &namespace_request("team-k", "large")).await;
    let id = answer.body["id"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        let polls = services.calls().len();
        // The next poll is the moment; which instruction it hits is left to chance.
        until("it polls again", async || services.calls().len() > polls).await;
        engine.kill();
        engine.restart().await;
    }
    services.approve_all_automatically(Duration::ZERO);
    engine.wait_for(&id, "COMPLETED").await;
    assert_eq!((services.issues().len(), services.namespaces()), (1, vec!["team-k".to_owned()]));
}
