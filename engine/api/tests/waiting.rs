//! An instance that waits for an event, beside what `SonataFlow` 10.1.0 showed of the same workflow.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Served, serve_with};

/// The workflow of the recording. Its time limit is an hour instead of ten minutes, for here durations pass twenty times faster.
const WAITING: &str = r"
id: waiting
version: '1.0'
specVersion: '0.8'
name: Waiting workflow
start: Pause
events:
  - name: doneEvent
    source: ''
    type: done.type
functions:
  - name: noop
    type: expression
    operation: .
states:
  - name: Pause
    type: operation
    actions:
      - name: pause
        sleep:
          before: PT4S
        functionRef:
          refName: noop
    transition: Wait For It
  - name: Wait For It
    type: callback
    action:
      functionRef:
        refName: noop
    eventRef: doneEvent
    timeouts:
      eventTimeout: PT1H
    end: true
";

/// The nodes of the recording when it had ended, in their order: type, name, and whether it was left while the instance waited.
const RECORDED: [(&str, &str, bool); 18] = [
    ("StartNode", "Start", true),
    ("CompositeContextNode", "Pause", true),
    ("StartNode", "EmbeddedStart", true),
    ("TimerNode", "TimerNode_8", true),
    ("ActionNode", "noop", true),
    ("ActionNode", "Script", true),
    ("EndNode", "EmbeddedEnd", true),
    ("CompositeContextNode", "Wait For It", false),
    ("StartNode", "EmbeddedStart", true),
    ("ActionNode", "noop", true),
    ("ActionNode", "Script", true),
    ("Split", "EventSplit_18", true),
    ("TimerNode", "TimerNode_20", false),
    ("EventNode", "doneEvent", false),
    ("ActionNode", "Script", false),
    ("Join", "ExclusiveJoin_19", false),
    ("EndNode", "EmbeddedEnd", false),
    ("EndNode", "End", false),
];

/// The nodes of the recording that stand for something in the document; the others are what Kogito makes states of.
fn recorded() -> Vec<(String, String, bool)> {
    let is_made = |name: &str| {
        name == "Script"
            || ["Embedded", "TimerNode_", "EventSplit_", "ExclusiveJoin_"]
                .iter()
                .any(|part| name.starts_with(part))
    };
    let nodes = RECORDED.into_iter().filter(|(_, name, _)| !is_made(name));
    nodes.map(|(kind, name, left)| (kind.to_owned(), name.to_owned(), left)).collect()
}

const QUESTION: &str = "query($id: String!) {
  ProcessInstances(where: {id: {equal: $id}}) {
    state executionSummary milestones { id name status } error { message } variables
    nodes { id nodeId definitionId type name enter exit errorMessage }
  }
  Jobs(where: {processInstanceId: {equal: $id}}) { processId processInstanceId status expirationTime repeatInterval repeatLimit retries executionCounter }
}";

async fn look(served: &Served, id: &str) -> Value {
    served.ask(QUESTION, json!({"id": id})).await["data"].clone()
}

/// Type, name and whether it was left, of each node.
fn shown(nodes: &Value) -> Vec<(String, String, bool)> {
    let text = |node: &Value, name: &str| node[name].as_str().unwrap().to_owned();
    let nodes = nodes.as_array().unwrap().iter();
    nodes.map(|node| (text(node, "type"), text(node, "name"), !node["exit"].is_null())).collect()
}

