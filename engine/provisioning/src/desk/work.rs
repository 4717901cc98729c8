//! One transaction of the desk: what a change brings about beyond itself is carried out here.

use std::collections::VecDeque;

use jiff::Timestamp;
use rondo_event::CloudEvent;
use rondo_expression::Val;
use rondo_store::{Transaction, WorkError, rusqlite::Connection};
use uuid::Uuid;

use super::{Afterwards, Clock, Shared, request_view};
use crate::{
    model::{
        Act, Approval, Delivery, Effects, Failure, Happened, Person, Request, State, Told, choose, most_room,
    },
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

/// How long a request waits for a place at a cluster.
const LONGEST_WAIT_FOR_A_PLACE: std::time::Duration = std::time::Duration::from_mins(30);

/// How long nothing may be heard of a step. Flows have a time limit of half an hour; this is for those that are gone.
const LONGEST_SILENCE: std::time::Duration = std::time::Duration::from_mins(35);

/// How long nothing may be forgotten in a rollback. Things take minutes to be gone; a second flow that looks at them meanwhile does no harm.
const LONGEST_SILENCE_OF_ROLLBACK: std::time::Duration = std::time::Duration::from_mins(10);

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
    settled: VecDeque<String>,
    frees: bool,
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

    fn carry_out(&mut self, request: &Request, effects: Effects) -> Result<(), Fault> {
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

    /// What is done once all is written.
    pub(crate) fn afterwards(self) -> Vec<Afterwards> {
        self.afterwards
    }

    /// What the changes so far mean for other requests: those that depend on settled ones, and those that wait for a place.
    pub(crate) fn follow_up(&mut self) -> Result<(), Fault> {
        while let Some(id) = self.settled.pop_front() {
            for dependent in tables::requests::dependents(self.connection, &id)? {
                self.look_at_dependent(&dependent)?;
            }
        }
        if std::mem::take(&mut self.frees) {
            self.place_waiting()?;
        }
        // Placing ends no request, so nothing new is settled by it.
        Ok(())
    }

    fn look_at_dependent(&mut self, id: &str) -> Result<(), Fault> {
        let mut request = self.request(id)?;
        if !matches!(request.state, State::Queued | State::PendingApproval) {
            return Ok(());
        }
        if let Some((failed, state)) = self.ended_dependency(&request)? {
            let message = format!("it depends on {failed}, which is {}", state.name());
            let effects = request.give_up(Failure::new("DEPENDENCY_FAILED", message), self.own_act(None))?;
            tables::requests::update(self.connection, &request, self.due_at(&request))?;
            return self.carry_out(&request, effects);
        }
        self.try_to_place(&mut request).map(drop)
    }

    /// A request that this one depends on and that came to nothing.
    pub(crate) fn ended_dependency(&self, request: &Request) -> Result<Option<(String, State)>, Fault> {
        for id in &request.asked.depends_on {
            let state = self.request(id)?.state;
            if matches!(state, State::Failed | State::RollingBack | State::RolledBack) {
                return Ok(Some((id.clone(), state)));
            }
        }
        Ok(None)
    }

    /// Gives places to the requests that wait for one, the oldest first. Those that no cluster has room for are not even read.
    pub(crate) fn place_waiting(&mut self) -> Result<(), Fault> {
        let mut provider = String::new();
        while let Some(next) = tables::requests::provider_waited_for(self.connection, &provider)? {
            provider = next;
            let mut after = 0;
            while let Some(room) = most_room(&tables::clusters::with_usage(self.connection)?, &provider) {
                // Each placement leaves less room for those behind it.
                let found = tables::requests::unplaced(self.connection, &provider, &room, after, 1)?;
                let Some((number, mut request)) = found.into_iter().next() else { break };
                after = number;
                self.try_to_place(&mut request)?;
            }
        }
        Ok(())
    }

    /// Gives a queued request a place and begins its flow, if nothing is in its way; else says what is. Writes the request.
    pub(crate) fn try_to_place(&mut self, request: &mut Request) -> Result<(), Fault> {
        let mut effects = Effects::default();
        let before = request.waits_for.clone();
        self.choose_place(request, &mut effects)?;
        if request.cluster.is_some() || request.waits_for != before {
            tables::requests::update(self.connection, request, self.due_at(request))?;
        }
        self.carry_out(request, effects)
    }

    /// The same, without writing the request.
    pub(crate) fn choose_place(&mut self, request: &mut Request, effects: &mut Effects) -> Result<(), Fault> {
        if request.state != State::Queued || request.cluster.is_some() {
            return Ok(());
        }
        let mut open = Vec::new();
        for id in &request.asked.depends_on {
            if !matches!(self.request(id)?.state, State::Completed | State::Suspended) {
                open.push(id.as_str());
            }
        }
        if !open.is_empty() {
            request.waits_for = Some(format!("waits for {}", open.join(", ")));
            return Ok(());
        }
        if let Some(at) = request.asked.launch_at.filter(|at| *at > self.now) {
            request.waits_for = Some(format!("waits until {at}"));
            return Ok(());
        }
        let clusters = tables::clusters::with_usage(self.connection)?;
        let wanted = request.asked.wanted();
        let (chosen, rejected) = choose(&clusters, &wanted);
        let Some(cluster) = chosen.map(|cluster| cluster.name.clone()) else {
            let suitable = |name: &str| {
                clusters.iter().any(|(cluster, _)| cluster.name == name && cluster.suits(&wanted))
            };
            let why: Vec<_> = rejected
                .iter()
                .filter(|one| suitable(&one.cluster))
                .map(|one| format!("{} {}", one.cluster, one.why))
                .collect();
            request.waits_for = Some(format!("waits for a place at a cluster: {}", why.join("; ")));
            request.waits_since.get_or_insert(self.now);
            return Ok(());
        };
        request.waits_since = None;
        request.cluster = Some(cluster.clone());
        let view = self.view(request)?;
        request.place(&cluster, |_| view, effects);
        let event_type = format!("desk.provision.{}", request.asked.provider);
        if !self.shared.surroundings.flows.has_one_for(SOURCE, &event_type) {
            request.waits_for = Some(format!("waits for reports: no flow here starts by `{event_type}`"));
        }
        Ok(())
    }

    /// When there is something to do about a request although nobody asks.
    pub(crate) fn due_at(&self, request: &Request) -> Option<Timestamp> {
        let clock = self.clock();
        match request.state {
            State::Queued if request.cluster.is_none() => {
                let launch = request.asked.launch_at.filter(|at| *at > self.now);
                launch.or_else(|| Some(clock.after(request.waits_since?, LONGEST_WAIT_FOR_A_PLACE)))
            }
            // People take the time that they take.
            State::Activating if request.asked.provider == "manual" => None,
            State::RollingBack if request.asked.provider == "manual" => None,
            State::RollingBack => Some(clock.after(request.changed_at, LONGEST_SILENCE_OF_ROLLBACK)),
            State::Allocating | State::Configuring | State::Activating | State::Verifying => {
                Some(clock.after(request.changed_at, LONGEST_SILENCE))
            }
            State::Completed | State::Suspended => {
                let run_time = request.asked.max_run_time.as_deref()?;
                clock.deadline(request.completed_at?, run_time, "/maxRunTime").ok()
            }
            _ => None,
        }
    }

    /// Does what is due about a request.
    pub(crate) fn overdue(&mut self, id: &str) -> Result<(), Fault> {
        let mut request = self.request(id)?;
        if self.due_at(&request).is_none_or(|due| due > self.now) {
            // It was changed meanwhile.
            return Ok(tables::requests::update(self.connection, &request, self.due_at(&request))?);
        }
        let view = self.view(&request)?;
        let effects = match request.state {
            State::Queued if request.waits_since.is_none() => {
                return self.try_to_place(&mut request).and_then(|()| self.follow_up());
            }
            State::Queued => {
                let waits = request.waits_for.clone().unwrap_or_default();
                let failure = Failure::new(
                    "STUCK",
                    format!("no place in {} minutes: it {waits}", LONGEST_WAIT_FOR_A_PLACE.as_secs() / 60),
                );
                request.give_up(failure, self.own_act(None))?
            }
            State::Completed | State::Suspended => {
                request.deprovision(self.own_act(Some("its time to run is over")), |_| view)?
            }
            State::RollingBack => {
                request.resume_rollback(self.own_act(Some("nothing was heard of its flow")), |_| view)?
            }
            _ => request.end_stuck(self.own_act(Some("nothing was heard of its flow")), |_| view)?,
        };
        self.finish(&request, effects)
    }
}
