//! Creating requests: who may, is there quota, do people have to agree, is there a cluster at all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rondo_definition::parse_duration;
use uuid::Uuid;

use super::{Fault, Work};
use crate::{
    model::{
        Act, Action, Approval, ApprovalState, Effects, Failure, NewApproval, NewRequest, Occasion,
        OnDeadline, Outcome, Pool, Principal, ReasonRequired, Request, Rule, State, find_cycle,
    },
    refusal::Refusal,
    tables,
};

/// Who has to agree to a request.
struct Asked {
    approvers: Vec<String>,
    rule: Option<String>,
    deadline: Option<String>,
    four_eyes: bool,
}

impl Work<'_, '_> {
    /// Creates requests, all or none. Names of the batch in `dependsOn` are replaced by ids.
    pub(crate) fn create(&mut self, mut asked: Vec<NewRequest>) -> Result<Vec<Request>, Fault> {
        let ids: Vec<String> = asked.iter().map(|_| Uuid::now_v7().to_string()).collect();
        let names = self.check(&asked, &ids)?;
        for request in &mut asked {
            for on in &mut request.depends_on {
                if let Some(id) = names.get(on) {
                    on.clone_from(id);
                }
            }
        }
        let mut made = Vec::with_capacity(asked.len());
        for (asked, id) in asked.into_iter().zip(ids) {
            let mut request = Request::new(id, asked, self.now);
            let act = self.act(None);
            let effects = self.admit(&mut request, act)?;
            self.insert(&request, effects)?;
            made.push(request.id);
        }
        // Only now all of them are there, so that those they depend on can be looked at.
        for id in &made {
            let mut request = self.request(id)?;
            match self.ended_dependency(&request)? {
                Some((failed, state)) if matches!(request.state, State::Queued | State::PendingApproval) => {
                    let message = format!("it depends on {failed}, which is {}", state.name());
                    let effects =
                        request.give_up(Failure::new("DEPENDENCY_FAILED", message), self.own_act(None))?;
                    self.finish(&request, effects)?;
                }
                _ => self.try_to_place(&mut request)?,
            }
        }
        self.follow_up()?;
        made.iter().map(|id| self.request(id)).collect()
    }

    /// Checks a batch, and answers the ids of its names.
    fn check(&self, asked: &[NewRequest], ids: &[String]) -> Result<BTreeMap<String, String>, Fault> {
        let mut faults = Vec::new();
        let mut names = BTreeMap::new();
        let place = |index: usize, member: &str| match asked.len() {
            1 => format!("/{member}"),
            _ => format!("/requests/{index}/{member}"),
        };
        for (index, (request, id)) in asked.iter().zip(ids).enumerate() {
            if let Some(name) = &request.reference
                && names.insert(name.clone(), id.clone()).is_some()
            {
                faults.push((
                    place(index, "ref"),
                    format!("`{name}` is the name of another request of the batch"),
                ));
            }
        }
        let mut edges = BTreeMap::new();
        for (index, (request, id)) in asked.iter().zip(ids).enumerate() {
            let pool = tables::pools::get(self.connection, &request.pool)?;
            if pool.is_none() {
                faults.push((place(index, "pool"), format!("there is no pool `{}`", request.pool)));
            }
            if let Some(problem) = self.unknown_provider(&request.provider) {
                faults.push((place(index, "provider"), problem));
            }
            if let Some(duration) = &request.max_run_time
                && let Err(error) = parse_duration(duration)
            {
                faults.push((place(index, "maxRunTime"), error.to_string()));
            }
            let mut on = Vec::new();
            for (number, name) in request.depends_on.iter().enumerate() {
                let at = place(index, &format!("dependsOn/{number}"));
                if let Some(id) = names.get(name) {
                    on.push(id.clone());
                    if asked
                        .iter()
                        .zip(ids)
                        .any(|(other, other_id)| other_id == id && other.pool != request.pool)
                    {
                        faults.push((at, format!("`{name}` is of another pool")));
                    }
                    continue;
                }
                match tables::requests::get(self.connection, name)? {
                    None => faults.push((at, format!("there is no request `{name}`"))),
                    Some(other) if other.asked.pool != request.pool => {
                        faults.push((at, format!("`{name}` is of another pool")));
                    }
                    // What is there already cannot depend on what is new.
                    Some(_) => {}
                }
            }
            edges.insert(id.clone(), on);
        }
        if !faults.is_empty() {
            return Err(Refusal::invalid(faults).into());
        }
        if let Some(way) = find_cycle(&edges) {
            let name = |id: &String| {
                names.iter().find(|(_, own)| *own == id).map_or(id.clone(), |(name, _)| name.clone())
            };
            return Err(Refusal::cycle(&way.iter().map(name).collect::<Vec<_>>()).into());
        }
        Ok(names)
    }

