//! States: filters, what they do, where they go.

use std::sync::Arc;

use rondo_definition::model::{
    self, Completion as Ends, EventDataFilter, LoopMode, Next, State, StateKind, SwitchConditions,
};
use rondo_expression::Val;
use rondo_program::{
    BatchSize, Branch, Completion, Duration, EventFilter, Handler, Instruction, Loop, Pc, ScopeId, ScopeKind,
    Template,
};

use super::{Lowering, duration_of, outline, shared};
impl<'a> Lowering<'a> {
    pub(super) fn state(&mut self, state: &'a State) {
        let outside = self.code.enter(&state.name);
        let kind = ScopeKind::State { name: shared(&state.name), kind: outline::state_kind(&state.kind) };
        let id = self.enter_scope(kind, true);
        self.legacy_states.push(id);
        if let Some(scope) = self.scopes.last() {
            self.entries.insert(&state.name, scope.entry);
        }
        self.within_compensation = state.used_for_compensation;
        let timeout = self.state_timeout(state);
        self.with_scope(id, |scope| scope.timeout = timeout);
        let input = self.context.optional(state.filter.input.as_ref(), &what(state, "stateDataFilter.input"));
        if let Some(input) = input {
            self.code.push("input", Instruction::Filter(input));
        }
        self.body(state);
        if let Some(next) = &state.next {
            self.output_filter(state);
            self.next(state, next);
        } else if state.used_for_compensation {
            self.output_filter(state);
            self.code.push("leave", Instruction::Leave);
            self.code.push("end", Instruction::EndFrame);
        }
        self.handlers(state, id);
        self.code.exit(outside);
    }

    fn body(&mut self, state: &'a State) {
        match &state.kind {
            StateKind::Operation { actions, parallel: false } => self.actions(actions, state),
            StateKind::Operation { actions, parallel: true } => {
                let branches: Vec<_> =
                    actions.iter().map(|action| (None, std::slice::from_ref(action), None)).collect();
                self.fork(state, &branches, Completion::All);
            }
            StateKind::Parallel { branches, completion } => {
                let completion = self.completion(state, completion);
                let branches: Vec<_> = branches
                    .iter()
                    .map(|branch| {
                        (Some(shared(&branch.name)), branch.actions.as_slice(), Some(&branch.timeouts))
                    })
                    .collect();
                self.fork(state, &branches, completion);
            }
            StateKind::Inject { data } => {
                let value = Val::from(data.value.clone()).without_null_elements();
                self.code.push("inject", Instruction::Inject(value));
            }
            StateKind::Sleep { duration } => {
                let span = duration_of(duration).unwrap_or_default();
                self.code.push("sleep", Instruction::Sleep(Duration::Fixed(span)));
            }
            StateKind::ForEach(each) => self.for_each(state, each),
            StateKind::Switch(switch) => self.switch(state, switch),
            StateKind::Event(event) => self.event_state(state, event),
            StateKind::Callback(callback) => {
                self.action(&callback.action, state, true);
                let await_event = self.code.reserve("await");
                let arrived = self.code.here();
                self.event_data(state, &callback.filter);
                let over = self.code.here();
                let timeout = self.event_timeout(state).map(|limit| (limit, over));
                let events = vec![shared(&callback.event_ref.value)];
                let filters = vec![EventFilter { events, then: arrived }];
                self.code.patch(await_event, Instruction::Await { filters, exclusive: true, timeout });
            }
        }
    }

    /// Branches side by side. Each is a list of actions in a frame of its own. What the actions of an operation do side by side is no
    /// branch: it has no name, no scope and no time limit.
    fn fork(
        &mut self,
        state: &'a State,
        branches: &[(Option<Arc<str>>, &'a [model::Action], Option<&'a model::Timeouts>)],
        completion: Completion,
    ) {
        let fork = self.code.reserve("fork");
        let over = self.code.reserve("join");
        let mut starts = Vec::with_capacity(branches.len());
        for (name, actions, limits) in branches {
            let of_workflow = &self.context.document.workflow.timeouts;
            // The nearest limit counts.
            let limit = limits.and_then(|limits| {
                let all = [limits, &state.timeouts, of_workflow];
                all.into_iter().find_map(|limits| limits.branch_exec.as_ref())
            });
            let timeout = limit.and_then(duration_of);
            let start = self.code.here();
            let outside = self.code.enter(name.as_deref().unwrap_or("branch"));
            if let Some(name) = name {
                let id = self.enter_scope(ScopeKind::Branch { name: Arc::clone(name) }, false);
                self.with_scope(id, |scope| scope.timeout = timeout);
            }
            starts.push(Branch { start });
            self.within_branch = *limits;
            self.actions(actions, state);
            self.within_branch = None;
            self.code.push("end", Instruction::EndFrame);
            self.code.exit(outside);
        }
        let end = self.code.here();
        self.code.patch(fork, Instruction::Fork { branches: starts, completion });
        self.code.patch(over, Instruction::Jump(end));
    }

