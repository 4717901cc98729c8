//! Lowers events: their definitions, the states that wait for them, and the places that publish them.

use std::sync::Arc;

use rondo_definition::{
    Compat,
    model::{self, At, EventDataFilter, Next, ProduceEvent, State, StateKind, Workflow},
};
use rondo_program::{
    Completion, Correlation, Event, EventFilter, EventTimeout, Instruction, Pc, StartByEvent, Template,
};

use super::{Lowering, parse_checked_duration, shared, states::state_property};

impl<'a> Lowering<'a> {
    /// Lowers the event definitions.
    pub(super) fn lower_event_definitions(&mut self) -> Vec<Event> {
        let workflow = &self.context.document.workflow;
        // As on SonataFlow, the source of a received event does not matter, and a published one has the source of the workflow.
        let uses_source = self.context.document.compat == Compat::Spec;
        let mut events: Vec<Event> =
            workflow.events.values().map(|event| self.lower_event_definition(event, uses_source)).collect();
        events.extend(self.received.iter().map(|(function, event_type)| Event {
            name: self.event_of_function(function),
            event_type: shared(event_type),
            source: None,
            data_only: true,
            correlation: Vec::new(),
        }));
        events
    }

    /// The name of the event that a function receives: that of the function, unless the document has an event that is called so.
    fn event_of_function(&self, function: &str) -> Arc<str> {
        if self.context.document.workflow.events.contains_key(function) {
            return format!("{function} (function)").into();
        }
        shared(function)
    }

    /// Lowers a call of a function that receives a message: the wait for it, whose data are the result.
    pub(super) fn lower_received_message(&mut self, function: &str) {
        let await_pc = self.code.reserve("await");
        let then = self.code.next_pc();
        let filters = vec![EventFilter { events: vec![self.event_of_function(function)], then }];
        self.code.patch(await_pc, Instruction::Await { filters, exclusive: true, timeout: None });
    }

    fn lower_event_definition(&mut self, event: &model::Event, uses_source: bool) -> Event {
        let correlation = event.correlation.iter().map(|entry| Correlation {
            attribute: entry.attribute.to_ascii_lowercase().into(),
            value: entry.value.as_ref().map(|value| {
                let place = format!("event `{}`: contextAttributeValue", event.name);
                let text = serde_json::Value::String(value.value.clone());
                self.context.compile_template(&text, &value.at, &place)
            }),
        });
        let correlation = correlation.collect();
        let source = event.source.as_deref().filter(|source| uses_source && !source.is_empty());
        Event {
            name: shared(&event.name),
            event_type: shared(&event.event_type),
            source: source.map(shared),
            data_only: event.data_only,
            correlation,
        }
    }

    /// Lowers the wait of a callback state.
    pub(super) fn lower_callback_event(&mut self, state: &'a State, callback: &'a model::Callback) {
        let await_pc = self.code.reserve("await");
        let then = self.code.next_pc();
        self.lower_event_data(state, &callback.filter);
        let end = self.code.next_pc();
        let timeout = self.event_timeout(state, end);
        let filters = vec![EventFilter { events: vec![shared(&callback.event_ref.value)], then }];
        self.code.patch(await_pc, Instruction::Await { filters, exclusive: true, timeout });
    }

    /// Lowers a switch on events at a reserved instruction.
    pub(super) fn lower_event_switch(
        &mut self,
        switch_pc: Pc,
        state: &'a State,
        conditions: &'a [model::EventCondition],
        default: Option<&'a Next>,
    ) {
        let mut filters = Vec::with_capacity(conditions.len());
        for (number, condition) in (1..).zip(conditions) {
            let then = self.code.next_pc();
            let outer = self.code.enter_construct(&format!("condition {number}"));
            self.lower_event_data(state, &condition.filter);
            self.push_output_filter(state);
            self.lower_next(state, &condition.next);
            self.code.exit_construct(outer);
            filters.push(EventFilter { events: vec![shared(&condition.event_ref.value)], then });
        }
        let default = default.map(|next| self.lower_exit("default", state, next));
        let timeout = default.and_then(|default| self.event_timeout(state, default));
        self.code.patch(switch_pc, Instruction::Await { filters, exclusive: true, timeout });
    }

    /// Lowers an event state. If it needs all events, their entries run one after the other when all have arrived.
    pub(super) fn lower_event_state(&mut self, state: &'a State, event: &'a model::EventState) {
        let await_pc = self.code.reserve("await");
        let first = self.code.next_pc();
        let mut filters = Vec::with_capacity(event.on_events.len());
        let mut exits = Vec::new();
        for (number, on_events) in (1..).zip(&event.on_events) {
            let then = if event.exclusive { self.code.next_pc() } else { first };
            let outer = self.code.enter_construct(&format!("onEvents {number}"));
            if event.exclusive {
                self.lower_event_data(state, &on_events.filter);
            } else {
                for name in &on_events.event_refs {
                    self.code.push(&name.value, Instruction::TakeEvent(shared(&name.value)));
                    self.lower_event_data(state, &on_events.filter);
                }
            }
            self.lower_event_actions(state, on_events);
            if event.exclusive {
                exits.push(self.code.reserve("done"));
            }
            self.code.exit_construct(outer);
            let events = on_events.event_refs.iter().map(|name| shared(&name.value)).collect();
            filters.push(EventFilter { events, then });
        }
        let end = self.code.next_pc();
        for exit in exits {
            self.code.patch(exit, Instruction::Jump(end));
        }
        // An event starts the instance, so there is no wait that a time limit could end.
        let is_start = self.context.document.workflow.start.value == state.name;
        let timeout = if is_start { None } else { self.event_timeout(state, end) };
        self.code.patch(await_pc, Instruction::Await { filters, exclusive: event.exclusive, timeout });
    }

