//! Lowers actions: condition, sleeps, data filters and the call.

use std::sync::Arc;

use rondo_definition::model::{self, FunctionKind, State};
use rondo_program::{ActionKind, Duration, Instruction, OnParentEnd, Scope, ScopeId, ScopeKind};
use serde_json::Value;

use super::{Lowering, functions::log_level, parse_checked_duration, shared, states::state_property};

impl<'a> Lowering<'a> {
    /// Lowers actions that run one after the other and merge their results into the data.
    pub(super) fn lower_actions(&mut self, actions: &'a [model::Action], state: &'a State) {
        for action in actions {
            self.lower_action(action, state, true);
        }
    }

    /// Lowers one action. `merges_result`: whether a result is merged at the top level of the data if there is no `toStateData`. In a loop of
    /// SonataFlow, whose elements share the data, it is not: the results of the elements go to `outputCollection`.
    pub(super) fn lower_action(&mut self, action: &'a model::Action, state: &'a State, merges_result: bool) {
        let target = shared(target_name(&action.kind));
        let name = action.name.as_deref().map_or_else(|| Arc::clone(&target), shared);
        let place = |property: &str| state_property(state, &format!("action `{name}`: {property}"));
        let is_async = is_async(action);
        let retry_policy = if is_async { None } else { self.retry_policy(action) };
        let workflow_timeouts = &self.context.document.workflow.timeouts;
        let limits = self.branch_timeouts.into_iter().chain([&state.timeouts, workflow_timeouts]);
        let limit = limits.map(|limits| limits.action_exec.as_ref()).find_map(|limit| limit);
        let timeout = limit.filter(|_| !is_async).and_then(parse_checked_duration);
        let outer = self.code.enter_construct(&name);
        let condition = action.condition.as_ref().map(|_| self.code.reserve("condition"));
        let kind = ScopeKind::Action {
            name: Arc::clone(&name),
            target,
            kind: action_kind(&self.context.document.workflow, &action.kind),
        };
        let id = self.enter_scope(kind, condition.is_none());
        self.legacy_actions.push(id);
        self.edit_scope(id, |scope| {
            scope.timeout = timeout;
            scope.retry = retry_policy.map(Box::new);
        });
        self.push_sleep("sleepBefore", action.sleep_before.as_ref());
        let filter = &action.filter;
        if let Some(from) =
            self.context.compile_optional(filter.from_state_data.as_ref(), &place("fromStateData"))
        {
            self.code.push("fromStateData", Instruction::Focus(from));
        }
        self.lower_invocation(action, &place("arguments"));
        self.add_call_site(action, state_property(state, &format!("action `{name}`")), merges_result);
        if let Some(results) = self.context.compile_optional(filter.results.as_ref(), &place("results"))
            && filter.use_results
            && !is_async
        {
            self.code.push("results", Instruction::FilterResult(results));
        }
        let to = self.context.compile_path(filter.to_state_data.as_ref(), &place("toStateData"));
        if filter.use_results && !is_async && (merges_result || to.is_some()) {
            self.code.push("toStateData", Instruction::Merge(to));
        }
        self.push_sleep("sleepAfter", action.sleep_after.as_ref());
        self.code.push("leave", Instruction::Leave);
        let to = self.code.next_pc();
        let test = action
            .condition
            .as_ref()
            .map(|condition| self.context.compile_late(condition, &place("condition")));
        if let Some((pc, condition)) = condition.zip(test) {
            self.code.patch(pc, Instruction::SkipUnless { condition, to });
        }
        self.code.exit_construct(outer);
    }

    /// Adds the scope of the current construct, with its `Enter` instruction. `in_format1`: whether the first format of snapshots counted this
    /// instruction.
    pub(super) fn enter_scope(&mut self, kind: ScopeKind, in_format1: bool) -> ScopeId {
        let id = ScopeId(u32::try_from(self.scopes.len()).unwrap_or(u32::MAX));
        let enter = Instruction::Enter(id);
        let entry = if in_format1 { self.code.push("", enter) } else { self.code.push_unnumbered("", enter) };
        self.scopes.push(Scope {
            kind,
            entry,
            handlers: Vec::new(),
            retry: None,
            timeout: None,
            single: None,
            compensation: None,
        });
        id
    }

