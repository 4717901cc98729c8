//! Waits for events, events that arrive, and events that are published.
//!
//! Owns: which waiting frames an event is for. Promises: an event that no frame takes changes nothing; the attributes of an event that are
//! correlated are bound to the instance by the first event it takes, and never change. Never: knows how an event comes here.

use std::sync::Arc;

use rondo_expression::{Template, Val};
use rondo_program::{Event, EventFilter, EventTimeout, Failure, Instruction, Pc, Program};

use crate::{
    Effect, Fact, FrameId, Millis, PublishRequest, ReceivedEvent, Snapshot, Status, Visit,
    frame::{Frame, RequiredAttribute, Role, Wait},
    turn::{Machine, Step},
};

/// The number that stands for no frame in [`AwaitedEvent::frame`].
pub const NO_FRAME: FrameId = FrameId::MAX;

/// An event that an instance waits for. A store of waits finds the instance by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedEvent {
    /// The frame that waits. [`NO_FRAME`]: none does, but an event that correlates with the instance starts no other one.
    pub frame: FrameId,
    /// Name of the event in the definition.
    pub name: Arc<str>,
    /// The attribute `type` that it must have.
    pub event_type: Arc<str>,
    /// The attribute `source` that it must have; `None`: any.
    pub source: Option<Arc<str>>,
    /// The attributes that it must have, by name, each with its value; without one, the event only needs to have the attribute.
    pub correlation: Vec<(Arc<str>, Option<Arc<str>>)>,
    /// When the wait ends without an event.
    pub until: Option<Millis>,
}

/// The events that an instance waits for, the frames in their order.
pub fn awaited_events(program: &Program, snapshot: &Snapshot) -> Vec<AwaitedEvent> {
    // Of a workflow without events nothing has to be looked at, in however many frames it runs.
    if program.events.is_empty() || !matches!(snapshot.status, Status::Active | Status::Error) {
        return Vec::new();
    }
    let mut awaited = Vec::new();
    for frame in &snapshot.frames {
        awaited.extend(awaited_by(program, snapshot, frame));
    }
    awaited.extend(start_claims(program, snapshot));
    awaited
}

/// The events that a frame waits for.
pub(crate) fn awaited_by(program: &Program, snapshot: &Snapshot, frame: &Frame) -> Vec<AwaitedEvent> {
    let Some((filters, arrived, required, until)) = wait_of(program, frame) else { return Vec::new() };
    let names = filters.iter().flat_map(|filter| &filter.events);
    let missing = names.filter(|name| !arrived.iter().any(|(known, _)| known == *name));
    let events = missing.filter_map(|name| program.event(name));
    events.map(|event| awaited_event(frame.id, event, snapshot, required, until)).collect()
}

/// Whether an event may start an instance, by the attributes that its definition demands: texts without an expression. `attribute` gives the
/// value of an attribute of the event.
pub fn can_start<'a>(program: &Program, event: &Event, attribute: &dyn Fn(&str) -> Option<&'a str>) -> bool {
    let is_strict = program.start_by_event.as_ref().is_some_and(|start| start.needs_correlation);
    event.correlation.iter().all(|entry| {
        let demanded = entry.value.as_ref().map(Template::source).filter(|text| !is_expression(text));
        match (attribute(&entry.attribute), demanded) {
            (Some(value), Some(demanded)) => *value == *demanded.to_text(),
            (Some(_), None) => true,
            (None, _) => !is_strict,
        }
    })
}

/// What an instance that an event is to start, and that has taken no turn yet, is found by: events that correlate with it start no other one.
/// `starting` are the events of the definition that the event is, `attribute` gives the value of an attribute of it.
pub fn claims_of_start<'a, 'e>(
    program: &Program,
    starting: impl IntoIterator<Item = &'e Event>,
    attribute: &dyn Fn(&str) -> Option<&'a str>,
) -> Vec<AwaitedEvent> {
    let mut snapshot = Snapshot::default();
    for entry in starting.into_iter().flat_map(|event| &event.correlation) {
        if let (None, Some(value)) = (&entry.value, attribute(&entry.attribute)) {
            snapshot.correlation.insert(Arc::clone(&entry.attribute), value.into());
        }
    }
    start_claims(program, &snapshot)
}

