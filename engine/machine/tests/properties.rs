//! Properties of all programs and all sequences of events: a turn is a function of its arguments, a stored snapshot continues in the same way,
//! and an input that is given twice is applied once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod random;
mod support;

use proptest::prelude::*;
use random::{RandomEvent, input, random_event, state, text};
use rondo_expression::{MergeRules, Val};
use rondo_machine::{Context, Encoded, Input, Millis, PartChange, Snapshot, Status, Turn};
use rondo_program::Program;
use serde_json::json;
use support::{NOW, context, program, stored};

/// The whole stored form of a snapshot: head, parts, visible data and input.
fn stored_form(program: &Program, snapshot: &Snapshot) -> (String, Vec<PartChange>, String, String) {
    let shown = snapshot.visible_data(MergeRules::default());
    let Encoded { head, mut parts } = snapshot.encode_whole(program, &shown).unwrap();
    parts.sort_by_key(|part| format!("{part:?}"));
    (String::from_utf8_lossy(&head).into_owned(), parts, shown.to_json(), snapshot.input.to_json())
}

fn assert_equal(program: &Program, one: &Turn, other: &Turn) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.accepted, other.accepted);
    prop_assert_eq!(&one.facts, &other.facts);
    prop_assert_eq!(&one.effects, &other.effects);
    prop_assert_eq!(stored_form(program, &one.snapshot), stored_form(program, &other.snapshot));
    Ok(())
}

/// Runs a turn, and checks that the same turn gives the same result again, and also after the snapshot was stored and read.
fn checked_turn(
    program: &Program,
    context: &Context,
    snapshot: Snapshot,
    input: &Input,
    now: Millis,
) -> Result<Turn, TestCaseError> {
    let run = |snapshot, input| rondo_machine::turn(program, snapshot, input, context, now);
    let result = run(snapshot.clone(), input.clone());
    assert_equal(program, &result, &run(snapshot.clone(), input.clone()))?;
    assert_equal(program, &result, &run(stored(program, &snapshot), input.clone()))?;
    if !result.accepted {
        prop_assert_eq!(stored_form(program, &result.snapshot), stored_form(program, &snapshot));
        prop_assert!(result.effects.is_empty() && result.facts.is_empty());
    }
    Ok(result)
}

/// Checks that the same answer is not accepted again, and that no timer fires before its time.
fn assert_nothing_more_happens(
    program: &Program,
    context: &Context,
    after: &Turn,
    input: &Input,
    now: Millis,
) -> Result<(), TestCaseError> {
    let snapshot = &after.snapshot;
    let run = |input: &Input| rondo_machine::turn(program, snapshot.clone(), input.clone(), context, now);
    if matches!(input, Input::Answered { .. } | Input::CallFailed { .. } | Input::Start { .. }) {
        let repeated = run(input);
        prop_assert!(!repeated.accepted, "{:?} is accepted twice", input);
    }
    if snapshot.needs_turn() || snapshot.wake_at().is_some_and(|at| at <= now) {
        return Ok(());
    }
    let early = run(&Input::Tick);
    prop_assert_eq!(stored_form(program, &early.snapshot), stored_form(program, snapshot));
    prop_assert!(early.effects.is_empty() && early.facts.is_empty(), "{:?}", early);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_turn_is_a_function_and_an_input_is_applied_once(
        states in prop::collection::vec(state(), 1..5),
        targets in prop::collection::vec(any::<usize>(), 5),
        events in prop::collection::vec(random_event(), 0..25),
        turn_steps in prop_oneof![1..30_u32, Just(100_000)],
    ) {
        let program = program(&text(&states, &targets));
        let context = context(turn_steps);
        let mut now = NOW;
        let mut snapshot = Snapshot::new(Val::from(json!({"n": 1, "o": {"x": 1}, "l": [], "e": {}})));
        let mut next = Some(Input::Start { at: None });
        let mut events = events.iter();
        loop {
            if let Some(input) = next.take() {
                let result = checked_turn(&program, &context, snapshot, &input, now)?;
                assert_nothing_more_happens(&program, &context, &result, &input, now)?;
                snapshot = result.snapshot;
                if matches!(snapshot.status, Status::Completed | Status::Aborted) {
                    break;
                }
            }
            if snapshot.needs_turn() {
                next = Some(Input::Tick);
                continue;
            }
            let Some(event) = events.next() else { break };
            if let RandomEvent::TimePasses(span) = event {
                now += span;
            }
            next = input(event, &snapshot);
        }
    }

    #[test]
    fn the_length_of_turns_does_not_change_the_result_of_an_instance(
        states in prop::collection::vec(state(), 1..5),
        targets in prop::collection::vec(any::<usize>(), 5),
        turn_steps in 1..30_u32,
    ) {
        let program = program(&text(&states, &targets));
        let run = |turn_steps| {
            let (context, mut now) = (context(turn_steps), NOW);
            let mut snapshot = Snapshot::new(Val::from(json!({"n": 1, "o": {"x": 1}, "l": [], "e": {}})));
            let (mut input, mut facts) = (Some(Input::Start { at: None }), Vec::new());
            // 60 turns are enough for all answers; the bound ends loops that sleep, which run for ever.
            for _ in 0..60 {
                let Some(next) = input.take() else { break };
                let turn = support::settle(&program, snapshot, next, &context, now);
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
        prop_assert_eq!(run(turn_steps), run(100_000));
    }
}
