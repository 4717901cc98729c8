//! The simulated GitLab over real HTTP.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use common::{World, header};
use rondo_simulator::Service::Gitlab;
use rondo_simulator::{Decision, GITLAB_TOKEN};
use serde_json::{Value, json};

const NONE: Value = Value::Null;

#[tokio::test]
async fn an_issue_is_opened_labelled_commented_and_closed() {
    let world = World::new().await;
    let issue = json!({ "title": "More room", "description": "please", "labels": "self-service, large" });
    let url = format!("{}/platform/self-service/-/issues/1", world.simulator.gitlab_url());
    let path = "/api/v4/projects/1/issues/1";
    world
        .play(
            Gitlab,
            &[
                ("GET /api/v4/projects?search=SELF&simple=true", NONE, 200, json!([{ "id": 1, "path_with_namespace": "platform/self-service" }])),
                ("GET /api/v4/projects?search=other", NONE, 200, json!([])),
                ("GET /api/v4/projects/platform%2Fself-service", NONE, 200, json!({ "id": 1 })),
                (
                    "POST /api/v4/projects/1/issues",
                    issue,
                    201,
                    json!({ "iid": 1, "state": "opened", "labels": ["large", "self-service"], "web_url": url }),
                ),
                ("POST /api/v4/projects/1/issues?title=Query&labels=a", NONE, 201, json!({ "iid": 2, "labels": ["a"] })),
                ("GET /api/v4/projects/1/issues?labels=large", NONE, 200, json!([{ "iid": 1 }])),
                ("GET /api/v4/projects/1/issues?per_page=1&page=2", NONE, 200, json!([{ "iid": 1 }])),
                (&format!("PUT {path}"), json!({ "add_labels": "approved" }), 200, json!({ "labels": ["approved", "large", "self-service"] })),
                (&format!("PUT {path}"), json!({ "remove_labels": ["large"] }), 200, json!({ "labels": ["approved", "self-service"] })),
                (&format!("POST {path}/notes"), json!({ "body": "done" }), 201, json!({ "id": 1, "body": "done" })),
                (&format!("GET {path}/notes"), NONE, 200, json!([{ "body": "done" }])),
                (&format!("PUT {path}"), json!({ "state_event": "close" }), 200, json!({ "state": "closed" })),
                ("GET /api/v4/projects/1/issues?state=opened", NONE, 200, json!([{ "iid": 2 }])),
                (&format!("PUT {path}"), json!({ "state_event": "reopen" }), 200, json!({ "state": "opened", "closed_at": null })),
            ],
        )
        .await;
    let issues = world.simulator.issues();
    assert_eq!(issues.iter().map(|issue| issue.notes.len()).collect::<Vec<_>>(), [1, 0]);
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_gitlabs_words() {
    let world = World::new().await;
    world.ask(Gitlab, ("POST /api/v4/projects/1/issues", json!({ "title": "x" }))).await;
    let blank = json!({ "message": { "title": ["can't be blank"] } });
    let missing = json!({ "message": "404 Project Not Found" });
    world
        .play(
            Gitlab,
            &[
                ("GET /api/v4/projects/9", NONE, 404, missing.clone()),
                ("POST /api/v4/projects/9/issues", json!({ "title": "x" }), 404, missing),
                ("GET /api/v4/projects/1/issues/9", NONE, 404, json!({ "message": "404 Not found" })),
                ("GET /api/v4/groups", NONE, 404, json!({ "error": "404 Not Found" })),
                ("POST /api/v4/projects/1/issues", json!({}), 400, json!({ "error": "title is missing" })),
                ("POST /api/v4/projects/1/issues", json!({ "title": " " }), 400, blank.clone()),
                ("PUT /api/v4/projects/1/issues/1", json!({ "title": "" }), 400, blank),
                (
                    "PUT /api/v4/projects/1/issues/1",
                    json!({ "state_event": "explode" }),
                    400,
                    json!({ "error": "state_event does not have a valid value" }),
                ),
                (
                    "PUT /api/v4/projects/1/issues/1",
                    json!({}),
                    400,
                    json!({ "error": "add_labels, description, labels, remove_labels, state_event, title are missing, at least one parameter must be provided" }),
                ),
                ("POST /api/v4/projects/1/issues/1/notes", json!({}), 400, json!({ "error": "body is missing" })),
                ("POST /api/v4/projects/1/labels", json!({ "name": "a", "color": "#fff" }), 201, json!({ "name": "a" })),
                (
                    "POST /api/v4/projects/1/labels",
                    json!({ "name": "a", "color": "#fff" }),
                    409,
                    json!({ "message": "Label already exists" }),
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn both_kinds_of_token_open_and_others_do_not() {
    let world = World::new().await;
    for (name, value, status) in [
        ("private-token", GITLAB_TOKEN, 200),
        ("authorization", "Bearer wrong", 401),
        ("authorization", "Basic c2ltdWxhdGVkOg==", 401),
    ] {
        let mut headers = header("authorization", "none");
        headers.extend(header(name, value));
        let (found, body) = world.ask_with(Gitlab, ("GET /api/v4/projects", NONE), headers).await;
        assert_eq!(found, status, "{name}: {value}");
        if status == 401 {
            assert_eq!(body, json!({ "message": "401 Unauthorized" }));
        }
    }
}

#[tokio::test]
async fn an_approver_decides_by_label_and_may_be_automatic() {
    let world = World::new().await;
    for title in ["first", "second"] {
        world.ask(Gitlab, ("POST /api/v4/projects/1/issues", json!({ "title": title, "labels": "x" }))).await;
    }
    world.simulator.decide(1, 1, Decision::Deny).unwrap();
    world.simulator.approve_all_automatically(std::time::Duration::from_hours(1));
    let labels = || world.simulator.issues().iter().map(|issue| issue.labels.len()).collect::<Vec<_>>();
    assert_eq!(labels(), [2, 1], "nobody approves before the time");
    world.simulator.advance(std::time::Duration::from_hours(1));
    assert_eq!(labels(), [2, 2], "the denied one is left alone");
    assert!(world.simulator.issues()[1].labels.contains("approved"));
    let error = world.simulator.decide(1, 3, Decision::Approve).unwrap_err();
    assert_eq!(error.to_string(), "project 1 has no issue 3");
}
