//! Sending over HTTP: what arrives, and what an error says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Arc;

use common::properties;
use rondo_event::{Channels, CloudEvent, Room, SendErrorKind, Sender, read_http};
use rondo_expression::{ReadLimits, Val};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

/// A service that takes one request, answers it with these bytes, and tells what it got. Without bytes it never answers.
async fn service(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = stream.read(&mut piece).await.unwrap();
            request.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&request);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                break;
            }
        }
        if answer.is_empty() {
            std::future::pending::<()>().await;
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    (address, served)
}

fn sender(file: &str, variables: &[(&str, &str)]) -> Sender {
    // Another test may have set it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let properties = properties(file, variables);
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Sender::new(Arc::new(Channels::read(&properties).0), client, &properties).unwrap()
}

fn event() -> CloudEvent {
    let mut event = CloudEvent::new("1", "/process/orders", "order.done");
    event.set_extension("kogitoprocinstanceid", "42").unwrap();
    event.data = Some(Val::object([("a", Val::Int(1))]));
    event
}

/// The event that a request holds.
fn read(request: &str) -> CloudEvent {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let headers = head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name, value.as_bytes()));
    let mut grant = |_| true;
    let mut room = Room::new(ReadLimits::default(), &mut grant);
    read_http(headers, body.as_bytes(), &mut room).unwrap().events.remove(0)
}

#[tokio::test]
async fn an_event_arrives_in_headers_and_body() {
    let (address, served) = service("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
    let sender = sender("", &[("K_SINK", &format!("http://{address}/sink"))]);
    let channel = sender.channels().outgoing_for("order.done").to_owned();
    sender.send(&channel, &event()).await.unwrap();
    let request = served.await.unwrap();
    assert!(
        request.starts_with("POST /sink HTTP/1.1\r\n") && request.contains("\r\nce-id: 1\r\n"),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    let mut expected = event();
    expected.datacontenttype = Some("application/json".to_owned());
    assert_eq!(read(&request), expected);
}

#[tokio::test]
async fn overrides_are_added_to_structured_events() {
    let (address, served) = service("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let file = "kogito.addon.messaging.outgoing.cloudEventMode=structured\n";
    let overrides = r#"{"extensions": {"cluster": "west", "kogitoprocinstanceid": "other"}}"#;
    let sender = sender(file, &[("K_SINK", &format!("http://{address}")), ("K_CE_OVERRIDES", overrides)]);
    sender.send("kogito_outgoing_stream", &event()).await.unwrap();
    let request = served.await.unwrap();
    assert!(request.contains("content-type: application/cloudevents+json; charset=UTF-8\r\n"), "{request}");
    let mut expected = event();
    expected.set_extension("cluster", "west").unwrap();
    expected.set_extension("kogitoprocinstanceid", "other").unwrap();
    assert_eq!(read(&request), expected);
}

#[tokio::test]
async fn an_error_says_where_what_and_whether_to_try_again() {
    for (answer, transient, expected) in [
        ("HTTP/1.1 503 X\r\ncontent-length: 4\r\n\r\nbusy", true, "503: busy"),
        ("HTTP/1.1 429 X\r\ncontent-length: 0\r\n\r\n", true, "429"),
        ("HTTP/1.1 408 X\r\ncontent-length: 0\r\n\r\n", true, "408"),
        ("HTTP/1.1 400 X\r\ncontent-length: 9\r\n\r\nno\nuse :(", false, "400: "),
        ("HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", false, "302"),
    ] {
        let (address, served) = service(answer).await;
        let sender = sender("", &[("K_SINK", &format!("http://user:s3cret@{address}/x?token=s3cret"))]);
        let error = sender.send("kogito_outgoing_stream", &event()).await.unwrap_err();
        served.await.unwrap();
        assert_eq!(error.is_transient(), transient, "{error}");
        let shown = error.to_string();
        let beginning = format!(
            "channel `kogito_outgoing_stream` (POST http://{address}/x): the event was answered with status {expected}"
        );
        assert!(
            shown.starts_with(&beginning) && !shown.contains("s3cret") && !shown.contains('\n'),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_shown() {
    let (address, _served) = service("HTTP/1.1 500 X\r\nconnection: close\r\n\r\nüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü").await;
    let sender = sender("", &[("K_SINK", &format!("http://{address}"))]);
    let error = sender.send("kogito_outgoing_stream", &event()).await.unwrap_err();
    let SendErrorKind::Status { status: 500, body } = error.kind else { panic!("{error}") };
    assert_eq!(body, format!("{}…", "ü".repeat(250)));
}

#[tokio::test]
async fn nobody_there_and_no_answer_are_transient() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (silent, _served) = service("").await;
    for (address, expected) in [
        (gone.to_string(), "the event could not be sent: Connection refused"),
        (silent, "the event was not taken within 50 ms"),
    ] {
        let sender = sender("rondo.events.send-timeout=50\n", &[("K_SINK", &format!("http://{address}"))]);
        let error = sender.send("kogito_outgoing_stream", &event()).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_channel_that_cannot_be_used_says_why() {
    let file = "mp.messaging.outgoing.a.url=http://host/{subject}\nmp.messaging.outgoing.b.url=${UNSET}\n";
    let sender = sender(file, &[]);
    for (channel, expected) in [
        (
            "a",
            "channel `a` (POST http://host/{subject}): the event cannot be sent: its address has the parameter `{subject}`, and the event has no attribute `subject`",
        ),
        ("b", "refers to `${UNSET}`, which is neither a property nor an environment variable"),
        ("c", "channel `c`: the event cannot be sent: no outgoing channel is called `c`"),
    ] {
        let error = sender.send(channel, &event()).await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains(expected), "{error}");
    }
}
