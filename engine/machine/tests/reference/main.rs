//! Random graphs of states that wait for events, published events and time limits, played by the machine and by an interpreter that is written
//! a second time, slowly and from the specification. Before each input the instance is stored and read, as after a crash.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod document;
mod graph;
mod interpreter;

use std::sync::Arc;

use graph::{EVENTS, Graph, Happening, graph, happening};
use interpreter::Interpreter;
use proptest::prelude::*;
use rondo_definition::{Compat, Options, parse_with};
use rondo_expression::{Budget, MergeRules, Val};
use rondo_machine::{
    Context, Effect, Encoded, Input, Millis, NO_FRAME, PartChange, ReceivedEvent, Snapshot, Status, Turn,
    awaited_events,
};
use rondo_program::Program;
use serde_json::{Value, json};

/// The moment at which an instance starts.
const NOW: Millis = 1_764_000_000_000;

/// How many graphs are played; `RONDO_GRAPHS` plays others, and more.
const GRAPHS: u32 = 300;

fn program(graph: &Graph) -> Program {
    let text = document::text(graph);
    let options = Options { compat: Compat::Spec, resources: None };
    let (document, problems) = parse_with("graph.sw.json", &text, options);
    let document = document.unwrap_or_else(|| panic!("{problems:?}\n{text}"));
    let (lowered, more) = rondo_lowering::lower(&document);
    let errors: Vec<_> = problems.iter().chain(&more).filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    lowered.program
}

fn context() -> Context {
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
        max_steps: 1_000_000,
        turn_steps: 50,
    }
}

/// An instance as the machine has it.
struct Instance<'a> {
    program: &'a Program,
    snapshot: Snapshot,
    /// Where each event that was published comes from, and the key that was bound then.
    published: Vec<(String, Option<String>)>,
}

impl Instance<'_> {
    /// Stores and reads it, and gives it an input. Returns whether it took the input.
    fn take(&mut self, input: Input, now: Millis) -> bool {
        let context = context();
        let snapshot = stored(self.program, &self.snapshot);
        let turn = rondo_machine::turn(self.program, snapshot, input, &context, now);
        let accepted = turn.accepted;
        self.note(turn);
        while self.snapshot.needs_turn() {
            let snapshot = stored(self.program, &self.snapshot);
            let turn = rondo_machine::turn(self.program, snapshot, Input::Tick, &context, now);
            self.note(turn);
        }
        accepted
    }

    fn note(&mut self, turn: Turn) {
        for effect in turn.effects {
            let Effect::Publish(request) = effect else { panic!("nothing else is asked for: {effect:?}") };
            let place = Value::from(request.data)["at"].as_str().unwrap().to_owned();
            let key = request.attributes.iter().find(|(name, _)| **name == *"key");
            self.published.push((place, key.map(|(_, value)| value.to_string())));
        }
        self.snapshot = turn.snapshot;
    }

    /// What is waited for: name and attributes of each event, sorted, once.
    fn awaited(&self) -> Vec<String> {
        let all = awaited_events(self.program, &self.snapshot);
        let mut shown: Vec<String> = all
            .into_iter()
            .filter(|awaited| awaited.frame != NO_FRAME)
            .map(|awaited| {
                let attributes = awaited.correlation.iter();
                let attributes: Vec<_> = attributes
                    .map(|(name, value)| format!(" {name}={}", value.as_deref().unwrap_or("?")))
                    .collect();
                format!("{}{}", awaited.name, attributes.concat())
            })
            .collect();
        shown.sort();
        shown.dedup();
        shown
    }
}

/// The snapshot after it was stored and read.
fn stored(program: &Program, snapshot: &Snapshot) -> Snapshot {
    let visible_data = snapshot.visible_data(MergeRules::default());
    let Encoded { head, parts } = snapshot.encode_whole(program, &visible_data).unwrap();
    let parts: Vec<_> = parts
        .into_iter()
        .map(|part| match part {
            PartChange::Put { key, content } => (key, content),
            PartChange::Remove { prefix } => panic!("there are no parts with the prefix {prefix}"),
        })
        .collect();
    Snapshot::decode(program, &head, &parts, visible_data, snapshot.input.clone()).unwrap()
}

fn input(happening: &Happening) -> Input {
    let Happening::Event { event, key, user, number } = happening else { return Input::Tick };
    let own = [("id", "1"), ("source", "/test"), ("type", EVENTS[*event].event_type)];
    let extensions = [("key", key), ("user", user)];
    let extensions = extensions.iter().filter_map(|(name, value)| Some((*name, (*value).as_deref()?)));
    Input::Event(Box::new(ReceivedEvent {
        id: "1".into(),
        event_type: EVENTS[*event].event_type.into(),
        source: "/test".into(),
        attributes: own
            .into_iter()
            .chain(extensions)
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        data: Some(Val::from(interpreter::payload(*event, *number))),
        is_addressed: false,
    }))
}

fn graphs() -> u32 {
    std::env::var("RONDO_GRAPHS").ok().and_then(|number| number.parse().ok()).unwrap_or(GRAPHS)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: graphs(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_does_what_the_specification_says(
        graph in graph(),
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let program = program(&graph);
        let data = json!({"user": "ana"});
        let snapshot = Snapshot::new(Val::from(data.clone()));
        let mut instance = Instance { program: &program, snapshot, published: Vec::new() };
        let mut now = NOW;
        instance.take(Input::Start { at: None }, now);
        let mut expected = Interpreter::start(&graph, data, now);
        let mut done = Vec::new();
        for happening in std::iter::once(None).chain(happenings.iter().map(Some)) {
            if let Some(happening) = happening {
                if let Happening::Time(seconds) = happening {
                    now += seconds * 1000;
                }
                let accepted = instance.take(input(happening), now);
                let expected = expected.take(happening, now);
                prop_assert!(accepted == expected || matches!(happening, Happening::Time(_)), "{happening:?} after {done:?}");
            }
            done.push(happening);
            let status = if expected.has_ended() { Status::Completed } else { Status::Active };
            prop_assert_eq!(instance.snapshot.status, status, "after {:?}: {:?}", done, instance.snapshot.failed);
            prop_assert_eq!(instance.awaited(), expected.awaited(), "after {:?}", done);
            prop_assert_eq!(&instance.published, &expected.published, "after {:?}", done);
            if let Some(data) = expected.settled_data() {
                prop_assert_eq!(Value::from(instance.snapshot.data.clone()), data, "after {:?}", done);
            }
        }
    }
}
