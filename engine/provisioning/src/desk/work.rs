//! One transaction of the desk: what a change brings about beyond itself is carried out here.

use std::collections::VecDeque;

use jiff::Timestamp;
use rondo_event::CloudEvent;
use rondo_expression::Val;
use rondo_store::{Transaction, WorkError, rusqlite::Connection};
use uuid::Uuid;

use super::{Afterwards, Clock, Shared, request_view};
use crate::{
    model::{Act, Approval, Delivery, Effects, Happened, Person, Request, Told},
    refusal::Refusal,
    tables,
};

/// Why a unit of work writes nothing.
pub(crate) type Fault = WorkError<Refusal>;

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// `source` of all events of the desk.
pub const SOURCE: &str = "/desk";

/// How the types of the events begin that tell flows something. Those for everybody are called otherwise.
pub const TOLD_TYPES: &str = "desk.";

/// The providers that the contract names. Others are known by their flows.
const PROVIDERS: [&str; 6] = ["openstack", "kubernetes", "vmware", "proxmox", "simulation", "manual"];

/// Which queues got something, so that only those who work on them look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wrote {
    pub(super) events: bool,
    pub(super) deliveries: bool,
    pub(super) mails: bool,
}

/// The open transaction, who changes something, and when.
pub(crate) struct Work<'w, 'c> {
    pub(crate) shared: &'w Shared,
    pub(crate) transaction: &'w mut Transaction<'c>,
    pub(crate) connection: &'c Connection,
    pub(crate) person: &'w Person,
    pub(crate) now: Timestamp,
    /// Settled requests whose dependents are still to be looked at.
    pub(super) settled: VecDeque<String>,
    /// Whether quota or capacity has become free.
    pub(super) frees: bool,
    /// What is done once all is written.
    afterwards: Vec<Afterwards>,
    pub(super) wrote: Wrote,
}