async fn until_waiting(served: &Served, id: &str) -> Value {
    let waits = async {
        loop {
            let data = look(served, id).await;
            if data["ProcessInstances"][0]["nodes"].to_string().contains("doneEvent") {
                return data;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waits).await.unwrap()
}

#[tokio::test]
async fn a_wait_for_an_event_is_shown_as_recorded() {
    let served = serve_with("rondo.clock.speed=20\n", &[("waiting.sw.yaml", WAITING)]).await;
    let body = json!({"workflowdata": {"a": 1}, "initiatorEntity": "user:default/ada"});
    let id = served.start("waiting", &body).await;
    let data = until_waiting(&served, &id).await;
    let instance = &data["ProcessInstances"][0];
    let expected: Vec<_> = recorded().into_iter().filter(|(_, name, _)| name != "End").collect();
    assert_eq!(shown(&instance["nodes"]), expected);
    assert_eq!((&instance["state"], &instance["milestones"]), (&json!("ACTIVE"), &json!([])));
    let event = instance["nodes"].as_array().unwrap().last().unwrap().clone();
    let summary = instance["executionSummary"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(summary.starts_with("Workflow waiting at node doneEvent since "), "{summary}");
    assert_eq!(event["errorMessage"], Value::Null);

    // The time limit is a job.
    let job = &data["Jobs"][0];
    assert_eq!(
        (&job["status"], &job["processId"], &job["processInstanceId"]),
        (&json!("SCHEDULED"), &json!("waiting"), &json!(id))
    );
    for name in ["repeatInterval", "repeatLimit", "retries", "executionCounter"] {
        assert_eq!(job[name], 0, "{name}");
    }
    let moment = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!(moment(&job["expirationTime"]) - moment(&event["enter"]), 3_600_000 / 20);

    // Management shows no work item, and the time limit as a timer.
    let below = |path: &str| format!("/management/processes/waiting/instances/{id}/{path}");
    assert_eq!(served.get(&below("nodeInstances")).await.json(), json!([]));
    let timers = served.get(&below("timers")).await.json();
    assert_eq!(timers[0]["description"], "waits for an event in state Wait For It");
    assert_eq!(moment(&timers[0]["expirationTime"]), moment(&job["expirationTime"]));
    let error = served.get(&below("error")).await;
    assert_eq!(error.status, 400);
    assert!(
        error.text.contains(&format!("Process instance with id {id} is not in error state")),
        "{}",
        error.text
    );

    // The event of the recording.
    let event = json!({
        "specversion": "1.0", "id": "ev-1", "source": "/t", "type": "done.type", "kogitoprocrefid": id, "data": {"ok": true},
        "datacontenttype": "application/json",
    });
    let sent = served
        .send("POST", "/", &[("content-type", "application/cloudevents+json")], Some(event.to_string()))
        .await;
    assert_eq!((sent.status, sent.text.as_str()), (202, ""));
    let ended = async {
        loop {
            let data = look(&served, &id).await;
            if data["ProcessInstances"][0]["state"] == "COMPLETED" {
                return data;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let data = tokio::time::timeout(Duration::from_mins(1), ended).await.unwrap();
    let instance = &data["ProcessInstances"][0];
    let expected: Vec<_> = recorded().into_iter().map(|(kind, name, _)| (kind, name, true)).collect();
    assert_eq!(shown(&instance["nodes"]), expected);
    assert_eq!(
        instance["variables"],
        json!({"workflowdata": {"a": 1, "ok": true}, "workflowdatainput": {"a": 1}, "initiatorEntity": "user:default/ada"})
    );
    assert_eq!(data["Jobs"], json!([]));
}

#[tokio::test]
async fn the_definition_has_the_nodes_of_the_recording() {
    let served = serve_with("", &[("waiting.sw.yaml", WAITING)]).await;
    let question = r#"{ ProcessDefinitions(where: {id: {equal: "waiting"}}) { nodes { name type metadata { state } } addons } }"#;
    let answer = served.ask(question, json!({})).await;
    let definition = &answer["data"]["ProcessDefinitions"][0];
    let mut shown: Vec<_> = definition["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["type"].as_str().unwrap().to_owned(), node["name"].as_str().unwrap().to_owned()))
        .collect();
    // A function that is called twice is one node here.
    let mut expected: Vec<_> = recorded().into_iter().map(|(kind, name, _)| (kind, name)).collect();
    for nodes in [&mut shown, &mut expected] {
        nodes.sort();
        nodes.dedup();
    }
    assert_eq!(shown, expected);
    let addons = ["process-management", "source-files", "knative-eventing", "cloudevents"];
    assert_eq!(definition["addons"], json!(addons));
    let nodes = served.get("/management/processes/waiting/nodes").await.json();
    let event = nodes.as_array().unwrap().iter().find(|node| node["type"] == "EventNode").unwrap();
    assert_eq!((&event["name"], &event["metadata"]["state"]), (&json!("doneEvent"), &json!("Wait For It")));
}
