//! Gives requests their places at clusters, and carries on what a change means for other requests.
//!
//! Promises: a request that waits for others, or for a place, gets it in the transaction that makes it possible; the oldest first.

use super::{Fault, Work, work::SOURCE};
use crate::{
    model::{Effects, Failure, Request, State, choose, most_room},
    tables,
};

impl Work<'_, '_> {
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

    pub(super) fn look_at_dependent(&mut self, id: &str) -> Result<(), Fault> {
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
}
