//! Clients that are slow, still, or many, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use std::time::Duration;

use support::{Served, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than a test lasts when something is wrong.
const LONG: Duration = Duration::from_secs(20);

const SHORT_TIMES: &str =
    "rondo.http.head-timeout=300\nrondo.http.body-timeout=300\nrondo.http.idle-timeout=900\n";

async fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.base.trim_start_matches("http://")).await.unwrap()
}

/// Sends a text and gives everything that comes until the connection is closed.
async fn said(served: &Served, text: &str) -> String {
    let mut stream = connect(served).await;
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the connection is never closed");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_does_not_come_is_not_waited_for() {
    let served = serve(SHORT_TIMES).await;
    let body = "POST /sleeper HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\"";
    for (text, starts, contains) in [
        ("", "", ""),
        ("GET /q/health/live HTTP/1.1\r\nHost: localhost\r\nX-Half", "", ""),
        ("PRI * HTTP/2.0\r\n", "", ""),
        (body, "HTTP/1.1 408 ", "\"message\":\"the body stopped coming for 300ms"),
        ("GET /q/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 ", "UP"),
    ] {
        let answer = said(&served, text).await;
        assert!(answer.starts_with(starts) && answer.contains(contains), "{text}: {answer}");
        assert!(!starts.is_empty() || !answer.starts_with("HTTP"), "{text}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_drips_for_ever_is_not_waited_for() {
    let served = serve("rondo.http.body-timeout=100\n").await;
    let mut stream = connect(&served).await;
    let head = "POST /sleeper HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let dripping = async {
        while to.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 400];
    let length = tokio::select! {
        read = timeout(LONG, from.read(&mut answer)) => read.expect("no answer comes").unwrap(),
        () = dripping => 0,
    };
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("whole"), "{answer}");
}

#[tokio::test]
async fn a_request_that_is_at_work_may_take_longer_than_any_pause() {
    let served = serve(SHORT_TIMES).await;
    let start = "POST /caller HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\": 298}";
    let answer = said(&served, start).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_room() {
    let served = serve("rondo.http.max-connections=2\n").await;
    let (one, _other) = (connect(&served).await, connect(&served).await);
    let request = said(&served, "GET /q/health/live HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let mut request = std::pin::pin!(request);
    assert!(timeout(Duration::from_millis(300), &mut request).await.is_err(), "there is no room");
    drop(one);
    let answer = request.await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
}