    fn completion(&mut self, state: &State, completion: &Ends) -> Completion {
        match completion {
            Ends::AllOf => Completion::All,
            Ends::AtLeast(count) => match count.value.parse() {
                Ok(count) => Completion::Count(count),
                Err(_) => Completion::Computed(self.context.expression(count, &what(state, "numCompleted"))),
            },
        }
    }

    fn for_each(&mut self, state: &'a State, each: &'a model::ForEach) {
        let input = self.context.expression(&each.input_collection, &what(state, "inputCollection"));
        let output = self.context.optional(each.output_collection.as_ref(), &what(state, "outputCollection"));
        let batch = match (each.mode, &each.batch_size) {
            (LoopMode::Sequential, _) => BatchSize::One,
            (LoopMode::OneThread, _) => BatchSize::OneThread,
            (LoopMode::Parallel, Some(size)) => {
                BatchSize::Of(self.context.expression(size, &what(state, "batchSize")))
            }
            (LoopMode::Parallel, None) => BatchSize::All,
        };
        let start = self.code.reserve("foreach");
        let over = self.code.reserve("done");
        let body = self.code.here();
        let outside = self.code.enter("element");
        for action in &each.actions {
            self.action(action, state, false);
        }
        self.code.push("end", Instruction::EndFrame);
        self.code.exit(outside);
        let end = self.code.here();
        let parameter = shared(&each.iteration_param);
        self.code
            .patch(start, Instruction::ForEach(Arc::new(Loop { input, output, parameter, body, batch })));
        self.code.patch(over, Instruction::Jump(end));
    }

    fn switch(&mut self, state: &'a State, switch: &'a model::Switch) {
        let place = self.code.reserve("switch");
        match &switch.conditions {
            SwitchConditions::Data(conditions) => {
                let mut arms = Vec::with_capacity(conditions.len());
                for (number, condition) in (1..).zip(conditions) {
                    let test = self.context.expression(&condition.condition, &what(state, "condition"));
                    arms.push((test, self.exit(&format!("condition {number}"), state, &condition.next)));
                }
                let default = switch.default.as_ref().map(|next| self.exit("default", state, next));
                self.code.patch(place, Instruction::Switch { arms, default });
            }
            SwitchConditions::Events(conditions) => {
                let mut filters = Vec::with_capacity(conditions.len());
                for (number, condition) in (1..).zip(conditions) {
                    let then = self.code.here();
                    let outside = self.code.enter(&format!("condition {number}"));
                    self.event_data(state, &condition.filter);
                    self.output_filter(state);
                    self.next(state, &condition.next);
                    self.code.exit(outside);
                    filters.push(EventFilter { events: vec![shared(&condition.event_ref.value)], then });
                }
                let default = switch.default.as_ref().map(|next| self.exit("default", state, next));
                let timeout = self.event_timeout(state).zip(default);
                self.code.patch(place, Instruction::Await { filters, exclusive: true, timeout });
            }
        }
    }

    fn event_state(&mut self, state: &'a State, event: &'a model::EventState) {
        let place = self.code.reserve("await");
        let mut filters = Vec::with_capacity(event.on_events.len());
        let mut exits = Vec::new();
        for (number, on_events) in (1..).zip(&event.on_events) {
            let then = self.code.here();
            let outside = self.code.enter(&format!("onEvents {number}"));
            self.event_data(state, &on_events.filter);
            self.actions(&on_events.actions, state);
            if event.exclusive {
                exits.push(self.code.reserve("done"));
            } else {
                self.code.push("end", Instruction::EndFrame);
            }
            self.code.exit(outside);
            let events = on_events.event_refs.iter().map(|name| shared(&name.value)).collect();
            filters.push(EventFilter { events, then });
        }
        let end = self.code.here();
        for exit in exits {
            self.code.patch(exit, Instruction::Jump(end));
        }
        let timeout = self.event_timeout(state).map(|limit| (limit, end));
        self.code.patch(place, Instruction::Await { filters, exclusive: event.exclusive, timeout });
    }

