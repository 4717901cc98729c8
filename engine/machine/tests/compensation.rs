//! Which states are compensated, and in which order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Status, Turn, awaited_events};
use rondo_program::FailureKind;
use serde_json::json;
use support::{NOW, context, event, failure, program, settle};

/// Two states with a compensation. The second has an error handler that continues after it.
const TWO_STATES: &str = "
id: two
version: '1.0'
specVersion: '0.8'
start: Reserve
functions:
- {name: reserve, type: custom, operation: 'rest:post:/reserve'}
- {name: make, type: custom, operation: 'rest:post:/make'}
- {name: free, type: custom, operation: 'rest:post:/free'}
- {name: remove, type: custom, operation: 'rest:post:/remove'}
errors: [{name: refused, code: '400'}]
states:
- {name: Reserve, type: operation, compensatedBy: Free, actions: [{functionRef: reserve}], transition: Make}
- name: Make
  type: operation
  compensatedBy: Remove
  actions: [{functionRef: make}]
  onErrors: [{errorRef: refused, transition: Wait}]
  transition: Wait
- {name: Wait, type: sleep, duration: PT1H, end: true}
- {name: Free, type: operation, usedForCompensation: true, actions: [{functionRef: free}]}
- {name: Remove, type: operation, usedForCompensation: true, actions: [{functionRef: remove}]}
";

fn call(turn: &Turn) -> Option<(u64, &str)> {
    turn.effects.iter().find_map(|effect| match effect {
        Effect::Call(request) => Some((request.call, &*request.function)),
        _ => None,
    })
}

/// A state whose error was handled has not completed, so it may have nothing to undo.
#[test]
fn a_state_whose_error_was_handled_is_not_compensated() {
    let refused = || Err(failure(FailureKind::Service, Some("400")));
    for (second_call, expected) in [(Ok(()), vec!["remove", "free"]), (refused(), vec!["free"])] {
        let (program, context) = (program(TWO_STATES), context(1000));
        let mut outcomes = [Ok(()), second_call].into_iter();
        let mut turn = settle(
            &program,
            Snapshot::new(Val::object::<&str>([])),
            Input::Start { at: None },
            &context,
            NOW,
        );
        while let Some((call, _)) = call(&turn) {
            let input = match outcomes.next().unwrap() {
                Ok(()) => Input::Answered { call, result: None, response: None },
                Err(failure) => Input::CallFailed { call, failure },
            };
            turn = settle(&program, turn.snapshot, input, &context, NOW);
        }
        let mut compensations = Vec::new();
        turn = settle(&program, turn.snapshot, Input::Abort, &context, NOW);
        while let Some((call, function)) = call(&turn) {
            compensations.push(function.to_owned());
            let answered = Input::Answered { call, result: None, response: None };
            turn = settle(&program, turn.snapshot, answered, &context, NOW);
        }
        assert_eq!(compensations, expected);
    }
}

/// A state that has completed twice is compensated once, at the place of its last completion.
#[test]
fn what_completed_last_is_compensated_first_also_if_it_had_completed_before() {
    let program = program(
        "
id: again
version: '1.0'
specVersion: '0.8'
start: A
functions:
- {name: count, type: expression, operation: '{n: ((.n // 0) + 1)}'}
- {name: undoA, type: custom, operation: 'rest:post:/a'}
- {name: undoB, type: custom, operation: 'rest:post:/b'}
states:
- {name: A, type: operation, compensatedBy: UndoA, actions: [{functionRef: count}], transition: Choose}
- {name: Choose, type: switch, dataConditions: [{condition: .n > 1, transition: Last}], defaultCondition: {transition: B}}
- {name: B, type: inject, data: {b: 1}, compensatedBy: UndoB, transition: A}
- {name: Last, type: inject, data: {}, end: {compensate: true}}
- {name: UndoA, type: operation, usedForCompensation: true, actions: [{functionRef: undoA}]}
- {name: UndoB, type: operation, usedForCompensation: true, actions: [{functionRef: undoB}]}
",
    );
    let snapshot = Snapshot::new(Val::object::<&str>([]));
    let mut turn = settle(&program, snapshot, Input::Start { at: None }, &context(1000), NOW);
    let mut undone = Vec::new();
    while let Some((call, function)) = call(&turn) {
        undone.push(function.to_owned());
        let answered = Input::Answered { call, result: None, response: None };
        turn = settle(&program, turn.snapshot, answered, &context(1000), NOW);
    }
    assert_eq!(undone, ["undoA", "undoB"]);
}

/// Other paths of an instance that stays active end before one compensates, but it still takes events at its start.
#[test]
fn other_paths_end_before_a_compensation() {
    let program = program(
        "
id: paths
version: '1.0'
specVersion: '0.8'
start: Begin
keepActive: true
functions:
- {name: count, type: expression, operation: '{n: ((.n // 0) + 1)}'}
- {name: undo, type: custom, operation: 'rest:post:/undo'}
events: [{name: came, type: t.came, source: s}]
states:
- {name: Begin, type: event, compensatedBy: Undo, onEvents: [{eventRefs: [came], actions: [{functionRef: count}]}], transition: Choose}
- {name: Choose, type: switch, dataConditions: [{condition: .n > 1, transition: Last}], defaultCondition: {transition: Wait}}
- {name: Wait, type: operation, actions: [{subFlowRef: other}], end: true}
- {name: Last, type: inject, data: {}, end: {compensate: true}}
- {name: Undo, type: operation, usedForCompensation: true, actions: [{functionRef: undo}]}
",
    );
    let came = || Input::Event(Box::new(event("t.came", &[], json!({}))));
    let give = |snapshot: Snapshot, input| settle(&program, snapshot, input, &context(1000), NOW);
    let begun = give(Snapshot::new(Val::object::<&str>([])), Input::Start { at: None });
    let first = give(begun.snapshot, came());
    assert!(matches!(first.effects[..], [Effect::StartChild(_)]), "{:?}", first.effects);
    let second = give(first.snapshot, came());
    assert!(matches!(second.effects[..], [Effect::CancelChild(1), Effect::Call(_)]), "{:?}", second.effects);
    assert_eq!(awaited_events(&program, &second.snapshot).len(), 1);
    let (call, _) = call(&second).unwrap();
    let undone = give(second.snapshot, Input::Answered { call, result: None, response: None });
    assert_eq!((undone.snapshot.status, undone.effects.len()), (Status::Active, 0));
    assert_eq!(awaited_events(&program, &undone.snapshot).len(), 1);
}
