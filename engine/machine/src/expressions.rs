//! Evaluates the expressions and templates of a frame.

use std::sync::Arc;

use rondo_expression::{EvalError, Expression, MergeRules, Scope, Template, Val};
use rondo_program::{Duration, Failure, FailureKind, Program};

use crate::{Context, FrameId, Millis, context::WorkflowVariable, turn::Machine};

impl<'a> Machine<'a> {
    /// The value of an expression over `data`, with the variables of a frame.
    pub(crate) fn evaluate(&self, id: FrameId, expression: &Expression, data: &Val) -> Result<Val, Failure> {
        let scope = self.expression_scope(id);
        let extended = with_parameters(data, &scope.variables, |name| expression.reads(name));
        expression
            .eval(extended.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| expression_failure(&error))
    }

    /// Whether a condition over the data of a frame is true.
    pub(crate) fn is_true(&self, id: FrameId, condition: &Expression) -> Result<bool, Failure> {
        let scope = self.expression_scope(id);
        let data = self.snapshot.data_of(id);
        let extended = with_parameters(data, &scope.variables, |name| condition.reads(name));
        condition
            .eval_bool(extended.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| expression_failure(&error))
    }

    /// Evaluates a template over the focus of a frame. By the specification an expression that fails is an error; as on SonataFlow it stays in
    /// the result as text (spec-0.8, rule 46).
    pub(crate) fn fill_template(&self, id: FrameId, template: &Template) -> Result<Val, Failure> {
        if self.program.merge == MergeRules::Specification {
            return self.fill_template_strictly(id, template);
        }
        let scope = self.expression_scope(id);
        let data = self.focus(id);
        let extended = with_parameters(data, &scope.variables, |name| template.reads(name));
        Ok(template.eval(extended.as_ref().unwrap_or(data), &scope.as_scope()))
    }

    /// Evaluates a template over the focus of a frame. An expression that fails is an error.
    pub(crate) fn fill_template_strictly(&self, id: FrameId, template: &Template) -> Result<Val, Failure> {
        let scope = self.expression_scope(id);
        let data = self.focus(id);
        let extended = with_parameters(data, &scope.variables, |name| template.reads(name));
        template
            .eval_strict(extended.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| expression_failure(&error))
    }

    /// The focus of the current action; without one, the data of the frame.
    pub(crate) fn focus(&self, id: FrameId) -> &Val {
        let focus = self.snapshot.frame(id).and_then(|frame| frame.focus.as_ref());
        focus.unwrap_or_else(|| self.snapshot.data_of(id))
    }

    /// The variables of a frame and of its ancestors, the innermost last.
    pub(crate) fn variables(&self, id: FrameId) -> Vec<(Arc<str>, Val)> {
        let mut frames = Vec::new();
        let mut next = Some(id);
        while let Some(frame) = next.and_then(|id| self.snapshot.frame(id)) {
            frames.push(frame);
            next = frame.parent;
        }
        frames.iter().rev().flat_map(|frame| frame.variables.iter().cloned()).collect()
    }

    /// The values that expressions of a frame can use besides the data.
    pub(crate) fn expression_scope(&self, id: FrameId) -> ExpressionScope<'a> {
        let mut variables = self.context.variables.to_vec();
        variables.extend(self.variables(id));
        let previous = self.snapshot.frame(id).and_then(|frame| frame.previous.clone());
        let response = self.snapshot.response.clone();
        let error = self.handled_error(id).cloned();
        let input = &self.snapshot.input;
        let workflow = WorkflowVariable::new(self.program, self.context, input, previous, response, error);
        ExpressionScope {
            workflow: Val::Lookup(Arc::new(workflow)),
            variables,
            program: self.program,
            context: self.context,
            now: self.now,
        }
    }

    /// The moment at which a duration ends that begins now. An expression may give this moment itself, which no clock speed moves.
    pub(crate) fn end_of_duration(&self, id: FrameId, duration: &Duration) -> Result<Millis, Failure> {
        match duration {
            Duration::Fixed(span) => Ok(self.time_after(*span)),
            Duration::Computed(expression) => {
                let value = self.evaluate(id, expression, self.snapshot.data_of(id))?;
                let text = value.to_text();
                if let Some(moment) = rondo_program::parse_moment(&text) {
                    return Ok(moment);
                }
                let span = rondo_program::parse_duration(&text).map_err(|error| {
                    Failure::runtime(format!(
                        "`{}` gives `{text}`, which is neither a duration nor a moment such as 2027-01-31T09:00:00Z: {error}",
                        expression.source()
                    ))
                })?;
                Ok(self.time_after(span))
            }
        }
    }

    /// The value of a property that must be a whole number: `batchSize`, `numCompleted`.
    pub(crate) fn evaluate_count(
        &self,
        id: FrameId,
        expression: &Expression,
        property: &str,
    ) -> Result<u32, Failure> {
        let value = self.evaluate(id, expression, self.snapshot.data_of(id))?;
        let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
            Failure::runtime(format!(
                "{property} `{}` gives `{}`, not a number",
                expression.source(),
                value.to_text()
            ))
        })
    }

    /// The moment at which a time ends that begins now, divided by the clock speed of the context.
    pub(crate) fn time_after(&self, span: std::time::Duration) -> Millis {
        let span = span.as_millis() / u128::from(self.context.speed.max(1));
        self.now.saturating_add(Millis::try_from(span).unwrap_or(Millis::MAX))
    }
}

/// The failure for an expression that cannot be evaluated.
pub(crate) fn expression_failure(error: &EvalError) -> Failure {
    Failure::new(FailureKind::Expression, error.to_string())
}

/// The data with iteration parameters as members: those that an expression reads and the data does not have. `None` if there are none.
///
/// The specification puts the element at `.PARAM`, SonataFlow only at `$PARAM`, and published workflows use both. Only the expression sees the
/// additional members; the data itself does not change.
fn with_parameters(data: &Val, variables: &[(Arc<str>, Val)], reads: impl Fn(&str) -> bool) -> Option<Val> {
    let mut extended = None;
    for (name, value) in variables {
        if data.is_object() && data.get(name).is_none() && reads(name) {
            extended.get_or_insert_with(|| data.clone()).insert(name, value.clone());
        }
    }
    extended
}

/// Owns the values that a [`Scope`] borrows.
pub(crate) struct ExpressionScope<'a> {
    workflow: Val,
    variables: Vec<(Arc<str>, Val)>,
    program: &'a Program,
    context: &'a Context,
    now: Millis,
}

impl ExpressionScope<'_> {
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
