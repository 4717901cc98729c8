//! Results of actions, and how they get into the data.
//!
//! Owns: the registers *focus*, *result* and *previous* of a frame, and the merging of *result* into the data. Promises: an action
//! that gives nothing changes nothing; what it gives, also null, an empty array or an empty object, is merged by the table of
//! [`rondo_expression::merge`]; a result that the data cannot take leaves them as they were. Never: looks at where a value came from.
//!
//! SonataFlow also merges what an action sees, when the action itself gives nothing: a filter `fromStateData` on a `sysout`, for one.

use rondo_expression::{Expression, MergeRules, Val};

use rondo_program::Failure;

use crate::{
    FrameId,
    expressions::expression_failure,
    snapshot::{Role, Wait},
    turn::Machine,
};

impl Machine<'_> {
    /// Replaces the data of a frame by what a state's filter gives.
    pub(crate) fn filter(&mut self, id: FrameId, filter: &Expression) -> Result<(), Failure> {
        let data = self.evaluate(id, filter, self.snapshot.data_of(id))?;
        self.hold(&data);
        self.snapshot.set_data_of(id, data);
        Ok(())
    }

    /// Merges the data of an inject state.
    pub(crate) fn inject(&mut self, id: FrameId, value: &Val) -> Result<(), Failure> {
        self.merge_at_top(id, value.clone())
    }

    /// Sets what an action sees, which is also its result until it has another.
    pub(crate) fn focus_on(&mut self, id: FrameId, value: Val) {
        self.hold(&value);
        self.hold(&value);
        self.with_frame(id, |frame| {
            frame.result = Some(value.clone());
            frame.focus = Some(value);
        });
    }

    /// Sets the result of an action that an expression gave.
    pub(crate) fn computed(&mut self, id: FrameId, value: Val) {
        self.keep_previous(id, &value);
        self.hold(&value);
        self.with_frame(id, |frame| frame.result = Some(value));
    }

    /// Keeps what an action gave for those who look at it when the action is over.
    fn keep_previous(&mut self, id: FrameId, value: &Val) {
        if self.keeps_previous(id) {
            self.hold(value);
            self.with_frame(id, |frame| frame.previous = Some(value.clone()));
        }
    }

    /// Whether something looks at what the actions of a frame gave: an expression, or the loop that collects its elements' results.
    pub(crate) fn keeps_previous(&self, id: FrameId) -> bool {
        let is_element =
            self.snapshot.frame(id).is_some_and(|frame| matches!(frame.role, Role::Iteration(_)));
        self.program.uses_previous_result || is_element
    }

    /// An answer came for a frame, which goes on behind the call.
    pub(crate) fn answered(&mut self, id: FrameId, answer: Option<Val>) {
        self.keep_previous(id, answer.as_ref().unwrap_or(&Val::Null));
        if let Some(answer) = &answer {
            self.hold(answer);
        }
        self.with_frame(id, |frame| {
            frame.result = answer;
            frame.wait = Wait::Ready;
            frame.unsettled = None;
            frame.pc = frame.pc.saturating_add(1);
            if let Some(open) = frame.scopes.last_mut() {
                open.deadline = None;
            }
        });
        self.ready.push_back(id);
    }

    /// Merges the result of an action, if it has one, into the data: at the top, or at a path.
    pub(crate) fn merge(&mut self, id: FrameId, path: Option<&Expression>) -> Result<(), Failure> {
        let result = self.snapshot.frame(id).and_then(|frame| frame.result.clone());
        match (path, result) {
            (_, None) => Ok(()),
            (Some(path), Some(result)) => self.assign(id, path, result, self.program.merge),
            (None, Some(result)) => self.merge_at_top(id, result),
        }
    }

    fn merge_at_top(&mut self, id: FrameId, value: Val) -> Result<(), Failure> {
        let data = self.snapshot.take_data_of(id);
        // A merge copies what something else holds too, so the data are kept as they were only if they may become too large.
        let before = (!data.fits_with(&value, &self.context.budget)).then(|| data.clone());
        let data = rondo_expression::merge(data, value, self.program.merge);
        self.store(id, data).inspect_err(|_| {
            if let Some(before) = before {
                self.snapshot.set_data_of(id, before);
            }
        })
    }

    /// Merges a value into the data at a path.
    pub(crate) fn assign(
        &mut self,
        id: FrameId,
        path: &Expression,
        value: Val,
        rules: MergeRules,
    ) -> Result<(), Failure> {
        // The data stay where they are, for a failure must leave them as they were.
        let data = self.snapshot.data_of(id).clone();
        let data = rondo_expression::assign(data, path, value, &self.scope(id).as_scope(), rules)
            .map_err(|error| expression_failure(&error))?;
        self.store(id, data)
    }

    /// Sets the data of a frame after a merge, unless they have become too large.
    fn store(&mut self, id: FrameId, data: Val) -> Result<(), Failure> {
        self.check_size(&data)?;
        self.hold(&data);
        self.snapshot.set_data_of(id, data);
        Ok(())
    }

    pub(crate) fn check_size(&self, data: &Val) -> Result<(), Failure> {
        let checked = data.size().check(&self.context.budget);
        checked.map_err(|exceeded| Failure::runtime(format!("the data cannot take the result: {exceeded}")))
    }
}
