//! Random graphs of states, played by the machine and by an interpreter that is written a second time, slowly and from the specification: all
//! kinds of states, actions that fail, retries, time limits, error handlers, compensation. The process of the machine crashes at random turns,
//! which must make no difference.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod actions;
mod data;
mod document;
mod graph;
mod instance;
mod interpreter;
mod random;
#[path = "../support/mod.rs"]
mod support;
mod world;

use graph::{EVENTS, Happening};
use instance::{Instance, event_input, failure_of};
use interpreter::{Ending, Interpreter};
use proptest::prelude::*;
use random::{graph, happening};
use rondo_expression::MergeRules;
use rondo_machine::{Context, Input, Millis, Status};
use serde_json::{Value, json};
use support::{NOW, specified};

/// How many graphs are played, others each time. `RONDO_GRAPHS` plays more; with the same `PROPTEST_RNG_SEED` they are the same ones.
const GRAPHS: u32 = 300;

/// One graph, played by both.
struct Play<'a> {
    instance: Instance<'a>,
    expected: Interpreter,
    now: Millis,
    /// What has happened, for people.
    story: Vec<String>,
}

impl Play<'_> {
    /// Something happens to both; `number` is in its data.
    fn happen(&mut self, happening: &Happening, number: i64) -> Result<(), TestCaseError> {
        self.story.push(format!("{happening:?}"));
        match happening {
            Happening::Answer(which, outcome) => {
                let all = self.expected.world().in_flight();
                if all.is_empty() {
                    return Ok(());
                }
                let what = &all[which % all.len()];
                self.story.push(what.clone());
                let accepted = self.instance.take(self.instance.end(what, *outcome, number), self.now);
                prop_assert!(accepted, "{:#?}", self.story);
                let outcome = failure_of(*outcome).map_or(Ok(number), |(_, error)| Err(error));
                self.expected.world().end(what, outcome);
                self.expected.go_on();
            }
            Happening::Event { event, key, user } => {
                let (key, user) = (key.as_deref(), user.as_deref());
                let accepted = self.instance.take(event_input(*event, key, user, number), self.now);
                let is_awaited = self.expected.ending().is_none()
                    && self.expected.world().event(*event, key, user, number);
                prop_assert_eq!(accepted, is_awaited, "{:#?}", self.story);
                self.expected.go_on();
            }
            Happening::Time(seconds) => return self.pass(self.now + seconds * 1000),
            Happening::Abort if self.expected.ending().is_none() => {
                self.instance.take(Input::Abort, self.now);
                self.expected.abort();
            }
            Happening::Abort => {}
        }
        self.compare()
    }

    /// Time passes: both are woken at each moment at which one of them wants to be.
    fn pass(&mut self, until: Millis) -> Result<(), TestCaseError> {
        loop {
            let moment = self.expected.next_moment().filter(|moment| *moment <= until);
            self.now = moment.unwrap_or(until).max(self.now);
            self.instance.take(Input::Tick, self.now);
            if self.expected.ending().is_none() {
                self.expected.time(self.now);
            }
            self.story.push(format!("at {}", self.now - NOW));
            self.compare()?;
            if moment.is_none() || self.expected.ending().is_some() {
                self.now = until;
                return Ok(());
            }
        }
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        let story = &self.story;
        let snapshot = &self.instance.snapshot;
        let ending = match (snapshot.status, &snapshot.failed) {
            (Status::Active, _) => None,
            (Status::Completed, _) => Some(Ending::Completed),
            (Status::Aborted, _) => Some(Ending::Aborted),
            (Status::Error, Some(failed)) => {
                let code = failed.failure.code.as_deref().unwrap_or_else(|| failed.failure.kind.code());
                Some(Ending::Failed { state: failed.state.to_string(), code: code.to_owned() })
            }
            (Status::Error, None) => return Err(TestCaseError::fail("an error without a place")),
        };
        prop_assert_eq!(ending.as_ref(), self.expected.ending(), "{:#?} {:?}", story, snapshot.failed);
        prop_assert_eq!(Value::from(snapshot.data.clone()), self.expected.data(), "{:#?}", story);
        let (lines, expected) = (self.instance.take_lines(), self.expected.world().take_lines());
        if matches!(ending, Some(Ending::Failed { .. })) {
            // An instance that may be mended keeps what is in flight.
            let begun = |lines: Vec<String>| {
                let begun = lines.into_iter().filter(|line| !line.starts_with("cancel"));
                begun.collect::<Vec<_>>()
            };
            prop_assert_eq!(sorted(begun(lines)), sorted(begun(expected)), "{:#?}", story);
            return Ok(());
        }
        prop_assert_eq!(in_order(&lines), in_order(&expected), "{:#?}", story);
        prop_assert_eq!(sorted(lines), sorted(expected), "{:#?}", story);
        prop_assert_eq!(self.instance.in_flight(), self.expected.world().in_flight(), "{:#?}", story);
        if ending.is_none() {
            let snapshot = &self.instance.snapshot;
            prop_assert_eq!(self.instance.awaited(), awaited(&self.expected), "{:#?}", story);
            prop_assert_eq!(snapshot.wake_at(), self.expected.next_moment(), "{:#?}", story);
            let visible = snapshot.visible_data(MergeRules::Specification);
            prop_assert_eq!(Value::from(visible), self.expected.visible_data(), "{:#?}", story);
        }
        Ok(())
    }
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// The events that states publish, not actions: their order matters.
fn in_order(lines: &[String]) -> Vec<&String> {
    let is_of_a_state = |line: &&String| {
        let place = line.strip_prefix("publish ").and_then(|rest| rest.split(' ').next());
        place.is_some_and(|place| !place.contains('_'))
    };
    lines.iter().filter(is_of_a_state).collect()
}

/// The events that are waited for, with their attributes.
fn awaited(expected: &Interpreter) -> Vec<String> {
    let world = expected.world();
    let events = world.awaited().into_iter().map(|event| {
        let definition = &EVENTS[event];
        let key = definition.has_key.then(|| format!(" key={}", world.key().as_deref().unwrap_or("?")));
        let user = definition.has_user.then_some(" user=ana");
        format!("{}{}{}", definition.name, key.unwrap_or_default(), user.unwrap_or_default())
    });
    sorted(events.collect())
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
        crashes in any::<u64>(),
        turn_steps in 3..100_u32,
    ) {
        let program = specified(&document::text(&graph));
        let data = json!({"user": "ana"});
        let context = Context { max_steps: 1_000_000, ..support::context(turn_steps) };
        let mut instance = Instance::new(&program, data.clone(), context, crashes);
        instance.take(Input::Start { at: None }, NOW);
        let expected = Interpreter::start(&graph, data, NOW);
        let mut play = Play { instance, expected, now: NOW, story: Vec::new() };
        play.compare()?;
        for (number, happening) in (1..).zip(&happenings) {
            if matches!(play.expected.ending(), Some(Ending::Failed { .. })) {
                break;
            }
            play.happen(happening, number)?;
        }
    }
}