impl<'w, 'c> Work<'w, 'c> {
    pub(crate) fn new(shared: &'w Shared, transaction: &'w mut Transaction<'c>, person: &'w Person) -> Self {
        let connection = transaction.connection();
        let now = Clock::now();
        Self {
            shared,
            transaction,
            connection,
            person,
            now,
            settled: VecDeque::new(),
            frees: false,
            afterwards: Vec::new(),
            wrote: Wrote::default(),
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// An act of the person.
    pub(crate) fn act<'a>(&self, why: Option<&'a str>) -> Act<'a>
    where
        'w: 'a,
    {
        Act { by: &self.person.reference, why, now: self.now }
    }

    /// An act of the desk itself.
    pub(crate) fn own_act<'a>(&self, why: Option<&'a str>) -> Act<'a> {
        Act { by: "desk", why, now: self.now }
    }

    /// A request.
    pub(crate) fn request(&self, id: &str) -> Result<Request, Fault> {
        Ok(tables::requests::get(self.connection, id)?.ok_or_else(|| Refusal::not_found("request", id))?)
    }

    /// An approval.
    pub(crate) fn approval(&self, id: &str) -> Result<Approval, Fault> {
        Ok(tables::approvals::get(self.connection, id)?.ok_or_else(|| Refusal::not_found("approval", id))?)
    }

    /// What flows see of a request: as `GET` gives it, with its cluster.
    pub(crate) fn view(&self, request: &Request) -> Result<serde_json::Value, Fault> {
        Ok(request_view(self.connection, request)?)
    }

    /// The problem with the name of a provider; `None` if it is a known one, or a flow makes things there.
    pub(crate) fn unknown_provider(&self, provider: &str) -> Option<String> {
        let event_type = format!("desk.provision.{provider}");
        if PROVIDERS.contains(&provider) || self.shared.surroundings.flows.has_one_for(SOURCE, &event_type) {
            return None;
        }
        let known = PROVIDERS.join(", ");
        Some(format!(
            "`{provider}` is no provider: neither one of {known}, nor does a flow here start by `{event_type}`"
        ))
    }

    /// Writes a changed request and what the change brought about, and then whatever follows for others.
    pub(crate) fn finish(&mut self, request: &Request, effects: Effects) -> Result<(), Fault> {
        tables::requests::update(self.connection, request, self.due_at(request))?;
        if !effects.transitions.is_empty() {
            self.drop_credentials(request)?;
        }
        self.carry_out(request, effects)?;
        self.follow_up()
    }

    /// Writes a new request. What follows for others is left to [`Work::follow_up`].
    pub(crate) fn insert(&mut self, request: &Request, effects: Effects) -> Result<(), Fault> {
        tables::requests::insert(self.connection, request, self.due_at(request))?;
        self.carry_out(request, effects)
    }

    pub(super) fn carry_out(&mut self, request: &Request, effects: Effects) -> Result<(), Fault> {
        for transition in &effects.transitions {
            tables::requests::add_transition(self.connection, &request.id, transition)?;
        }
        for event in &effects.events {
            self.announce(&request.id, &request.asked.pool, event)?;
        }
        for told in effects.told {
            self.tell(told)?;
        }
        if effects.withdraws_approval
            && let Some(id) = &request.approval_id
        {
            let mut approval = self.approval(id)?;
            if approval.withdraw(self.now) {
                self.finish_approval(&approval)?;
            }
        }
        if effects.settled {
            self.settled.push_back(request.id.clone());
        }
        self.frees |= effects.frees;
        Ok(())
    }

    /// Writes an approval that was decided, expired or withdrawn, and tells people and the flow that asked.
    pub(crate) fn finish_approval(&mut self, approval: &Approval) -> Result<(), Fault> {
        tables::approvals::put(self.connection, approval)?;
        self.tell_outcome_by_mail(approval)?;
        match approval.told() {
            Some(told) => self.tell(told),
            None => Ok(()),
        }
    }

    /// Adds an event about a request or a product to the log, and deliveries to the webhooks of its pool.
    pub(crate) fn announce(&mut self, subject: &str, pool: &str, event: &Happened) -> Result<(), Fault> {
        let number = tables::events::add(self.connection, subject, pool, event)?;
        self.wrote.events = true;
        for (id, webhook) in tables::webhooks::list(self.connection, Some(pool))? {
            if webhook.wants(event.kind.name()) {
                let delivery = Delivery {
                    event: event.id.clone(),
                    event_type: event.kind.name().to_owned(),
                    attempts: 0,
                    state: "pending".to_owned(),
                    status: None,
                    milliseconds: None,
                    answer: None,
                    problem: None,
                    at: self.now,
                };
                tables::webhooks::add_delivery(self.connection, &id, number, &delivery, Some(self.now))?;
                self.wrote.deliveries = true;
            }
        }
        Ok(())
    }

    /// Tells a flow something.
    pub(crate) fn tell(&mut self, told: Told) -> Result<(), Fault> {
        let mut event = CloudEvent::new(Uuid::now_v7().to_string(), SOURCE, told.event_type);
        event.time = Some(self.now.to_string());
        event.datacontenttype = Some("application/json".to_owned());
        event.data = Some(Val::from(told.data));
        let extensions = [("kogitoprocrefid", told.instance), ("kogitobusinesskey", told.business_key)];
        for (name, value) in extensions {
            let Some(value) = value else { continue };
            event
                .set_extension(name, value)
                .map_err(|error| Refusal::invalid_at("/replyTo", error.to_string()))?;
        }
        let afterwards =
            self.shared.surroundings.flows.tell(self.transaction, &event).map_err(|error| match error {
                WorkError::Refused(problem) => WorkError::Refused(Refusal::unavailable(problem)),
                WorkError::Sqlite(error) => WorkError::Sqlite(error),
            })?;
        self.afterwards.push(afterwards);
        Ok(())
    }

    /// Does something once all is written.
    pub(super) fn after_commit(&mut self, act: Afterwards) {
        self.afterwards.push(act);
    }

    /// What is done once all is written.
    pub(crate) fn afterwards(self) -> Vec<Afterwards> {
        self.afterwards
    }
}
