//! Foreach: which elements run at the same time, and the result of an element.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;

use rondo_expression::{MergeRules, Val};
use rondo_machine::{Effect, Encoded, Input, PartChange, Snapshot, Status, Turn, pending_calls};
use serde_json::{Value, json};
use support::{NOW, context, program, settle};

/// A loop over `.list` with these additional properties and actions, in flow style.
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

/// Without a mode a loop behaves as in one thread: calls one after the other, sleeps at the same time.
#[test]
fn the_mode_decides_which_elements_run_at_the_same_time() {
    let sleeping = "{functionRef: ask, sleep: {before: PT5S}}";
    for (properties, actions, expected) in [
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
        let running = turn.snapshot.calls().chain(turn.snapshot.children()).count();
        assert_eq!(running, expected, "{properties} {actions}");
    }
}

/// When an element wakes up and ends, the next one does not start while the element before it waits for a call.
#[test]
fn no_element_starts_during_a_call_of_the_element_before_it() {
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

/// The result of the last action is the result of the element, also if it is an empty array. Null is no result. An action without a result,
/// such as `sysout`, leaves the result of the action before it.
#[test]
fn the_result_of_the_last_action_is_the_result_of_the_element() {
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

/// The bytes that a loop writes in all of its turns: heads and new parts. The answer to the call of each element has 1 KB.
fn bytes_written(length: usize, mode: &str) -> usize {
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

/// Each element and each result is written once, so twice the elements take twice the bytes, not four times as many.
#[test]
fn the_bytes_of_a_loop_are_linear_in_its_elements() {
    for mode in ["", "mode: sequential,", "mode: parallel, batchSize: 5,"] {
        let (some, many) = (bytes_written(200, mode), bytes_written(1600, mode));
        assert!(many < some * 9, "{mode} {some} bytes for 200, {many} for 1600");
    }
}

/// After the time limit of the workflow the results of elements count: of those that have ended, and of those in flight the last one. Nothing
/// else starts.
#[test]
fn results_that_elements_have_at_the_end_of_the_time_of_the_workflow_are_collected() {
    let actions = "{functionRef: ask, sleep: {after: PT1H}}, {functionRef: ask}";
    for (mode, interrupt, expected) in [
        (", mode: parallel", false, json!([{"n": 1}, {"n": 2}])),
        (", mode: parallel", true, json!([{"n": 1}])),
        (", mode: sequential", false, json!([{"n": 1}])),
        (", batchSize: 2", false, json!([{"n": 1}, {"n": 2}])),
    ] {
        let limit = format!(
            "start: Each\ntimeouts: {{workflowExecTimeout: {{duration: PT5S, interrupt: {interrupt}}}}}"
        );
        let (program, turn) = start(&each(mode, actions).replace("start: Each", &limit));
        let answer = |turn: Turn, call: u64, seconds: i64| {
            let answered =
                Input::Answered { call, result: Some(Val::from(json!({"n": call}))), response: None };
            settle(
                &program,
                support::stored(&program, &turn.snapshot),
                answered,
                &context(1000),
                NOW + seconds * 1000,
            )
        };
        let turn = answer(turn, 1, 0);
        let mut turn = settle(&program, turn.snapshot, Input::Tick, &context(1000), NOW + 5000);
        if turn.snapshot.status == Status::Active {
            turn = answer(turn, 2, 6);
        }
        let third = turn.snapshot.calls().next();
        if let Some(third) = third {
            let failure = support::failure(rondo_program::FailureKind::Connection, None);
            turn = settle(
                &program,
                turn.snapshot,
                Input::CallFailed { call: third, failure },
                &context(1000),
                NOW + 7000,
            );
        }
        assert_eq!(turn.snapshot.status, Status::Aborted, "{mode} {interrupt}");
        assert_eq!(Value::from(turn.snapshot.data)["out"], expected, "{mode} {interrupt}");
    }
}

/// An action that nobody waits for has no result, also not the part of the data that it is given.
#[test]
fn an_asynchronous_action_is_no_result_of_its_element() {
    for action in
        ["subFlowRef: {workflowId: other, invoke: async}", "functionRef: {refName: ask, invoke: async}"]
    {
        let filter = "actionDataFilter: {fromStateData: '${ {part: 1} }'}";
        let (_, turn) = start(&each("", &format!("{{functionRef: name}}, {{{action}, {filter}}}")));
        assert_eq!(
            Value::from(turn.snapshot.data)["out"],
            json!([{"named": 1}, {"named": 2}, {"named": 3}]),
            "{action}"
        );
    }
}

/// A loop may begin in the turn in which the loop before it ends, also the same one again. Its frame is the same, and so are the keys of its
/// parts; an instance that is read from the database must go on with the elements and results of its own.
#[test]
fn a_loop_that_follows_another_at_once_is_stored_with_its_own_elements() {
    let text = "
id: loops
version: '1.0'
specVersion: '0.8'
start: First
functions:
- {name: ask, type: custom, operation: 'rest:post:/things'}
- {name: next, type: expression, operation: '{list: [.out[] | . * 10], round: ((.round // 0) + 1)}'}
states:
- {name: First, type: foreach, inputCollection: .list, iterationParam: n, outputCollection: .out,
   actions: [{functionRef: {refName: ask, arguments: {n: $n}}}], transition: Again}
- {name: Again, type: operation, actions: [{functionRef: next}], transition: Enough}
- {name: Enough, type: switch, dataConditions: [{condition: .round >= 3, transition: Last}], defaultCondition: {transition: First}}
- {name: Last, type: foreach, inputCollection: '[.list[] | tostring]', iterationParam: n, outputCollection: .texts,
   actions: [{functionRef: {refName: ask, arguments: {n: $n}}}], end: true}
";
    let (program, context) = (program(text), context(1000));
    let data = Val::from(json!({"list": [1, 2]}));
    let mut snapshot = Snapshot::new(data.clone());
    let mut rows: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut asked = Vec::new();
    let mut input = Input::Start { at: None };
    loop {
        snapshot = settle(&program, snapshot, input, &context, NOW).snapshot;
        let shown = snapshot.visible_data(MergeRules::default());
        let Encoded { head, parts } = snapshot.encode(&program, &shown).unwrap();
        for part in parts {
            match part {
                PartChange::Put { key, content } => drop(rows.insert(key, content)),
                PartChange::Remove { prefix } => rows.retain(|key, _| !key.starts_with(&prefix)),
            }
        }
        let parts: Vec<_> = rows.clone().into_iter().collect();
        // Each turn begins with what is in the database.
        snapshot = Snapshot::decode(&program, &head, &parts, shown, snapshot.input.clone()).unwrap();
        let Some((call, request)) = pending_calls(&program, &snapshot, &context, NOW).pop() else { break };
        let Ok(Effect::Call(request)) = request else { panic!("{request:?}") };
        let n = request.arguments.and_then(|arguments| arguments.get("n").cloned()).unwrap();
        asked.push(n.to_json());
        input = Input::Answered { call, result: Some(n), response: None };
    }
    assert_eq!(asked, ["1", "2", "10", "20", "100", "200", "\"1000\"", "\"2000\""]);
    assert_eq!(snapshot.status, Status::Completed);
    assert_eq!(snapshot.data.get("texts").map(Val::to_json).as_deref(), Some(r#"["1000","2000"]"#));
    assert!(rows.is_empty(), "{rows:?}");
}
