//! How a request goes from state to state until it runs, by what its flow reports.
//!
//! Owns: the table of the contract (states, who brings a transition about, its events), together with `rollback.rs`, `power.rs` and `legal.rs`.
//! Source: provisioning contract, 3.2.

use serde_json::{Value, json};

use super::{
    Access, Cause, Effects, EventKind, Failure, Request, State, Step, StepRecord, StepStatus, Told,
    effects::as_json, request::Act,
};
use crate::refusal::Refusal;

/// What a report of a flow changes: nothing when it repeats what is known.
pub(super) type Reported = Result<Effects, Refusal>;

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

    pub(super) fn note(&mut self, step: Step, status: StepStatus, detail: Option<String>, act: Act<'_>) {
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

    /// Tells those who wait that it is settled for now.
    pub(super) fn settle(&self, effects: &mut Effects) {
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
    pub(super) fn tell_flow(&self, what: &str, view: impl FnOnce(&Self) -> Value, effects: &mut Effects) {
        self.tell_instance(what, None, view, effects);
    }

    /// Tells an instance; without one, starts a flow.
    pub(super) fn tell_instance(
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
}
