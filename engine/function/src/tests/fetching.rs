//! Fetching documents by their address.

use rondo_definition::Fetch as _;
use serde_json::json;

use super::support::{Reply, Server, properties};
use crate::fetch::Fetcher;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_fetched_with_credentials_for_their_host_only() {
    let other = Server::start(vec![Reply::json(200, &json!({"openapi": "3.0.3"}))]).await;
    let mut redirect = Reply::new(302, "", "");
    redirect.headers.push(("location", format!("{}/moved.json", other.url)));
    let server = Server::start(vec![redirect, Reply::new(401, "text/plain", "who is tok-1?")]).await;
    let fetcher = Fetcher::new(&properties("", "")).unwrap();
    let address = format!("{}/a.json", server.url);
    fetcher.authorize(&address, "Bearer tok-1");
    for _ in 0..2 {
        assert_eq!(fetcher.fetch(&address).unwrap(), br#"{"openapi":"3.0.3"}"#);
    }
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.last().header("authorization"), "Bearer tok-1");
    assert_eq!((other.last().target.as_str(), other.last().header("authorization")), ("/moved.json", ""));
    let other_address = format!("{}/b.json", server.url);
    assert_eq!(fetcher.fetch(&other_address).unwrap_err(), "answered 401 Unauthorized");
    assert_eq!(fetcher.fetch("no address").unwrap_err(), "is no address: relative URL without a base");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_load_fetches_is_bounded() {
    let megabytes = |count: usize| Reply::new(200, "application/json", vec![b' '; count << 20]);
    let server = Server::start(vec![megabytes(17), megabytes(15)]).await;
    let fetcher = Fetcher::new(&properties("", "")).unwrap();
    let fetch =
        |name: usize| fetcher.fetch(&format!("{}/{name}.json", server.url)).map(|bytes| bytes.len() >> 20);
    assert!(fetch(0).unwrap_err().starts_with("answered with more than 16777216 bytes"));
    assert_eq!((1..=4).map(fetch).collect::<Vec<_>>(), [Ok(15), Ok(15), Ok(15), Ok(15)]);
    assert_eq!(fetch(5).unwrap_err(), "the documents of one load take more than 67108864 bytes together");
    assert_eq!(fetch(1), Ok(15), "what is there is not fetched again");
}