    /// Merges the payload of an event, which is the *result*, into the data.
    fn event_data(&mut self, state: &State, filter: &EventDataFilter) {
        if !filter.use_data {
            return;
        }
        if let Some(data) = self.context.optional(filter.data.as_ref(), &what(state, "eventDataFilter.data"))
        {
            self.code.push("eventData", Instruction::Results(data));
        }
        let path =
            self.context.optional(filter.to_state_data.as_ref(), &what(state, "eventDataFilter.toStateData"));
        self.code.push("eventToStateData", Instruction::Merge(path));
    }

    fn event_timeout(&mut self, state: &State) -> Option<Duration> {
        let of_workflow = self.context.document.workflow.timeouts.event.clone();
        let limit = state.timeouts.event.clone().or(of_workflow)?;
        Some(self.context.computed_duration(&limit, &what(state, "eventTimeout")))
    }

    fn state_timeout(&mut self, state: &State) -> Option<std::time::Duration> {
        let of_workflow = self.context.document.workflow.timeouts.state_exec.as_ref();
        let limit = state.timeouts.state_exec.as_ref().or(of_workflow)?;
        limit.total.as_ref().and_then(duration_of)
    }

    /// A normal way out of a state that has several: the output filter, then where it goes. Says where it begins.
    fn exit(&mut self, name: &str, state: &'a State, next: &'a Next) -> Pc {
        let begin = self.code.here();
        let outside = self.code.enter(name);
        self.output_filter(state);
        self.next(state, next);
        self.code.exit(outside);
        begin
    }

    fn output_filter(&mut self, state: &State) {
        let output =
            self.context.optional(state.filter.output.as_ref(), &what(state, "stateDataFilter.output"));
        if let Some(output) = output {
            self.code.push("output", Instruction::Filter(output));
        }
    }

    /// Where a path goes, the state still being open.
    fn next(&mut self, state: &'a State, next: &'a Next) {
        match next {
            Next::Transition(transition) => {
                for event in &transition.produce_events {
                    self.context.unsupported(&event.event_ref.at, &what(state, "produceEvents"));
                }
                self.code.push("leave", Instruction::Leave);
                if transition.compensate {
                    self.code.push("compensate", Instruction::Compensate);
                }
                let jump = self.code.reserve("transition");
                self.jumps.push((jump, &transition.next_state.value));
            }
            Next::End(_) if self.within_compensation => {
                self.code.push("leave", Instruction::Leave);
                self.code.push("end", Instruction::EndFrame);
            }
            Next::End(_) if self.run_before.contains(state.name.as_str()) => {
                self.code.push("leave", Instruction::Leave);
                self.code.push("compensate", Instruction::Compensate);
                self.code.push("abort", Instruction::Abort);
            }
            Next::End(end) => {
                for event in &end.produce_events {
                    self.context.unsupported(&event.event_ref.at, &what(state, "produceEvents"));
                }
                if let Some(continue_as) = &end.continue_as {
                    self.context.unsupported(&continue_as.at, &what(state, "continueAs"));
                }
                if end.compensate {
                    self.code.push("leave", Instruction::Leave);
                    self.code.push("compensate", Instruction::Compensate);
                }
                let error_message = self.error_message(state);
                self.code.push("end", Instruction::End { terminate: end.terminate, error_message });
            }
        }
    }

    /// `metadata.errorMessage` of an end state (SonataFlow).
    fn error_message(&mut self, state: &State) -> Option<Template> {
        let text = state.metadata.get("errorMessage")?;
        let at = state.at.key("metadata").key("errorMessage");
        Some(self.context.template(text, &at, &what(state, "errorMessage")))
    }

    fn handlers(&mut self, state: &'a State, id: ScopeId) {
        for (number, on_error) in (1..).zip(&state.on_errors) {
            let errors = self.error_matches(&on_error.errors);
            let then = self.code.here();
            let outside = self.code.enter(&format!("onErrors {number}"));
            self.next(state, &on_error.next);
            self.code.exit(outside);
            self.with_scope(id, |scope| scope.handlers.push(Handler { errors, then }));
        }
    }
}

/// Names a property of a state for people.
pub(super) fn what(state: &State, property: &str) -> String {
    format!("state `{}`: {property}", state.name)
}
