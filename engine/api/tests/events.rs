//! Events over real HTTP: what is no event is answered and harms nobody; what becomes of the others is seen from outside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use std::{future::Future, time::Duration};

use serde_json::{Value, json};
use support::{APPROVAL, Answer, Served, serve, serve_with};

const BAD_CORRELATION: &str = r#"
id: badcorrelation
version: '1.0'
specVersion: '0.8'
name: Bad correlation
start: Wait
events:
- {name: never, type: t.never, source: '', correlation: [{contextAttributeName: key, contextAttributeValue: '${ error("no key") }'}]}
states:
- name: Wait
  type: switch
  eventConditions: [{eventRef: never, end: true}]
  defaultCondition: {end: true}
  timeouts: {eventTimeout: PT1H}
"#;

const PUBLISHER: &str = r"
id: publisher
version: '1.0'
specVersion: '0.8'
name: Publisher
start: Tell
events: [{name: told, type: t.told, source: '', kind: produced}]
states:
- name: Tell
  type: inject
  data: {told: 1}
  end: {produceEvents: [{eventRef: told}]}
";

const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");
const PLAIN_JSON: (&str, &str) = ("content-type", "application/json");

/// A good event with members in place of its own; null removes one.
fn event(id: &str, changes: Value) -> Value {
    let mut event =
        json!({"specversion": "1.0", "id": id, "source": "/test", "type": "t.nobody", "data": {"a": 1}});
    let members = event.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    event
}

async fn send(served: &Served, event: &Value) -> Answer {
    served.send("POST", "/", &[STRUCTURED], Some(event.to_string())).await
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), found).await.unwrap_or_else(|_| panic!("never: {what}"))
}

#[tokio::test]
async fn what_is_no_event_is_answered_with_what_is_wrong_and_harms_nobody() {
    let served = serve("rondo.http.max-body-bytes=100000\n").await;
    let structured = |changes: Value| (vec![STRUCTURED], event("1", changes).to_string());
    let deep = format!(
        r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let many: serde_json::Map<_, _> = (0..65).map(|number| (format!("x{number}"), json!("1"))).collect();
    let long = "v".repeat(4097);
    let binary = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "t.nobody")];
    let binary_with = |header| (binary.iter().copied().chain([header]).collect::<Vec<_>>(), String::new());
    let mut wrong = Vec::new();
    for (name, (headers, body), status, message) in [
        (
            "nothing",
            (vec![], String::new()),
            400,
            "it is no CloudEvent: `specversion`, `id` and `type` are missing",
        ),
        (
            "other JSON",
            (vec![PLAIN_JSON], json!({"id": "1"}).to_string()),
            400,
            "`specversion` and `type` are missing",
        ),
        (
            "a text",
            (vec![("content-type", "text/plain")], "hello".to_owned()),
            415,
            "an event is sent with the content type",
        ),
        ("no JSON", (vec![STRUCTURED], "{\"id\":".to_owned()), 400, "its body cannot be read as JSON"),
        ("an array", (vec![STRUCTURED], "[]".to_owned()), 400, "its body is not a JSON object"),
        ("no type", structured(json!({"type": null})), 400, "it is no CloudEvent: `type` is missing"),
        (
            "another version",
            structured(json!({"specversion": "0.3"})),
            400,
            "its `specversion` is `0.3`; only `1.0` is read",
        ),
        (
            "another format",
            (vec![("content-type", "application/cloudevents+avro")], "x".to_owned()),
            415,
            "an event is sent with the content type",
        ),
        (
            "an unknown charset",
            (binary_with(("content-type", "text/plain; charset=utf-7")).0, "x".to_owned()),
            415,
            "utf-7",
        ),
        ("too large", structured(json!({"data": "x".repeat(100_000)})), 413, ""),
        ("too deep", (vec![STRUCTURED], deep), 400, "its data cannot be read as JSON"),
        ("too many attributes", structured(Value::Object(many)), 413, "more than 64 extension attributes"),
        (
            "a long attribute",
            structured(json!({"extra": long})),
            413,
            "the attribute `extra` has more than 4096 bytes",
        ),
        (
            "a long header",
            binary_with(("ce-extra", &long)),
            413,
            "the attribute `extra` has more than 4096 bytes",
        ),
        (
            "a name with a dash",
            structured(json!({"bad-name": "1"})),
            400,
            "an attribute is called `bad-name`",
        ),
        (
            "control characters",
            structured(json!({"subject": "a\u{7}b"})),
            400,
            "the attribute `subject` has control characters",
        ),
        (
            "an escaped line break",
            binary_with(("ce-subject", "a%0d%0ab")),
            400,
            "the attribute `subject` has control characters",
        ),
        (
            "an object as attribute",
            structured(json!({"extra": {}})),
            400,
            "the attribute `extra` is an object",
        ),
        ("a name twice", structured(json!({"ID": "2"})), 400, "the attribute `id` is given twice"),
        ("no moment", structured(json!({"time": "yesterday"})), 400, "its `time` is `yesterday`"),
        (
            "two kinds of data",
            structured(json!({"data_base64": "AA=="})),
            400,
            "its `data_base64` stands beside `data`",
        ),
        ("no base64", structured(json!({"data": null, "data_base64": "*"})), 400, "its `data_base64`"),
        (
            "a batch that is no array",
            (vec![BATCH], "{}".to_owned()),
            400,
            "its body is not a JSON array of events",
        ),
        (
            "a batch of too many",
            (vec![BATCH], format!("[{}{{}}]", "{},".repeat(10_000))),
            413,
            "the batch has more than 10000 events",
        ),
    ] {
        let answer = served.send("POST", "/", &headers, Some(body)).await;
        if answer.status != status || !answer.text.contains(message) || answer.text.len() > 1000 {
            wrong.push(format!("{name}: {} {}", answer.status, answer.text));
        }
        let good = send(&served, &event(name, json!({}))).await;
        assert_eq!(good.status, 202, "after {name}: {}", good.text);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(served.get("/q/health").await.json()["status"], "UP");
    served.memory_is_given_back().await;
}

