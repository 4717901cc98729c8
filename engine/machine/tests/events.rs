//! Waits for events, correlation, and published events.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rondo_expression::Val;
use rondo_machine::{
    AwaitedEvent, Context, Effect, Fact, Input, NO_FRAME, PublishRequest, ReceivedEvent, Snapshot, Status,
    Turn, awaited_events,
};
use rondo_program::Program;
use serde_json::{Value, json};
use support::{NOW, context, event, program, settle, stored};

const HEAD: &str = "
id: flow
specVersion: '0.8'
functions: [{name: seen, type: expression, operation: '{seen: true}'}]
errors: [{name: late, code: TimedOut}]
events:
- {name: approved, type: t.approved, source: s, correlation: [{contextAttributeName: orderId}]}
- {name: refused, type: t.refused, source: s}
- {name: whole, type: t.whole, source: s, dataOnly: false}
- {name: mine, type: t.mine, source: s, correlation: [{contextAttributeName: user, contextAttributeValue: '${ .user }'}]}
- {name: out, type: t.out, source: s, kind: produced}
states:
";

fn flow(states: &str) -> Program {
    program(&format!("{HEAD}{states}"))
}

fn start(program: &Program, data: Value) -> Turn {
    settle(program, Snapshot::new(Val::from(data)), Input::Start { at: None }, &context(1000), NOW)
}

/// The turn of an event; the snapshot goes through its stored form before.
fn give(program: &Program, snapshot: &Snapshot, event: ReceivedEvent) -> Turn {
    let snapshot = stored(program, snapshot);
    settle(program, snapshot, Input::Event(Box::new(event)), &context(1000), NOW)
}

fn data(turn: &Turn) -> Value {
    Value::from(turn.snapshot.data.clone())
}

fn published(turn: &Turn) -> Vec<PublishRequest> {
    let requests = turn.effects.iter().filter_map(|effect| match effect {
        Effect::Publish(request) => Some(request.clone()),
        _ => None,
    });
    requests.collect()
}

/// What is waited for: frame, event, correlation.
fn awaited(program: &Program, snapshot: &Snapshot) -> Vec<String> {
    let show = |AwaitedEvent { frame, name, correlation, .. }: AwaitedEvent| {
        let frame = if frame == NO_FRAME { "-".to_owned() } else { frame.to_string() };
        let correlation: Vec<_> = correlation
            .iter()
            .map(|(name, value)| format!(" {name}={}", value.as_deref().unwrap_or("?")))
            .collect();
        format!("{frame} {name}{}", correlation.concat())
    };
    awaited_events(program, snapshot).into_iter().map(show).collect()
}

#[test]
fn the_first_event_decides_and_its_data_are_merged_through_the_filter() {
    let program = flow(
        "- name: A
  type: switch
  eventConditions:
  - {eventRef: approved, eventDataFilter: {data: .by, toStateData: .approval.by}, transition: B}
  - {eventRef: refused, end: true}
  defaultCondition: {transition: B}
- {name: B, type: inject, data: {b: 1}, end: true}",
    );
    let waits = start(&program, json!({"n": 1}));
    assert_eq!(awaited(&program, &waits.snapshot), ["0 approved orderid=?", "0 refused"]);
    let names = vec!["approved".into(), "refused".into()];
    assert_eq!(waits.facts.last(), Some(&Fact::Awaits { visit: 1, events: names }));
    for (event, expected) in [
        (
            event("t.approved", &[("orderid", "7")], json!({"by": "ana"})),
            json!({"n": 1, "approval": {"by": "ana"}, "b": 1}),
        ),
        (event("t.refused", &[], json!({"why": "no"})), json!({"n": 1, "why": "no"})),
        (event("t.refused", &[], json!("no")), json!({"n": 1, "response": "no"})),
    ] {
        let turn = give(&program, &waits.snapshot, event);
        assert!(turn.accepted);
        assert!(turn.facts.iter().any(|fact| matches!(fact, Fact::Event { id, .. } if **id == *"1")));
        assert_eq!((turn.snapshot.status, data(&turn)), (Status::Completed, expected));
        assert!(awaited(&program, &turn.snapshot).is_empty());
    }
    for other in [event("t.other", &[], json!({})), event("t.approved", &[], json!({}))] {
        let turn = give(&program, &waits.snapshot, other);
        assert_eq!((turn.accepted, turn.facts.len()), (false, 0));
        assert_eq!(turn.snapshot, stored(&program, &waits.snapshot));
    }
}