    fn lower_event_actions(&mut self, state: &'a State, on_events: &'a model::OnEvents) {
        if on_events.parallel_actions {
            let branches: Vec<_> =
                on_events.actions.iter().map(|action| (None, std::slice::from_ref(action), None)).collect();
            self.lower_fork(state, &branches, Completion::All);
        } else {
            self.lower_actions(&on_events.actions, state);
        }
    }

    /// Lowers an event data filter: merges the payload of the event, which is in *result*, into the data.
    fn lower_event_data(&mut self, state: &State, filter: &EventDataFilter) {
        if !filter.use_data {
            return;
        }
        if let Some(data) = self
            .context
            .compile_optional(filter.data.as_ref(), &state_property(state, "eventDataFilter.data"))
        {
            self.code.push("eventData", Instruction::FilterResult(data));
        }
        let path = self.context.compile_path(
            filter.to_state_data.as_ref(),
            &state_property(state, "eventDataFilter.toStateData"),
        );
        self.code.push("eventToStateData", Instruction::Merge(path));
    }

    /// Lowers an action that publishes an event. With `rondo.compat=spec` it also waits for the event that answers.
    pub(super) fn lower_event_ref(&mut self, reference: &'a model::EventRef, place: &str) {
        self.lower_publish(&reference.trigger, place);
        let awaits_answer = self.context.document.compat == Compat::Spec && !reference.invoke_async;
        let Some(answer) = reference.result.as_ref().filter(|_| awaits_answer) else { return };
        let await_pc = self.code.reserve("await");
        let then = self.code.next_pc();
        let limit = reference.result_timeout.as_ref();
        let timeout =
            limit.map(|limit| self.context.compile_duration(limit, &format!("{place}: resultEventTimeout")));
        let timeout = timeout.map(|after| EventTimeout { after, then: None, is_handled_first: false });
        let filters = vec![EventFilter { events: vec![shared(&answer.value)], then }];
        self.code.patch(await_pc, Instruction::Await { filters, exclusive: true, timeout });
    }

    /// Lowers `produceEvents` of a transition or an end. The events are published in the order of the list.
    pub(super) fn lower_produced_events(&mut self, state: &State, events: &'a [ProduceEvent]) {
        for event in events {
            self.lower_publish(event, &state_property(state, "produceEvents"));
        }
    }

    fn lower_publish(&mut self, produced: &ProduceEvent, place: &str) {
        self.context.lint_attribute_names(produced, place);
        let data = produced.data.as_ref();
        let data = data.map(|data| self.context.compile_template(&data.value, &data.at, place));
        let attributes = produced.context_attributes.iter().map(|(name, value)| {
            let template = self.context.compile_template(&value.value, &value.at, place);
            (Arc::from(name.to_ascii_lowercase()), template)
        });
        let attributes: Vec<(Arc<str>, Template)> = attributes.collect();
        let event = shared(&produced.event_ref.value);
        self.code.push("publish", Instruction::Publish { event, data, attributes });
    }

    /// The end of the wait of a state, which then goes on at `then`.
    fn event_timeout(&mut self, state: &State, then: Pc) -> Option<EventTimeout> {
        let limit: At<String> = event_limit(&self.context.document.workflow, state)?.clone();
        let after = self.context.compile_duration(&limit, &state_property(state, "eventTimeout"));
        // By the specification that no event came is no error (spec-0.8, rule 136).
        let is_handled_first = self.context.document.compat == Compat::SonataFlow;
        Some(EventTimeout { after, then: Some(then), is_handled_first })
    }
}

/// The time limit for the events of a state: its own, else that of the workflow.
fn event_limit<'w>(workflow: &'w Workflow, state: &'w State) -> Option<&'w At<String>> {
    state.timeouts.event.as_ref().or(workflow.timeouts.event.as_ref())
}

/// How events start a workflow.
pub(super) fn start_by_event(workflow: &Workflow, compat: Compat) -> Option<StartByEvent> {
    let state = workflow.states.iter().find(|state| state.name == workflow.start.value)?;
    let StateKind::Event(event) = &state.kind else { return None };
    let references = event.on_events.iter().flat_map(|on_events| &on_events.event_refs);
    let mut events: Vec<Arc<str>> = Vec::new();
    for reference in references {
        if !events.iter().any(|known| **known == *reference.value) {
            events.push(shared(&reference.value));
        }
    }
    let exclusive = event.exclusive || events.len() < 2;
    let within = event_limit(workflow, state).filter(|_| !exclusive).and_then(parse_checked_duration);
    Some(StartByEvent { events, exclusive, needs_correlation: compat == Compat::Spec, within })
}
