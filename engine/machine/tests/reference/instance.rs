//! An instance as the machine has it.

use std::collections::BTreeMap;

use rondo_expression::Val;
use rondo_machine::{
    CallNumber, CallRequest, ChildRequest, Context, Effect, Input, Millis, NO_FRAME, ReceivedEvent, Snapshot,
    Turn, awaited_events, pending_calls,
};
use rondo_program::{Failure, FailureKind, Program};
use serde_json::Value;

use crate::{
    graph::{EVENTS, Outcome, payload, result},
    support::{failure, stored},
    world::Error,
};

pub(crate) struct Instance<'a> {
    pub(crate) program: &'a Program,
    pub(crate) snapshot: Snapshot,
    context: Context,
    /// In which turns the process crashes, as bits that are used in turn.
    crashes: u64,
    /// Of each call and subflow: what it is.
    asked: BTreeMap<CallNumber, String>,
    /// The requests of the calls.
    requests: BTreeMap<CallNumber, CallRequest>,
    /// What it asked of the world since somebody looked.
    lines: Vec<String>,
}

impl<'a> Instance<'a> {
    pub(crate) fn new(program: &'a Program, data: Value, context: Context, crashes: u64) -> Self {
        Self {
            program,
            snapshot: Snapshot::new(Val::from(data)),
            context,
            crashes,
            asked: BTreeMap::new(),
            requests: BTreeMap::new(),
            lines: Vec::new(),
        }
    }

    /// Gives it an input, and turns until it waits. Returns whether it took the input.
    pub(crate) fn take(&mut self, input: Input, now: Millis) -> bool {
        let accepted = self.turn(input, now);
        while self.snapshot.needs_turn() {
            self.turn(Input::Tick, now);
        }
        accepted
    }

    fn turn(&mut self, input: Input, now: Millis) -> bool {
        self.crashes = self.crashes.rotate_left(1);
        if self.crashes & 1 == 1 {
            self.crash(now);
        }
        let snapshot = std::mem::take(&mut self.snapshot);
        let turn = rondo_machine::turn(self.program, snapshot, input, &self.context, now);
        let accepted = turn.accepted;
        self.note(turn);
        accepted
    }

    /// The process ends and another one goes on: with the stored snapshot, and the calls that it makes again.
    fn crash(&mut self, now: Millis) {
        self.snapshot = stored(self.program, &self.snapshot);
        for (call, again) in pending_calls(self.program, &self.snapshot, &self.context, now) {
            let Ok(Effect::Call(again)) = again else { panic!("the call {call} cannot be made again") };
            assert_eq!(Some(&again), self.requests.get(&call), "a call is made again as it was made");
        }
    }

    fn note(&mut self, turn: Turn) {
        for effect in turn.effects {
            match effect {
                Effect::Call(request) => self.note_call(request),
                Effect::StartChild(ChildRequest { call, data, .. }) => {
                    let data = Value::from(data);
                    let what = format!("child {}", text(&data["at"]));
                    self.lines.push(format!("{what} c={}", data["c"]));
                    self.asked.insert(call, what);
                }
                Effect::CancelChild(call) => self.lines.push(format!("cancel {}", self.asked[&call])),
                Effect::Publish(request) => {
                    let place = Value::from(request.data);
                    let key = request.attributes.iter().find(|(name, _)| **name == *"key");
                    let key = key.map(|(_, value)| value.to_string());
                    self.lines.push(format!("publish {} key={key:?}", text(&place["at"])));
                }
                Effect::Log(_) | Effect::ContinueAs(_) => panic!("nothing else is asked for: {effect:?}"),
            }
        }
        self.snapshot = turn.snapshot;
    }

    fn note_call(&mut self, request: CallRequest) {
        let arguments = Value::from(request.arguments.clone().unwrap());
        let (at, count, error) = (text(&arguments["at"]), &arguments["c"], text(&arguments["e"]));
        self.lines.push(format!("call {at} #{} c={count} e={error}", request.attempt));
        self.asked.insert(request.call, format!("call {at}"));
        self.requests.insert(request.call, request);
    }

    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// The calls and subflows in flight, sorted.
    pub(crate) fn in_flight(&self) -> Vec<String> {
        let numbers = self.snapshot.calls().chain(self.snapshot.children());
        let mut all: Vec<String> = numbers.map(|number| self.asked[&number].clone()).collect();
        all.sort();
        all
    }

    /// The input that ends something in flight.
    pub(crate) fn end(&self, what: &str, outcome: Outcome, number: i64) -> Input {
        let calls: Vec<_> = self.snapshot.calls().collect();
        let mut numbers = self.snapshot.calls().chain(self.snapshot.children());
        let call = numbers.find(|number| self.asked[number] == what).unwrap();
        let value = || Val::from(result(number));
        match (failure_of(outcome), calls.contains(&call)) {
            (None, true) => Input::Answered { call, result: Some(value()), response: None },
            (None, false) => Input::ChildEnded { call, outcome: Ok(value()) },
            (Some((failure, _)), true) => Input::CallFailed { call, failure },
            (Some((failure, _)), false) => Input::ChildEnded { call, outcome: Err(failure) },
        }
    }

    /// What is waited for: name and attributes of each event, sorted, once.
    pub(crate) fn awaited(&self) -> Vec<String> {
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

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The failure for an outcome, and the same as the interpreter has it; `None`: it is a result.
pub(crate) fn failure_of(outcome: Outcome) -> Option<(Failure, Error)> {
    let service = |status: &str| failure(FailureKind::Service, Some(status));
    Some(match outcome {
        Outcome::Result => return None,
        Outcome::Status(status) => {
            let status = status.to_string();
            (service(&status), Error::new(status))
        }
        Outcome::Named => {
            let failure = Failure { detail: Some(r#"{"error": "Named"}"#.to_owned()), ..service("409") };
            (failure, Error { code: "409".to_owned(), name: Some("Named") })
        }
        Outcome::Lost => (failure(FailureKind::Connection, None), Error::new("communication")),
    })
}

/// An event with these attributes.
pub(crate) fn event_input(event: usize, key: Option<&str>, user: Option<&str>, number: i64) -> Input {
    let own = [("id", "1"), ("source", "/test"), ("type", EVENTS[event].event_type)];
    let extensions =
        [("key", key), ("user", user)].into_iter().filter_map(|(name, value)| Some((name, value?)));
    Input::Event(Box::new(ReceivedEvent {
        id: "1".into(),
        event_type: EVENTS[event].event_type.into(),
        source: "/test".into(),
        attributes: own
            .into_iter()
            .chain(extensions)
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        data: Some(Val::from(payload(event, number))),
        is_addressed: false,
    }))
}