#[tokio::test]
async fn of_a_batch_the_good_events_are_taken_and_the_bad_one_is_named() {
    let served = serve("").await;
    let batch = json!([event("1", json!({})), event("2", json!({"type": null})), event("3", json!({}))]);
    let answer = served.send("POST", "/", &[BATCH], Some(batch.to_string())).await;
    assert_eq!(answer.status, 400);
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("2 of 3 events were taken; event 1: it is no CloudEvent: `type` is missing"),
        "{message}"
    );
    let unwanted = served.get("/rondo/events").await.json()["unwanted"].clone();
    let ids: Vec<_> = unwanted.as_array().unwrap().iter().map(|event| &event["id"]).collect();
    assert_eq!(ids, ["3", "1"]);
}

#[tokio::test]
async fn a_correlation_that_cannot_be_evaluated_stops_its_instance_with_the_reason() {
    let served = serve_with("", &[("bad.sw.yaml", BAD_CORRELATION), ("approval.sw.yaml", APPROVAL)]).await;
    let answer = served.json("POST", "/badcorrelation", &json!({})).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("the correlation of event `never` cannot be evaluated"), "{}", answer.text);
    assert!(answer.text.contains("no key"), "{}", answer.text);
    served.start("approval", &json!({"order": "1"})).await;
}

