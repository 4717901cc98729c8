//! Bodies of requests: the content type and the bytes, as a start reads them; and the reader of JSON beside that of `serde_json`.
//!
//! An input is the content type and the body.

use std::path::Path;

use rondo_expression::{ReadError, ReadLimits, Val};
use serde_json::Value;

use crate::{Target, joined, parts, seeds};

/// Bodies.
pub const TARGET: Target = Target { name: "bodies", play, seeds: begin };

fn play(input: &[u8]) {
    let [content_type, body] = parts(input);
    if let Ok((data, extra)) = rondo_api::read_start_body(content_type, body.to_vec()) {
        assert!(extra.is_null() || !extra.members().is_empty(), "variables without one: {extra}");
        assert_eq!(data.clone().without_null_elements(), data, "nulls in lists of the input");
    }
    read_as_others_do(body);
    within_limits(body);
}

/// The reader accepts what `serde_json` accepts, with the same value, and refuses what it refuses.
fn read_as_others_do(body: &[u8]) {
    let mut granted = 0_usize;
    let limits = ReadLimits::default();
    let read = Val::read_json(body, limits, &mut |more| {
        granted = granted.saturating_add(more);
        true
    });
    match (read, serde_json::from_slice::<Value>(body)) {
        (Ok(read), Ok(other)) => {
            assert!(read.memory() <= granted, "{} bytes of memory, granted were {granted}", read.memory());
            // The other reader makes floats of whole numbers of more than 64 bits.
            let as_other = serde_json::from_str::<Value>(&read.to_json()).map(Val::from);
            assert!(as_other.is_ok_and(|value| value == Val::from(other)), "{read} is read otherwise");
            let again = Val::from_json(read.to_json().as_bytes());
            assert!(again.as_ref().is_ok_and(|again| *again == read), "{read} comes back as {again:?}");
            let without =
                Val::read_json(body, ReadLimits { skips_null_elements: true, ..limits }, &mut |_| true);
            let expected = read.without_null_elements();
            assert!(
                without.as_ref().is_ok_and(|without| *without == expected),
                "{without:?}, not {expected}"
            );
        }
        (Err(ReadError::Syntax(_)), Err(_)) => {}
        // The other reader goes on to 128 levels.
        (Err(ReadError::Depth(_)), _) => {}
        (read, other) => panic!("read as {read:?}, by others as {other:?}"),
    }
}

/// Within small limits nothing is granted beyond them, and what is read is within them.
fn within_limits(body: &[u8]) {
    let limits = ReadLimits { nodes: 20, depth: 4, memory: 1024, skips_null_elements: false };
    let mut granted = 0_usize;
    let read = Val::read_json(body, limits, &mut |more| {
        granted += more;
        granted <= 700
    });
    if let Ok(value) = read {
        let size = value.size();
        let is_within =
            size.nodes <= limits.nodes && size.depth <= limits.depth && size.memory <= limits.memory;
        assert!(is_within && size.memory <= granted, "{size:?}, granted were {granted}");
    }
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    let json: &[u8] = b"application/json";
    let mut all: Vec<Vec<u8>> = Vec::new();
    for folder in ["engine/api/src", "engine/expression/tests", "engine/expression/src"] {
        let texts = seeds::literals(&repository.join(folder));
        let values = texts.iter().filter(|text| serde_json::from_str::<Value>(text).is_ok());
        all.extend(values.map(|text| joined(&[json, text.as_bytes()])));
    }
    for file in seeds::files(&repository.join("workflows"), &[".json"]) {
        all.push(joined(&[json, &file]));
    }
    for text in [
        r#"{"workflowdata":{"a":1,"b":[null,1.5e300,-0.0]},"initiatorEntity":"user:default/x"}"#,
        r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":1e400,"d":0.1,"d":"\ud83d\ude00\u0000"}"#,
        "\u{feff}{\"a\": [null, 1]}",
        "[[[[[[]]]]]]",
    ] {
        all.push(joined(&[b"Application/JSON; charset=UTF-8", text.as_bytes()]));
    }
    all
}
