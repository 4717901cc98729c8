//! `OpenAPI` documents with arguments and answers: operations, requests, results.
//!
//! An input is the document, the arguments as JSON, the status and content type of an answer as in `200 application/json`, and its body.

use std::path::Path;

use rondo_expression::Val;
use rondo_function::offline::{OfflineRequest, http_result, operations};

use crate::{Target, joined, parts, seeds};

/// `OpenAPI` documents and answers.
pub const TARGET: Target = Target { name: "openapi", play, seeds: begin };

/// Operations of a document that are looked at: the first ones, so that each try stays quick.
const OPERATIONS: usize = 4;

/// Memory that the result of an answer may take.
const ROOM: usize = 4 * 1024 * 1024;

fn play(input: &[u8]) {
    let [document, arguments, head, body] = parts(input);
    let Ok(document) = std::str::from_utf8(document) else { return };
    let arguments = Val::from_json(arguments).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let (status, content_type) = head.split_once(' ').unwrap_or((&head, ""));
    let status = status.parse().unwrap_or(200);
    for tolerant in [true, false] {
        within_the_grant(|grant| http_result(content_type, body, tolerant, grant));
    }
    for operation in operations(document, OPERATIONS).unwrap_or_default() {
        if let Ok(request) = operation.request(&arguments) {
            can_be_sent(&request);
        }
        within_the_grant(|grant| operation.result(status, content_type, body, grant));
    }
}

/// Every header is one, and every part of the address stays where it belongs: arguments come from clients.
fn can_be_sent(request: &OfflineRequest) {
    let OfflineRequest { method, address, headers, body } = request;
    assert!(!method.is_empty() && !method.contains(char::is_lowercase), "the method is `{method}`");
    assert!(!address.contains(['\n', '\r']), "the address has lines: {address:?}");
    let _ = (headers, body);
}

/// What one text takes beside its bytes, for which a reading does not ask.
const TEXT: usize = 64;

/// What a reading is granted is at least what the result takes.
fn within_the_grant(read: impl FnOnce(&mut dyn FnMut(usize) -> bool) -> Result<Val, String>) {
    let mut granted = 0_usize;
    let result = read(&mut |more| {
        granted = granted.saturating_add(more);
        granted <= ROOM
    });
    if let Ok(value) = result {
        assert!(
            value.memory() <= granted + TEXT,
            "{} bytes of memory, granted were {granted}",
            value.memory()
        );
    }
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    const ARGUMENTS: &[&[u8]] = &[
        br#"{"id":7,"name":"a b/c","tags":["x","y"],"body":{"a":null,"b":[1,2]},"content":"{\"k\":1}","projectId":"a/b"}"#,
        br#"[1,"two",{"three":3}]"#,
        b"\"text\"",
    ];
    const ANSWERS: &[(&[u8], &[u8])] = &[
        (
            b"200 application/json",
            br#"{"id":7,"name":"x","tags":["a",null],"at":"2024-01-02T03:04:05Z","n":1.5}"#,
        ),
        (b"201 text/plain; charset=iso-8859-1", b"caf\xe9"),
        (b"200 application/octet-stream", b"\x00\x01\xfe\xff"),
        (b"503 application/problem+json", br#"{"title":"busy"}"#),
        (b"200 application/json", br#"[1,2,"3",[4],{"five":"{\"a\":1}"}]"#),
        (b"200 ", b"12.5"),
        (b"204 application/json", b""),
    ];
    let mut documents: Vec<Vec<u8>> = seeds::files(repository, &[".yaml", ".json"]);
    for folder in ["engine/function/src", "engine/simulator", "engine/runtime/tests", "tests/tests"] {
        documents.extend(seeds::literals(&repository.join(folder)).into_iter().map(String::into_bytes));
    }
    documents.retain(|text| {
        let text = String::from_utf8_lossy(text);
        (text.contains("openapi") || text.contains("swagger")) && text.contains("paths")
    });
    documents.sort();
    documents.dedup();
    let mut all = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        let arguments = ARGUMENTS.get(number % ARGUMENTS.len()).copied().unwrap_or_default();
        for offset in 0..2 {
            let answer = ANSWERS.get((2 * number + offset) % ANSWERS.len());
            let (head, body) = answer.copied().unwrap_or_default();
            all.push(joined(&[document, arguments, head, body]));
        }
    }
    all
}
