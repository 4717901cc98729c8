//! Questions, and what their decisions mean for requests.

use super::{Fault, Work};
use crate::{
    model::{Act, Approval, ApprovalState, Counted, Failure, NewApproval, Occasion, Person, Verdict},
    refusal::Refusal,
    tables,
};

impl Work<'_, '_> {
    /// A flow asks.
    pub(crate) fn ask_people(&mut self, mut asked: NewApproval) -> Result<Approval, Fault> {
        let mut faults = Vec::new();
        if asked.approvers.is_empty() {
            faults.push(("/approvers".to_owned(), "somebody has to be able to decide".to_owned()));
        }
        if asked.needed == 0 {
            faults.push(("/needed".to_owned(), "at least one person has to agree".to_owned()));
        }
        if asked.escalate_to.is_empty() && asked.on_deadline == crate::model::OnDeadline::Escalate {
            faults.push((
                "/escalateTo".to_owned(),
                "`onDeadline: escalate` needs somebody who is asked then".to_owned(),
            ));
        }
        if let Some(ticket) = &mut asked.ticket {
            match &self.shared.settings.tickets {
                None => faults.push((
                    "/ticket".to_owned(),
                    "the desk has no GitLab (rondo.desk.tickets.gitlab.url)".to_owned(),
                )),
                Some(tickets) => {
                    ticket.project = ticket.project.take().or_else(|| tickets.project.clone());
                    if ticket.project.is_none() {
                        faults.push((
                            "/ticket/project".to_owned(),
                            "neither here nor in rondo.desk.tickets.gitlab.project".to_owned(),
                        ));
                    }
                    // The desk says which issue it is.
                    *ticket = ticket.clone().asked();
                }
            }
        }
        if !faults.is_empty() {
            return Err(Refusal::invalid(faults).into());
        }
        self.new_approval(asked)
    }

    /// Somebody decides.
    pub(crate) fn decide(&mut self, id: &str, person: &Person, verdict: Verdict) -> Result<Approval, Fault> {
        let mut approval = self.approval(id)?;
        match approval.decide(person, verdict, self.now)? {
            Counted::Already => {}
            Counted::Waits => tables::approvals::put(self.connection, &approval)?,
            Counted::Decides => self.apply(&approval, &person.reference)?,
        }
        Ok(approval)
    }

    /// It is not asked any more.
    pub(crate) fn withdraw(&mut self, id: &str) -> Result<Approval, Fault> {
        let mut approval = self.approval(id)?;
        if approval.request().is_some() && approval.state == ApprovalState::Pending {
            let message = "a request waits for it; cancel the request instead";
            return Err(Refusal::not_supported(message).into());
        }
        if approval.withdraw(self.now) {
            self.finish_approval(&approval)?;
        }
        Ok(approval)
    }

    /// A reminder or the deadline of an approval is due.
    pub(crate) fn approval_overdue(&mut self, id: &str) -> Result<(), Fault> {
        let mut approval = self.approval(id)?;
        if approval.state != ApprovalState::Pending {
            return Ok(());
        }
        if approval.deadline_at.is_some_and(|at| at <= self.now) {
            if approval.reach_deadline(self.now) {
                return self.apply(&approval, "desk");
            }
            // Those who are asked now are reminded as the others were.
            approval.remind_at =
                self.reminders(&approval.asked)?.into_iter().filter(|at| *at > self.now).collect();
            tables::approvals::put(self.connection, &approval)?;
            return self.ask_by_mail(&approval, Occasion::Escalated);
        }
        let before = approval.remind_at.len();
        approval.remind_at.retain(|at| *at > self.now);
        tables::approvals::put(self.connection, &approval)?;
        if approval.remind_at.len() < before {
            self.ask_by_mail(&approval, Occasion::Reminded)
        } else {
            Ok(())
        }
    }

    /// Writes a decided approval, and takes the request that waits for it further.
    pub(super) fn apply(&mut self, approval: &Approval, by: &str) -> Result<(), Fault> {
        self.finish_approval(approval)?;
        let Some(id) = approval.request() else { return Ok(()) };
        let mut request = self.request(id)?;
        let reason = approval.deciding().and_then(|vote| vote.reason.clone());
        let act = Act { by, why: reason.as_deref(), now: self.now };
        let outcome = match approval.state {
            ApprovalState::Approved => Ok(()),
            ApprovalState::Expired => Err(Failure::new("EXPIRED", "nobody has decided in time")),
            _ => {
                let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                Err(Failure::new("REJECTED", format!("rejected by {by}{why}")))
            }
        };
        let is_approved = outcome.is_ok();
        let effects = request.decide(outcome, act)?;
        self.finish(&request, effects)?;
        if !is_approved {
            return Ok(());
        }
        match self.check_cluster(&request)? {
            Ok(()) => self.try_to_place(&mut request)?,
            Err(failure) => {
                let effects = request.give_up(failure, self.own_act(None))?;
                self.finish(&request, effects)?;
            }
        }
        self.follow_up()
    }
}
