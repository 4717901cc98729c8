//! Lowers states: input filter, body and time limits. Their exits are lowered in `transitions`.

use std::sync::Arc;

use rondo_definition::{
    Compat,
    model::{self, LoopMode, State, StateKind, SwitchConditions},
};
use rondo_expression::Val;
use rondo_program::{BatchSize, Branch, Completion, Duration, Instruction, Loop, ScopeKind};

use super::{Lowering, outline, parse_checked_duration, shared};

impl<'a> Lowering<'a> {
    pub(super) fn lower_state(&mut self, state: &'a State) {
        let outer = self.code.enter_construct(&state.name);
        let kind = ScopeKind::State { name: shared(&state.name), kind: outline::state_kind(&state.kind) };
        let id = self.enter_scope(kind, true);
        self.legacy_states.push(id);
        if let Some(scope) = self.scopes.last() {
            self.entries.insert(&state.name, scope.entry);
        }
        self.is_compensating = state.used_for_compensation;
        let (total, single) = self.state_timeouts(state);
        self.edit_scope(id, |scope| {
            scope.timeout = total;
            scope.single = single;
        });
        let input = self
            .context
            .compile_optional(state.filter.input.as_ref(), &state_property(state, "stateDataFilter.input"));
        if let Some(input) = input {
            let filter = self.state_filter(input);
            self.code.push("input", filter);
        }
        self.lower_body(state);
        if let Some(next) = &state.next {
            self.push_output_filter(state);
            self.lower_next(state, next);
        } else if state.used_for_compensation {
            self.push_output_filter(state);
            self.code.push("leave", Instruction::Leave);
            self.code.push("end", Instruction::EndFrame);
        }
        self.lower_handlers(state, id);
        self.code.exit_construct(outer);
    }

    fn lower_body(&mut self, state: &'a State) {
        match &state.kind {
            StateKind::Operation { actions, parallel: false } => self.lower_actions(actions, state),
            StateKind::Operation { actions, parallel: true } => {
                let branches: Vec<_> =
                    actions.iter().map(|action| (None, std::slice::from_ref(action), None)).collect();
                self.lower_fork(state, &branches, Completion::All);
            }
            StateKind::Parallel { branches, completion } => {
                let completion = self.lower_completion(state, completion);
                let branches: Vec<_> = branches
                    .iter()
                    .map(|branch| {
                        (Some(shared(&branch.name)), branch.actions.as_slice(), Some(&branch.timeouts))
                    })
                    .collect();
                self.lower_fork(state, &branches, completion);
            }
            StateKind::Inject { data } => {
                self.context.lint_injected(&data.value, &data.at, &state_property(state, "data"));
                let value = Val::from(data.value.clone()).without_null_elements();
                self.code.push("inject", Instruction::Inject(value));
            }
            StateKind::Sleep { duration } => {
                let span = parse_checked_duration(duration).unwrap_or_default();
                self.code.push("sleep", Instruction::Sleep(Duration::Fixed(span)));
            }
            StateKind::ForEach(each) => self.lower_for_each(state, each),
            StateKind::Switch(switch) => self.lower_switch(state, switch),
            StateKind::Event(event) => self.lower_event_state(state, event),
            StateKind::Callback(callback) => {
                if let Some(action) = &callback.action {
                    self.lower_action(action, state, true);
                }
                self.lower_callback_event(state, callback);
            }
        }
    }

    /// Lowers branches that run in parallel: for each its name, its actions and its time limits. The actions of a parallel operation
    /// have neither name nor time limits, and get no scope.
    pub(super) fn lower_fork(
        &mut self,
        state: &'a State,
        branches: &[(Option<Arc<str>>, &'a [model::Action], Option<&'a model::Timeouts>)],
        completion: Completion,
    ) {
        let fork = self.code.reserve("fork");
        let join = self.code.reserve("join");
        let mut starts = Vec::with_capacity(branches.len());
        for (name, actions, limits) in branches {
            let workflow_timeouts = &self.context.document.workflow.timeouts;
            // The innermost time limit applies.
            let limit = limits.and_then(|limits| {
                let all = [limits, &state.timeouts, workflow_timeouts];
                all.into_iter().find_map(|limits| limits.branch_exec.as_ref())
            });
            let timeout = limit.and_then(parse_checked_duration);
            let start = self.code.next_pc();
            let outer = self.code.enter_construct(name.as_deref().unwrap_or("branch"));
            if let Some(name) = name {
                let id = self.enter_scope(ScopeKind::Branch { name: Arc::clone(name) }, false);
                self.edit_scope(id, |scope| scope.timeout = timeout);
            }
            starts.push(Branch { start });
            self.branch_timeouts = *limits;
            self.lower_actions(actions, state);
            self.branch_timeouts = None;
            self.code.push("end", Instruction::EndFrame);
            self.code.exit_construct(outer);
        }
        let end = self.code.next_pc();
        self.code.patch(fork, Instruction::Fork { branches: starts, completion });
        self.code.patch(join, Instruction::Jump(end));
    }

