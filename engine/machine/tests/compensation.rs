//! Which states are compensated when an instance is aborted.

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot, Turn};
use rondo_program::FailureKind;
use support::{NOW, context, failure, program, settle};

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
