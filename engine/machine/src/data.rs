//! Results of actions, and merging them into the data.
//!
//! Owns: the registers *focus*, *result* and *previous* of a frame, and the merging of *result* into the data. Promises: an action without a
//! result changes nothing; any result, also null, an empty array or an empty object, is merged by the table of
//! [`rondo_expression::merge`]; if the merged data would be too large, the data stays as it was. Never: depends on the source of a value.
//!
//! As on SonataFlow, *focus* is also the result of an action that has no other result, for example of a `sysout` with `fromStateData`.

use rondo_expression::{Expression, MergeRules, Val};

use rondo_program::Failure;

use crate::{
    FrameId,
    expressions::expression_failure,
    frame::{Role, Wait},
    turn::Machine,
};

impl Machine<'_> {
    /// Replaces the data of a frame by the value of a state data filter.
    pub(crate) fn filter_data(&mut self, id: FrameId, filter: &Expression) -> Result<(), Failure> {
        let data = self.evaluate(id, filter, self.snapshot.data_of(id))?;
        self.count_retained(&data);
        self.snapshot.set_data_of(id, data);
        Ok(())
    }

    /// Replaces the data of a frame by the value of a state data filter, unless the filter selects nothing.
    pub(crate) fn select_data(&mut self, id: FrameId, filter: &Expression) -> Result<(), Failure> {
        let data = self.evaluate(id, filter, self.snapshot.data_of(id))?;
        if !data.is_null() {
            self.count_retained(&data);
            self.snapshot.set_data_of(id, data);
        }
        Ok(())
    }

    /// Merges the data of an inject state into the data of a frame.
    pub(crate) fn inject_data(&mut self, id: FrameId, value: &Val) -> Result<(), Failure> {
        self.merge_at_top(id, value.clone())
    }

    /// Sets the focus of an action. It is also the result of the action until the action has another one.
    pub(crate) fn set_focus(&mut self, id: FrameId, value: Val) {
        self.count_retained(&value);
        self.count_retained(&value);
        self.edit_frame(id, |frame| {
            frame.result = Some(value.clone());
            frame.focus = Some(value);
        });
    }

    /// Sets the result of an action to the value of an expression.
    pub(crate) fn set_result(&mut self, id: FrameId, value: Val) {
        self.keep_previous_result(id, &value);
        self.count_retained(&value);
        self.edit_frame(id, |frame| frame.result = Some(value));
    }

    /// An action has no result, not even its focus.
    pub(crate) fn clear_result(&mut self, id: FrameId) {
        self.edit_frame(id, |frame| frame.result = None);
    }

    /// Keeps the result of an action as the previous result, if something needs it.
    pub(crate) fn keep_previous_result(&mut self, id: FrameId, value: &Val) {
        if self.needs_previous_result(id) {
            self.count_retained(value);
            self.edit_frame(id, |frame| frame.previous = Some(value.clone()));
        }
    }

    /// Whether the previous result of a frame is needed: by `$WORKFLOW.prevActionResult`, or by the loop that collects the results of its
    /// elements.
    pub(crate) fn needs_previous_result(&self, id: FrameId) -> bool {
        let is_iteration =
            self.snapshot.frame(id).is_some_and(|frame| matches!(frame.role, Role::Iteration(_)));
        self.program.uses_previous_result || is_iteration
    }

    /// Completes the call or subflow that a frame waits for: the answer becomes the result, and the frame continues at the next instruction.
    pub(crate) fn complete_call(&mut self, id: FrameId, answer: Option<Val>) {
        self.keep_previous_result(id, answer.as_ref().unwrap_or(&Val::Null));
        if let Some(answer) = &answer {
            self.count_retained(answer);
        }
        self.edit_frame(id, |frame| {
            frame.result = answer;
            frame.wait = Wait::Ready;
            frame.call_in_doubt = None;
            frame.pc = frame.pc.saturating_add(1);
            if let Some(open) = frame.scopes.last_mut() {
                open.deadline = None;
            }
        });
        self.ready.push_back(id);
    }

    /// Merges the result of an action into the data: at the top level, or at a path. Without a result it does nothing.
    pub(crate) fn merge_result(&mut self, id: FrameId, path: Option<&Expression>) -> Result<(), Failure> {
        let result = self.snapshot.frame(id).and_then(|frame| frame.result.clone());
        match (path, result) {
            (_, None) => Ok(()),
            (Some(path), Some(result)) => self.merge_at_path(id, path, result, self.program.merge),
            (None, Some(result)) => self.merge_at_top(id, result),
        }
    }

    fn merge_at_top(&mut self, id: FrameId, value: Val) -> Result<(), Failure> {
        self.isolate_element(id);
        let data = self.snapshot.take_data_of(id);
        // A value that has two holders is copied when it changes, so a copy of the data is kept only if the merged data may be too large.
        let before = (!data.fits_with(&value, &self.context.budget)).then(|| data.clone());
        let data = rondo_expression::merge(data, value, self.program.merge);
        self.set_checked_data(id, data).inspect_err(|_| {
            if let Some(before) = before {
                self.snapshot.set_data_of(id, before);
            }
        })
    }

    /// Merges a value into the data at a path. If that fails, the data stays as it was.
    pub(crate) fn merge_at_path(
        &mut self,
        id: FrameId,
        path: &Expression,
        value: Val,
        rules: MergeRules,
    ) -> Result<(), Failure> {
        self.isolate_element(id);
        let data = self.snapshot.data_of(id).clone();
        let data = rondo_expression::assign(data, path, value, &self.expression_scope(id).as_scope(), rules)
            .map_err(|error| expression_failure(&error))?;
        self.set_checked_data(id, data)
    }

    /// Sets the data of a frame after a merge, unless it is too large.
    fn set_checked_data(&mut self, id: FrameId, data: Val) -> Result<(), Failure> {
        self.check_size(&data)?;
        self.count_retained(&data);
        self.snapshot.set_data_of(id, data);
        Ok(())
    }

    /// Checks that data is within the limits of a value.
    pub(crate) fn check_size(&self, data: &Val) -> Result<(), Failure> {
        let result = data.size().check(&self.context.budget);
        result.map_err(|exceeded| Failure::runtime(format!("the data cannot take the result: {exceeded}")))
    }
}
