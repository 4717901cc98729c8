//! What flows report of requests, and what people do with them.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{Fault, Work};
use crate::{
    model::{Access, Failure, Power, Principal, Recorded, Request, State, Step, StepStatus, find_cycle},
    refusal::Refusal,
    tables,
};

/// What a person does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestAction {
    Suspend,
    Reactivate,
    Deprovision,
    Retry,
    Cancel,
    CompleteManually,
}

impl RequestAction {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "suspend" => Self::Suspend,
            "reactivate" => Self::Reactivate,
            "deprovision" => Self::Deprovision,
            "retry" => Self::Retry,
            "cancel" => Self::Cancel,
            "complete-manually" => Self::CompleteManually,
            _ => return None,
        })
    }
}

/// What a flow says of a step.
#[derive(Debug, Clone)]
pub(crate) struct StepReport {
    pub(crate) step: Step,
    pub(crate) status: StepStatus,
    pub(crate) detail: Option<String>,
    pub(crate) error: Option<Failure>,
    /// The instance that reports.
    pub(crate) instance: Option<String>,
    /// The attempt that it was started for; `None` from a flow that does not say.
    pub(crate) attempt: Option<u32>,
}

impl Work<'_, '_> {
    pub(crate) fn report_step(&mut self, id: &str, report: StepReport) -> Result<Request, Fault> {
        let mut request = self.request(id)?;
        // A flow may get its place only when its attempt was given up and another one waits to begin. That one has its own flow, and its
        // own cluster.
        if let Some(attempt) = report.attempt.filter(|attempt| *attempt != request.attempt) {
            return Err(Refusal::attempt_over(attempt, request.attempt).into());
        }
        let StepReport { step, status, detail, error, instance, .. } = report;
        let act = self.act(detail.as_deref());
        let effects = request.report_step(step, status, detail.clone(), error, act)?;
        if !effects.transitions.is_empty() && instance.is_some() {
            request.instance_id = instance;
        }
        self.finish(&request, effects)?;
        Ok(request)
    }

    pub(crate) fn report_rollback(
        &mut self,
        id: &str,
        status: StepStatus,
        error: Option<Failure>,
    ) -> Result<Request, Fault> {
        let mut request = self.request(id)?;
        let effects = request.report_rollback(status, error, self.act(None))?;
        let is_left = request.state == State::Failed && !effects.transitions.is_empty();
        self.finish(&request, effects)?;
        if is_left {
            self.raise_alarm(&request)?;
        }
        Ok(request)
    }

    pub(crate) fn report_power(&mut self, id: &str, power: Power) -> Result<Request, Fault> {
        let mut request = self.request(id)?;
        let effects = request.report_power(power, self.act(None))?;
        self.finish(&request, effects)?;
        Ok(request)
    }

    pub(crate) fn record(&mut self, id: &str, recorded: Recorded) -> Result<Request, Fault> {
        let mut request = self.request(id)?;
        request.record(recorded, self.act(None))?;
        self.finish(&request, crate::model::Effects::default())?;
        Ok(request)
    }

    pub(crate) fn forget(&mut self, id: &str, kind: &str, name: &str) -> Result<(), Fault> {
        let mut request = self.request(id)?;
        let frees = request.forget(kind, name, self.act(None));
        self.finish(&request, crate::model::Effects { frees, ..Default::default() })
    }

    pub(crate) fn set_access(&mut self, id: &str, access: Access) -> Result<Request, Fault> {
        let mut request = self.request(id)?;
        request.access = Some(access);
        request.changed_at = self.now;
        self.finish(&request, crate::model::Effects::default())?;
        Ok(request)
    }

