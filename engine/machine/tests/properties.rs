//! What holds for any program and any course of events: a turn is a function of its arguments, a snapshot holds everything, and what
//! is told twice happens once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod random;
mod support;

use proptest::prelude::*;
use random::{Happens, happens, input, state, text};
use rondo_expression::{MergeRules, Val};
use rondo_machine::{Context, Encoded, Input, Millis, PartChange, Snapshot, Status, Turn};
use rondo_program::Program;
use serde_json::json;
use support::{NOW, context, program, stored};

/// Everything about a snapshot: what is stored in one place and in the others.
fn all_of(program: &Program, snapshot: &Snapshot) -> (String, Vec<PartChange>, String, String) {
    let shown = snapshot.visible_data(MergeRules::default());
    let Encoded { head, mut parts } = snapshot.encode_whole(program, &shown).unwrap();
    parts.sort_by_key(|part| format!("{part:?}"));
    (String::from_utf8_lossy(&head).into_owned(), parts, shown.to_json(), snapshot.input.to_json())
}

fn same(program: &Program, one: &Turn, other: &Turn) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.accepted, other.accepted);
    prop_assert_eq!(&one.facts, &other.facts);
    prop_assert_eq!(&one.effects, &other.effects);
    prop_assert_eq!(all_of(program, &one.snapshot), all_of(program, &other.snapshot));
    Ok(())
}

/// One turn in all ways that must be the same.
fn turn(
    program: &Program,
    context: &Context,
    snapshot: Snapshot,
    input: &Input,
    now: Millis,
) -> Result<Turn, TestCaseError> {
    let run = |snapshot, input| rondo_machine::turn(program, snapshot, input, context, now);
    let result = run(snapshot.clone(), input.clone());
    same(program, &result, &run(snapshot.clone(), input.clone()))?;
    same(program, &result, &run(stored(program, &snapshot), input.clone()))?;
    if !result.accepted {
        prop_assert_eq!(all_of(program, &result.snapshot), all_of(program, &snapshot));
        prop_assert!(result.effects.is_empty() && result.facts.is_empty());
    }
    Ok(result)
}

/// What was heard once means nothing the second time, and nothing happens before its time.
fn nothing_more_happens(
    program: &Program,
    context: &Context,
    after: &Turn,
    input: &Input,
    now: Millis,
) -> Result<(), TestCaseError> {
    let snapshot = &after.snapshot;
    let run = |input: &Input| rondo_machine::turn(program, snapshot.clone(), input.clone(), context, now);
    if matches!(input, Input::Answered { .. } | Input::CallFailed { .. } | Input::Start { .. }) {
        let again = run(input);
        prop_assert!(!again.accepted, "{:?} is heard twice", input);
    }
    if snapshot.needs_turn() || snapshot.wake_at().is_some_and(|at| at <= now) {
        return Ok(());
    }
    let early = run(&Input::Tick);
    prop_assert_eq!(all_of(program, &early.snapshot), all_of(program, snapshot));
    prop_assert!(early.effects.is_empty() && early.facts.is_empty(), "{:?}", early);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_turn_is_a_function_and_what_is_told_twice_happens_once(
        states in prop::collection::vec(state(), 1..5),
        circles in prop::collection::vec(any::<usize>(), 5),
        course in prop::collection::vec(happens(), 0..25),
        turn_steps in prop_oneof![1..30_u32, Just(100_000)],
    ) {
        let program = program(&text(&states, &circles));
        let context = context(turn_steps);
        let mut now = NOW;
        let mut snapshot = Snapshot::new(Val::from(json!({"n": 1, "o": {"x": 1}, "l": [], "e": {}})));
        let mut next = Some(Input::Start { at: None });
        let mut course = course.iter();
        loop {
            if let Some(input) = next.take() {
                let result = turn(&program, &context, snapshot, &input, now)?;
                nothing_more_happens(&program, &context, &result, &input, now)?;
                snapshot = result.snapshot;
                if matches!(snapshot.status, Status::Completed | Status::Aborted) {
                    break;
                }
            }
            if snapshot.needs_turn() {
                next = Some(Input::Tick);
                continue;
            }
            let Some(happens) = course.next() else { break };
            if let Happens::TimePasses(span) = happens {
                now += span;
            }
            next = input(happens, &snapshot);
        }
    }

    #[test]
    fn where_turns_end_does_not_change_what_becomes_of_an_instance(
        states in prop::collection::vec(state(), 1..5),
        circles in prop::collection::vec(any::<usize>(), 5),
        turn_steps in 1..30_u32,
    ) {
        let program = program(&text(&states, &circles));
        let course = |turn_steps| {
            let (context, mut now) = (context(turn_steps), NOW);
            let mut snapshot = Snapshot::new(Val::from(json!({"n": 1, "o": {"x": 1}, "l": [], "e": {}})));
            let (mut input, mut facts) = (Some(Input::Start { at: None }), Vec::new());
            // Enough for all answers; circles that sleep go on for ever.
            for _ in 0..60 {
                let Some(happens) = input.take() else { break };
                let turn = support::settle(&program, snapshot, happens, &context, now);
                facts.extend(turn.facts);
                snapshot = turn.snapshot;
                let calls: Vec<_> = snapshot.calls().collect();
                let children: Vec<_> = snapshot.children().collect();
                input = match (calls.first(), children.first(), snapshot.wake_at()) {
                    (Some(call), ..) => Some(Input::Answered { call: *call, result: Some(Val::from(json!({"n": 3}))), response: None }),
                    (_, Some(child), _) => Some(Input::ChildEnded { call: *child, outcome: Ok(Val::from(json!({"c": 1}))) }),
                    (_, _, Some(at)) => {
                        now = at;
                        Some(Input::Tick)
                    }
                    _ => None,
                };
            }
            (snapshot.status, snapshot.visible_data(MergeRules::default()).to_json(), facts)
        };
        prop_assert_eq!(course(turn_steps), course(100_000));
    }
}
