//! How a request goes from state to state.
//!
//! Owns: the table of the contract (states, who brings a transition about, its events). Source: provisioning contract, 3.2.

use serde_json::{Value, json};

use super::{
    Access, Cause, Effects, EventKind, Failure, Recorded, RecordedStatus, Request, State, Step, StepRecord,
    StepStatus, Told, effects::as_json, request::Act,
};
use crate::refusal::Refusal;

/// What a report of a flow changes: nothing when it repeats what is known.
type Reported = Result<Effects, Refusal>;

/// How power of a service was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub(crate) enum Power {
    /// It is off.
    Stopped,
    /// It is on.
    Started,
    /// It could not be changed.
    Failed,
}

impl Request {
    /// Begins its life, or a new attempt, in a state: `Queued`, `Pending Approval`, or `Failed` with the reason.
    pub(crate) fn begin(&mut self, admission: Result<State, Failure>, act: Act<'_>, effects: &mut Effects) {
        let from = (self.transitions > 0).then_some(self.state);
        match admission {
            Ok(state) => {
                self.enter(state, from, act, effects);
                self.emit(EventKind::Started, None, act, effects);
            }
            Err(failure) => {
                // It began all the same: who listens hears of its beginning and of its end.
                self.enter(State::Failed, from, act, effects);
                self.emit(EventKind::Started, None, act, effects);
                self.failure = Some(failure);
                self.emit(EventKind::Failed, None, act, effects);
                self.settle(effects);
            }
        }
    }

    /// People have agreed, or not.
    pub(crate) fn decide(&mut self, outcome: Result<(), Failure>, act: Act<'_>) -> Reported {
        if self.state != State::PendingApproval {
            return Err(self.illegal("a decision"));
        }
        let mut effects = Effects::default();
        match outcome {
            Ok(()) => {
                self.is_approved = true;
                self.go(State::Queued, act, &mut effects);
            }
            Err(failure) => self.fail(failure, act, &mut effects),
        }
        Ok(effects)
    }

    /// Ends a request that was not begun: nothing is made for it.
    pub(crate) fn give_up(&mut self, failure: Failure, act: Act<'_>) -> Reported {
        if !matches!(self.state, State::Queued | State::PendingApproval) {
            return Err(self.illegal("giving up"));
        }
        let mut effects =
            Effects { withdraws_approval: self.state == State::PendingApproval, ..Effects::default() };
        self.fail(failure, act, &mut effects);
        Ok(effects)
    }

    /// Gets its place, and its flow is told to begin. `settings` are those of the cluster.
    pub(crate) fn place(
        &mut self,
        cluster: &str,
        request: impl FnOnce(&Self) -> Value,
        effects: &mut Effects,
    ) {
        self.cluster = Some(cluster.to_owned());
        self.waits_for = None;
        self.tell_flow("provision", request, effects);
    }

    /// A flow reports how far a step is.
    pub(crate) fn report_step(
        &mut self,
        step: Step,
        status: StepStatus,
        detail: Option<String>,
        error: Option<Failure>,
        act: Act<'_>,
    ) -> Reported {
        let known = self.step(step);
        let what = || format!("the step `{}` {status:?}", step.name());
        if matches!(self.state, State::Failed | State::RollingBack | State::RolledBack) {
            return match self.cause {
                _ if status == StepStatus::Failed && known == status => Ok(Effects::default()),
                Some(Cause::Cancelled) => Err(Refusal::cancelled()),
                _ if self
                    .failure
                    .as_ref()
                    .is_some_and(|failure| matches!(failure.code.as_str(), "CANCELLED" | "STUCK")) =>
                {
                    Err(Refusal::cancelled())
                }
                _ => Err(self.illegal(&what())),
            };
        }
        // A call that is made again after a crash says what is known.
        if known != StepStatus::Pending && status <= known {
            return Ok(Effects::default());
        }
        let mut effects = Effects::default();
        match status {
            StepStatus::Running if self.may_run(step) => {
                self.note(step, status, detail, act);
                self.waits_for = None;
                self.go(step.state(), act, &mut effects);
            }
            StepStatus::Completed if self.state == step.state() => {
                self.note(step, status, detail, act);
                self.complete_step(step, act, &mut effects);
            }
            StepStatus::Failed if self.state == step.state() => {
                self.note(step, status, detail, act);
                let failure = error.unwrap_or_else(|| {
                    Failure::new("STEP_FAILED", format!("the step `{}` failed", step.name()))
                });
                self.fail(Failure { step: Some(step), ..failure }, act, &mut effects);
            }
            _ => return Err(self.illegal(&what())),
        }
        Ok(effects)
    }

    fn may_run(&self, step: Step) -> bool {
        match step.before() {
            None => self.state == State::Queued && self.cluster.is_some(),
            Some(before) => self.state == before.state() && self.step(before) == StepStatus::Completed,
        }
    }

