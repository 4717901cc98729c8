//! Mail, orders, the provisioner behind the broker, and the hosts of servers.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use common::{World, contains, header};
use parking_lot::Mutex;
use rondo_simulator::Service::{Mail, Openstack, Orders};
use rondo_simulator::{
    Behaviour, CloudOptions, Delays, FloatingAddresses, HostPorts, JobState, OPENSTACK_PASSWORD, Options,
    OrderState, ProvisionerOptions,
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

const NONE: Value = Value::Null;

/// Waits until something is so; every step of the simulator is milliseconds away.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("this did not happen: {what}")
}

/// A platform that remembers what it is told.
#[derive(Clone, Default)]
struct Platform {
    told: Arc<Mutex<Vec<(String, Value)>>>,
    /// Statuses to answer before 200.
    refusals: Arc<Mutex<Vec<u16>>>,
}

impl Platform {
    async fn start(self) -> String {
        fn take(platform: &Platform, what: String, body: Value) -> StatusCode {
            platform.told.lock().push((what, body));
            let status = platform.refusals.lock().pop().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        }
        let provisioned = async |State(platform): State<Platform>,
                                 Path(plate): Path<String>,
                                 headers: HeaderMap,
                                 Json(body): Json<Value>| {
            assert_eq!(headers["authorization"], "Bearer t-prov");
            take(&platform, plate, body)
        };
        let event = async |State(platform): State<Platform>, body: String| {
            take(&platform, "event".to_owned(), serde_json::from_str(&body).unwrap())
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/", post(event))
            .route("/desk/v1/products/{plate}/provision", post(provisioned))
            .with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }
}

/// A simulator with a provisioner, a client of its broker, and the platform that is called back.
async fn provisioning(delays: Delays) -> (World, async_nats::Client, Platform) {
    let world = World::with(delays).await;
    let platform = Platform::default();
    let desk_url = format!("{}/desk/v1", platform.clone().start().await);
    let options =
        ProvisionerOptions { desk_url, token: "t-prov".to_owned(), nats_url: None, has_empty_body: false };
    let url = world.simulator.start_provisioner(options).await.unwrap();
    (world, async_nats::connect(url).await.unwrap(), platform)
}

fn message(action: &str) -> Value {
    let mut message: Value = serde_json::from_str(include_str!("wire/private-cloud-message.json")).unwrap();
    message["action"] = action.into();
    message
}

async fn publish(nats: &async_nats::Client, action: &str) {
    let body = message(action).to_string();
    nats.publish("registry_project_provisioning_silver", body.into()).await.unwrap();
    nats.flush().await.unwrap();
}

#[tokio::test]
async fn a_message_makes_four_namespaces_and_is_answered() {
    let delays = Delays { provisioner: Duration::from_mins(5), ..Delays::default() };
    let (world, nats, platform) = provisioning(delays).await;
    publish(&nats, "create").await;
    let jobs = || world.simulator.provisioner_jobs();
    until("the message is taken", || (jobs().len() == 1).then_some(())).await;
    assert_eq!((jobs()[0].state, platform.told.lock().len()), (JobState::Running, 0));
    world.simulator.advance(Duration::from_mins(5));
    until("the callback", || (jobs()[0].state == JobState::Reported).then_some(())).await;
    let report = json!({ "workflow": "silver-a1b2c3-0198c0de", "cluster": "silver", "status": "Succeeded" });
    assert_eq!(*platform.told.lock(), [("a1b2c3".to_owned(), report)]);
    assert_eq!(world.simulator.namespaces(), ["a1b2c3-dev", "a1b2c3-prod", "a1b2c3-test", "a1b2c3-tools"]);
    let quotas = &world.simulator.state()["kubernetes"]["resourcequotas"];
    contains(
        &quotas[1],
        &json!({ "spec": { "hard": { "requests.cpu": "4", "requests.memory": "16Gi" } } }),
        "quota",
    );

    publish(&nats, "delete").await;
    until("the second job", || (jobs().len() == 2).then_some(())).await;
    world.simulator.advance(Duration::from_mins(5));
    until("the second callback", || (jobs()[1].state == JobState::Reported).then_some(())).await;
    assert!(world.simulator.namespaces().is_empty());
}

#[tokio::test]
async fn the_provisioner_fails_or_keeps_silent_when_told_to() {
    let (world, nats, platform) = provisioning(Delays::default()).await;
    world.simulator.set_provisioner_behaviour(Behaviour::Silent);
    publish(&nats, "create").await;
    let state = |job: usize| world.simulator.provisioner_jobs().get(job).map(|job| job.state);
    until("silence", || (state(0) == Some(JobState::Silent)).then_some(())).await;
    world.control("POST /_sim/provisioner", json!({ "behaviour": "fail" })).await;
    publish(&nats, "create").await;
    until("the report", || (state(1) == Some(JobState::Reported)).then_some(())).await;
    let told = platform.told.lock().clone();
    contains(&told[0].1, &json!({ "status": "Failed" }), "report");
    assert_eq!((told.len(), world.simulator.namespaces().len()), (1, 0));
}

#[tokio::test]
async fn a_callback_is_tried_again_unless_it_is_refused() {
    let (world, nats, platform) = provisioning(Delays::default()).await;
    *platform.refusals.lock() = vec![404, 503];
    publish(&nats, "create").await;
    let jobs = || world.simulator.provisioner_jobs();
    until("the refusal", || (jobs().first()?.state == JobState::Refused).then_some(())).await;
    assert_eq!(platform.told.lock().len(), 2, "503 is tried again, 404 is not");
}

#[tokio::test]
async fn the_broker_hands_messages_to_those_who_listen() {
    use futures_util::StreamExt;
    let world = World::new().await;
    let url = world.simulator.start_broker().await.unwrap();
    let [one, other] = [async_nats::connect(&url).await.unwrap(), async_nats::connect(&url).await.unwrap()];
    let mut all = other.subscribe("a.>").await.unwrap();
    let mut first = other.queue_subscribe("a.*", "workers".into()).await.unwrap();
    let mut second = one.queue_subscribe("a.*", "workers".into()).await.unwrap();
    other.flush().await.unwrap();
    one.flush().await.unwrap();
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("kind", "test");
    one.publish_with_headers("a.b", headers, "1".into()).await.unwrap();
    one.publish("a.b", "2".into()).await.unwrap();
    one.publish("b", "3".into()).await.unwrap();
    one.publish("a.end", "".into()).await.unwrap();
    one.flush().await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let message = all.next().await.unwrap();
        let kind = message.headers.as_ref().and_then(|headers| headers.get("kind")).map(ToString::to_string);
        seen.push((message.subject.to_string(), message.payload.to_vec(), kind));
    }
    assert_eq!(seen[0], ("a.b".to_owned(), b"1".to_vec(), Some("test".to_owned())));
    assert_eq!(seen[1], ("a.b".to_owned(), b"2".to_vec(), None));
    assert_eq!(seen[2].0, "a.end");
    // Each message goes to one of a group, in turns.
    let had = [first.next().await.unwrap().payload, second.next().await.unwrap().payload];
    assert_ne!(had[0], had[1]);