#[test]
fn all_of_several_events_must_come_each_once_in_any_order() {
    let program = flow(
        "- name: A
  type: event
  exclusive: false
  onEvents:
  - {eventRefs: [refused, whole], eventDataFilter: {toStateData: .got}, actions: [{functionRef: seen}]}
  - {eventRefs: [mine], eventDataFilter: {useData: false}, actions: []}
  end: true",
    );
    let mut turn = start(&program, json!({"user": "ana"}));
    assert_eq!(awaited(&program, &turn.snapshot), ["0 refused", "0 whole", "0 mine user=ana"]);
    for (next, accepted, left) in [
        (event("t.mine", &[("user", "bob")], json!({})), false, 3),
        (event("t.mine", &[("user", "ana")], json!({"not": "used"})), true, 2),
        (event("t.whole", &[], json!({"w": 1})), true, 1),
        (event("t.whole", &[], json!({"w": 2})), false, 1),
    ] {
        turn = give(&program, &turn.snapshot, next);
        assert_eq!((turn.accepted, awaited(&program, &turn.snapshot).len()), (accepted, left));
    }
    let turn = give(&program, &turn.snapshot, event("t.refused", &[], json!({"r": 1})));
    let whole = json!({"id": "1", "source": "/test", "type": "t.whole", "data": {"w": 1}});
    let mut got = whole;
    got["r"] = json!(1);
    assert_eq!(turn.snapshot.status, Status::Completed);
    assert_eq!(data(&turn), json!({"user": "ana", "got": got, "seen": true}));
}

#[test]
fn an_event_that_several_entries_need_comes_once_and_each_uses_it() {
    let program = flow(
        "- name: A
  type: event
  exclusive: false
  onEvents:
  - {eventRefs: [refused], eventDataFilter: {toStateData: .one}, actions: []}
  - {eventRefs: [refused], eventDataFilter: {data: .r, toStateData: .two}, actions: []}
  - {eventRefs: [whole], eventDataFilter: {useData: false}, actions: []}
  end: true",
    );
    let waits = start(&program, json!({}));
    let half = give(&program, &waits.snapshot, event("t.refused", &[], json!({"r": 1})));
    assert_eq!(awaited(&program, &half.snapshot), ["0 whole"]);
    let ended = give(&program, &half.snapshot, event("t.whole", &[], json!({})));
    assert_eq!(
        (ended.snapshot.status, data(&ended)),
        (Status::Completed, json!({"one": {"r": 1}, "two": 1}))
    );
}

#[test]
fn the_first_event_binds_the_correlation_and_an_addressed_one_needs_none() {
    let program = flow(
        "- {name: A, type: event, onEvents: [{eventRefs: [approved]}], transition: B}
- {name: B, type: event, onEvents: [{eventRefs: [approved]}], transition: C}
- {name: C, type: event, onEvents: [{eventRefs: [approved]}], end: {produceEvents: [{eventRef: out}]}}",
    );
    let waits = start(&program, json!({}));
    assert_eq!(awaited(&program, &waits.snapshot), ["0 approved orderid=?"]);
    let bound = give(&program, &waits.snapshot, event("t.approved", &[("orderid", "7")], json!({"a": 1})));
    // The instance waits, and it claims events that would start another instance for the same order.
    assert_eq!(awaited(&program, &bound.snapshot), ["0 approved orderid=7", "- approved orderid=7"]);
    assert!(!give(&program, &bound.snapshot, event("t.approved", &[("orderid", "8")], json!({}))).accepted);
    let addressed = ReceivedEvent { is_addressed: true, ..event("t.approved", &[], json!({"b": 2})) };
    let next = give(&program, &bound.snapshot, addressed);
    assert!(next.accepted);
    let ended = give(&program, &next.snapshot, event("t.approved", &[("orderid", "7")], json!({"c": 3})));
    assert_eq!(ended.snapshot.status, Status::Completed);
    let [out] = &published(&ended)[..] else { panic!("no event") };
    assert_eq!(Value::from(out.data.clone()), json!({"a": 1, "b": 2, "c": 3}));
    assert_eq!(
        (&*out.event_type, out.number, &out.attributes[..]),
        ("t.out", 1, &[("orderid".into(), "7".into())][..])
    );
}

