//! Random requests: whatever a client sends, the answer is no 500 and the engine goes on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use support::{Served, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How many requests are sent; `PROPTEST_CASES` sets another number.
const CASES: u32 = 400;

/// A request as bytes: mostly of parts that mean something, so that it comes far.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let method = select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"]);
    let segment = prop_oneof![
        6 => select(vec![
            "sleeper", "greeting", "byevent", "management", "processes", "instances", "graphql", "q", "openapi", "metrics", "rondo", "events", "waits",
            "schema", "tasks", "error", "retrigger", "skip", "00000000-0000-0000-0000-000000000000", "%ff", "%2F", "..", "",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9%._~!$&'()*+,;=:@-]{0,12}",
    ];
    let query = prop_oneof![
        3 => Just(String::new()),
        2 => graphql().prop_map(|text| {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            format!("?query={encoded}&variables=%7B%7D")
        }),
        1 => "\\?[a-zA-Z0-9%=&+]{0,30}",
    ];
    let header = prop_oneof![
        4 => Just("content-type: application/json".to_owned()),
        1 => Just("accept: text/html".to_owned()),
        1 => Just("accept-encoding: gzip".to_owned()),
        1 => Just("x-kogito-startfromnode: Rest A While".to_owned()),
        1 => "[a-z-]{1,12}: [ -~]{0,40}",
    ];
    let body = prop_oneof![
        1 => Just(String::new()),
        3 => json(),
        3 => graphql().prop_map(|text| serde_json::json!({"query": text, "variables": {"a": [1]}}).to_string()),
        1 => ".{0,60}",
    ];
    let path = prop::collection::vec(segment, 0..6);
    let headers = prop::collection::vec(header, 0..5);
    (method, path, query, headers, body).prop_map(|(method, path, query, headers, body)| {
        let path = path.join("/");
        let mut text =
            format!("{method} /{path}{query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for header in headers {
            text += &header;
            text += "\r\n";
        }
        text += &format!("content-length: {}\r\n\r\n", body.len());
        [text.into_bytes(), body.into_bytes()].concat()
    })
}

fn json() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "null",
        "1",
        "-0.0e5",
        "1e999",
        "\"\"",
        "\"\\ud800\"",
        "\"workflowdata\"",
        "tru",
        "{}",
        "[]",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((select(vec!["workflowdata", "name", "a", ""]), inner), 0..4).prop_map(
                |members| {
                    let members: Vec<_> =
                        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }
            ),
        ]
    })
}

fn graphql() -> impl Strategy<Value = String> {
    let word = select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "ProcessInstances",
        "ProcessDefinitions",
        "Jobs",
        "where",
        "id",
        "nodes",
        "variables",
        "executionSummary",
        "equal",
        "and",
        "or",
        "not",
        "state",
        "ACTIVE",
        "\"x\"",
        "1",
        "$a",
        "query",
        "mutation",
        "fragment",
        "on",
        "...",
        "ProcessInstanceAbort",
        "__schema",
        "types",
        "__typename",
        "pagination",
        "limit",
        "orderBy",
        "start",
        "DESC",
        "#",
        "\"\"\"",
    ]);
    prop_oneof![
        prop::collection::vec(word, 0..25).prop_map(|words| words.join(" ")),
        Just("{ ProcessInstances { id nodes { name } variables error { message } } }".to_owned()),
        Just("{ __schema { types { name fields { name } } } }".to_owned()),
    ]
}

async fn status_of(served: &Served, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(served.base.trim_start_matches("http://")).await.unwrap();
    // The engine may answer, and close, before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

#[test]
fn no_request_meets_a_defect() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let served = runtime.block_on(serve(""));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&request(), |request| {
            let status = runtime.block_on(status_of(&served, &request));
            prop_assert!(
                status.is_some_and(|status| (200..500).contains(&status)),
                "{status:?}: {}",
                String::from_utf8_lossy(&request)
            );
            Ok(())
        })
        .unwrap();
    assert_eq!(runtime.block_on(served.get("/q/health")).status, 200);
    runtime.block_on(served.memory_is_given_back());
}