    let nobody = one.request("nobody.listens", "?".into()).await.unwrap_err();
    assert_eq!(nobody.kind(), async_nats::client::RequestErrorKind::NoResponders);
    let mut echo = other.subscribe("echo").await.unwrap();
    other.flush().await.unwrap();
    let answer = tokio::spawn(async move {
        let asked = echo.next().await.unwrap();
        other.publish(asked.reply.unwrap(), asked.payload).await.unwrap();
        other.flush().await.unwrap();
    });
    assert_eq!(one.request("echo", "hello".into()).await.unwrap().payload, "hello");
    answer.await.unwrap();
}

#[tokio::test]
async fn what_is_no_nats_is_refused() {
    use tokio::io::AsyncWriteExt;
    let world = World::new().await;
    let url = world.simulator.start_broker().await.unwrap();
    for sent in [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "PUB a 3\r\nabcde\r\n".to_owned(),
        "PUB a..b 1\r\nx\r\n".to_owned(),
        "x".repeat(5000),
    ] {
        let mut stream = TcpStream::connect(url.trim_start_matches("nats://")).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok();
        assert!(answer.starts_with("INFO {"), "{answer}");
        assert!(answer.contains("-ERR '") || sent.len() > 4096, "{sent} was answered {answer}");
    }
}

#[tokio::test]
async fn a_mail_is_in_the_mailbox() {
    let world = World::new().await;
    let mail = json!({ "from": "desk@example.org", "to": ["jane@example.org"], "cc": ["kim@example.org"], "subject": "Approved", "body": "<b>Yes</b>", "bodyType": "html" });
    world
        .play(
            Mail,
            &[
                ("POST /email", mail, 201, json!({ "messages": [{ "to": ["jane@example.org"] }] })),
                (
                    "POST /email",
                    json!({ "to": [], "subject": "a", "body": "b" }),
                    422,
                    json!({ "status": 422 }),
                ),
                ("POST /email", json!({ "to": ["jane"], "subject": "a", "body": "b" }), 422, json!({})),
                ("POST /email", json!({ "to": ["a@b"], "subject": "a" }), 422, json!({})),
                ("POST /email", NONE, 400, json!({})),
                (
                    "GET /_sim/mails",
                    NONE,
                    200,
                    json!([{ "to": ["jane@example.org", "kim@example.org"], "subject": "Approved" }]),
                ),
                ("GET /", NONE, 303, json!("")),
            ],
        )
        .await;
    let page = world.ask(Mail, ("GET /_sim/mailbox", NONE)).await.1;
    assert!(page.as_str().unwrap().contains("&lt;b&gt;Yes&lt;/b&gt;"));
    assert_eq!(world.simulator.mails()[0].subject, "Approved");
}

