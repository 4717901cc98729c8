//! Who is told by mail: of an approval its approvers when they are asked, the requester and the others when it has ended; of what was left
//! behind the admins; and whom a flow tells something.
//!
//! Promises: a mail is written in the transaction of what it tells, so none is lost and none tells what did not happen. Never: sends;
//! `mail.rs` does.

use super::{Fault, Work};
use crate::{
    model::{Approval, ApprovalState, Content, Mail, Occasion, Principal, Request},
    tables,
};

impl Work<'_, '_> {
    /// Asks the approvers by mail, each with a link of their own: not who has asked and may not decide, and not who has decided.
    pub(crate) fn ask_by_mail(&mut self, approval: &Approval, occasion: Occasion) -> Result<(), Fault> {
        if !self.sends_mails_of(approval) {
            return Ok(());
        }
        let requester = Principal::parse(&approval.asked.requester).to_string();
        for person in self.shared.settings.people(&approval.asked.approvers) {
            let is_excluded = approval.asked.four_eyes && person == requester;
            if is_excluded || approval.votes.iter().any(|vote| vote.by == person) {
                continue;
            }
            let link = tables::links::of(self.connection, &approval.id, &person)?;
            self.add_mail(&person, Content::Question { approval: approval.id.clone(), link, occasion })?;
        }
        Ok(())
    }

    /// Tells requester and approvers how a question ended, but for the person who has ended it.
    pub(crate) fn tell_outcome_by_mail(&mut self, approval: &Approval) -> Result<(), Fault> {
        if !self.sends_mails_of(approval) {
            return Ok(());
        }
        let by = match approval.state {
            ApprovalState::Withdrawn => Some(self.person.reference.as_str()),
            _ => approval.deciding().map(|vote| vote.by.as_str()),
        };
        let mut entries = vec![approval.asked.requester.clone()];
        entries.extend(approval.asked.approvers.iter().cloned());
        for person in self.shared.settings.people(&entries) {
            if by != Some(person.as_str()) {
                self.add_mail(&person, Content::Outcome { approval: approval.id.clone() })?;
            }
        }
        Ok(())
    }

    fn sends_mails_of(&self, approval: &Approval) -> bool {
        approval.asked.mail && self.shared.settings.mail.is_some()
    }

    /// Tells people something by mail. Answers who is told: nobody when the desk sends no mails.
    pub(crate) fn notify(&mut self, to: &[String], subject: &str, text: &str) -> Result<Vec<String>, Fault> {
        if self.shared.settings.mail.is_none() {
            return Ok(Vec::new());
        }
        let people = self.shared.settings.people(to);
        for person in &people {
            self.add_mail(person, Content::Notice { subject: subject.to_owned(), text: text.to_owned() })?;
        }
        Ok(people)
    }

    /// Something that was made for a request could not be removed, and costs money until somebody looks after it: says so in the log, and to
    /// the admins by mail.
    pub(crate) fn raise_alarm(&mut self, request: &Request) -> Result<(), Fault> {
        let left: Vec<_> =
            request.recorded.iter().map(|thing| format!("{} {}", thing.kind, thing.name)).collect();
        let place = request.cluster.as_deref().unwrap_or("no cluster");
        let why = request.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
        let (id, pool) = (request.id.clone(), request.asked.pool.clone());
        let text = format!(
            "The rollback of the request {id} ({} `{}` in {pool}) is incomplete: {why}\n\nLeft at {place}: {}\n\n\
             Quota and capacity stay taken. Remove the cause, then deprovision the request again.",
            request.asked.kind,
            request.asked.name,
            left.join(", ")
        );
        self.notify(
            &["role:admin".to_owned()],
            &format!("Rollback incomplete: {}", request.asked.name),
            &text,
        )?;
        let (left, place) = (left.join(", "), place.to_owned());
        self.after_commit(Box::new(move || {
            tracing::error!(request = id, pool, cluster = place, left, why, "a rollback is incomplete");
        }));
        Ok(())
    }

    fn add_mail(&mut self, to: &str, content: Content) -> Result<(), Fault> {
        tables::mails::add(self.connection, &Mail::new(to, content), self.now)?;
        self.wrote.mails = true;
        Ok(())
    }
}
