//! Actions: condition, sleeps, filters, and what they call.

use std::sync::Arc;

use rondo_definition::model::{self, FunctionKind, State};
use rondo_expression::Val;
use rondo_program::{ActionKind, Arguments, Duration, Instruction, Scope, ScopeId, ScopeKind};
use serde_json::{Map, Value};

use super::{Lowering, duration_of, functions::log_level, shared, states::what};

impl<'a> Lowering<'a> {
    /// Actions one after the other, their results merged.
    pub(super) fn actions(&mut self, actions: &'a [model::Action], state: &'a State) {
        for action in actions {
            self.action(action, state, true);
        }
    }

    /// One action. In a loop (`merges` is false) a result reaches the data only by `toStateData`.
    pub(super) fn action(&mut self, action: &'a model::Action, state: &'a State, merges: bool) {
        let target = shared(target_name(&action.kind));
        let name = action.name.as_deref().map_or_else(|| Arc::clone(&target), shared);
        let label = |property: &str| what(state, &format!("action `{name}`: {property}"));
        let retry = self.retry(action);
        let of_workflow = &self.context.document.workflow.timeouts;
        let limits = self.within_branch.into_iter().chain([&state.timeouts, of_workflow]);
        let limit = limits.map(|limits| limits.action_exec.as_ref()).find_map(|limit| limit);
        let timeout = limit.and_then(duration_of);
        let outside = self.code.enter(&name);
        let condition = action.condition.as_ref().map(|_| self.code.reserve("condition"));
        let kind = ScopeKind::Action {
            name: Arc::clone(&name),
            target,
            kind: kind_of(&self.context.document.workflow, &action.kind),
        };
        let id = self.enter_scope(kind, condition.is_none());
        self.legacy_actions.push(id);
        self.with_scope(id, |scope| {
            scope.timeout = timeout;
            scope.retry = retry.map(Box::new);
        });
        self.sleep("sleepBefore", action.sleep_before.as_ref());
        let filter = &action.filter;
        if let Some(from) = self.context.optional(filter.from_state_data.as_ref(), &label("fromStateData")) {
            self.code.push("fromStateData", Instruction::Focus(from));
        }
        self.invocation(action, &label("arguments"));
        if let Some(results) = self.context.optional(filter.results.as_ref(), &label("results"))
            && filter.use_results
        {
            self.code.push("results", Instruction::Results(results));
        }
        let to = self.context.optional(filter.to_state_data.as_ref(), &label("toStateData"));
        if filter.use_results && (merges || to.is_some()) {
            self.code.push("toStateData", Instruction::Merge(to));
        }
        self.sleep("sleepAfter", action.sleep_after.as_ref());
        self.code.push("leave", Instruction::Leave);
        let to = self.code.here();
        let test = self.context.optional(action.condition.as_ref(), &label("condition"));
        if let Some((place, condition)) = condition.zip(test) {
            self.code.patch(place, Instruction::SkipUnless { condition, to });
        }
        self.code.exit(outside);
    }

    /// Opens a scope at the construct that was entered. `numbered`: the first format of snapshots counted its first instruction.
    pub(super) fn enter_scope(&mut self, kind: ScopeKind, numbered: bool) -> ScopeId {
        let id = ScopeId(u32::try_from(self.scopes.len()).unwrap_or(u32::MAX));
        let enter = Instruction::Enter(id);
        let entry = if numbered { self.code.push("", enter) } else { self.code.push_unnumbered("", enter) };
        self.scopes.push(Scope {
            kind,
            entry,
            handlers: Vec::new(),
            retry: None,
            timeout: None,
            compensation: None,
        });
        id
    }

    pub(super) fn with_scope(&mut self, id: ScopeId, change: impl FnOnce(&mut Scope)) {
        if let Some(scope) = self.scopes.get_mut(id.0 as usize) {
            change(scope);
        }
    }

    fn sleep(&mut self, step: &str, text: Option<&model::At<String>>) {
        if let Some(text) = text {
            let span = duration_of(text).unwrap_or_default();
            self.code.push(step, Instruction::Sleep(Duration::Fixed(span)));
        }
    }

    fn invocation(&mut self, action: &'a model::Action, label: &str) {
        match &action.kind {
            model::ActionKind::Function(reference) => self.function(reference, label),
            model::ActionKind::SubFlow(reference) => {
                let (workflow, version) =
                    (shared(&reference.workflow_id.value), reference.version.as_deref().map(shared));
                self.code.push("subflow", Instruction::Child { workflow, version });
            }
            model::ActionKind::Event(reference) => {
                self.context.unsupported(&reference.trigger.event_ref.at, "an action that produces an event");
            }
        }
    }

    fn function(&mut self, reference: &'a model::FunctionRef, label: &str) {
        let name = &reference.name;
        let Some(function) = self.context.document.workflow.functions.get(&name.value) else {
            return; // Reported when the document was checked.
        };
        self.used_functions.insert(&function.name);
        if function.kind == FunctionKind::Expression {
            let expression =
                self.context.expression(&function.operation, &format!("function `{}`", function.name));
            self.code.push("evaluate", Instruction::Evaluate(expression));
            return;
        }
        let arguments = reference.arguments.as_ref();
        if let Some(level) = log_level(function) {
            let message =
                arguments.and_then(|arguments| Some((arguments.value.get("message")?, &arguments.at)));
            if let Some((message, at)) = message {
                let message = self.context.template(message, &at.key("message"), label);
                self.code.push("log", Instruction::Log { level, message });
            }
            return;
        }
        let config_key = function.metadata.get("configKey").and_then(Value::as_str).map(|text| {
            let text = model::At { value: text.to_owned(), at: function.at.clone() };
            self.context.expression(&text, &format!("{label}: configKey of function `{}`", function.name))
        });
        let arguments = match arguments {
            None => Arguments::None,
            Some(arguments) => {
                let value = as_read(&arguments.value);
                Arguments::Template(self.context.template_of(&value, &arguments.value, &arguments.at, label))
            }
        };
        let function = shared(&name.value);
        self.code.push("call", Instruction::Call { function, arguments, config_key });
    }
}

/// Arguments as SonataFlow reads them: a text that is an object's JSON is that object, those that are written as null are none, and
/// lists take no null.
fn as_read(arguments: &Value) -> Value {
    let object = arguments.as_str().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let arguments = object.map_or_else(|| arguments.clone(), Value::Object);
    let mut arguments = Value::from(Val::from(arguments).without_null_elements());
    if let Value::Object(members) = &mut arguments {
        members.retain(|_, value| !value.is_null());
    }
    arguments
}

pub(super) fn target_name(kind: &model::ActionKind) -> &str {
    match kind {
        model::ActionKind::Function(reference) => &reference.name.value,
        model::ActionKind::Event(reference) => &reference.trigger.event_ref.value,
        model::ActionKind::SubFlow(reference) => &reference.workflow_id.value,
    }
}

/// What an action does.
pub(super) fn kind_of(workflow: &model::Workflow, kind: &model::ActionKind) -> ActionKind {
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