    fn lower_completion(&mut self, state: &State, completion: &model::Completion) -> Completion {
        match completion {
            model::Completion::AllOf => Completion::All,
            model::Completion::AtLeast(count) => match count.value.parse() {
                Ok(count) => Completion::Count(count),
                Err(_) => Completion::Computed(
                    self.context.compile_late(count, &state_property(state, "numCompleted")),
                ),
            },
        }
    }

    fn lower_for_each(&mut self, state: &'a State, each: &'a model::ForEach) {
        let input =
            self.context.compile_late(&each.input_collection, &state_property(state, "inputCollection"));
        let output = each
            .output_collection
            .as_ref()
            .map(|output| self.context.compile_late(output, &state_property(state, "outputCollection")));
        let batch = match (each.mode, &each.batch_size) {
            (LoopMode::Sequential, _) => BatchSize::One,
            (LoopMode::OneThread, _) => BatchSize::OneThread,
            (LoopMode::Parallel, Some(size)) => {
                BatchSize::Of(self.context.compile_late(size, &state_property(state, "batchSize")))
            }
            (LoopMode::Parallel, None) => BatchSize::All,
        };
        let start = self.code.reserve("foreach");
        let done = self.code.reserve("done");
        let body = self.code.next_pc();
        let outer = self.code.enter_construct("element");
        let is_isolated = self.context.document.compat == Compat::Spec;
        for action in &each.actions {
            self.lower_action(action, state, is_isolated);
        }
        self.code.push("end", Instruction::EndFrame);
        self.code.exit_construct(outer);
        let end = self.code.next_pc();
        let parameter = shared(&each.iteration_param);
        let each = Loop { input, output, is_isolated, parameter, body, batch };
        self.code.patch(start, Instruction::ForEach(Arc::new(each)));
        self.code.patch(done, Instruction::Jump(end));
    }

    fn lower_switch(&mut self, state: &'a State, switch: &'a model::Switch) {
        let switch_pc = self.code.reserve("switch");
        match &switch.conditions {
            SwitchConditions::Data(conditions) => {
                let mut arms = Vec::with_capacity(conditions.len());
                for (number, condition) in (1..).zip(conditions) {
                    let test =
                        self.context.compile_late(&condition.condition, &state_property(state, "condition"));
                    arms.push((
                        test,
                        self.lower_exit(&format!("condition {number}"), state, &condition.next),
                    ));
                }
                let default = switch.default.as_ref().map(|next| self.lower_exit("default", state, next));
                self.code.patch(switch_pc, Instruction::Switch { arms, default });
            }
            SwitchConditions::Events(conditions) => {
                let default = switch.default.as_ref();
                self.lower_event_switch(switch_pc, state, conditions, default);
            }
        }
    }

    /// The time limits of a state: with retries, and of one execution.
    fn state_timeouts(&self, state: &State) -> (Option<std::time::Duration>, Option<std::time::Duration>) {
        let workflow_timeouts = self.context.document.workflow.timeouts.state_exec.as_ref();
        let Some(limit) = state.timeouts.state_exec.as_ref().or(workflow_timeouts) else {
            return (None, None);
        };
        let span = |text: Option<&model::At<String>>| text.and_then(parse_checked_duration);
        (span(limit.total.as_ref()), span(limit.single.as_ref()))
    }
}

/// Names a property of a state in messages.
pub(super) fn state_property(state: &State, property: &str) -> String {
    format!("state `{}`: {property}", state.name)
}
