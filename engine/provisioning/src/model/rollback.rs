//! How a request comes to nothing or ends, and how what was made for it is removed.
//!
//! Promises: what is recorded is rolled back; quota and place stay taken while anything is left; two flows never remove the same things while
//! one of them may still make some.

use serde_json::Value;

use super::{
    Cause, Effects, EventKind, Failure, Request, State, StepStatus, effects::as_json, moves::Reported,
    request::Act,
};
use crate::refusal::Refusal;

impl Request {
    /// Comes to nothing, and goes on to be rolled back when something was made.
    pub(super) fn fail(&mut self, failure: Failure, act: Act<'_>, effects: &mut Effects) {
        self.failure = Some(failure);
        self.waits_for = None;
        self.go(State::Failed, act, effects);
        self.emit(EventKind::Failed, None, act, effects);
        if self.recorded.is_empty() {
            self.settle(effects);
        } else {
            self.roll_back(Cause::Failure, act, effects);
        }
    }

    fn roll_back(&mut self, cause: Cause, act: Act<'_>, effects: &mut Effects) {
        self.cause = Some(cause);
        self.go(State::RollingBack, act, effects);
    }

    /// A flow reports how far the rollback is.
    pub(crate) fn report_rollback(
        &mut self,
        status: StepStatus,
        error: Option<Failure>,
        act: Act<'_>,
    ) -> Reported {
        let mut effects = Effects::default();
        match (self.state, status) {
            (State::RolledBack, StepStatus::Running | StepStatus::Completed)
            | (State::RollingBack, StepStatus::Running | StepStatus::Pending) => {}
            (State::Failed, StepStatus::Failed) if self.is_rollback_incomplete() => {}
            (State::RollingBack, StepStatus::Completed) if !self.recorded.is_empty() => {
                return Err(Refusal::resources_left(&as_json(&self.recorded)));
            }
            (State::RollingBack, StepStatus::Completed) => {
                self.go(State::RolledBack, act, &mut effects);
                self.emit(EventKind::RolledBack, None, act, &mut effects);
                self.settle(&mut effects);
            }
            (State::RollingBack, StepStatus::Failed) => {
                let why = error.map(|error| format!("{}: {}", error.code, error.message));
                let message = why.unwrap_or_else(|| "what was made could not be removed".to_owned());
                self.failure = Some(Failure::new("ROLLBACK_INCOMPLETE", message));
                self.go(State::Failed, act, &mut effects);
                self.emit(EventKind::Failed, None, act, &mut effects);
                self.settle(&mut effects);
            }
            _ => return Err(self.illegal("a report of the rollback")),
        }
        Ok(effects)
    }

    fn is_rollback_incomplete(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.code == "ROLLBACK_INCOMPLETE")
    }

    /// Ends a service, or what a failed rollback left of one.
    pub(crate) fn deprovision(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        let is_left = self.state == State::Failed && !self.recorded.is_empty();
        if !matches!(self.state, State::Completed | State::Suspended) && !is_left {
            return Err(self.illegal("`deprovision`"));
        }
        let mut effects = Effects::default();
        let cause = if is_left { self.cause.unwrap_or(Cause::Failure) } else { Cause::Deprovisioned };
        self.power_asked = None;
        self.roll_back(cause, act, &mut effects);
        self.tell_flow("deprovision", view, &mut effects);
        Ok(effects)
    }

    /// Ends a request before it is done. The instance that works on it is told at once, for it may wait for something else than an answer of
    /// the desk, and removes what it made. No other flow may do so while it lives: a call of it that is under way could make something
    /// behind the back of the other.
    pub(crate) fn cancel(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        match self.state {
            State::Queued | State::PendingApproval => {
                let who = act.why.map(|why| format!(": {why}")).unwrap_or_default();
                self.give_up(Failure::new("CANCELLED", format!("cancelled by {}{who}", act.by)), act)
            }
            State::Allocating | State::Configuring | State::Activating | State::Verifying => {
                let mut effects = Effects::default();
                self.roll_back(Cause::Cancelled, act, &mut effects);
                self.tell_instance("deprovision", self.instance_id.clone(), view, &mut effects);
                Ok(effects)
            }
            _ => Err(self.illegal("`cancel`")),
        }
    }

    /// Begins a rollback again whose flow has not been heard of for too long.
    pub(crate) fn resume_rollback(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        if self.state != State::RollingBack {
            return Err(self.illegal("resuming a rollback"));
        }
        self.changed_at = act.now;
        let mut effects = Effects::default();
        self.tell_flow("deprovision", view, &mut effects);
        Ok(effects)
    }

    /// Ends a step whose flow has not been heard of for too long. If the flow lives after all, it removes what it made; else
    /// [`Request::resume_rollback`] follows.
    pub(crate) fn end_stuck(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        let Some(step) = self.state.step() else { return Err(self.illegal("a step that takes too long")) };
        let mut effects = Effects::default();
        self.note(step, StepStatus::Failed, None, act);
        let message = format!("nothing was heard of the step `{}` for too long", step.name());
        self.fail(Failure { step: Some(step), ..Failure::new("STUCK", message) }, act, &mut effects);
        if self.state == State::RollingBack {
            self.tell_instance("deprovision", self.instance_id.clone(), view, &mut effects);
        }
        Ok(effects)
    }
}

#[cfg(test)]
mod tests;
