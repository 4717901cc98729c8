//! The interpreter that the machine is compared with: one state after the other, as the specification tells it (spec-0.8, rules 59 to 103).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::graph::{EVENTS, Graph, Happening, Kind, Target};

/// An instance.
pub(crate) struct Interpreter<'a> {
    graph: &'a Graph,
    data: Map<String, Value>,
    /// The key that the first event with one has bound.
    key: Option<String>,
    /// What is waited for; `None`: it has ended.
    wait: Option<Wait>,
    pub(crate) published: Vec<(String, Option<String>)>,
}

/// A state that waits.
struct Wait {
    state: usize,
    until: Option<i64>,
    /// Events that have arrived, if it needs all of them.
    arrived: Vec<(usize, i64)>,
    /// Of each branch: how many of its actions are done.
    done: Vec<usize>,
}

/// The data of an event.
pub(crate) fn payload(event: usize, number: i64) -> Value {
    json!({EVENTS[event].name: number})
}

impl<'a> Interpreter<'a> {
    pub(crate) fn start(graph: &'a Graph, data: Value, now: i64) -> Self {
        let Value::Object(mut data) = data else { panic!("data are an object") };
        data.insert("begun".into(), true.into());
        let mut interpreter = Self { graph, data, key: None, wait: None, published: Vec::new() };
        interpreter.enter(0, now);
        interpreter
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.wait.is_none()
    }

    /// The data, unless branches work on copies of them.
    pub(crate) fn settled_data(&self) -> Option<Value> {
        let branches = self.wait.as_ref().is_some_and(|wait| !wait.done.is_empty());
        (!branches).then(|| Value::Object(self.data.clone()))
    }

    /// The events that are waited for, with their attributes.
    pub(crate) fn awaited(&self) -> Vec<String> {
        let mut shown: Vec<String> = (0..EVENTS.len())
            .filter(|event| self.is_awaited(*event))
            .map(|event| {
                let definition = &EVENTS[event];
                let key = definition.has_key.then(|| format!(" key={}", self.key.as_deref().unwrap_or("?")));
                let user = definition.has_user.then(|| " user=ana".to_owned());
                format!("{}{}{}", definition.name, key.unwrap_or_default(), user.unwrap_or_default())
            })
            .collect();
        shown.sort();
        shown
    }

    fn is_awaited(&self, event: usize) -> bool {
        let Some(wait) = &self.wait else { return false };
        match &self.graph.0[wait.state].kind {
            Kind::Inject(_) | Kind::Sleep(_) => false,
            Kind::Event { entries, .. } => {
                entries.iter().flatten().any(|known| *known == event)
                    && wait.arrived.iter().all(|(known, _)| *known != event)
            }
            Kind::Switch { conditions, .. } => conditions.iter().any(|(known, _)| *known == event),
            Kind::Callback { event: known, .. } => *known == event,
            Kind::Ask(branches) => {
                branches.iter().zip(&wait.done).any(|(events, done)| events.get(*done) == Some(&event))
            }
        }
    }

    /// Something happens. Returns whether that meant anything.
    pub(crate) fn take(&mut self, happening: &Happening, now: i64) -> bool {
        match happening {
            Happening::Time(_) => self.time_passes(now),
            Happening::Event { event, key, user, number } => {
                let is_for_this = self.is_awaited(*event)
                    && (!EVENTS[*event].has_key || key.is_some() && (self.key.is_none() || self.key == *key))
                    && (!EVENTS[*event].has_user || user.as_deref() == Some("ana"));
                if is_for_this {
                    if EVENTS[*event].has_key && self.key.is_none() {
                        self.key.clone_from(key);
                    }
                    self.event_arrives(*event, *number, now);
                }
                is_for_this
            }
        }
    }

