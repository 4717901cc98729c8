//! Links by which an approver decides without a token of the desk: looked up, used once.
//!
//! Promises: a link decides for the one person that it was made for, once, and not any more when the question has ended. Looking at it
//! changes nothing, because programs that check mails follow links. Never: keeps a token; what is needed to make one is the key, which is
//! encrypted in the database.

use ring::rand::{SecureRandom, SystemRandom};

use super::{Desk, Work};
use crate::{
    model::{Approval, ApprovalState, KEY_BYTES, LinkKey, Person, Principal, Verdict},
    refusal::Refusal,
    tables::{self, links::Link},
};

/// What the key is encrypted for.
const OWNER: &str = "approval links";

/// Why a link decides nothing.
#[derive(Debug, Clone)]
pub(crate) enum LinkProblem {
    /// There is no such link.
    Unknown,
    /// The person has decided by it.
    Used(Box<Approval>, String),
    /// The question has ended otherwise.
    Ended(Box<Approval>),
    /// The person is not asked any more.
    NotAsked(Box<Approval>),
    /// The decision is refused; the person may try again. Without a question it is the desk that cannot answer now.
    Refused(Option<Box<Approval>>, Box<Refusal>),
}

/// A question, as the person of a link sees it.
#[derive(Debug, Clone)]
pub(crate) struct Linked {
    /// The question.
    pub(crate) approval: Approval,
    /// Who decides by the link.
    pub(crate) person: String,
}

impl From<Refusal> for LinkProblem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(None, Box::new(refusal))
    }
}

impl Desk {
    /// What a link asks. Changes nothing.
    pub(crate) async fn look_at_link(&self, token: &str) -> Result<Linked, LinkProblem> {
        let id = self.link_key().await?.link(token).ok_or(LinkProblem::Unknown)?;
        let found = self.read(move |connection| {
            let Some(link) = tables::links::get(connection, id)? else { return Ok(None) };
            let approval = tables::approvals::get(connection, &link.approval)?;
            Ok(approval.map(|approval| (link, approval)))
        });
        let (link, approval) = found.await?.ok_or(LinkProblem::Unknown)?;
        self.check_link(&link, &approval)?;
        Ok(Linked { approval, person: link.person })
    }

    fn check_link(&self, link: &Link, approval: &Approval) -> Result<(), LinkProblem> {
        if link.is_used {
            return Err(LinkProblem::Used(Box::new(approval.clone()), link.person.clone()));
        }
        if approval.state != ApprovalState::Pending {
            return Err(LinkProblem::Ended(Box::new(approval.clone())));
        }
        // Others may be asked by now, or the person has lost the role.
        let person = self.0.settings.person(&link.person);
        if !approval.asked.approvers.iter().any(|entry| person.is(&Principal::parse(entry))) {
            return Err(LinkProblem::NotAsked(Box::new(approval.clone())));
        }
        Ok(())
    }

    /// Decides by a link, which is used up by it.
    pub(crate) async fn decide_by_link(&self, token: &str, verdict: Verdict) -> Result<Linked, LinkProblem> {
        let Linked { approval, person: name } = self.look_at_link(token).await?;
        let id = self.link_key().await?.link(token).ok_or(LinkProblem::Unknown)?;
        let person = self.0.settings.person(&name);
        let acting = person.clone();
        let asked = approval.clone();
        let decided = self.change(&acting, move |work| {
            // Somebody may have been faster since the question was looked at.
            match tables::links::get(work.connection, id)? {
                Some(link) if !link.is_used => {}
                _ => return Ok(None),
            }
            let approval = work.decide(&asked.id, &person, verdict.clone())?;
            tables::links::mark_used(work.connection, id, work.now)?;
            Ok(Some(approval))
        });
        match decided.await {
            Ok(Some(approval)) => Ok(Linked { approval, person: name }),
            Ok(None) => Err(LinkProblem::Used(Box::new(self.approval_now(approval).await), name)),
            Err(refusal) if refusal.code == "ALREADY_DECIDED" => {
                Err(LinkProblem::Ended(Box::new(self.approval_now(approval).await)))
            }
            Err(refusal) => Err(LinkProblem::Refused(Some(Box::new(approval)), Box::new(refusal))),
        }
    }

    /// An approval as it is by now.
    async fn approval_now(&self, before: Approval) -> Approval {
        let id = before.id.clone();
        let read = self.read(move |connection| Ok(tables::approvals::get(connection, &id)?)).await;
        read.ok().flatten().unwrap_or(before)
    }

    /// The key of links, which is made when it is needed first.
    pub(super) async fn link_key(&self) -> Result<LinkKey, Refusal> {
        let made = self.0.link_key.get_or_try_init(|| async {
            let known = self.read(|connection| Ok(tables::links::key(connection)?)).await?;
            match known {
                Some(sealed) => match self.0.surroundings.seal.open(OWNER, &sealed) {
                    Ok(bytes) => Ok(LinkKey::new(&bytes)),
                    Err(problem) => {
                        tracing::warn!(%problem, "the key of approval links cannot be read; a new one is made, and links that were sent do not work any more");
                        self.change(&Person::desk(), move |work| work.make_link_key(Some(&sealed))).await
                    }
                },
                None => self.change(&Person::desk(), |work| work.make_link_key(None)).await,
            }
        });
        made.await.cloned()
    }
}

impl Work<'_, '_> {
    /// Makes the key of links, unless another node has made one in place of `known` meanwhile.
    fn make_link_key(&mut self, known: Option<&[u8]>) -> Result<LinkKey, super::Fault> {
        let seal = &self.shared.surroundings.seal;
        let now = tables::links::key(self.connection)?;
        if now.as_deref() != known
            && let Some(sealed) = &now
        {
            return Ok(LinkKey::new(&seal.open(OWNER, sealed).map_err(Refusal::unavailable)?));
        }
        let mut bytes = [0; KEY_BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Refusal::unavailable("the system gives no random numbers for a key"))?;
        let sealed = seal.seal(OWNER, &bytes).map_err(Refusal::unavailable)?;
        tables::links::put_key(self.connection, &sealed)?;
        Ok(LinkKey::new(&bytes))
    }
}

#[cfg(test)]
mod tests;