    pub(super) fn edit_scope(&mut self, id: ScopeId, edit: impl FnOnce(&mut Scope)) {
        if let Some(scope) = self.scopes.get_mut(id.0 as usize) {
            edit(scope);
        }
    }

    fn push_sleep(&mut self, step: &str, text: Option<&model::At<String>>) {
        if let Some(text) = text {
            let span = parse_checked_duration(text).unwrap_or_default();
            self.code.push(step, Instruction::Sleep(Duration::Fixed(span)));
        }
    }

    fn lower_invocation(&mut self, action: &'a model::Action, place: &str) {
        match &action.kind {
            model::ActionKind::Function(reference) => self.lower_function_ref(reference, place),
            model::ActionKind::SubFlow(reference) => {
                let (workflow, version) =
                    (shared(&reference.workflow_id.value), reference.version.as_deref().map(shared));
                let detached = reference.invoke_async.then_some(match reference.continue_after_parent {
                    true => OnParentEnd::Continue,
                    false => OnParentEnd::Terminate,
                });
                self.code.push("subflow", Instruction::Subflow { workflow, version, detached });
            }
            model::ActionKind::Event(reference) => self.lower_event_ref(reference, place),
        }
    }

    fn lower_function_ref(&mut self, reference: &'a model::FunctionRef, place: &str) {
        let name = &reference.name;
        let Some(function) = self.context.document.workflow.functions.get(&name.value) else {
            return; // The check of the document reports the missing function.
        };
        self.used_functions.insert(&function.name);
        if self.received.contains_key(&function.name) {
            // Where nobody waits for it, it is received by nobody.
            if !reference.invoke_async {
                self.lower_received_message(&function.name);
            }
            return;
        }
        if function.kind == FunctionKind::Expression && reference.invoke_async {
            return; // Nobody sees its value, and evaluating it does nothing else.
        }
        if function.kind == FunctionKind::Expression {
            let expression = self
                .context
                .compile_expression(&function.operation, &format!("function `{}`", function.name));
            self.code.push("evaluate", Instruction::Evaluate(expression));
            return;
        }
        let arguments = reference.arguments.as_ref();
        if let Some(level) = log_level(function) {
            let message =
                arguments.and_then(|arguments| Some((arguments.value.get("message")?, &arguments.at)));
            if let Some((message, at)) = message {
                let message = self.context.compile_template(message, &at.key("message"), place);
                self.code.push("log", Instruction::Log { level, message });
            }
            return;
        }
        let config_key = function.metadata.get("configKey").and_then(Value::as_str).map(|text| {
            let text = model::At { value: text.to_owned(), at: function.at.clone() };
            self.context
                .compile_expression(&text, &format!("{place}: configKey of function `{}`", function.name))
        });
        let arguments = self.lower_arguments(function, reference, place);
        let function = shared(&name.value);
        let is_async = reference.invoke_async;
        self.code.push("call", Instruction::Call { function, arguments, config_key, is_async });
    }
}

/// Whether nobody waits for what an action starts. Its result, its retries and its time limit have no meaning then.
fn is_async(action: &model::Action) -> bool {
    match &action.kind {
        model::ActionKind::Function(reference) => reference.invoke_async,
        model::ActionKind::Event(reference) => reference.invoke_async,
        model::ActionKind::SubFlow(reference) => reference.invoke_async,
    }
}

/// Name of the function, event or workflow that an action calls.
pub(super) fn target_name(kind: &model::ActionKind) -> &str {
    match kind {
        model::ActionKind::Function(reference) => &reference.name.value,
        model::ActionKind::Event(reference) => &reference.trigger.event_ref.value,
        model::ActionKind::SubFlow(reference) => &reference.workflow_id.value,
    }
}

/// What an action does.
pub(super) fn action_kind(workflow: &model::Workflow, kind: &model::ActionKind) -> ActionKind {
    match kind {
        model::ActionKind::SubFlow(_) => ActionKind::Subflow,
        model::ActionKind::Event(_) => ActionKind::Event,
        model::ActionKind::Function(reference) => match workflow.functions.get(&reference.name.value) {
            Some(function) if function.kind == FunctionKind::Expression => ActionKind::Compute,
            Some(function) if log_level(function).is_some() => ActionKind::Log,
            _ => ActionKind::Call,
        },
    }
}
