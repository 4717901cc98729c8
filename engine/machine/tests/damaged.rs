//! A stored snapshot that no instance can have written is refused, and neither holds the machine for ever nor ends the process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::Val;
use rondo_machine::{DecodeError, Input, Snapshot};
use support::{NOW, context, program, settle};

const PAUSES: &str = r"
id: pauses
version: '1.0'
specVersion: '0.8'
states:
- name: Both
  type: parallel
  branches:
  - {name: one, actions: [{name: wait, functionRef: ask}]}
  - {name: two, actions: [{name: wait, functionRef: ask}]}
  end: true
functions:
- {name: ask, type: custom, operation: 'rest:post:/things'}
";

/// The stored head of an instance that waits in two branches, with a text replaced.
fn decoded(from: &str, to: &str) -> Result<Snapshot, DecodeError> {
    let program = program(PAUSES);
    let snapshot = settle(
        &program,
        Snapshot::new(Val::object::<&str>([])),
        Input::Start { at: None },
        &context(1000),
        NOW,
    )
    .snapshot;
    let head = String::from_utf8(snapshot.encode_whole(&program, &snapshot.data).unwrap().head).unwrap();
    assert!(head.contains(from), "{head}");
    let head = head.replacen(from, to, 1);
    Snapshot::decode(&program, head.as_bytes(), &[], snapshot.data.clone(), snapshot.input.clone())
}

#[test]
fn frames_that_cannot_be_so_are_refused() {
    assert!(decoded("\"s\":\"a\"", "\"s\":\"a\"").is_ok());
    for (from, to, what) in [
        // Its own parent, a parent that comes later, and one that is not there.
        (r#""i":1,"p":0"#, r#""i":1,"p":1"#, "does not belong"),
        (r#""i":1,"p":0"#, r#""i":1,"p":2"#, "does not belong"),
        (r#""i":2,"p":0"#, r#""i":2,"p":9"#, "does not belong"),
        (r#""p":0,"o":{"b":0}"#, r#""p":0"#, "does not belong"),
        (r#""i":1,"p":0,"o":{"b":0}"#, r#""i":1,"o":{"b":0}"#, "does not belong"),
        // One number twice, and out of order.
        (r#""i":2,"p":0"#, r#""i":1,"p":0"#, "order of their numbers"),
        (r#""i":1,"p":0"#, r#""i":2,"p":0"#, "order of their numbers"),
        (r#""n":3"#, r#""n":2"#, "order of their numbers"),
        // Counters at their ends.
        (r#""n":3"#, r#""n":4294967295"#, "higher than any instance can count"),
        (r#""k":2"#, r#""k":18446744073709551615"#, "higher than any instance can count"),
    ] {
        let outcome = decoded(from, to);
        let Err(DecodeError::Unsound(said)) = outcome else { panic!("{to}: {outcome:?}") };
        assert!(said.contains(what), "{to}: {said}");
    }
}

#[test]
fn frames_nested_without_end_are_refused() {
    let chain: String = (3..100_003)
        .map(|id| format!(r#"{{"i":{id},"p":{},"o":{{"b":0}},"c":"Both/one/wait/call"}},"#, id - 1))
        .collect();
    let outcome = decoded(r#"],"n":3"#, &format!(r#",{}],"n":200000"#, chain.trim_end_matches(',')));
    assert!(
        matches!(outcome, Err(DecodeError::Unsound("its frames are nested too deeply"))),
        "{:?}",
        outcome.err()
    );
}