#[test]
fn the_end_of_the_time_continues_without_an_event_or_is_an_error_that_a_handler_takes() {
    for (handlers, expected) in
        [("", json!({})), (", onErrors: [{errorRef: late, transition: B}]", json!({"b": 1}))]
    {
        let program = flow(&format!(
            "- {{name: S, type: inject, data: {{}}, transition: A}}
- {{name: A, type: event, onEvents: [{{eventRefs: [refused]}}], timeouts: {{eventTimeout: PT1M}}, end: true{handlers}}}
- {{name: B, type: inject, data: {{b: 1}}, end: true}}"
        ));
        let waits = start(&program, json!({}));
        assert_eq!(waits.snapshot.wake_at(), Some(NOW + 60_000));
        let turn = settle(&program, waits.snapshot, Input::Tick, &context(1000), NOW + 60_000);
        assert_eq!((turn.snapshot.status, data(&turn)), (Status::Completed, expected));
    }
}

#[test]
fn a_computed_time_is_a_duration_or_the_moment_at_which_it_ends() {
    let fast = || Context { speed: 60, ..context(1000) };
    for (until, expected) in [("PT1M", NOW + 1_000), ("2100-01-01T02:00:00.25+02:00", 4_102_444_800_250)] {
        let program = flow(
            "- {name: S, type: inject, data: {}, transition: A}
- {name: A, type: event, onEvents: [{eventRefs: [refused]}], timeouts: {eventTimeout: .until}, end: true}",
        );
        let data = Snapshot::new(Val::from(json!({"until": until})));
        let waits = settle(&program, data, Input::Start { at: None }, &fast(), NOW);
        assert_eq!(waits.snapshot.wake_at(), Some(expected), "{until}");
    }
}

#[test]
fn events_are_published_in_order_with_data_and_attributes() {
    let program = flow(
        "- name: A
  type: operation
  actions:
  - actionDataFilter: {fromStateData: .inner}
    eventRef: {triggerEventRef: out, data: {n: '${ .n }'}, contextAttributes: {Level: '${ .n + 1 }', fixed: text}}
  - {eventRef: {triggerEventRef: out, data: .inner.n}}
  transition: {nextState: B, produceEvents: [{eventRef: out}, {eventRef: out, data: '${ .inner }'}]}
- {name: B, type: inject, data: {}, end: true}",
    );
    let turn = start(&program, json!({"inner": {"n": 4}}));
    assert_eq!(turn.snapshot.status, Status::Completed);
    let all: Vec<_> = published(&turn)
        .into_iter()
        .map(|request| {
            let attributes: Vec<_> =
                request.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (request.number, Value::from(request.data), attributes.join(" "))
        })
        .collect();
    let whole = json!({"inner": {"n": 4}, "n": 4});
    let expected = [
        (1, json!({"n": 4}), "level=5 fixed=text".to_owned()),
        (2, json!(4), String::new()),
        (3, whole, String::new()),
        (4, json!({"n": 4}), String::new()),
    ];
    assert_eq!(all, expected);
}

#[test]
fn an_instance_that_stays_active_takes_further_events_at_its_start() {
    let program = program(&format!(
        "{}{}",
        HEAD.replace("specVersion", "keepActive: true\nspecVersion"),
        "- {name: A, type: event, onEvents: [{eventRefs: [approved], eventDataFilter: {toStateData: .all}}], end: true}"
    ));
    let mut turn = start(&program, json!({"all": []}));
    for n in 1..=3 {
        turn = give(&program, &turn.snapshot, event("t.approved", &[("orderid", "7")], json!(n)));
        assert!(turn.accepted);
    }
    assert_eq!((turn.snapshot.status, data(&turn)), (Status::Active, json!({"all": [1, 2, 3]})));
    assert_eq!(awaited(&program, &turn.snapshot).len(), 2, "one path waits, and the claim");
}

#[test]
fn a_correlation_that_cannot_be_evaluated_is_an_error_of_the_state() {
    let program = flow(
        "- {name: A, type: inject, data: {}, transition: B}
- {name: B, type: event, onEvents: [{eventRefs: [mine]}], end: true}",
    );
    let turn = start(&program, json!([1]));
    assert_eq!(turn.snapshot.status, Status::Error);
    let failed = turn.snapshot.failed.unwrap();
    assert!(failed.message().contains("correlation of event `mine`"), "{}", failed.message());
}