/// Whether a text may be an expression: there are no data yet that it could be evaluated on.
fn is_expression(text: &Val) -> bool {
    text.as_str().is_none_or(|text| text.contains(['$', '.', '(', '|']))
}

/// The events that would start another instance if this one did not have their correlation.
fn start_claims(program: &Program, snapshot: &Snapshot) -> Vec<AwaitedEvent> {
    let Some(start) = program.start_by_event.as_ref().filter(|_| !snapshot.correlation.is_empty()) else {
        return Vec::new();
    };
    let events = start.events.iter().filter_map(|name| program.event(name));
    let claims = events.map(|event| awaited_event(NO_FRAME, event, snapshot, &[], None));
    let is_bound = |claim: &AwaitedEvent| {
        !claim.correlation.is_empty() && claim.correlation.iter().all(|(_, value)| value.is_some())
    };
    claims.filter(is_bound).collect()
}

fn awaited_event(
    frame: FrameId,
    event: &Event,
    snapshot: &Snapshot,
    required: &[RequiredAttribute],
    until: Option<Millis>,
) -> AwaitedEvent {
    let mut correlation: Vec<_> = event
        .correlation
        .iter()
        .map(|entry| {
            let value = required_value(event, &entry.attribute, snapshot, required);
            (Arc::clone(&entry.attribute), value.cloned())
        })
        .collect();
    correlation.sort();
    correlation.dedup_by(|later, earlier| later.0 == earlier.0);
    AwaitedEvent {
        frame,
        name: Arc::clone(&event.name),
        event_type: Arc::clone(&event.event_type),
        source: event.source.clone(),
        correlation,
        until,
    }
}

/// The value that an attribute of an event must have: the one that the definition demands, else the one that is bound to the instance.
fn required_value<'a>(
    event: &Event,
    attribute: &str,
    snapshot: &'a Snapshot,
    required: &'a [RequiredAttribute],
) -> Option<&'a Arc<str>> {
    let demanded = required.iter().find(|entry| entry.event == event.name && *entry.attribute == *attribute);
    demanded.map(|entry| &entry.value).or_else(|| snapshot.correlation.get(attribute))
}

type EventWait<'a> = (&'a [EventFilter], &'a [(Arc<str>, Val)], &'a [RequiredAttribute], Option<Millis>);

fn wait_of<'a>(program: &'a Program, frame: &'a Frame) -> Option<EventWait<'a>> {
    match (&frame.wait, program.instruction(frame.pc)) {
        (Wait::Events { until, arrived, required }, Some(Instruction::Await { filters, .. })) => {
            Some((filters, arrived, required, *until))
        }
        _ => None,
    }
}

/// What an event means to a frame that waits.
struct Taken {
    frame: FrameId,
    event: Arc<str>,
    then: Pc,
}