    /// Begins a request or a new attempt: reserves its quota, or fails it, or asks people.
    pub(crate) fn admit(&mut self, request: &mut Request, act: Act<'_>) -> Result<Effects, Fault> {
        let id = request.asked.pool.clone();
        let pool =
            tables::pools::get(self.connection, &id)?.ok_or_else(|| Refusal::not_found("pool", &id))?;
        let asked = self.who_agrees(request, &id, &pool)?;
        let mut effects = Effects::default();
        let used = tables::usage::of_pool(self.connection, &id)?;
        let violations = pool.quota.unwrap_or_default().violations(&used, &request.asked.resources);
        if !violations.is_empty() {
            let message =
                violations.iter().map(|violation| violation.message.as_str()).collect::<Vec<_>>().join("; ");
            let failure = Failure { violations, ..Failure::new("QUOTA_EXCEEDED", message) };
            request.begin(Err(failure), act, &mut effects);
            return Ok(effects);
        }
        if let Some(asked) = asked {
            let approval = self.ask(request, asked)?;
            request.rule_id.clone_from(&approval.1);
            request.approval_id = Some(approval.0);
            request.begin(Ok(State::PendingApproval), act, &mut effects);
            return Ok(effects);
        }
        request.begin(self.check_cluster(request)?.map(|()| State::Queued), act, &mut effects);
        Ok(effects)
    }

    /// Whether there is a cluster at all for a request, whatever its health and room.
    pub(crate) fn check_cluster(&self, request: &Request) -> Result<Result<(), Failure>, Fault> {
        let asked = &request.asked;
        let wanted = asked.wanted();
        if tables::clusters::all(self.connection)?.iter().any(|cluster| cluster.suits(&wanted)) {
            return Ok(Ok(()));
        }
        let region =
            asked.region.as_ref().map(|region| format!(" for the region {region}")).unwrap_or_default();
        let name = asked.cluster.as_ref().map(|name| format!(" called `{name}`")).unwrap_or_default();
        let message = format!("there is no enabled cluster of the type {}{region}{name}", asked.provider);
        Ok(Err(Failure::new("NO_CLUSTER", message)))
    }

    /// Who has to agree: nobody when that was done; else whom a rule names, or who may modify the pool.
    fn who_agrees(&self, request: &Request, id: &str, pool: &Pool) -> Result<Option<Asked>, Fault> {
        let asked = &request.asked;
        let requester = self.shared.settings.person(&asked.requester);
        // An admin asks for somebody else; what counts is what that person may.
        let authorization = pool.authorize(id, &requester, Action::Create);
        if authorization.outcome == Outcome::Refused {
            return Err(Refusal::forbidden(authorization.reason).into());
        }
        if request.is_approved || self.is_granted(asked)? {
            return Ok(None);
        }
        let rules = tables::rules::all(self.connection)?;
        if let Some((rule_id, rule)) = Rule::first(rules.iter(), asked) {
            let approvers =
                if rule.approvers.is_empty() { pool.holders(Action::Modify) } else { rule.approvers.clone() };
            return Ok(Some(Asked {
                approvers,
                rule: Some(rule_id.clone()),
                deadline: rule.deadline.clone(),
                four_eyes: rule.four_eyes,
            }));
        }
        Ok((authorization.outcome == Outcome::NeedsApproval).then_some(Asked {
            approvers: authorization.approvers,
            rule: None,
            deadline: None,
            four_eyes: true,
        }))
    }

