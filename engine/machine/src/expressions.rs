//! Expressions of a frame: what they see, and what they give.

use std::sync::Arc;

use rondo_expression::{EvalError, Expression, Scope, Template, Val};
use rondo_program::{Duration, Failure, FailureKind, Program};

use crate::{Context, FrameId, Millis, context::WorkflowVariable, turn::Machine};

impl<'a> Machine<'a> {
    pub(crate) fn evaluate(&self, id: FrameId, expression: &Expression, data: &Val) -> Result<Val, Failure> {
        let scope = self.scope(id);
        let seen = with_parameters(data, &scope.variables, |name| expression.reads(name));
        expression
            .eval(seen.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| expression_failure(&error))
    }

    pub(crate) fn is_true(&self, id: FrameId, condition: &Expression) -> Result<bool, Failure> {
        let scope = self.scope(id);
        let data = self.snapshot.data_of(id);
        let seen = with_parameters(data, &scope.variables, |name| condition.reads(name));
        condition
            .eval_bool(seen.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| expression_failure(&error))
    }

    /// Fills a template in; what cannot be evaluated stays as it is written.
    pub(crate) fn fill(&self, id: FrameId, template: &Template) -> Val {
        let scope = self.scope(id);
        let data = self.focus(id);
        let seen = with_parameters(data, &scope.variables, |name| template.reads(name));
        template.eval(seen.as_ref().unwrap_or(data), &scope.as_scope())
    }

    /// Fills a template in; an expression in it that fails is an error, a text that is none stays as it is.
    pub(crate) fn fill_strictly(&self, id: FrameId, template: &Template) -> Result<Val, Failure> {
        let scope = self.scope(id);
        let data = self.focus(id);
        let seen = with_parameters(data, &scope.variables, |name| template.reads(name));
        template
            .eval_strict(seen.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| expression_failure(&error))
    }

    /// What the current action sees.
    pub(crate) fn focus(&self, id: FrameId) -> &Val {
        let focus = self.snapshot.frame(id).and_then(|frame| frame.focus.as_ref());
        focus.unwrap_or_else(|| self.snapshot.data_of(id))
    }

    /// Variables of a frame and of those above it, the innermost last.
    pub(crate) fn variables(&self, id: FrameId) -> Vec<(Arc<str>, Val)> {
        let mut frames = Vec::new();
        let mut next = Some(id);
        while let Some(frame) = next.and_then(|id| self.snapshot.frame(id)) {
            frames.push(frame);
            next = frame.parent;
        }
        frames.iter().rev().flat_map(|frame| frame.variables.iter().cloned()).collect()
    }

    /// What expressions of a frame may look at beside the data.
    pub(crate) fn scope(&self, id: FrameId) -> Surroundings<'a> {
        let mut variables = self.context.variables.to_vec();
        variables.extend(self.variables(id));
        let previous = self.snapshot.frame(id).and_then(|frame| frame.previous.clone());
        let response = self.snapshot.response.clone();
        let workflow =
            WorkflowVariable::new(self.program, self.context, &self.snapshot.input, previous, response);
        Surroundings {
            workflow: Val::Lookup(Arc::new(workflow)),
            variables,
            program: self.program,
            context: self.context,
            now: self.now,
        }
    }

    /// The moment at which a duration that begins now is over.
    pub(crate) fn moment(&self, id: FrameId, duration: &Duration) -> Result<Millis, Failure> {
        match duration {
            Duration::Fixed(span) => Ok(self.after(*span)),
            Duration::Computed(expression) => {
                let value = self.evaluate(id, expression, self.snapshot.data_of(id))?;
                let text = value.to_text();
                let span = rondo_program::parse_duration(&text).map_err(|error| {
                    Failure::runtime(format!(
                        "`{}` gives `{text}`, which is no duration: {error}",
                        expression.source()
                    ))
                })?;
                Ok(self.after(span))
            }
        }
    }

    pub(crate) fn after(&self, span: std::time::Duration) -> Millis {
        let span = span.as_millis() / u128::from(self.context.speed.max(1));
        self.now.saturating_add(Millis::try_from(span).unwrap_or(Millis::MAX))
    }
}

/// An expression failed.
pub(crate) fn expression_failure(error: &EvalError) -> Failure {
    Failure::new(FailureKind::Expression, error.to_string())
}

/// The data with the iteration parameters as members, where an expression reads one that the data does not have.
///
/// The specification puts the element at `.PARAM`, SonataFlow at `$PARAM` only; published flows use both. The data
/// itself stays as it is, and so does whatever is handed on whole.
fn with_parameters(data: &Val, variables: &[(Arc<str>, Val)], reads: impl Fn(&str) -> bool) -> Option<Val> {
    let mut seen = None;
    for (name, value) in variables {
        if data.is_object() && data.get(name).is_none() && reads(name) {
            seen.get_or_insert_with(|| data.clone()).insert(name, value.clone());
        }
    }
    seen
}

/// Owner of what a [`Scope`] borrows.
pub(crate) struct Surroundings<'a> {
    workflow: Val,
    variables: Vec<(Arc<str>, Val)>,
    program: &'a Program,
    context: &'a Context,
    now: Millis,
}

impl Surroundings<'_> {
    pub(crate) fn as_scope(&self) -> Scope<'_> {
        Scope {
            workflow: &self.workflow,
            secrets: &self.context.secrets,
            constants: &self.program.constants,
            variables: &self.variables,
            budget: &self.context.budget,
            now: self.now,
        }
    }
}
