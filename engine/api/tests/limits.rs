//! Limits of one request: its head, its streams over HTTP/2, a question of `GraphQL`, the message of an answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use support::{Served, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than a test lasts when something is wrong.
const LONG: Duration = Duration::from_secs(20);

async fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.base.trim_start_matches("http://")).await.unwrap()
}

/// The first line of the answer to a request without a body, with these further headers.
async fn status(served: &Served, headers: &str) -> String {
    let mut stream = connect(served).await;
    let request =
        format!("GET /q/health/live HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n");
    // A head that is too long is refused before it has been sent as a whole.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the connection is never closed");
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_head_is_bounded_in_bytes_and_headers() {
    let served = serve("").await;
    let long = |bytes: usize| format!("X-Long: {}\r\n", "a".repeat(bytes));
    let many = |count: usize| (0..count).map(|number| format!("X-{number}: 1\r\n")).collect::<String>();
    for (headers, expected) in [
        (long(30_000), "HTTP/1.1 200 OK"),
        (long(40_000), "HTTP/1.1 431 Request Header Fields Too Large"),
        (many(90), "HTTP/1.1 200 OK"),
        (many(110), "HTTP/1.1 431 Request Header Fields Too Large"),
    ] {
        assert_eq!(status(&served, &headers).await, expected, "{} bytes", headers.len());
    }
}

/// Numbers of settings of HTTP/2 (RFC 9113, 6.5.2).
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_HEADER_LIST_SIZE: u16 = 6;

#[tokio::test]
async fn streams_of_one_connection_are_bounded() {
    let served = serve("").await;
    let mut stream = connect(&served).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    timeout(LONG, stream.read_exact(&mut head)).await.expect("no settings come").unwrap();
    assert_eq!(head[3], 4, "the first frame holds the settings");
    let mut settings = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
    stream.read_exact(&mut settings).await.unwrap();
    let settings: BTreeMap<u16, u32> = settings
        .chunks_exact(6)
        .map(|setting| {
            let (number, value) = setting.split_at(2);
            (u16::from_be_bytes(number.try_into().unwrap()), u32::from_be_bytes(value.try_into().unwrap()))
        })
        .collect();
    let bounds = [MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE];
    assert_eq!(bounds.map(|number| settings.get(&number).copied()), [Some(64), Some(65_536), Some(32_768)]);
}

#[tokio::test]
async fn a_question_is_bounded_in_bytes() {
    let served = serve("").await;
    let client = reqwest::Client::new();
    let ask = async |padding: usize| {
        let query = format!("{{ ProcessInstances {{ id }} }} # {}", "a".repeat(padding));
        let asked = client.post(format!("{}/graphql", served.base)).json(&json!({ "query": query }));
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, answer) = ask(1000).await;
    assert!(status == 200 && answer.contains("\"ProcessInstances\":[]"), "{status} {answer}");
    for padding in [1_200_000, 3_000_000] {
        let (status, answer) = ask(padding).await;
        assert!(answer.contains("errors") && !answer.contains("ProcessInstances\":["), "{status} {answer}");
        assert!(answer.len() < 10_000, "the answer does not repeat the question");
    }
}

#[tokio::test]
async fn a_message_is_bounded_in_bytes() {
    let served = serve("").await;
    let name = "n".repeat(20_000);
    let answer = reqwest::get(format!("{}/{name}", served.base)).await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await.unwrap().len() < 70_000);
    let start = reqwest::Client::new().post(format!("{}/sleeper", served.base));
    let many: Vec<_> = (0..5000).map(|number| format!("{number}{}", "x".repeat(100))).collect();
    let refused = start.header("X-KOGITO-StartFromNode", "nowhere").json(&json!({ "many": many }));
    let answer = refused.send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let message = answer.text().await.unwrap();
    assert!(message.contains("nowhere") && message.len() < 70_000, "{}", message.len());
}

#[tokio::test]
async fn a_question_is_bounded_in_values() {
    let served = serve("").await;
    let client = reqwest::Client::new();
    let query = "query($ids: [String]) { ProcessInstances(where: {id: {in: $ids}}) { id } }";
    for (count, expected) in [(1000, 200), (99_990, 200), (100_001, 413)] {
        let question = json!({ "query": query, "variables": { "ids": vec![1; count] } });
        let answer = client.post(format!("{}/graphql", served.base)).json(&question).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(status, expected, "{count}: {text}");
        assert_eq!(text.contains("100000 values at most"), expected == 413, "{text}");
    }
}

#[tokio::test]
async fn a_list_ends_after_as_many_instances_as_are_configured() {
    let served = serve("kogito.process.instances.limit=2\n").await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(json!(served.start("sleeper", &json!({ "number": number })).await));
    }
    let list = served.get("/sleeper").await.json();
    let listed: Vec<_> = list.as_array().unwrap().iter().map(|instance| instance["id"].clone()).collect();
    assert_eq!(listed, ids[..2], "the oldest ones");
}
