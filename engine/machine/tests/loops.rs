//! Foreach: who waits for whom, and what an element gives.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::{MergeRules, Val};
use rondo_machine::{Effect, Encoded, Input, PartChange, Snapshot, Status, Turn};
use serde_json::{Value, json};
use support::{NOW, context, program, settle};

/// A loop over `.list`, its actions and properties in flow style.
fn each(properties: &str, actions: &str) -> String {
    format!(
        "
id: each
version: '1.0'
specVersion: '0.8'
start: Each
functions:
- {{name: ask, type: custom, operation: 'rest:post:/things'}}
- {{name: name, type: expression, operation: '{{named: $n}}'}}
- {{name: none, type: expression, operation: '.nothing'}}
- {{name: empty, type: expression, operation: '.empties'}}
- {{name: say, type: custom, operation: sysout}}
states:
- {{name: Each, type: foreach, inputCollection: '${{ .list }}', iterationParam: n, outputCollection: '${{ .out }}'{properties},
   actions: [{actions}], end: true}}
"
    )
}

fn start(text: &str) -> (rondo_program::Program, Turn) {
    let program = program(text);
    let data = Val::from(json!({"list": [1, 2, 3], "empties": []}));
    let turn = settle(&program, Snapshot::new(data), Input::Start { at: None }, &context(1000), NOW);
    (program, turn)
}

fn calls(turn: &Turn) -> Vec<u64> {
    let calls = turn.effects.iter().filter_map(|effect| match effect {
        Effect::Call(request) => Some(request.call),
        _ => None,
    });
    calls.collect()
}

/// Without a mode it is as in one thread: calls one after the other, sleeps side by side.
#[test]
fn elements_that_name_no_mode_call_one_after_the_other() {
    let sleeping = "{functionRef: ask, sleep: {before: PT5S}}";
    for (properties, actions, at_once) in [
        ("", "{functionRef: ask}", 1),
        (", mode: sequential", "{functionRef: ask}", 1),
        (", mode: parallel", "{functionRef: ask}", 3),
        (", batchSize: 2", "{functionRef: ask}", 2),
        ("", "{subFlowRef: other}", 1),
        ("", sleeping, 3),
        (", mode: sequential", sleeping, 1),
    ] {
        let (program, mut turn) = start(&each(properties, actions));
        if turn.snapshot.wake_at().is_some() {
            turn = settle(&program, turn.snapshot, Input::Tick, &context(1000), NOW + 5000);
        }
        let begun = turn.snapshot.calls().chain(turn.snapshot.children()).count();
        assert_eq!(begun, at_once, "{properties} {actions}");
    }
}

/// An element that wakes and ends lets none begin while the one before it still calls.
#[test]
fn no_element_begins_beside_a_call_of_the_one_before() {
    let (program, turn) = start(&each("", "{functionRef: ask, sleep: {after: PT1S}}"));
    let call = |turn: &Turn| calls(turn).first().copied().unwrap();
    let answered = Input::Answered { call: call(&turn), result: None, response: None };
    let second = settle(&program, turn.snapshot, answered, &context(1000), NOW);
    let asked = call(&second);
    let first_is_over = settle(&program, second.snapshot, Input::Tick, &context(1000), NOW + 1000);
    assert!(calls(&first_is_over).is_empty(), "the second still waits for its answer");
    let answered = Input::Answered { call: asked, result: None, response: None };
    let third = settle(&program, first_is_over.snapshot, answered, &context(1000), NOW + 2000);
    assert_eq!(calls(&third).len(), 1);
}

/// What the last action gave is the element's, also an empty array; null is no result. An action that cannot give anything leaves
/// what was before.
#[test]
fn the_last_action_says_what_an_element_gives() {
    let named = json!([{"named": 1}, {"named": 2}, {"named": 3}]);
    let answers = |answer: Value| vec![Some(Val::from(answer.clone())), None, Some(Val::from(answer))];
    for (actions, answers, out) in [
        ("{functionRef: name}", vec![], named.clone()),
        (
            "{functionRef: name}, {functionRef: {refName: say, arguments: {message: m}}}",
            vec![],
            named.clone(),
        ),
        ("{functionRef: name}, {functionRef: ask, condition: 'false'}", vec![], named),
        ("{functionRef: name}, {functionRef: none}", vec![], json!([])),
        ("{functionRef: empty}", vec![], json!([[], [], []])),
        ("{functionRef: none}, {functionRef: empty}", vec![], json!([[], [], []])),
        ("{functionRef: ask}", answers(json!([])), json!([[], []])),
        ("{functionRef: name}, {functionRef: empty}", vec![], json!([[], [], []])),
        ("{functionRef: name}, {functionRef: ask}", answers(json!({"a": 1})), json!([{"a": 1}, {"a": 1}])),
        ("{functionRef: name}, {functionRef: ask}", answers(json!([])), json!([[], []])),
    ] {
        let (program, mut turn) = start(&each("", actions));
        let mut answers = answers.into_iter();
        while let [call] = calls(&turn)[..] {
            let answered = Input::Answered { call, result: answers.next().unwrap(), response: None };
            turn = settle(&program, turn.snapshot, answered, &context(1000), NOW);
        }
        assert_eq!(turn.snapshot.status, Status::Completed, "{actions}");
        assert_eq!(Value::from(turn.snapshot.data)["out"], out, "{actions}");
    }
}

/// What a loop writes over all of its turns, in bytes: heads, and parts that are new. Each element's call is answered with 1 KB.
fn written(length: usize, mode: &str) -> usize {
    let text = format!(
        "
id: linear
version: '1.0'
specVersion: '0.8'
start: Each
functions: [{{name: ask, type: custom, operation: 'rest:post:/things'}}]
states:
- {{name: Each, type: foreach, inputCollection: '${{ [range({length})] }}', iterationParam: n, outputCollection: .out, {mode}
   actions: [{{functionRef: ask}}], end: true}}
"
    );
    let (program, context) = (program(&text), context(1_000_000));
    let answer = Val::object([("text", Val::text("x".repeat(1000)))]);
    let mut snapshot = Snapshot::new(Val::object::<&str>([]));
    let mut input = Input::Start { at: None };
    let mut bytes = 0;
    loop {
        snapshot = settle(&program, snapshot, input, &context, NOW).snapshot;
        let Some(call) = snapshot.calls().next() else { break };
        let shown = snapshot.visible_data(MergeRules::default());
        let Encoded { head, parts } = snapshot.encode(&program, &shown).unwrap();
        let parts = parts.iter().map(|part| match part {
            PartChange::Put { content, .. } => content.len(),
            PartChange::Remove { .. } => 0,
        });
        bytes += head.len() + parts.sum::<usize>();
        input = Input::Answered { call, result: Some(answer.clone()), response: None };
    }
    assert_eq!(snapshot.status, Status::Completed);
    assert_eq!(snapshot.data.get("out").map_or(0, |out| out.elements().len()), length);
    bytes
}

/// Twice the elements are twice the bytes, not four times: each element and each result is written once.
#[test]
fn what_a_loop_writes_is_linear_in_its_elements() {
    for mode in ["", "mode: sequential,", "mode: parallel, batchSize: 5,"] {
        let (some, many) = (written(200, mode), written(1600, mode));
        assert!(many < some * 9, "{mode} {some} bytes for 200, {many} for 1600");
    }
}
