//! Schemas of workflow data with data to check.
//!
//! An input is the schema and the data, both as JSON.

use std::path::Path;

use rondo_expression::{Val, steps_taken};
use rondo_runtime::fuzzing::schema;
use serde_json::Value;

use crate::{Target, joined, parts, seeds};

/// Schemas.
pub const TARGET: Target = Target { name: "schemas", play, seeds: begin };

/// Longest message for an input of some kilobytes.
const LONGEST: usize = 1024 * 1024;

fn play(input: &[u8]) {
    let [document, data] = parts(input);
    let Ok(document) = serde_json::from_slice::<Value>(document) else { return };
    let Ok(schema) = schema(document) else { return };
    let data = Val::from_json(data).unwrap_or_default();
    let before = steps_taken();
    let quick = schema.check_quickly(&data);
    let quick_steps = steps_taken().wrapping_sub(before);
    assert!(quick_steps <= 20_000, "a quick check took {quick_steps} steps");
    // What is not quickly done takes a second, which is too long for each try.
    let Some(outcome) = quick else { return };
    if let Err(message) = &outcome {
        assert!(!message.is_empty() && message.len() <= LONGEST, "{} bytes", message.len());
    }
    assert_eq!(schema.check(&data), outcome, "quickly it is another outcome");
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    const DATA: &[&[u8]] = &[
        br#"{"name":"a","size":3,"list":[1,"x",null],"at":"2024-01-02","mail":"a@b.c","id":"0198c0de-0000-7000-8000-000000000000"}"#,
        br#"{"workflowdata":{"a":{"b":[{"c":1}]}}}"#,
        b"[1,2,2,\"x\"]",
        b"\"text\"",
    ];
    const SCHEMAS: &[&str] = &[
        r##"{"type":"object","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string","pattern":"^[a-z]+$","minLength":2,"maxLength":5},"size":{"enum":["s",3]},"list":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"integer"},"uniqueItems":true}}}"##,
        r##"{"$ref":"#/definitions/a","definitions":{"a":{"anyOf":[{"$ref":"#/definitions/b"},{"type":"null"}]},"b":{"oneOf":[{"required":["x"]},{"properties":{"x":{"$ref":"#"}}}],"allOf":[{"not":{"const":1}}]}}}"##,
        r##"{"if":{"properties":{"size":{"minimum":1,"exclusiveMaximum":9,"multipleOf":0.5}}},"then":{"propertyNames":{"maxLength":5}},"else":{"patternProperties":{"^a.*":{"format":"uuid"}},"dependencies":{"a":["b"],"c":{"type":"object"}},"minProperties":1,"maxProperties":4}}"##,
        r##"{"items":[{"type":"number"},{"type":["string","null"]}],"additionalItems":false,"contains":{"const":2}}"##,
        r##"{"properties":{"at":{"format":"date-time"},"mail":{"format":"email"},"id":{"format":"uuid"},"u":{"format":"uri"},"d":{"format":"duration"},"r":{"format":"regex"},"h":{"format":"hostname"},"i":{"format":"ipv4"}}}"##,
        r##"{"type":"string","contentEncoding":"base64","contentMediaType":"application/json"}"##,
    ];
    let mut schemas = seeds::files(&repository.join("workflows"), &["put.json"]);
    schemas.extend(SCHEMAS.iter().map(|text| text.as_bytes().to_vec()));
    let mut all = Vec::new();
    for document in &schemas {
        all.extend(DATA.iter().map(|data| joined(&[document, data])));
    }
    all
}