    /// Enters a state, and those behind it until one waits.
    fn enter(&mut self, state: Target, now: i64) {
        self.wait = None;
        let Some(entered) = self.graph.0.get(state) else { return };
        let (mut limit, mut done) = (None, Vec::new());
        match &entered.kind {
            Kind::Inject(number) => {
                self.data.insert(format!("i{state}"), json!(number));
                return self.leave(state, now);
            }
            Kind::Sleep(seconds) => limit = Some(*seconds),
            Kind::Event { limit: given, .. } | Kind::Switch { limit: given, .. } => limit = *given,
            Kind::Callback { limit: given, .. } => {
                self.data.insert("seen".into(), true.into());
                limit = *given;
            }
            Kind::Ask(branches) => {
                done = vec![0; branches.len()];
                for branch in 0..branches.len() {
                    self.publish(format!("a{state}_{branch}_0"));
                }
            }
        }
        let until = limit.map(|seconds| now + seconds * 1000);
        self.wait = Some(Wait { state, until, arrived: Vec::new(), done });
    }

    /// Leaves a state for its next one.
    fn leave(&mut self, state: usize, now: i64) {
        let State { next, produces } = State::of(self.graph, state);
        if produces {
            self.publish(format!("S{state}"));
        }
        self.enter(next, now);
    }

    fn publish(&mut self, place: String) {
        self.published.push((place, self.key.clone()));
    }

    fn time_passes(&mut self, now: i64) -> bool {
        let Some(wait) = self.wait.as_ref().filter(|wait| wait.until.is_some_and(|until| until <= now))
        else {
            return false;
        };
        let state = wait.state;
        match &self.graph.0[state].kind {
            Kind::Event { handler: Some(handler), .. } | Kind::Callback { handler: Some(handler), .. } => {
                self.enter(*handler, now);
            }
            _ => self.leave(state, now),
        }
        true
    }

    fn event_arrives(&mut self, event: usize, number: i64, now: i64) {
        let Some(wait) = &mut self.wait else { return };
        let state = wait.state;
        let graph = self.graph;
        match &graph.0[state].kind {
            Kind::Inject(_) | Kind::Sleep(_) => {}
            Kind::Event { exclusive: true, entries, .. } => {
                let entry = entries.iter().position(|events| events.contains(&event)).unwrap();
                self.put(&format!("g{state}_{entry}"), event, number);
                self.data.insert("seen".into(), true.into());
                self.leave(state, now);
            }
            Kind::Event { entries, .. } => {
                wait.arrived.push((event, number));
                let arrived: HashMap<usize, i64> = wait.arrived.iter().copied().collect();
                if entries.iter().flatten().any(|event| !arrived.contains_key(event)) {
                    return;
                }
                for (entry, events) in entries.iter().enumerate() {
                    for event in events {
                        self.put(&format!("g{state}_{entry}"), *event, arrived[event]);
                    }
                }
                self.data.insert("seen".into(), true.into());
                self.leave(state, now);
            }
            Kind::Switch { conditions, .. } => {
                let place = conditions.iter().position(|(known, _)| *known == event).unwrap();
                self.put(&format!("s{state}_{place}"), event, number);
                self.enter(conditions[place].1, now);
            }
            Kind::Callback { .. } => {
                self.put(&format!("c{state}"), event, number);
                self.leave(state, now);
            }
            Kind::Ask(branches) => {
                let mut asked = Vec::new();
                let mut answered = Vec::new();
                for (branch, (events, done)) in branches.iter().zip(&mut wait.done).enumerate() {
                    if events.get(*done) == Some(&event) {
                        answered.push(format!("a{state}_{branch}_{done}"));
                        *done += 1;
                        if *done < events.len() {
                            asked.push(format!("a{state}_{branch}_{done}"));
                        }
                    }
                }
                let is_over = branches.iter().zip(&wait.done).all(|(events, done)| *done == events.len());
                for place in answered {
                    self.put(&place, event, number);
                }
                for place in asked {
                    self.publish(place);
                }
                if is_over {
                    self.leave(state, now);
                }
            }
        }
    }

    /// Merges the data of an event into what is at a place of the data.
    fn put(&mut self, place: &str, event: usize, number: i64) {
        let there = self.data.entry(place).or_insert_with(|| json!({}));
        let Value::Object(more) = payload(event, number) else { return };
        there.as_object_mut().unwrap().extend(more);
    }
}

/// How a state is left.
struct State {
    next: Target,
    produces: bool,
}

impl State {
    fn of(graph: &Graph, state: usize) -> Self {
        let state = &graph.0[state];
        Self { next: state.next, produces: state.produces }
    }
}
