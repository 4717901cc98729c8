//! A stored instance continues at the same place in a build whose lowering has other instructions, or it stops with a message. It never
//! continues at another place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod random;
mod support;

use proptest::prelude::*;
use random::{Action, RandomEvent, State, input, random_event, state, text};
use rondo_expression::{MergeRules, Val};
use rondo_machine::{Effect, Fact, Input, Millis, Snapshot, Status, Turn};
use rondo_program::Program;
use serde_json::json;
use support::{NOW, context, moved, padded, program, settle};

/// Runs an instance through random events. `before_turn` returns the snapshot and the program for the next turn.
fn run_events<'a>(
    events: &[RandomEvent],
    before_turn: &mut dyn FnMut(Snapshot) -> (Snapshot, &'a Program),
) -> (Status, String, Vec<Fact>, Vec<Effect>) {
    let (context, mut now): (_, Millis) = (context(100_000), NOW);
    let mut snapshot = Snapshot::new(Val::from(json!({"n": 1, "o": {"x": 1}, "l": [], "e": {}})));
    let (mut facts, mut effects) = (Vec::new(), Vec::new());
    let mut next = Some(Input::Start { at: None });
    let mut events = events.iter();
    loop {
        if let Some(input) = next.take() {
            let (begin, program) = before_turn(snapshot);
            let Turn { snapshot: after, effects: more_effects, facts: more_facts, .. } =
                settle(program, begin, input, &context, now);
            facts.extend(more_facts);
            effects.extend(more_effects);
            snapshot = after;
            if matches!(snapshot.status, Status::Completed | Status::Aborted) {
                break;
            }
        }
        let Some(event) = events.next() else { break };
        if let RandomEvent::TimePasses(span) = event {
            now += span;
        }
        next = input(event, &snapshot);
    }
    (snapshot.status, snapshot.visible_data(MergeRules::default()).to_json(), facts, effects)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two builds run an instance in alternation. Its status, data, facts and effects are the same as with one build.
    #[test]
    fn two_builds_with_different_lowerings_continue_each_others_instances(
        mut states in prop::collection::vec(state(), 1..5),
        events in prop::collection::vec(random_event(), 0..25),
    ) {
        // An endless loop fails after a number of instructions, which differs between the builds; so each state leads to the next.
        states.push(State::Inject(1));
        let targets: Vec<usize> = (1..=states.len()).map(|next| next.min(states.len() - 1)).collect();
        let text = text(&states, &targets);
        let builds = [program(&text), padded(&text)];
        let alone = run_events(&events, &mut |snapshot| (snapshot, &builds[0]));
        let mut turn = 0;
        let together = run_events(&events, &mut |snapshot| {
            let (previous, current) = (&builds[turn % 2], &builds[(turn + 1) % 2]);
            turn += 1;
            let snapshot = moved(previous, current, &snapshot);
            assert_eq!(snapshot.lost_position(), None);
            (snapshot, current)
        });
        prop_assert_eq!(alone, together);
    }
}

/// A skip moves the frame behind the failed step, and in the same turn the time limit of the action fails it there, before a jump has run.
#[test]
fn a_position_after_a_skip_does_not_depend_on_the_build() {
    let action = Action::Compute(".n / 0");
    let operation = State::Operation {
        actions: vec![action],
        parallel: false,
        handled: false,
        compensated: false,
        timeout: true,
    };
    let text = text(&[operation], &[0]);
    let builds = [program(&text), padded(&text)];
    let events = [RandomEvent::TimePasses(100_000), RandomEvent::Skip, RandomEvent::TimePasses(1)];
    let mut positions = Vec::new();
    for build in &builds {
        let mut snapshot = Snapshot::default();
        run_events(&events, &mut |before| {
            snapshot = before.clone();
            (before, build)
        });
        let failed = snapshot.listing(build).to_string();
        positions.push(failed.lines().last().map(str::to_owned));
    }
    let expected = "frame 0 at S0/fails/toStateData: failed; in S0; in S0/fails".to_owned();
    assert_eq!(positions, [Some(expected.clone()), Some(expected)]);
}

const ASKS: &str = r"
id: asks
version: '1.0'
specVersion: '0.8'
start: Pause
functions:
- {name: ask, type: custom, operation: 'rest:post:/things'}
states:
- {name: Pause, type: sleep, duration: PT1H, transition: Decide}
- name: Decide
  type: switch
  dataConditions:
  - {condition: .approved, transition: Create}
  defaultCondition: {transition: Deny}
