//! Kogito's process events: what observers are sent when it is switched on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use std::{collections::BTreeMap, time::Duration};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use support::{APPROVAL, Served, serve_with};
use tokio::{net::TcpListener, sync::mpsc};

/// A service that gives each event that is sent to it, with its content type.
async fn sink() -> (String, mpsc::UnboundedReceiver<(String, Value)>) {
    let (sender, events) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| {
        let sender = sender.clone();
        async move {
            let kind = headers.get("content-type").unwrap().to_str().unwrap().to_owned();
            sender.send((kind, serde_json::from_slice(&body).unwrap())).unwrap();
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let router: Router = Router::new().route("/", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, events)
}

/// An event in a line: its type, and what it tells.
fn line(event: &Value) -> String {
    let data = &event["data"];
    let text = |name: &str| data[name].as_str().unwrap_or("-").to_owned();
    match event["type"].as_str().unwrap() {
        "ProcessInstanceStateDataEvent" => format!("state {} {}", data["eventType"], data["state"]),
        "ProcessInstanceNodeDataEvent" => {
            format!("node {} {} {}", data["eventType"], text("nodeType"), text("nodeName"))
        }
        "ProcessInstanceVariableDataEvent" => {
            // The members in the order of their names.
            let members: Result<BTreeMap<String, Value>, _> =
                serde_json::from_value(data["variableValue"].clone());
            let value = members.map_or_else(|_| data["variableValue"].clone(), |members| json!(members));
            format!("variable {} {value}", text("variableName"))
        }
        other => format!("{other} {}", text("id")),
    }
}

/// An engine that publishes process events, what it sends, and the lines of the definitions.
async fn observed() -> (Served, mpsc::UnboundedReceiver<(String, Value)>) {
    let (base, mut events) = sink().await;
    let properties = format!(
        "K_SINK={base}\norg.kie.kogito.addons.knative.eventing.includeProcessEvents=true\nkogito.service.url=http://engine\n"
    );
    let served = serve_with(&properties, &[("approval.sw.yaml", APPROVAL)]).await;
    loop {
        let (_, event) = next(&mut events).await;
        assert_eq!(event["type"], "ProcessDefinitionEvent");
        if event["data"]["id"] == "approval" {
            assert_eq!(event["source"], "http://engine/approval");
            assert_eq!(event["data"]["source"], APPROVAL);
            let nodes = event["data"]["nodes"].as_array().unwrap();
            assert!(
                nodes.iter().any(|node| node["type"] == "EventNode" && node["name"] == "approved"),
                "{nodes:?}"
            );
            return (served, events);
        }
    }
}

async fn next(events: &mut mpsc::UnboundedReceiver<(String, Value)>) -> (String, Value) {
    let event = tokio::time::timeout(Duration::from_mins(1), events.recv()).await;
    event.expect("an event comes").unwrap()
}

/// The events about instances up to the one that tells this.
async fn up_to(events: &mut mpsc::UnboundedReceiver<(String, Value)>, last: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    loop {
        let (kind, event) = next(events).await;
        if event["type"] == "ProcessDefinitionEvent" {
            continue;
        }
        assert!(kind.starts_with("application/cloudevents+json"), "{kind}");
        let told = line(&event);
        let is_last = told == last;
        all.push((told, event));
        if is_last {
            return all;
        }
    }
}

fn lines(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(line, _)| line.as_str()).collect()
}

#[tokio::test]
async fn process_events_tell_what_happens_when_they_are_switched_on() {
    let (served, mut events) = observed().await;
    let id = served.start("approval", &json!({"order": 42})).await;
    let started = up_to(&mut events, "node 1 EventNode approved").await;
    assert_eq!(
        lines(&started),
        [
            "state 1 1",
            r#"variable workflowdatainput {"order":42}"#,
            r#"variable workflowdata {"noted":true,"order":42}"#,
            "node 1 StartNode Start",
            "node 2 StartNode Start",
            "node 1 CompositeContextNode Wait",
            "node 1 ActionNode note",
            "node 2 ActionNode note",
            "node 1 EventNode approved",
        ]
    );
    let approval = json!({
        "specversion": "1.0", "id": "e", "source": "/test", "type": "t.approved", "orderid": "42", "data": {"ok": true},
    });
    assert_eq!(served.json("POST", "/", &approval).await.status, 202);
    let ended = up_to(&mut events, "state 2 2").await;
    assert_eq!(
        lines(&ended),
        [
            "variable workflowdata.ok true",
            "node 2 EventNode approved",
            "node 2 CompositeContextNode Wait",
            "node 1 EndNode End",
            "node 2 EndNode End",
            "state 2 2",
        ]
    );
    // What was entered is left under the same id.
    assert_eq!(started[8].1["data"]["nodeInstanceId"], ended[1].1["data"]["nodeInstanceId"]);
    let (_, event) = ended.last().unwrap();
    assert_eq!(event["source"], "http://engine/approval");
    for (name, value) in
        [("kogitoprocinstanceid", id.as_str()), ("kogitoprocid", "approval"), ("kogitoprocist", "2")]
    {
        assert_eq!(event[name], value, "{name}");
    }
    assert!(event["data"]["eventDate"].as_str().unwrap().ends_with("+00:00"));
}

#[tokio::test]
async fn process_events_tell_of_errors_and_of_instances_that_are_ended() {
    let (served, mut events) = observed().await;
    let failed = served.json("POST", "/caller", &json!({"status": 503})).await;
    assert_eq!(failed.status, 500);
    let told = loop {
        let (_, event) = next(&mut events).await;
        if event["type"] == "ProcessInstanceErrorDataEvent" {
            break event;
        }
    };
    let id = failed.json()["id"].clone();
    assert_eq!((&told["kogitoprocinstanceid"], &told["kogitoprocist"]), (&id, &json!("5")));
    assert_eq!(told["data"]["nodeDefinitionId"], "ask");
    let message = told["data"]["errorMessage"].as_str().unwrap();
    assert!(
        message.starts_with("org.kie.kogito.internal.process.workitem.WorkItemExecutionException - "),
        "{message}"
    );

    let id = served.start("approval", &json!({"order": 1})).await;
    up_to(&mut events, "node 1 EventNode approved").await;
    let path = format!("/management/processes/approval/instances/{id}");
    assert_eq!(served.send("DELETE", &path, &[], None).await.status, 200);
    let ended = up_to(&mut events, "state 2 3").await;
    assert_eq!(lines(&ended), ["node 3 EventNode approved", "node 3 CompositeContextNode Wait", "state 2 3"]);
}
