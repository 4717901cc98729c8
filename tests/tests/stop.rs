//! A stop that is asked for: quick, whatever is under way, and nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use rondo_simulator::{Delays, Simulator};
use rondo_tests::{Engine, folder, namespace_request, prepare, root, services};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An engine that has begun a call which takes as long as this, and the number of calls that were answered before.
async fn in_a_call(takes: Duration) -> (Simulator, Engine) {
    let (services, environment) = services().await;
    let engine = Engine::start(&root().join("workflows"), &environment).await;
    services.set_delays(Delays { backstage: takes, ..Delays::default() });
    engine.post_in_background("/create-ocp-namespace", &namespace_request("team-s", "small"));
    let begin = Instant::now();
    while engine.instances("create-ocp-namespace").await.is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "nothing starts:\n{}", engine.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (services, engine)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_ends_in_the_grace_time_is_not_made_again() {
    let (services, mut engine) = in_a_call(Duration::from_millis(1500)).await;
    let status = engine.terminate();
    assert!(status.success(), "{status}:\n{}", engine.log());
    services.set_delays(Delays::default());
    engine.restart().await;
    let id = engine.instances("create-ocp-namespace").await[0]["id"].as_str().unwrap().to_owned();
    engine.wait_for(&id, "COMPLETED").await;
    assert_eq!(services.namespaces(), ["team-s"]);
    assert!(services.calls().iter().all(|call| !call.repeated), "{:?}", services.calls());
}

/// Takes one request and gives the connection and the value of its `Idempotency-Key`.
async fn take(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = String::new();
    while !head.contains("\r\n\r\n") {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "the request breaks off: {head}");
        head.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let key = lines.filter(|(name, _)| name.eq_ignore_ascii_case("idempotency-key")).map(|(_, value)| value);
    (stream, key.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_takes_longer_is_made_again_with_the_same_key() {
    prepare();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let flow = format!(
        "
id: slow
version: '1.0'
specVersion: '0.8'
start: Ask
functions: [{{name: ask, type: custom, operation: 'rest:post:http://{address}/things'}}]
states:
- {{name: Ask, type: operation, actions: [{{functionRef: ask}}], end: true}}
"
    );
    let folder = folder(&[("slow.sw.yaml", &flow)]);
    let mut engine = Engine::start(folder.path(), &[]).await;
    engine.post_in_background("/slow", &json!({}));
    let (held, first) = take(&listener).await;
    let begin = Instant::now();
    let status = engine.terminate();
    assert!(status.success(), "{status}:\n{}", engine.log());
    assert!(begin.elapsed() < Duration::from_secs(20), "the call is waited for");
    drop(held);
    engine.restart().await;
    let (mut stream, second) = take(&listener).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
    assert_eq!((first.is_empty(), &second), (false, &first));
    let id = engine.instances("slow").await[0]["id"].as_str().unwrap().to_owned();
    engine.wait_for(&id, "COMPLETED").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_after_the_stop_is_not_left_without_an_answer() {
    let (_services, environment) = services().await;
    let mut engine = Engine::start(&root().join("workflows"), &environment).await;
    assert!(engine.terminate().success());
    assert!(engine.try_post("/create-ocp-namespace", &json!({}), &[]).await.is_none(), "nobody listens");
    engine.restart().await;
}
