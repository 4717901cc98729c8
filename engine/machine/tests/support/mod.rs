//! Programs from texts, and a context to run them in.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use rondo_expression::{Budget, Val};
use rondo_machine::{Context, Failure, FailureKind, Input, Millis, Snapshot, Turn};
use rondo_program::Program;

/// When tests begin.
pub(crate) const NOW: Millis = 1_764_000_000_000;

pub(crate) fn program(text: &str) -> Program {
    let (document, problems) = rondo_definition::parse("test.sw.yaml", text);
    let document = document.unwrap_or_else(|| panic!("{problems:?}\n{text}"));
    let (program, more) = rondo_program::lower(&document);
    let errors: Vec<_> = problems.iter().chain(&more).filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    program
}

pub(crate) fn context(turn_steps: u32) -> Context {
    Context {
        instance: "0198c0de".into(),
        headers: Val::object::<&str>([]),
        secrets: Val::Null,
        variables: Arc::from([]),
        budget: Budget::default(),
        speed: 1,
        output: None,
        max_steps: 300,
        turn_steps,
    }
}

/// How a call fails.
pub(crate) fn failure(kind: FailureKind, code: Option<&str>) -> Failure {
    Failure {
        kind,
        code: code.map(Into::into),
        classes: Vec::new(),
        message: "no".into(),
        answer: None,
        compared: None,
    }
}

/// One turn, and as many as it takes until everything waits.
pub(crate) fn settle(
    program: &Program,
    snapshot: Snapshot,
    input: Input,
    context: &Context,
    now: Millis,
) -> Turn {
    let mut turn = rondo_machine::turn(program, snapshot, input, context, now);
    while turn.snapshot.needs_turn() {
        let next = rondo_machine::turn(program, turn.snapshot, Input::Tick, context, now);
        turn.snapshot = next.snapshot;
        turn.effects.extend(next.effects);
        turn.facts.extend(next.facts);
    }
    turn
}