- name: Create
  type: operation
  actions: [{name: create, functionRef: ask}]
  end: true
- {name: Deny, type: inject, data: {denied: true}, end: true}
";

/// A snapshot with a text replaced in its stored head, as if another build had written it.
fn with_replaced_label(program: &Program, snapshot: &Snapshot, from: &str, to: &str) -> Snapshot {
    let head = snapshot.encode_whole(program, &snapshot.data).unwrap().head;
    let text = String::from_utf8(head).unwrap();
    assert!(text.contains(from), "{text}");
    let head = text.replace(from, to);
    Snapshot::decode(program, head.as_bytes(), &[], snapshot.data.clone(), snapshot.input.clone()).unwrap()
}

#[test]
fn a_lost_position_stops_the_instance_and_a_retrigger_starts_the_construct_again() {
    let (program, context) = (program(ASKS), context(1000));
    let begun = |approved: bool| {
        let data = Val::from(json!({"approved": approved}));
        settle(&program, Snapshot::new(data), Input::Start { at: None }, &context, NOW).snapshot
    };
    let sleeping = begun(false);
    let awake = settle(&program, begun(true), Input::Tick, &context, NOW + 3_600_000).snapshot;
    for (snapshot, from, to, message, after_retrigger) in [
        (
            &sleeping,
            r#""c":"Pause/sleep""#,
            r#""c":"Pause/nap""#,
            "no position `Pause/nap`",
            "frame 0 at Pause/sleep: sleeps until 1764010800000; in Pause\n",
        ),
        // The label exists, but names another kind of instruction.
        (
            &sleeping,
            r#""c":"Pause/sleep""#,
            r#""c":"Decide/switch""#,
            "no position `Decide/switch`",
            "", // The switch runs again, and the instance completes.
        ),
        (
            &awake,
            r#""c":"Create/create/call""#,
            r#""c":"Create/create/ask""#,
            "no position `Create/create/ask`",
            "frame 0 at Create/create/call: waits for call 2, attempt 1; in Create; in Create/create\n",
        ),
    ] {
        let mut lost = with_replaced_label(&program, snapshot, from, to);
        let failure = lost.lost_position().unwrap();
        assert!(failure.message.contains(message), "{}", failure.message);
        let later = NOW + 7_200_000;
        // Without the halt the instance runs nothing either.
        let ticked = settle(&program, lost.clone(), Input::Tick, &context, later);
        assert!(ticked.effects.is_empty(), "{:?}", ticked.effects);
        lost = settle(&program, lost, Input::Halt(failure), &context, later).snapshot;
        assert_eq!(lost.status, Status::Error);
        let stored = support::stored(&program, &lost);
        assert_eq!(stored.lost_position(), None);
        let retriggered = settle(&program, stored, Input::Retrigger, &context, later).snapshot;
        let frames = retriggered.listing(&program).to_string();
        let frames: String =
            frames.lines().filter(|line| line.starts_with("frame")).map(|line| format!("{line}\n")).collect();
        assert_eq!(frames, after_retrigger.replace("1764010800000", &(later + 3_600_000).to_string()));
    }
}

/// The indexes of the first format refer to the same instructions as in the build that wrote them.
#[test]
fn a_snapshot_of_the_first_format_continues_at_its_position() {
    let (program, context) = (program(ASKS), context(1000));
    for (approved, expected) in [
        (false, "Completed, data {\"approved\":false,\"denied\":true}\n"),
        (
            true,
            "Active, data {\"approved\":true}\nframe 0 at Create/create/call: waits for call 1, attempt 1; in Create; in Create/create\n",
        ),
    ] {
        // The instructions are enter and sleep; this format stores the position after the sleep.
        let old = b"\x01{\"s\":\"a\",\"f\":[{\"i\":0,\"c\":2,\"w\":{\"t\":1764003600000},\"s\":{\"i\":0,\"v\":1}}],\"n\":1,\"k\":0,\"v\":1}";
        let data = Val::from(json!({"approved": approved}));
        let snapshot = Snapshot::decode(&program, old, &[], data, Val::Null).unwrap();
        assert_eq!(snapshot.wake_at(), Some(NOW + 3_600_000));
        let after = settle(&program, snapshot, Input::Tick, &context, NOW + 3_600_000);
        assert_eq!(after.snapshot.listing(&program).to_string(), expected);
    }
}