/// Sends a question by one operation of an `AsyncAPI` document, and receives its answer by another.
const QUESTION: &str = r"
id: question
version: '1.0'
specVersion: '0.8'
start: Ask
functions:
- {name: ask, type: asyncapi, operation: desk.yaml#sendQuestion}
- {name: hear, type: asyncapi, operation: desk.yaml#answer}
states:
- name: Ask
  type: operation
  actions:
  - functionRef: {refName: ask, arguments: {question: why}}
  - functionRef: hear
    actionDataFilter: {results: '${ .text }', toStateData: .answer}
  end: true
";

const DESK: &str = "asyncapi: 2.6.0
info: {title: desk, version: '1'}
channels:
  question: {publish: {operationId: sendQuestion}}
  answer: {subscribe: {operationId: answer}}
";

#[tokio::test]
async fn a_function_receives_the_message_of_its_channel() {
    // A message of this channel is the data of an event whose type is the name of the channel.
    let properties = "kogito.messaging.as-cloudevents=false\n\
        mp.messaging.incoming.answer.connector=quarkus-http\nmp.messaging.incoming.answer.path=/answer\n";
    let files = [("question.sw.yaml", QUESTION), ("desk.yaml", DESK)];
    let served = serve_with(properties, &files).await;
    let id = served.start("question", &json!({})).await;
    let waits = served.get(&format!("/rondo/waits?instance={id}")).await.json();
    let wait = &waits["waits"][0];
    assert_eq!((&wait["event"], &wait["type"]), (&json!("hear"), &json!("answer")));
    let answer = served.json("POST", "/answer", &json!({"text": "because"})).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let query = "query ($id: String) { ProcessInstances(where: {id: {equal: $id}}) { state variables } }";
    let ended = until("the instance has ended", || async {
        let found = served.ask(query, json!({"id": id})).await["data"]["ProcessInstances"][0].clone();
        (found["state"] == "COMPLETED").then_some(found)
    })
    .await;
    assert_eq!(ended["variables"]["workflowdata"]["answer"], "because", "{ended}");
    served.memory_is_given_back().await;
}

/// Sends a message to the channel of a cluster, whose name is a member of the message.
const PROVISION: &str = r"
id: provision
version: '1.0'
specVersion: '0.8'
start: Tell
functions: [{name: tell, type: asyncapi, operation: provisioner.yaml#provision}]
states:
- name: Tell
  type: operation
  actions: [{functionRef: {refName: tell, arguments: '${ .message }'}}]
  end: true
";

const PROVISIONER: &str = "asyncapi: 2.6.0
info: {title: provisioner, version: '1'}
channels:
  to_{cluster}:
    parameters: {cluster: {location: $message.payload#/cluster_name}}
    publish: {operationId: provision}
";

#[tokio::test]
async fn a_message_fills_the_parameters_of_its_channel() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let properties = format!(
        "mp.messaging.outgoing.to_{{cluster}}_out.connector=quarkus-http\n\
         mp.messaging.outgoing.to_{{cluster}}_out.url=http://{address}/{{cluster}}\n"
    );
    let files = [("provision.sw.yaml", PROVISION), ("provisioner.yaml", PROVISIONER)];
    let served = serve_with(&properties, &files).await;
    let message = json!({"cluster_name": "silver", "n": 1});
    served.start("provision", &json!({"message": message})).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut request, mut chunk) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"}") {
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut chunk).await.unwrap();
        assert!(read > 0, "the request ended early");
        request.extend_from_slice(&chunk[..read]);
    }
    let request = String::from_utf8(request).unwrap();
    assert!(request.starts_with("POST /silver HTTP/1.1"), "{request}");
    assert!(request.ends_with(&format!("\r\n\r\n{message}")), "{request}");
    // A message without the member never has an address: the call fails, instead of waiting in the outbox without end.
    let answer = served.json("POST", "/provision", &json!({"message": {"n": 1}})).await;
    assert!(
        answer.text.contains("`to_{cluster}_out` cannot be sent: its address has the parameter `{cluster}`"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn lists_say_who_waits_what_is_kept_and_what_nobody_wants() {
    let served = serve_with("", &[("approval.sw.yaml", APPROVAL)]).await;
    let id = served.start("approval", &json!({"order": 42})).await;
    let waits = served.get(&format!("/rondo/waits?instance={id}")).await.json();
    let wait = &waits["waits"][0];
    assert_eq!(
        (&wait["instance"], &wait["workflow"], &wait["event"], &wait["type"], &wait["correlation"]),
        (&json!(id), &json!("approval"), &json!("approved"), &json!("t.approved"), &json!({"orderid": "42"}))
    );
    assert_eq!(wait["until"].as_i64().unwrap() - wait["since"].as_i64().unwrap(), 3_600_000);
    for (query, count) in [("type=t.approved", 1), ("type=t.other", 0), ("limit=1", 1)] {
        let waits = served.get(&format!("/rondo/waits?{query}")).await.json();
        assert_eq!(waits["waits"].as_array().unwrap().len(), count, "{query}");
    }
    let approval = |id: &str, order: &str| event(id, json!({"type": "t.approved", "orderid": order}));
    for number in ["a", "b"] {
        assert_eq!(send(&served, &approval(number, "7")).await.status, 202);
    }
    assert_eq!(send(&served, &event("c", json!({}))).await.status, 202);
    let events = served.get("/rondo/events?limit=1").await.json();
    let kept = &events["kept"][0];
    assert_eq!(
        (&kept["id"], &kept["type"], &kept["source"]),
        (&json!("a"), &json!("t.approved"), &json!("/test"))
    );
    assert_eq!(kept["reason"], "no instance that it correlates with waits for it yet");
    assert_eq!(kept["until"].as_i64().unwrap() - kept["at"].as_i64().unwrap(), 86_400_000);
    let next = served.get(&format!("/rondo/events?limit=1&after={}", kept["number"])).await.json();
    assert_eq!(next["kept"][0]["id"], "b");
    assert_eq!(events["unwanted"][0]["id"], "c");
    assert!(!events["unwanted"][0]["reason"].as_str().unwrap().is_empty());
    assert_eq!(
        events["channels"][0],
        json!({"name": "kogito_incoming_stream", "direction": "incoming", "address": "POST /", "problem": null})
    );
    for path in [
        "/rondo/events?limit=0",
        "/rondo/events?limit=1001",
        "/rondo/events?after=x",
        "/rondo/waits?instance=x",
    ] {
        assert_eq!(served.get(path).await.status, 400, "{path}");
    }
    let health = served.get("/q/health").await.json();
    let check = health["checks"].as_array().unwrap().iter().find(|check| check["name"] == "Events").unwrap();
    let mut data = check["data"].clone();
    let bytes = data["keptBytes"].take().as_u64().unwrap();
    assert!((100..10_000).contains(&bytes), "{bytes} bytes of two small events");
    assert_eq!(
        data,
        json!({
            "outboxRows": 0, "mostOutboxRows": 1_000_000, "oldestSeconds": null,
            "kept": 2, "mostKept": 100_000, "keptBytes": null, "mostKeptBytes": 1 << 30,
        })
    );
    let metrics = served.get("/q/metrics").await.text;
    for line in [
        "rondo_kept_events 2",
        "rondo_kept_events_max 100000",
        &format!("rondo_kept_event_bytes {bytes}"),
        "rondo_kept_event_bytes_max 1073741824",
        "rondo_events_received_total 3",
        "rondo_events_unwanted_total 1",
        "rondo_outbox_rows 0",
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line}: {metrics}");
    }
    served.memory_is_given_back().await;
}

#[tokio::test]
async fn a_sink_that_is_away_is_seen_and_bounds_what_is_started() {
    // Nothing listens at port 1.
    let properties = "K_SINK=http://127.0.0.1:1/sink\nrondo.events.max-outbox=1\n";
    let served = serve_with(properties, &[("publisher.sw.yaml", PUBLISHER)]).await;
    let sleeping = served.start("sleeper", &json!({})).await;
    let id = served.start("publisher", &json!({})).await;
    let stuck = until("the event is stuck", || async {
        let events = served.get("/rondo/events").await.json();
        let is_counted = events["outbox"]["waiting"] == 1;
        (is_counted && events["outbox"]["stuck"][0]["attempts"] != Value::Null)
            .then(|| events["outbox"].clone())
    })
    .await;
    assert_eq!(
        (&stuck["waiting"], &stuck["most"], &stuck["stuck"][0]["instance"]),
        (&json!(1), &json!(1), &json!(id))
    );
    assert_eq!(stuck["stuck"][0]["channel"], "kogito_outgoing_stream");
    assert!(stuck["stuck"][0]["error"].as_str().unwrap().contains("127.0.0.1:1"), "{stuck}");
    let refused = until("a start is refused", || async {
        let answer = served.json("POST", "/greeting", &json!({"name": "Ada"})).await;
        (answer.status != 201).then_some(answer)
    })
    .await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.text.contains("rondo.events.max-outbox"), "{}", refused.text);
    assert_eq!(send(&served, &event("1", json!({}))).await.status, 503);
    // What is under way goes on.
    let aborted = served.send("DELETE", &format!("/sleeper/{sleeping}"), &[], None).await;
    assert_eq!(aborted.status, 200, "{}", aborted.text);
    let health = served.get("/q/health").await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("UP")));
    assert_eq!(served.get("/q/health/ready").await.status, 200);
    let metrics = served.get("/q/metrics").await.text;
    assert!(metrics.lines().any(|line| line == "rondo_outbox_rows 1"), "{metrics}");
}
