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
        (body, "HTTP/1.1 408 ", "it may pause for 300ms (`rondo.http.body-timeout`)"),
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
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("rondo.http.min-rate"), "{answer}");
}

#[tokio::test]
async fn a_request_that_is_at_work_may_take_longer_than_any_pause() {
    let served = serve(SHORT_TIMES).await;
    let start = "POST /caller HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\": 298}";
    let answer = said(&served, start).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn more_requests_than_allowed_connections_wait() {
    let served = serve("rondo.http.max-connections=2\n").await;
    let slow = "POST /caller HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\": 298}";
    let mut answering = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&served).await;
        stream.write_all(slow.as_bytes()).await.unwrap();
        answering.push(stream);
    }
    served.instances_are_active(2).await;
    let quick = said(&served, "GET /q/health/live HTTP/1.0\r\nHost: localhost\r\n\r\n").await;
    assert!(quick.starts_with("HTTP/1.0 200 "), "{quick}");
    // Had either been ended for it, this one would have no answer.
    for mut stream in answering {
        let mut answer = String::new();
        timeout(LONG, stream.read_to_string(&mut answer)).await.expect("no answer comes").unwrap();
        assert!(answer.starts_with("HTTP/1.0 201 "), "{answer}");
    }
    served.instances_are_active(0).await;
}

#[tokio::test]
async fn connections_that_send_nothing_give_way() {
    let served = serve("rondo.http.max-connections=20\n").await;
    let mut silent = Vec::new();
    for number in 0..100 {
        let mut stream = connect(&served).await;
        match number % 3 {
            0 => {}
            1 => stream.write_all(b"GET /q/health/live HTTP/1.1\r\nHost: localhost\r\nX-Half").await.unwrap(),
            _ => {
                let head = b"POST /sleeper HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
                stream.write_all(head).await.unwrap();
            }
        }
        silent.push(stream);
    }
    for _ in 0..10 {
        let answer = said(&served, "GET /q/health/live HTTP/1.0\r\nHost: localhost\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up() {
    let served = serve("rondo.http.write-timeout=300\nrondo.http.min-rate=1000000\n").await;
    let text = "x".repeat(6_000_000);
    for _ in 0..4 {
        served.start("sleeper", &serde_json::json!({"text": text})).await;
    }
    let mut streams = Vec::new();
    for path in ["/sleeper", "/graphql?query=%7BProcessInstances%7Bvariables%7D%7D"] {
        let mut stream = connect(&served).await;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        // The beginning is there, so the answer has been made, or is being sent.
        let mut begin = [0; 12];
        timeout(LONG, stream.read_exact(&mut begin)).await.expect("no answer comes").unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        streams.push(stream);
    }
    assert!(served.memory_used() > 1_000_000);
    served.memory_is_given_back().await;
    for mut stream in streams {
        let mut rest = Vec::new();
        let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("the connection is never closed");
        assert!(rest.len() < 20_000_000, "{}", rest.len());
    }
}