    /// Whether the approval that a request brings was granted to its requester in its pool.
    fn is_granted(&self, asked: &NewRequest) -> Result<bool, Fault> {
        let Some(id) = &asked.approval_id else { return Ok(false) };
        let approval = tables::approvals::get(self.connection, id)?;
        let same = |a: &str, b: &str| Principal::parse(a) == Principal::parse(b);
        let is_granted = approval.is_some_and(|approval| {
            approval.state == ApprovalState::Approved
                && approval.asked.pool.as_ref() == Some(&asked.pool)
                && same(&approval.asked.requester, &asked.requester)
        });
        if is_granted {
            Ok(true)
        } else {
            Err(Refusal::invalid_at(
                "/approvalId",
                "no approval of this pool and requester was granted under this id",
            )
            .into())
        }
    }

    /// Asks people about a request. Answers the id of the approval and of the rule.
    fn ask(&mut self, request: &Request, asked: Asked) -> Result<(String, Option<String>), Fault> {
        let of = &request.asked;
        let title = format!("{} `{}` in {}", of.kind, of.name, of.pool);
        let mut details = serde_json::Map::new();
        details.insert("resources".to_owned(), serde_json::to_value(of.resources).unwrap_or_default());
        for (name, value) in [("reason", &of.reason), ("region", &of.region), ("orderId", &of.order_id)] {
            if let Some(value) = value {
                details.insert(name.to_owned(), value.clone().into());
            }
        }
        let approval = self.new_approval(NewApproval {
            subject: format!("request:{}", request.id),
            pool: Some(of.pool.clone()),
            title,
            details,
            requester: of.requester.clone(),
            approvers: asked.approvers,
            four_eyes: asked.four_eyes,
            needed: 1,
            reason_required: ReasonRequired::OnReject,
            may_change: false,
            deadline: asked.deadline,
            on_deadline: OnDeadline::Reject,
            remind_after: Vec::new(),
            escalate_to: Vec::new(),
            mail: true,
            ticket: None,
            reply_to: None,
        })?;
        Ok((approval.id, asked.rule))
    }

    /// Writes a new question.
    pub(crate) fn new_approval(&mut self, mut asked: NewApproval) -> Result<Approval, Fault> {
        // Lists are asked for by this name, however it was written.
        asked.requester = Principal::parse(&asked.requester).to_string();
        let clock = self.clock();
        let deadline_at =
            asked.deadline.as_deref().map(|text| clock.deadline(self.now, text, "/deadline")).transpose()?;
        let remind_at = self.reminders(&asked)?;
        let approval = Approval {
            id: Uuid::now_v7().to_string(),
            asked,
            state: ApprovalState::Pending,
            votes: Vec::new(),
            created_at: self.now,
            deadline_at,
            remind_at,
            is_escalated: false,
            decided_at: None,
        };
        tables::approvals::put(self.connection, &approval)?;
        self.ask_by_mail(&approval, Occasion::Asked)?;
        Ok(approval)
    }

    /// When approvers are reminded, counted from now.
    pub(crate) fn reminders(&self, asked: &NewApproval) -> Result<Vec<Timestamp>, Fault> {
        let texts = asked.remind_after.iter().enumerate();
        let moments = texts
            .map(|(index, text)| self.clock().deadline(self.now, text, &format!("/remindAfter/{index}")));
        let mut moments = moments.collect::<Result<Vec<_>, Refusal>>()?;
        moments.sort();
        Ok(moments)
    }

    /// Whether the person may speak for another: themselves, or as an admin or a service.
    pub(crate) fn check_speaks_for(&self, requester: &str) -> Result<(), Fault> {
        let is_self = Principal::parse(requester).to_string() == self.person.reference;
        if is_self || self.person.is_service() {
            return Ok(());
        }
        Err(Refusal::forbidden(format!("{} may not ask in the name of {requester}", self.person.reference))
            .into())
    }
}