impl Machine<'_> {
    /// Begins to wait for events.
    pub(crate) fn await_events(
        &mut self,
        id: FrameId,
        filters: &[EventFilter],
        timeout: Option<&EventTimeout>,
    ) -> Result<Step, Failure> {
        let until = match timeout {
            Some(EventTimeout { after, .. }) => Some(self.end_of_duration(id, after)?),
            None => None,
        };
        let mut required = Vec::new();
        for name in filters.iter().flat_map(|filter| &filter.events) {
            let Some(event) = self.program.event(name) else { continue };
            for entry in &event.correlation {
                let Some(template) = &entry.value else { continue };
                let value = self.correlation_value(id, event, template)?;
                if !value.is_null() {
                    required.push(RequiredAttribute {
                        event: Arc::clone(name),
                        attribute: Arc::clone(&entry.attribute),
                        value: value.to_text().into(),
                    });
                }
            }
        }
        self.edit_frame(id, |frame| frame.result = None);
        self.set_wait(id, Wait::Events { until, arrived: Vec::new(), required });
        let events = filters.iter().flat_map(|filter| &filter.events).map(Arc::clone).collect();
        self.facts.push(Fact::Awaits { visit: self.innermost_visit(id), events });
        // It may be for the same event as the wait before it, and then takes another one of those that are kept.
        self.snapshot.has_unregistered_waits = true;
        Ok(Step::Jumped)
    }

    fn correlation_value(&self, id: FrameId, event: &Event, template: &Template) -> Result<Val, Failure> {
        self.fill_template_strictly(id, template).map_err(|failure| Failure {
            message: format!(
                "the correlation of event `{}` cannot be evaluated: {}",
                event.name, failure.message
            ),
            ..failure
        })
    }

    /// Gives an event to all frames that wait for it. Returns whether there is one.
    pub(crate) fn take_event(&mut self, event: &ReceivedEvent) -> bool {
        let frames = self.snapshot.frames.iter();
        let takers: Vec<Taken> = frames.filter_map(|frame| self.taken_by(frame, event)).collect();
        for Taken { frame, event: name, then } in &takers {
            self.bind_correlation(name, event);
            self.note_event(*frame, name, event);
            self.rearm_start(*frame);
            self.give_event(*frame, name, *then, event);
        }
        !takers.is_empty()
    }

    /// What an event means to a frame; `None` if the frame does not wait for it.
    fn taken_by(&self, frame: &Frame, received: &ReceivedEvent) -> Option<Taken> {
        let (filters, arrived, required, _) = wait_of(self.program, frame)?;
        for EventFilter { events, then } in filters {
            for name in events.iter().filter(|name| !arrived.iter().any(|(known, _)| known == *name)) {
                let event = self.program.event(name)?;
                if self.is_for(event, received, required) {
                    return Some(Taken { frame: frame.id, event: Arc::clone(name), then: *then });
                }
            }
        }
        None
    }

    fn is_for(&self, event: &Event, received: &ReceivedEvent, required: &[RequiredAttribute]) -> bool {
        event.event_type == received.event_type
            && event.source.as_ref().is_none_or(|source| *source == received.source)
            && event.correlation.iter().all(|entry| {
                let wanted = required_value(event, &entry.attribute, &self.snapshot, required);
                match (received.attribute(&entry.attribute), wanted) {
                    (Some(value), Some(wanted)) => *value == **wanted,
                    (Some(_), None) => true,
                    // Whoever addresses the instance itself does not need to correlate.
                    (None, _) => received.is_addressed,
                }
            })
    }

    /// Binds the correlated attributes of an event to the instance, those that are not bound yet.
    fn bind_correlation(&mut self, name: &str, received: &ReceivedEvent) {
        let Some(event) = self.program.event(name) else { return };
        for entry in event.correlation.iter().filter(|entry| entry.value.is_none()) {
            if let Some(value) = received.attribute(&entry.attribute)
                && !self.snapshot.correlation.contains_key(&entry.attribute)
            {
                self.snapshot.correlation.insert(Arc::clone(&entry.attribute), value.into());
            }
        }
    }

    fn note_event(&mut self, id: FrameId, name: &Arc<str>, received: &ReceivedEvent) {
        self.facts.push(Fact::Event {
            visit: self.innermost_visit(id),
            event: Arc::clone(name),
            id: received.id.clone(),
        });
    }

    /// The visit of the innermost state or action of a frame.
    fn innermost_visit(&self, id: FrameId) -> Visit {
        let mut visits = self.enclosing_scopes(id).map(|enclosing| enclosing.open.visit);
        visits.find(|visit| *visit != 0).unwrap_or_default()
    }

    /// An instance that stays active takes further events at its start: another path waits for them (spec-0.8, `keepActive`).
    fn rearm_start(&mut self, id: FrameId) {
        if !self.program.keep_active || self.program.start_by_event.is_none() {
            return;
        }
        let Some(frame) = self.snapshot.frame(id) else { return };
        let start = frame.scopes.first().and_then(|open| self.program.scope(open.id));
        if frame.role == Role::Root && start.is_some_and(|scope| scope.entry == self.program.start) {
            let root = self.snapshot.push_frame(None, Role::Root, self.program.start);
            self.ready.push_back(root);
        }
    }

    /// Gives an event to a frame. The frame continues if it waits for no further one.
    fn give_event(&mut self, id: FrameId, name: &Arc<str>, then: Pc, received: &ReceivedEvent) {
        let program = self.program;
        let Some(frame) = self.snapshot.frame(id) else { return };
        let Some(Instruction::Await { filters, exclusive, .. }) = program.instruction(frame.pc) else {
            return;
        };
        let payload = program.event(name).and_then(|event| received.payload(event.data_only));
        if let Some(payload) = &payload {
            self.count_retained(payload);
        }
        if *exclusive {
            self.complete_wait(id, then, payload);
            return;
        }
        // An event that stands in several entries comes once, and each of them uses it.
        let needed = || filters.iter().flat_map(|filter| &filter.events);
        let mut all = None;
        self.edit_frame(id, |frame| {
            if let Wait::Events { arrived, .. } = &mut frame.wait {
                arrived.push((Arc::clone(name), payload.unwrap_or_default()));
                let of = |name: &Arc<str>| arrived.iter().find(|(known, _)| known == name).cloned();
                all = needed().map(of).collect::<Option<Vec<_>>>();
            }
        });
        if let Some(all) = all {
            self.edit_frame(id, |frame| frame.events = all);
            self.complete_wait(id, then, None);
        }
    }

    /// Ends the wait of a frame. The events that an earlier wait left to it stay: an action of an event state may wait for an event of its own
    /// before the payloads of later entries are taken.
    fn complete_wait(&mut self, id: FrameId, then: Pc, result: Option<Val>) {
        if self.open_action(id).is_some() {
            self.keep_previous_result(id, result.as_ref().unwrap_or(&Val::Null));
        }
        self.edit_frame(id, |frame| {
            frame.pc = then;
            frame.result = result;
        });
        self.end_action_deadline(id);
        self.wake(id);
    }

    /// An action that has its answer is within its time.
    pub(crate) fn end_action_deadline(&mut self, id: FrameId) {
        if let Some(enclosing) = self.open_action(id) {
            self.edit_frame(id, |frame| {
                if let Some(open) = frame.scopes.get_mut(enclosing.depth) {
                    open.deadline = None;
                }
            });
        }
    }

    /// Sets the result to the payload of an event that has arrived together with others.
    pub(crate) fn use_event(&mut self, id: FrameId, name: &str) {
        self.edit_frame(id, |frame| {
            let place = frame.events.iter().position(|(known, _)| **known == *name);
            frame.result =
                place.map(|place| frame.events.remove(place).1).filter(|payload| !payload.is_null());
        });
    }

    /// Publishes an event.
    pub(crate) fn publish(
        &mut self,
        id: FrameId,
        name: &Arc<str>,
        data: Option<&Template>,
        attributes: &[(Arc<str>, Template)],
    ) -> Result<(), Failure> {
        let Some(event) = self.program.event(name) else {
            return Err(Failure::runtime(format!("no event definition is called `{name}`")));
        };
        let data = match data {
            Some(data) => self.fill_template(id, data)?,
            None => self.focus(id).clone(),
        };
        let mut all: Vec<(Arc<str>, Arc<str>)> = self
            .snapshot
            .correlation
            .iter()
            .map(|(attribute, value)| (Arc::clone(attribute), Arc::clone(value)))
            .collect();
        for (attribute, template) in attributes {
            let value = self.fill_template(id, template)?;
            all.retain(|(known, _)| known != attribute);
            if !value.is_null() {
                all.push((Arc::clone(attribute), value.to_text().into()));
            }
        }
        self.snapshot.next_event += 1;
        self.effects.push(Effect::Publish(PublishRequest {
            number: self.snapshot.next_event,
            event: Arc::clone(name),
            event_type: Arc::clone(&event.event_type),
            source: event.source.clone(),
            attributes: all,
            data,
        }));
        Ok(())
    }

    /// The time limit of a wait for events has passed: continues without an event, or raises an error if a scope handles it or nothing else
    /// is to be done.
    pub(crate) fn time_out_event_wait(&mut self, id: FrameId) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        let Some(Instruction::Await { timeout: Some(EventTimeout { then, is_handled_first, .. }), .. }) =
            self.program.instruction(frame.pc)
        else {
            return;
        };
        let state = self.state_name(id);
        let code = if then.is_some() { "TimedOut" } else { "timeout" };
        let failure = Failure::timeout(code, format!("no event came in time in state `{state}`"));
        match then {
            Some(then) if !is_handled_first || !self.is_handled(id, &failure) => {
                self.jump_to(id, *then);
                self.wake(id);
            }
            _ => {
                self.set_wait(id, Wait::Ready);
                self.raise(id, failure);
            }
        }
    }
}
