//! The limit on retained values: results of loop elements and actions, data of branches.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::{Budget, Val};
use rondo_machine::{Context, Effect, Encoded, Input, PartChange, Snapshot, Status, Turn};
use serde_json::{Value, json};
use support::{NOW, context, program, settle};

/// The result of each element is the whole data, and the loop collects all results.
const WHOLE: &str = "
id: whole
version: '1.0'
specVersion: '0.8'
start: Each
functions: [{name: whole, type: expression, operation: '.'}]
states:
- {name: Each, type: foreach, inputCollection: '${ .list }', iterationParam: n, outputCollection: '${ .out }',
   actions: [{functionRef: whole}], end: true}
";

const FORK: &str = "
id: fork
version: '1.0'
specVersion: '0.8'
start: All
functions: [{name: ask, type: custom, operation: 'rest:post:/things'}]
errors: [{name: any, code: java.lang.Exception}]
states:
- name: All
  type: parallel
  branches:
  - {name: a, actions: [{functionRef: ask}]}
  - {name: b, actions: [{functionRef: ask}]}
  - {name: c, actions: [{functionRef: ask}]}
  onErrors: [{errorRef: any, transition: Handle}]
  end: true
- {name: Handle, type: inject, data: {handled: true}, end: true}
";

fn numbers(length: usize) -> Val {
    Val::object([("list", Val::array((0..length).map(Val::from)))])
}

fn start(text: &str, data: Val, context: &Context) -> Turn {
    settle(&program(text), Snapshot::new(data), Input::Start { at: None }, context, NOW)
}

fn message(turn: &Turn) -> String {
    turn.snapshot.failed.as_ref().unwrap().failure.message.clone()
}

/// The stored size of an instance in bytes: its data, its head and its parts.
fn stored_bytes(turn: &Turn) -> usize {
    let data = turn.snapshot.data.to_json();
    let Encoded { head, parts } = turn.snapshot.encode_whole(&program(WHOLE), &turn.snapshot.data).unwrap();
    let parts = parts.iter().map(|part| match part {
        PartChange::Put { content, .. } => content.len(),
        PartChange::Remove { .. } => 0,
    });
    data.len() + head.len() + parts.sum::<usize>()
}

#[test]
fn results_of_elements_are_stored_once() {
    for length in [400, 800] {
        let ended = start(WHOLE, numbers(length), &context(100_000));
        assert_eq!(ended.snapshot.status, Status::Completed);
        let out = Value::from(ended.snapshot.data.clone());
        assert_eq!(out["out"].as_array().unwrap().len(), length);
        assert_eq!(out["out"][length - 1], Value::from(numbers(length)));
        let one = numbers(length).to_json().len();
        assert!(stored_bytes(&ended) < (length + 2) * (one + 2), "{} bytes", stored_bytes(&ended));
    }
}

#[test]
fn a_loop_fails_when_its_results_exceed_the_limit() {
    let small = Context { budget: Budget { bytes: 100_000, ..Budget::default() }, ..context(100_000) };
    let few = Context { budget: Budget { nodes: 50_000, ..Budget::default() }, ..context(100_000) };
    for (length, context, limit) in [
        (400, &small, "more than 100000 bytes"),
        (800, &small, "more than 100000 bytes"),
        (400, &few, "50000 values"),
        (4000, &context(100_000), "2000000 values"),
    ] {
        let ended = start(WHOLE, numbers(length), context);
        assert_eq!(ended.snapshot.status, Status::Error, "{length}");
        let message = message(&ended);
        assert!(message.contains("results of its loop elements") && message.contains(limit), "{message}");
        // The data is as it was, and the stored size exceeds the limit by at most one result.
        assert_eq!(Value::from(ended.snapshot.data.clone()), Value::from(numbers(length)));
        let one = numbers(length).to_json().len();
        assert!(stored_bytes(&ended) < context.budget.bytes + 4 * one, "{} bytes", stored_bytes(&ended));
    }
}

/// The limit applies to the values that are retained at the same time: a loop that drops its results can run for any time.
#[test]
fn dropped_values_do_not_count() {
    let text = WHOLE.replace(", outputCollection: '${ .out }'", "").replace("end: true", "transition: Again");
    let text = text.replace("'${ .list }'", "'${ .list | .[:40] }'")
        + "- {name: Again, type: inject, data: {}, transition: Each}\n";
    let small = Context { budget: Budget { bytes: 100_000, ..Budget::default() }, ..context(100_000) };
    let ended = start(&text, numbers(400), &small);
    // Only the limit of steps ends it.
    assert!(message(&ended).contains("without waiting"), "{}", message(&ended));
}

#[test]
fn data_of_branches_counts() {
    let data = Val::object([("text", Val::text("x".repeat(20_000)))]);
    let roomy = Context { budget: Budget { bytes: 100_000, ..Budget::default() }, ..context(100_000) };
    let begun = start(FORK, data.clone(), &roomy);
    assert_eq!(begun.effects.iter().filter(|effect| matches!(effect, Effect::Call(_))).count(), 3);
    // Three copies of the data, one for each branch, exceed the limit. The error is handled like any other.
    let tight = Context { budget: Budget { bytes: 50_000, ..Budget::default() }, ..context(100_000) };
    let ended = start(FORK, data, &tight);
    assert_eq!(ended.snapshot.status, Status::Completed);
    assert_eq!(Value::from(ended.snapshot.data)["handled"], json!(true));
}

/// A retrigger starts such a loop again. It completes when the limit is higher.
#[test]
fn a_retrigger_starts_a_loop_that_exceeded_the_limit_again() {
    let tight = Context { budget: Budget { bytes: 100_000, ..Budget::default() }, ..context(100_000) };
    let failed = start(WHOLE, numbers(400), &tight);
    let again = settle(&program(WHOLE), failed.snapshot, Input::Retrigger, &tight, NOW);
    assert_eq!(again.snapshot.status, Status::Error);
    let ended = settle(&program(WHOLE), again.snapshot, Input::Retrigger, &context(100_000), NOW);
    assert_eq!(ended.snapshot.status, Status::Completed);
    assert_eq!(Value::from(ended.snapshot.data)["out"].as_array().unwrap().len(), 400);
}
