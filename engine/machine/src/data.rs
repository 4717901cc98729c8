//! Results of actions, and how they get into the data.
//!
//! The rules are SonataFlow's, so that data are what its users know. Two of them need a word:
//!
//! * An action's result begins as nothing. An empty array or object that an expression merely picked out of the data
//!   leaves it so; one that an expression made counts (`VariableScopeInstance.ignoreChange`).
//! * An array or object that a result puts at a second place of the data stays one with the first for the rest of the turn: a
//!   later merge into one shows in the other. When the instance has waited they are two, as they are after SonataFlow
//!   has read an instance from its database.

use rondo_expression::{Expression, Renewed, Val};

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
        self.linked |= data.is_made();
        self.snapshot.set_data_of(id, data);
        Ok(())
    }

    /// Merges the data of an inject state.
    pub(crate) fn inject(&mut self, id: FrameId, value: &Val) -> Result<(), Failure> {
        self.merge_at_top(id, value.fresh())
    }

    /// What an action sees is also its result, until it has another.
    pub(crate) fn focus_on(&mut self, id: FrameId, value: Val) {
        self.linked |= is_container(&value);
        let counts = !is_picked_empty(&value) || self.has_given(id);
        self.with_frame(id, |frame| {
            frame.result = counts.then(|| value.clone());
            frame.focus = Some(if counts { value } else { Val::Null });
        });
    }

    /// An expression gave the result of an action.
    pub(crate) fn computed(&mut self, id: FrameId, value: Val) {
        self.linked |= is_container(&value);
        self.gave(id, &value);
        self.with_frame(id, |frame| {
            if frame.result.is_some() || !is_picked_empty(&value) {
                frame.result = Some(value);
            }
        });
    }

    /// Keeps what an action gave for those who look at it when it is over. What counts as no result for the data counts here once
    /// there is another.
    fn gave(&mut self, id: FrameId, value: &Val) {
        if !self.keeps_previous(id) {
            return;
        }
        let counts = !is_picked_empty(value) || self.has_given(id);
        self.with_frame(id, |frame| {
            if counts || frame.result.is_some() {
                frame.previous = Some(value.clone());
            }
        });
    }

    /// Whether something looks at what the actions of a frame gave.
    pub(crate) fn keeps_previous(&self, id: FrameId) -> bool {
        self.program.uses_previous || self.is_element(id)
    }

    fn is_element(&self, id: FrameId) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| matches!(frame.role, Role::Iteration(_)))
    }

    /// Whether an action of this element has given something already.
    fn has_given(&self, id: FrameId) -> bool {
        self.is_element(id) && self.snapshot.frame(id).is_some_and(|frame| frame.previous.is_some())
    }

    /// An answer came for a frame, which goes on behind the call. An empty one counts as none, as above.
    pub(crate) fn answered(&mut self, id: FrameId, answer: Option<Val>) {
        self.gave(id, answer.as_ref().unwrap_or(&Val::Null));
        self.with_frame(id, |frame| {
            frame.result = answer.filter(|answer| frame.focus.is_some() || !is_picked_empty(answer));
            frame.wait = Wait::Ready;
            frame.unsettled = None;
            frame.pc = frame.pc.saturating_add(1);
            if let Some(open) = frame.scopes.last_mut() {
                open.deadline = None;
            }
        });
        self.ready.push_back(id);
    }

    /// Merges the result of an action into the data, at the top or at a path. No result is null for a path, and leaves the
    /// data alone at the top.
    pub(crate) fn merge(&mut self, id: FrameId, path: Option<&Expression>) -> Result<(), Failure> {
        let result = self.snapshot.frame(id).and_then(|frame| frame.result.clone());
        match (path, result) {
            (Some(path), result) => self.assign(id, path, result.unwrap_or_default()),
            (None, Some(result)) => self.merge_at_top(id, result),
            (None, None) => Ok(()),
        }
    }

    fn merge_at_top(&mut self, id: FrameId, value: Val) -> Result<(), Failure> {
        let mut renewed = Renewed::default();
        let data = self.snapshot.take_data_of(id);
        // What is held twice is copied by a merge, so the data are kept as they were only if they may become too large.
        let before = (!data.fits_with(&value, &self.context.budget)).then(|| data.clone());
        let data = rondo_expression::merge(data, value, &mut renewed);
        self.store(id, data, &renewed).inspect_err(|_| {
            if let Some(before) = before {
                self.snapshot.set_data_of(id, before);
            }
        })
    }

    /// Merges a value into the data at a path.
    pub(crate) fn assign(&mut self, id: FrameId, path: &Expression, value: Val) -> Result<(), Failure> {
        let mut renewed = Renewed::default();
        // The data stay where they are, for a failure must leave them as they were.
        let data = self.snapshot.data_of(id).clone();
        let data = rondo_expression::assign(data, path, value, &self.scope(id).as_scope(), &mut renewed)
            .map_err(|error| expression_failure(&error))?;
        self.store(id, data, &renewed)
    }

    /// Sets the data of a frame after a merge, which shows wherever that which it changed stands too. Data that grew beyond
    /// their bounds are not set.
    fn store(&mut self, id: FrameId, data: Val, renewed: &Renewed) -> Result<(), Failure> {
        self.check_size(&data)?;
        self.snapshot.set_data_of(id, data);
        if self.linked && !renewed.is_empty() {
            self.snapshot.change_values(id, |value| renewed.apply(value));
        }
        Ok(())
    }

    pub(crate) fn check_size(&self, data: &Val) -> Result<(), Failure> {
        data.check_size(&self.context.budget)
            .map_err(|exceeded| Failure::runtime(format!("the data cannot take the result: {exceeded}")))
    }

    /// Makes two of everything that stands at two places, so that it does not matter whether the instance stays in memory
    /// until its next turn.
    pub(crate) fn settle(&mut self) {
        if self.linked && !self.snapshot.frames.is_empty() {
            self.snapshot.change_all_values(Val::fresh);
        }
    }
}

fn is_container(value: &Val) -> bool {
    value.is_object() || value.is_array()
}

/// Whether it is an empty array or object that no expression made.
fn is_picked_empty(value: &Val) -> bool {
    is_container(value) && !value.is_made() && value.members().is_empty() && value.elements().is_empty()
}