    pub(crate) fn do_with(
        &mut self,
        id: &str,
        action: RequestAction,
        reason: Option<&str>,
        access: Option<Access>,
    ) -> Result<Request, Fault> {
        let mut request = self.request(id)?;
        self.check_may_act(&request, action)?;
        let reference = self.person.reference.clone();
        let act = crate::model::Act { by: &reference, why: reason, now: self.now };
        let view = self.view(&request)?;
        let effects = match action {
            RequestAction::Suspend => request.suspend(act, |_| view)?,
            RequestAction::Reactivate => request.reactivate(act, |_| view)?,
            RequestAction::Deprovision => request.deprovision(act, |_| view)?,
            RequestAction::Cancel => request.cancel(act, |_| view)?,
            RequestAction::CompleteManually => {
                let access = access.filter(|access| !access.is_empty());
                let access = access.ok_or_else(|| {
                    Refusal::invalid_at("/access", "it must say how the service is reached")
                })?;
                request.complete_manually(access, act)?
            }
            RequestAction::Retry => {
                request.check_retry()?;
                request.reset();
                self.admit(&mut request, act)?
            }
        };
        self.finish(&request, effects)?;
        if action == RequestAction::Retry {
            self.try_to_place(&mut request)?;
        }
        self.request(id)
    }

    /// Who asked may act on a request, and its owner, those who may modify the pool, admins and services.
    fn check_may_act(&self, request: &Request, action: RequestAction) -> Result<(), Fault> {
        let person = self.person;
        if person.is_service() {
            return Ok(());
        }
        let asked = &request.asked;
        let is = |entry: &str| person.is(&Principal::parse(entry));
        let pool = tables::pools::get(self.connection, &asked.pool)?;
        let modifies =
            pool.is_some_and(|pool| pool.holders(crate::model::Action::Modify).iter().any(|entry| is(entry)));
        let is_own = is(&asked.requester) || asked.owner.as_deref().is_some_and(is);
        // What a vendor has done is told by those who decide, not by who asked for it.
        if modifies || (is_own && action != RequestAction::CompleteManually) {
            return Ok(());
        }
        Err(Refusal::forbidden(format!(
            "{} may not do this with the request {}",
            person.reference, request.id
        ))
        .into())
    }

    pub(crate) fn change_dependencies(
        &mut self,
        id: &str,
        depends_on: Vec<String>,
    ) -> Result<Request, Fault> {
        let mut request = self.request(id)?;
        if !matches!(request.state, State::Queued | State::PendingApproval) || request.cluster.is_some() {
            return Err(Refusal::illegal(request.state, "a change of dependencies", Vec::new()).into());
        }
        let mut faults = Vec::new();
        for (index, on) in depends_on.iter().enumerate() {
            match tables::requests::get(self.connection, on)? {
                None => faults.push((format!("/dependsOn/{index}"), format!("there is no request `{on}`"))),
                Some(other) if other.asked.pool != request.asked.pool => {
                    faults.push((format!("/dependsOn/{index}"), format!("`{on}` is of another pool")));
                }
                Some(_) => {}
            }
        }
        if !faults.is_empty() {
            return Err(Refusal::invalid(faults).into());
        }
        self.check_cycle(id, &depends_on)?;
        request.asked.depends_on = depends_on;
        request.changed_at = self.now;
        request.waits_for = None;
        tables::requests::put_dependencies(self.connection, &request)?;
        self.finish(&request, crate::model::Effects::default())?;
        self.try_to_place(&mut request)?;
        self.request(id)
    }

    /// Refuses dependencies that lead back to the request. The way that is told begins with it.
    fn check_cycle(&self, id: &str, depends_on: &[String]) -> Result<(), Fault> {
        let mut edges = BTreeMap::from([(id.to_owned(), depends_on.to_vec())]);
        let mut open = depends_on.to_vec();
        while let Some(next) = open.pop() {
            if let Entry::Vacant(free) = edges.entry(next) {
                let on = tables::requests::dependencies(self.connection, free.key())?;
                open.extend(on.iter().cloned());
                free.insert(on);
            }
        }
        let Some(mut way) = find_cycle(&edges) else { return Ok(()) };
        // Before the change there was none, so it leads through the request.
        way.pop();
        if let Some(place) = way.iter().position(|step| step == id) {
            way.rotate_left(place);
        }
        way.extend(way.first().cloned());
        Err(Refusal::cycle(&way).into())
    }
}
