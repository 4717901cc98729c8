//! Starts of instances that need a place of their concurrency group, and the instances that wait for one.
//!
//! Promises: the store decides with the insert whether such an instance runs or waits, so it is stored before its first turn; one that waits
//! is a row and nothing in memory, and only an abort or a change of its data touches it; one that is let go reads its mailbox, starts if it
//! is new, and does what it was asked for at its error otherwise. Never: counts places.

use std::sync::Arc;

use rondo_machine::{Input, Status};
use rondo_store::{Commit, PlaceRequest, State, Write};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    delivery::{Delivery, Reply, refuse},
    executor::{Executor, Stored},
    formats::mailbox::MailboxMessage,
    lifecycle_log,
    refusal::Refusal,
    row::{self, NextRow},
    views::{InstanceView, PlaceView},
};

/// A new instance of a concurrency group, as it was stored.
pub(crate) enum StoredInGroup {
    /// It has a place, and is to start.
    Runs(Box<ActiveInstance>),
    /// It waits for one.
    Waits(Box<InstanceView>),
}

impl Executor {
    /// Stores a new instance of a concurrency group.
    pub(crate) async fn store_in_group(
        &self,
        mut instance: Box<ActiveInstance>,
        place: PlaceRequest,
    ) -> Result<StoredInGroup, Refusal> {
        let id = instance.row.id;
        let row = row::first_row_of(&mut instance, &self.encryption).map_err(Refusal::store)?;
        let commit = Commit { writes: vec![Write::Insert(row)], places: vec![place], ..Commit::default() };
        match self.commit(commit, true).await {
            Stored::Durable(committed) if committed.waiting.is_empty() => Ok(StoredInGroup::Runs(instance)),
            Stored::Durable(_) => {
                lifecycle_log::write_waiting(&instance);
                instance.row.state = State::Pending;
                let place = self.place_of(id).await?;
                Ok(StoredInGroup::Waits(Box::new(InstanceView { place, ..instance.view() })))
            }
            Stored::Fenced | Stored::NoPlace => {
                Err(Refusal::store(format!("there is an instance with the id {id} already")))
            }
            Stored::Refused(error) => Err(Refusal::Store(error)),
        }
    }

    /// Makes instances go on that waited for a place and have one now.
    pub(crate) fn wake_admitted(self: &Arc<Self>, admitted: &[Uuid]) {
        for id in admitted {
            tracing::info!(instance_id = %id, "instance has a place of its concurrency group now");
            self.dispatcher.deliver_mailbox(*id, None);
        }
    }

    /// What an instance waits for that waits for a place; `None` if it does not wait for one.
    pub(crate) async fn place_of(&self, id: Uuid) -> Result<Option<PlaceView>, Refusal> {
        let waiting = self.store.waiting_for_place(vec![id]).await.map_err(Refusal::of_read)?;
        Ok(waiting.into_iter().next().map(PlaceView::from))
    }

    /// Makes an instance that stands at an error wait for a place, to do there what it was asked for: `input` is a retrigger or a skip.
    pub(crate) async fn wait_for_place(
        self: &Arc<Self>,
        instance: Box<ActiveInstance>,
        input: Input,
        reply: Option<Reply>,
    ) {
        let id = instance.row.id;
        if instance.snapshot.status != Status::Error {
            return refuse(reply, Refusal::NotInError(id));
        }
        let message = match input {
            Input::Skip => MailboxMessage::Skip,
            _ => MailboxMessage::Retrigger,
        };
        let mut snapshot = instance.snapshot.clone();
        let next = NextRow::new(&instance, &mut snapshot, &self.encryption, self.clock.now());
        let (next, message) = match next.and_then(|next| Ok((next.waiting_for_place(), message.encode(id)?)))
        {
            Ok(encoded) => encoded,
            Err(error) => return refuse(reply, Refusal::store(error)),
        };
        let NextRow { write, parts, waits, committed } = next;
        let commit = Commit {
            writes: vec![write],
            parts,
            waits: waits.into_iter().collect(),
            messages: vec![message],
            ..Commit::default()
        };
        match self.commit(commit, false).await {
            Stored::Durable(stored) => {
                lifecycle_log::write_waiting(&instance);
                let mut instance = instance;
                committed.apply(&mut instance);
                self.wake_admitted(&stored.admitted);
                if let Some(reply) = reply {
                    let place = self.place_of(id).await.unwrap_or_default();
                    reply.send(Ok(InstanceView { place, ..instance.view() }));
                }
            }
            Stored::Fenced | Stored::NoPlace => {
                self.dispatcher.deliver(id, Delivery::input(input).with_reply(reply));
            }
            Stored::Refused(error) => refuse(reply, Refusal::Store(error)),
        }
    }

    /// Gives the place of an instance back that was let go at its error and did not go on from there.
    pub(crate) async fn give_place_back(self: &Arc<Self>, instance: &ActiveInstance) {
        let id = instance.row.id;
        let mut snapshot = instance.snapshot.clone();
        let next = NextRow::new(instance, &mut snapshot, &self.encryption, self.clock.now());
        let NextRow { write, parts, waits, .. } = match next {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(instance_id = %id, %error, "an instance keeps its place though it stands at an error");
                return;
            }
        };
        let waits = waits.into_iter().collect();
        let commit = Commit { writes: vec![write], parts, waits, ..Commit::default() };
        match self.commit(commit, false).await {
            Stored::Durable(committed) => self.wake_admitted(&committed.admitted),
            Stored::Fenced | Stored::NoPlace => self.dispatcher.deliver_mailbox(id, None),
            Stored::Refused(error) => {
                tracing::error!(instance_id = %id, error, "an instance keeps its place though it stands at an error");
            }
        }
    }
}