    fn note(&mut self, step: Step, status: StepStatus, detail: Option<String>, act: Act<'_>) {
        self.changed_at = act.now;
        let Some(record) = self.steps.iter_mut().find(|record| record.name == step) else { return };
        record.status = status;
        record.detail = detail.or_else(|| record.detail.take());
        match status {
            StepStatus::Running => record.started_at = Some(act.now),
            _ => record.ended_at = Some(act.now),
        }
    }

    fn complete_step(&mut self, step: Step, act: Act<'_>, effects: &mut Effects) {
        match step {
            Step::Allocate => self.emit(EventKind::Allocated, Some(step), act, effects),
            Step::Activate => self.emit(EventKind::Activated, Some(step), act, effects),
            Step::Configure | Step::Verify => {}
        }
        self.emit(EventKind::StepCompleted, Some(step), act, effects);
        if step == Step::Verify {
            self.go(State::Completed, act, effects);
            self.completed_at = Some(act.now);
            self.emit(EventKind::Completed, None, act, effects);
            self.settle(effects);
        }
    }

    /// Comes to nothing, and goes on to be rolled back when something was made.
    fn fail(&mut self, failure: Failure, act: Act<'_>, effects: &mut Effects) {
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

    /// Tells those who wait that it is settled for now.
    fn settle(&self, effects: &mut Effects) {
        effects.settled = true;
        effects.frees = !self.holds();
        let Some(instance) = &self.asked.reply_to else { return };
        let mut data = json!({"requestId": self.id, "state": self.state.name()});
        if let Some(access) = &self.access {
            data["access"] = as_json(access);
        }
        if let Some(failure) = &self.failure {
            data["failure"] = as_json(failure);
        }
        effects.told.push(Told {
            event_type: "desk.request.finished".to_owned(),
            instance: Some(instance.clone()),
            business_key: None,
            data,
        });
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

    /// A flow reports that power was changed.
    pub(crate) fn report_power(&mut self, power: Power, act: Act<'_>) -> Reported {
        let mut effects = Effects::default();
        match (self.state, power) {
            (State::Completed, Power::Stopped) => {
                self.power_asked = None;
                self.go(State::Suspended, act, &mut effects);
                self.emit(EventKind::Suspended, None, act, &mut effects);
            }
            (State::Suspended, Power::Started) => {
                self.power_asked = None;
                self.go(State::Completed, act, &mut effects);
                self.emit(EventKind::Reactivated, None, act, &mut effects);
            }
            (State::Completed, Power::Started) | (State::Suspended, Power::Stopped) => {}
            (State::Completed | State::Suspended, Power::Failed) => self.power_asked = None,
            _ => return Err(self.illegal("a change of power")),
        }
        Ok(effects)
    }

    /// Records something that is about to be made, or was made. What is known by its kind and name keeps its place in the order.
    pub(crate) fn record(&mut self, new: Recorded, act: Act<'_>) -> Result<(), Refusal> {
        if !matches!(
            self.state,
            State::Allocating
                | State::Configuring
                | State::Activating
                | State::Verifying
                | State::Completed
                | State::Suspended
                | State::RollingBack
        ) {
            return Err(self.illegal("recording a resource"));
        }
        // What is there may still be noted then, but nothing new is made.
        if self.state == State::RollingBack && new.status == RecordedStatus::Creating {
            return Err(Refusal::cancelled());
        }
        self.changed_at = act.now;
        let known = self.recorded.iter_mut().find(|known| known.kind == new.kind && known.name == new.name);
        let Some(known) = known else {
            self.recorded.push(new);
            return Ok(());
        };
        // A repeated note that it is about to be made says less than what is known.
        if new.status == RecordedStatus::Created || known.status == RecordedStatus::Creating {
            known.status = new.status;
            known.provider_id = new.provider_id.or_else(|| known.provider_id.take());
            known.attributes.extend(new.attributes);
        }
        Ok(())
    }

    /// Forgets something that is not there any more. Answers whether quota or capacity have become free by it.
    pub(crate) fn forget(&mut self, kind: &str, name: &str, act: Act<'_>) -> bool {
        let held = self.holds();
        self.recorded.retain(|known| known.kind != kind || known.name != name);
        self.changed_at = act.now;
        held && !self.holds()
    }

    /// Switches off.
    pub(crate) fn suspend(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        self.ask_power(State::Completed, "suspend", act, view)
    }

    /// Switches on again.
    pub(crate) fn reactivate(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        self.ask_power(State::Suspended, "reactivate", act, view)
    }

    fn ask_power(
        &mut self,
        from: State,
        action: &str,
        act: Act<'_>,
        view: impl FnOnce(&Self) -> Value,
    ) -> Reported {
        if self.state != from {
            return Err(self.illegal(&format!("`{action}`")));
        }
        let mut effects = Effects::default();
        // Its flow is at it.
        if self.power_asked.as_deref() != Some(action) {
            self.power_asked = Some(action.to_owned());
            self.changed_at = act.now;
            self.tell_flow(action, view, &mut effects);
        }
        Ok(effects)
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

    /// Whether it may be tried again.
    pub(crate) fn check_retry(&self) -> Result<(), Refusal> {
        match self.state {
            State::Failed if !self.recorded.is_empty() => {
                Err(Refusal::resources_left(&as_json(&self.recorded)))
            }
            State::Failed | State::RolledBack => Ok(()),
            _ => Err(self.illegal("`retry`")),
        }
    }

    /// Forgets the last attempt; [`Request::begin`] begins the next.
    pub(crate) fn reset(&mut self) {
        self.attempt += 1;
        self.steps = Step::ALL.map(StepRecord::pending).to_vec();
        (self.cluster, self.access, self.failure, self.cause) = (None, None, None, None);
        (self.instance_id, self.completed_at) = (None, None);
        (self.waits_for, self.waits_since) = (None, None);
        if !self.is_approved {
            (self.approval_id, self.rule_id) = (None, None);
        }
    }

    /// A person has done what a flow waits for.
    pub(crate) fn complete_manually(&mut self, access: Access, act: Act<'_>) -> Reported {
        if self.asked.provider != "manual" {
            let message = format!("the provider `{}` is not completed by people", self.asked.provider);
            return Err(Refusal::not_supported(message));
        }
        if self.state != State::Activating {
            return Err(self.illegal("`complete-manually`"));
        }
        self.changed_at = act.now;
        let data = json!({"requestId": self.id, "access": access, "by": act.by});
        self.access = Some(access);
        let told = Told {
            event_type: "desk.manual.completed".to_owned(),
            instance: self.instance_id.clone(),
            business_key: Some(self.id.clone()),
            data,
        };
        Ok(Effects { told: vec![told], ..Effects::default() })
    }

    /// Starts a flow.
    fn tell_flow(&self, what: &str, view: impl FnOnce(&Self) -> Value, effects: &mut Effects) {
        self.tell_instance(what, None, view, effects);
    }

    /// Tells an instance; without one, starts a flow.
    fn tell_instance(
        &self,
        what: &str,
        instance: Option<String>,
        view: impl FnOnce(&Self) -> Value,
        effects: &mut Effects,
    ) {
        let mut request = view(self);
        // It was drawn before the change.
        request["state"] = self.state.name().into();
        effects.told.push(Told {
            event_type: format!("desk.{what}.{}", self.asked.provider),
            // An event for an instance starts none.
            business_key: instance.is_none().then(|| self.id.clone()),
            instance,
            data: json!({"request": request}),
        });
    }

    /// The refusal of something that may not follow the state, with what may.
    fn illegal(&self, what: &str) -> Refusal {
        Refusal::illegal(self.state, what, self.legal())
    }

    /// What may follow, and how it is brought about.
    fn legal(&self) -> Vec<Value> {
        let way = |to: State, how: String| json!({"to": to.name(), "how": how});
        let step = |step: Step, status: &str| format!("PUT steps/{} {status}", step.name());
        let action = |to: State, name: &str| way(to, format!("POST actions/{name}"));
        match self.state {
            State::Queued if self.cluster.is_some() => {
                vec![way(State::Allocating, step(Step::Allocate, "Running")), action(State::Failed, "cancel")]
            }
            State::Queued => vec![action(State::Failed, "cancel")],
            State::PendingApproval => {
                vec![
                    way(State::Queued, "POST the decision of its approval".to_owned()),
                    action(State::Failed, "cancel"),
                ]
            }
            State::Allocating | State::Configuring | State::Activating | State::Verifying => {
                let Some(current) = self.state.step() else { return Vec::new() };
                let next = Step::ALL.into_iter().find(|next| next.before() == Some(current));
                let mut ways = match (self.step(current), next) {
                    (StepStatus::Completed, Some(next)) => vec![way(next.state(), step(next, "Running"))],
                    (_, None) => vec![way(State::Completed, step(current, "Completed"))],
                    _ => vec![way(self.state, step(current, "Completed"))],
                };
                ways.push(way(State::Failed, step(current, "Failed")));
                ways.push(action(State::RollingBack, "cancel"));
                ways
            }
            State::Completed => {
                vec![action(State::Suspended, "suspend"), action(State::RollingBack, "deprovision")]
            }
            State::Suspended => {
                vec![action(State::Completed, "reactivate"), action(State::RollingBack, "deprovision")]
            }
            State::Failed if !self.recorded.is_empty() => vec![action(State::RollingBack, "deprovision")],
            State::Failed | State::RolledBack => vec![action(State::Queued, "retry")],
            State::RollingBack => vec![
                way(State::RolledBack, "PUT rollback Completed".to_owned()),
                way(State::Failed, "PUT rollback Failed".to_owned()),
            ],
        }
    }
}

#[cfg(test)]
mod tests;
