//! A stop that is asked for: quick, whatever is under way, and nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io,
    time::{Duration, Instant},
};

use rondo_tests::{Answer, Engine, PATIENCE, folder, prepare, until};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// An engine with a workflow, `slow`, that calls a service once, and the service's socket.
async fn with_a_slow_service() -> (TcpListener, Engine, TempDir) {
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
    let engine = Engine::start(folder.path(), &[]).await;
    (listener, engine, folder)
}

/// Starts an instance; the task ends when the engine answers, or hangs up.
fn start(engine: &Engine) -> JoinHandle<Option<Answer>> {
    let request = reqwest::Client::new().post(engine.url("/slow")).json(&json!({}));
    tokio::spawn(async move { Answer::to(request).await })
}

/// Takes one request and gives the connection and the value of its `Idempotency-Key`.
async fn take(listener: &TcpListener) -> (TcpStream, String) {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await;
    let (mut stream, _) = accepted.unwrap().unwrap();
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

/// Answers a request that was taken.
async fn answer(mut stream: TcpStream) {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"answered\":true}";
    stream.write_all(answer).await.unwrap();
}

/// Waits until the engine, which was told to stop, refuses connections. It must not end before.
async fn wait_until_it_refuses(engine: &mut Engine) {
    let begin = Instant::now();
    loop {
        let connected = TcpStream::connect(engine.address()).await;
        assert!(!engine.has_ended(), "the engine ends before it refuses connections:\n{}", engine.log());
        if connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "connections are still taken:\n{}", engine.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The only instance that there is.
async fn only_instance(engine: &Engine) -> String {
    let instances = engine.instances("slow").await;
    assert_eq!(instances.len(), 1, "{instances:?}");
    instances[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_ends_in_the_grace_time_is_not_made_again() {
    let (service, mut engine, _folder) = with_a_slow_service().await;
    let started = start(&engine);
    let (stream, _) = take(&service).await;
    engine.ask_to_stop();
    // Requests have had their time; calls have some more.
    let are_cut_off = "requests that are still open are cut off";
    until("open requests are cut off", async || engine.log().contains(are_cut_off)).await;
    assert!(started.await.unwrap().is_none(), "nothing could be said about the instance yet");
    // An engine that waits for no call is gone after some milliseconds.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!engine.has_ended(), "it does not wait for the call:\n{}", engine.log());
    answer(stream).await;
    let status = engine.wait_until_it_ends();
    assert!(status.success(), "{status}:\n{}", engine.log());
    // A second call would find nobody who answers it, and the instance would not end.
    engine.restart().await;
    let id = only_instance(&engine).await;
    assert_eq!(engine.wait_for(&id, "COMPLETED").await["data"], json!({"answered": true}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_takes_longer_is_made_again_with_the_same_key() {
    let (service, mut engine, _folder) = with_a_slow_service().await;
    let started = start(&engine);
    let (held, first) = take(&service).await;
    engine.ask_to_stop();
    // It ends although nobody answers the call.
    let status = engine.wait_until_it_ends();
    assert!(status.success(), "{status}:\n{}", engine.log());
    assert!(started.await.unwrap().is_none(), "nothing can be said about the instance yet");
    drop(held);
    engine.restart().await;
    let (stream, second) = take(&service).await;
    answer(stream).await;
    assert_eq!((first.is_empty(), &second), (false, &first));
    let id = only_instance(&engine).await;
    engine.wait_for(&id, "COMPLETED").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_during_the_stop_is_turned_away_at_once_and_starts_nothing() {
    let (service, mut engine, _folder) = with_a_slow_service().await;
    let started = start(&engine);
    let (held, _) = take(&service).await;
    engine.ask_to_stop();
    wait_until_it_refuses(&mut engine).await;
    // A refused connection is an answer that a client can act on; a connection that nobody takes is none.
    let error = reqwest::Client::new().post(engine.url("/slow")).json(&json!({})).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(!engine.has_ended(), "the engine was to be asked while it stops");
    answer(held).await;
    assert!(engine.wait_until_it_ends().success());
    // Who came before the stop, and could be answered in time, is.
    let answered = started.await.unwrap().unwrap();
    assert_eq!((answered.status, &answered.body["workflowdata"]), (201, &json!({"answered": true})));
    engine.restart().await;
    only_instance(&engine).await;
}
