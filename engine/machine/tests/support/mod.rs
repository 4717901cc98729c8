//! Helpers: programs from documents, and a context for their instances.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use rondo_definition::{Compat, Diagnostic, Document, Options, parse_with};
use rondo_expression::{Budget, MergeRules, Val};
use rondo_lowering::Lowered;
use rondo_machine::{Context, Encoded, Input, Millis, PartChange, ReceivedEvent, Snapshot, Turn};
use rondo_program::{Failure, FailureKind, Program};
use serde_json::Value;

/// The time at which tests begin.
pub(crate) const NOW: Millis = 1_764_000_000_000;

pub(crate) fn program(text: &str) -> Program {
    lowered(text, Compat::SonataFlow, rondo_lowering::lower)
}

/// The program of a document with the rules of the specification.
pub(crate) fn specified(text: &str) -> Program {
    lowered(text, Compat::Spec, rondo_lowering::lower)
}

/// The program of another build for the same document, with other instructions.
pub(crate) fn padded(text: &str) -> Program {
    lowered(text, Compat::SonataFlow, rondo_lowering::lower_padded)
}

fn lowered(text: &str, compat: Compat, lower: fn(&Document) -> (Lowered, Vec<Diagnostic>)) -> Program {
    let (document, problems) = parse_with("test.sw.yaml", text, Options { compat, resources: None });
    let document = document.unwrap_or_else(|| panic!("{problems:?}\n{text}"));
    let (lowered, more) = lower(&document);
    let errors: Vec<_> = problems.iter().chain(&more).filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    lowered.program
}

pub(crate) fn context(turn_steps: u32) -> Context {
    Context {
        identity: "anonymous".into(),
        instance: "0198c0de".into(),
        headers: Val::object::<&str>([]),
        secrets: Val::Null,
        variables: Arc::from([]),
        budget: Budget::default(),
        speed: 1,
        output: None,
        mask: None,
        successors: None,
        max_steps: 300,
        turn_steps,
    }
}

/// A failure of a call.
pub(crate) fn failure(kind: FailureKind, code: Option<&str>) -> Failure {
    let status = code.and_then(|code| code.parse().ok());
    Failure { code: code.map(Into::into), status, ..Failure::new(kind, "no") }
}

/// An event with further attributes.
pub(crate) fn event(event_type: &str, attributes: &[(&str, &str)], data: Value) -> ReceivedEvent {
    let own = [("id", "1"), ("source", "/test"), ("type", event_type)];
    let all = own.iter().chain(attributes).map(|(name, value)| ((*name).into(), (*value).into()));
    ReceivedEvent {
        id: "1".into(),
        event_type: event_type.into(),
        source: "/test".into(),
        attributes: all.collect(),
        data: Some(Val::from(data)),
        is_addressed: false,
    }
}

/// The snapshot after it was stored and read.
pub(crate) fn stored(program: &Program, snapshot: &Snapshot) -> Snapshot {
    moved(program, program, snapshot)
}

/// The snapshot after one build stored it and another build read it.
pub(crate) fn moved(program: &Program, other: &Program, snapshot: &Snapshot) -> Snapshot {
    let visible_data = snapshot.visible_data(MergeRules::default());
    let Encoded { head, parts } = snapshot.encode_whole(program, &visible_data).unwrap();
    let parts: Vec<_> = parts
        .into_iter()
        .map(|part| match part {
            PartChange::Put { key, content } => (key, content),
            PartChange::Remove { prefix } => panic!("there are no parts with the prefix {prefix}"),
        })
        .collect();
    let read = |value: &Val| serde_json::from_str::<Val>(&value.to_json()).unwrap();
    Snapshot::decode(other, &head, &parts, read(&visible_data), read(&snapshot.input)).unwrap()
}

/// Runs a turn with an input, then further turns until every frame waits. Returns the effects and facts of all turns.
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
