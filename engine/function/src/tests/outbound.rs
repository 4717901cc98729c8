//! Requests of other components: what an error says, and whom they trust.

use std::time::Duration;

use rondo_definition::{Environment, Properties};
use rondo_memory::MemoryBudget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use crate::{Caller, Outbound, OutboundError, OutboundRequest, Secrets};

fn outbound() -> Outbound {
    let (properties, _) = Properties::parse("application.properties", "", Environment::new());
    Caller::new(&properties, Secrets::default(), &MemoryBudget::new(1 << 26)).unwrap().outbound().unwrap()
}

fn get(url: &str) -> OutboundRequest {
    OutboundRequest {
        method: "GET".to_owned(),
        url: Url::parse(url).unwrap(),
        headers: Vec::new(),
        body: None,
        time_limit: Duration::from_secs(20),
        max_answer_bytes: 10,
    }
}

/// A service that reads a request and answers these bytes to each.
async fn service(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn an_error_says_whether_the_service_may_have_acted() {
    let outbound = outbound();
    let moved =
        service("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\nok").await;
    let answer = outbound.send(get(&moved)).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (302, b"ok".as_slice()));
    for (url, expected) in [
        (service("").await, "unanswered"),
        (service("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\no").await, "unanswered"),
        (service("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n0123456789a").await, "unusable"),
        ("http://127.0.0.1:1/".to_owned(), "not sent"),
        ("http://169.254.169.254/".to_owned(), "not sent"),
    ] {
        let kind = match outbound.send(get(&url)).await.err() {
            Some(OutboundError::NotSent(_)) => "not sent",
            Some(OutboundError::Unanswered(_)) => "unanswered",
            Some(OutboundError::Unusable(_)) => "unusable",
            None => "answered",
        };
        assert_eq!(kind, expected, "{url}");
    }
}

#[tokio::test]
async fn forbidden_addresses_are_refused_written_out_and_resolved() {
    let outbound = outbound();
    assert!(outbound.check(&Url::parse("http://[fe80::1]/").unwrap()).is_err());
    assert!(outbound.check(&Url::parse("http://127.0.0.1/").unwrap()).is_ok());
    assert!(outbound.resolve("169.254.0.1", 80).await.unwrap_err().contains("link-local"));
    assert_eq!(outbound.resolve("[::1]", 22).await.unwrap()[0].to_string(), "[::1]:22");
}

#[test]
fn an_authority_has_to_be_a_certificate() {
    for pem in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        let problem = outbound().trusting(pem).err().unwrap();
        assert!(problem.contains("certificate authority") && !problem.contains("AAAA"), "{problem}");
    }
}