#[tokio::test]
async fn an_order_is_announced_until_it_is_taken_and_followed() {
    let world = World::new().await;
    let platform = Platform::default();
    *platform.refusals.lock() = vec![503];
    world.simulator.announce_orders_to(platform.clone().start().await);
    let order =
        json!({ "orderId": "ord-7", "pool": "acme", "customer": "jane", "items": [{ "ref": "web" }] });
    world
        .play(
            Orders,
            &[
                ("POST /orders", order.clone(), 201, json!({ "id": "ord-7", "state": "confirmed" })),
                ("POST /orders", order, 200, json!({ "id": "ord-7" })),
                ("POST /orders", json!({ "pool": "acme", "customer": "jane", "items": [] }), 422, json!({})),
                ("GET /orders/none", NONE, 404, json!({})),
            ],
        )
        .await;
    until("the announcement", || world.simulator.orders()[0].announced.then_some(())).await;
    let told = platform.told.lock().clone();
    assert_eq!(told.len(), 2, "refused once, taken once");
    assert_eq!(told[0], told[1], "the same event, so that it can be known");
    contains(
        &told[0].1,
        &json!({ "type": "order.confirmed", "id": "ord-7", "data": { "orderId": "ord-7", "pool": "acme" } }),
        "event",
    );

    let body = r#"{"specversion":"1.0","id":"r1-8","type":"provisioning.completed","data":{"requestId":"r1","orderId":"ord-7"}}"#;
    let unsigned = world.ask(Orders, ("POST /hooks/provisioning", serde_json::from_str(body).unwrap())).await;
    assert_eq!(unsigned.0, 401);
    // HMAC-SHA256 of the body with the default secret.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, rondo_simulator::WEBHOOK_SECRET.as_bytes());
    let sent: Value = serde_json::from_str(body).unwrap();
    let tag = ring::hmac::sign(&key, sent.to_string().as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256={hex}").leak();
    for _ in 0..2 {
        let request = ("POST /hooks/provisioning", sent.clone());
        assert_eq!(world.ask_with(Orders, request, header("x-hub-signature-256", signature)).await.0, 204);
    }
    assert_eq!(world.simulator.orders()[0].state, OrderState::Delivered);
    assert_eq!(world.simulator.received_events().len(), 1, "what comes twice counts once");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_answers_while_its_server_runs() {
    let floating_addresses = FloatingAddresses { first: [127, 31, 0, 2].into(), count: 2 };
    let cloud = CloudOptions { floating_addresses, ..CloudOptions::default() };
    let hosts = Some(HostPorts { ssh: 0, http: 0 });
    let world = World::start(Options { cloud, hosts, ..Options::default() }).await;
    let ports = world.simulator.host_ports().unwrap();
    let banner = async |port: u16| {
        let mut stream = TcpStream::connect(("127.31.0.2", port)).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n").await.ok();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok();
        answer
    };
    assert_eq!(banner(ports.ssh).await, "", "there is no server yet");

    let identity = json!({ "methods": ["password"], "password": { "user": { "name": "desk", "password": OPENSTACK_PASSWORD } } });
    let body = json!({ "auth": { "identity": identity, "scope": { "project": { "name": "acme" } } } });
    let (_, headers, _) =
        world.exchange(Openstack, ("POST /v3/auth/tokens", body), common::no_headers()).await;
    let mut token = common::no_headers();
    token.insert("x-auth-token", headers["x-subject-token"].clone());
    let ask = async |line: &str, body: Value| world.ask_with(Openstack, (line, body), token.clone()).await.1;
    let networks = ask("GET /v2.0/networks", NONE).await;
    let [outside, inside] = [&networks["networks"][0]["id"], &networks["networks"][1]["id"]];
    let port =
        ask("POST /v2.0/ports", json!({ "port": { "network_id": inside } })).await["port"]["id"].clone();
    ask(
        "POST /v2.0/floatingips",
        json!({ "floatingip": { "floating_network_id": outside, "port_id": port } }),
    )
    .await;
    let image = "70a599e0-31e7-49b7-b260-868f441e862b";
    let server =
        json!({ "name": "web", "flavorRef": "1", "imageRef": image, "networks": [{ "port": port }] });
    let server = ask("POST /v2.1/servers", json!({ "server": server })).await["server"]["id"].clone();
    assert!(banner(ports.ssh).await.starts_with("SSH-2.0-"));
    assert!(banner(ports.http).await.starts_with("HTTP/1.1 200 OK"));
    ask(&format!("DELETE /v2.1/servers/{}", server.as_str().unwrap()), NONE).await;
    assert_eq!(banner(ports.http).await, "");
}
