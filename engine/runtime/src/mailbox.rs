//! Reads the mailbox of an instance.
//!
//! Promises: a message has its effect once, because the commit of its turn removes it. A message that cannot be read stays in the mailbox
//! for a newer build, and the instance gets an error that says so; a retrigger goes on without the message.

use std::{collections::VecDeque, sync::Arc};

use rondo_event::CloudEvent;
use rondo_machine::{Input, ReceivedEvent, Status};
use rondo_program::Failure;
use rondo_store::{Commit, Instance, State, StoreError};
use uuid::Uuid;

use crate::{
    acceptance,
    active_instance::ActiveInstance,
    delivery::QueuedInput,
    executor::{Executor, STORE_PAUSE, Stored},
    formats::{
        FormatError,
        mailbox::{ChildOutcome, MailboxMessage},
    },
    successor::{self, LastInstance},
};

/// The inputs of the next messages of a mailbox.
#[derive(Default)]
struct Batch {
    inputs: VecDeque<QueuedInput>,
    /// Messages that have no effect any more, and are removed without a turn.
    passed: Vec<i64>,
    /// Whether the last input aborts the instance.
    ends: bool,
    /// Whether a message of the parent asks the instance to end.
    asks_to_end: bool,
}

impl Executor {
    /// Applies the messages of the mailbox. The commit of a turn removes the messages that the turn has taken.
    pub(crate) async fn read_mailbox(
        self: &Arc<Self>,
        instance: Box<ActiveInstance>,
    ) -> Option<Box<ActiveInstance>> {
        let id = instance.row.id;
        let mut held = Some(instance);
        let mut unreadable = None;
        let mut after = None;
        loop {
            let page = match self.store.mailbox(id, after).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(instance_id = %id, %error, "the mailbox cannot be read; trying again");
                    self.read_mailbox_later(id);
                    return held;
                }
            };
            let Some(last) = page.last() else { break };
            after = Some(last.number);
            let mut messages = page.into_iter().peekable();
            while messages.peek().is_some() {
                let Some(mut instance) = held.take() else {
                    // The turn has ended the instance, or another turn came first. A new delivery processes the other messages.
                    self.dispatcher.deliver_mailbox(id, None);
                    return None;
                };
                if instance.has_ended() {
                    self.empty_mailbox(id).await;
                    return Some(instance);
                }
                let mut batch = Batch::default();
                while !batch.ends
                    && let Some(message) = messages.next()
                {
                    let number = message.number;
                    if let Err(error) = batch.add(message, &mut instance) {
                        tracing::error!(instance_id = %id, message = number, %error, "a message in the mailbox cannot be read");
                        unreadable.get_or_insert((number, error));
                    }
                }
                self.discard_messages(id, batch.passed, Vec::new()).await;
                let mut inputs = batch.inputs;
                held = if inputs.is_empty() {
                    Some(instance)
                } else {
                    self.take_turn(instance, &mut inputs, None).await
                };
                if batch.asks_to_end {
                    self.trees.has_dealt(id);
                }
                if !inputs.is_empty() {
                    // The turn reached its limit of steps. The next one waits, so that other instances of the tree get their turns.
                    self.dispatcher.deliver_mailbox(id, None);
                    return held;
                }
            }
        }
        match (held, unreadable) {
            (Some(instance), Some((number, error))) if instance.snapshot.status == Status::Active => {
                let failure = Failure::runtime(format!(
                    "message {number} in the mailbox of this instance cannot be read, and so it is stopped: {error}. The message is kept; a \
                     retrigger goes on without it"
                ));
                self.take_turn_with(instance, Input::Halt(failure), None).await
            }
            (instance, _) => instance,
        }
    }

    /// Removes all messages of an instance that has ended or does not exist. A message to end goes to its successor, and an event is accepted
    /// anew, as if it came now.
    pub(crate) async fn empty_mailbox(self: &Arc<Self>, id: Uuid) {
        let mut after = None;
        loop {
            let page = match self.store.mailbox(id, after).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(instance_id = %id, %error, "messages of an instance that has ended stay in the database");
                    return;
                }
            };
            let Some(last) = page.last() else { return };
            after = Some(last.number);
            let mut numbers = Vec::with_capacity(page.len());
            for message in page {
                if let Some(event) = &message.event {
                    self.redirect(id, message.number, &event.content).await;
                    continue;
                }
                match MailboxMessage::decode(&message.payload) {
                    Ok(MailboxMessage::End { first }) => {
                        self.end_successor(first.unwrap_or(id), message.number).await;
                    }
                    _ => numbers.push(message.number),
                }
            }
            if !self.discard_messages(id, numbers, Vec::new()).await {
                return;
            }
        }
    }

    /// Moves a message to end to the last successor of `first`, if there is one and it has not ended.
    async fn end_successor(self: &Arc<Self>, first: Uuid, number: i64) {
        let last = match self.last_of_chain(first).await {
            Ok(last) => last,
            Err(error) => {
                tracing::error!(instance_id = %first, %error, "the successor of this instance cannot be found, so it does not end");
                return;
            }
        };
        let mut commit = Commit { messages_consumed: vec![number], ..Commit::default() };
        if let Some(last) = last {
            match (MailboxMessage::End { first: Some(first) }).encode(last) {
                Ok(message) => commit.messages.push(message),
                Err(error) => {
                    tracing::error!(instance_id = %last, %error, "the instance cannot be told to end");
                    return;
                }
            }
            self.trees.asked_to_end([last]);
        }
        match (self.commit(commit, true).await, last) {
            (Stored::Durable(_), Some(last)) => self.dispatcher.deliver_mailbox(last, None),
            (Stored::Durable(_), None) => {}
            (_, last) => {
                if let Some(last) = last {
                    self.trees.has_dealt(last);
                }
                tracing::warn!(instance_id = %first, "a message to end stays in the mailbox until the next start");
            }
        }
    }

    /// The last instance of the chain that continues `first`; `None` if there is none, or it has ended.
    async fn last_of_chain(&self, first: Uuid) -> Result<Option<Uuid>, StoreError> {
        let mut search = LastInstance::search();
        let mut last = None;
        while let Some(number) = search.next() {
            let row = self.store.instance(successor::id_in_chain(first, number)).await?;
            search.found(number, row.is_some());
            if let Some(row) = row {
                last = Some(row);
            }
        }
        let is_active = |row: &Instance| matches!(row.state, State::Active | State::Error);
        Ok(last.filter(is_active).map(|row| row.id))
    }

    /// Makes an instance read its mailbox after a pause.
    fn read_mailbox_later(self: &Arc<Self>, id: Uuid) {
        let executor = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = executor.clock.sleep(STORE_PAUSE) => executor.dispatcher.deliver_mailbox(id, None),
                // The next start of the engine reads all mailboxes.
                () = executor.stopping() => {}
            }
        });
    }
}

impl Batch {
    fn add(
        &mut self,
        message: rondo_store::MailboxMessage,
        instance: &mut ActiveInstance,
    ) -> Result<(), FormatError> {
        let number = message.number;
        let input = if let Some(event) = message.event {
            Some(self.event(&event.content, instance)?)
        } else {
            let message = MailboxMessage::decode(&message.payload)?;
            self.asks_to_end |= matches!(message, MailboxMessage::End { .. });
            input_for(message, instance)
        };
        let Some(input) = input else {
            self.passed.push(number);
            return Ok(());
        };
        // Messages after this one are handled when the instance has ended.
        self.ends = matches!(input, Input::Abort);
        self.inputs.push_back(QueuedInput { input, message: Some(number) });
        Ok(())
    }
}

impl Batch {
    /// The input of an event. If the event starts the instance, an input `Start` goes before it.
    fn event(&mut self, content: &[u8], instance: &ActiveInstance) -> Result<Input, FormatError> {
        let event = CloudEvent::decode(content).map_err(|error| FormatError::damaged("an event", error))?;
        let starts = instance.snapshot.is_new();
        if starts && self.inputs.is_empty() {
            let at = event.attribute(acceptance::START_FROM).map(str::to_owned);
            self.inputs.push_back(QueuedInput { input: Input::Start { at }, message: None });
        }
        let is_addressed = starts
            || event.attribute(acceptance::REFERENCE).is_some()
            || event.attribute(acceptance::BUSINESS_KEY).is_some();
        Ok(Input::Event(Box::new(ReceivedEvent {
            id: event.id.as_str().into(),
            event_type: event.event_type.as_str().into(),
            source: event.source.as_str().into(),
            attributes: event.attributes().map(|(name, value)| (name.into(), value.into())).collect(),
            data: event.data,
            is_addressed,
        })))
    }
}

/// The input of a message; `None` if it has no effect: the instance is aborting already, or does not wait for this child any more.
fn input_for(message: MailboxMessage, instance: &mut ActiveInstance) -> Option<Input> {
    let (child, outcome) = match message {
        // A second abort would cut the compensation short, and this message may repeat the reason of the first.
        MailboxMessage::End { .. } => return (!instance.snapshot.is_aborting()).then_some(Input::Abort),
        MailboxMessage::Retrigger => return Some(Input::Retrigger),
        MailboxMessage::Skip => return Some(Input::Skip),
        MailboxMessage::ChildEnded { child, outcome } => (child, outcome),
    };
    let call = instance.call_of(child)?;
    Some(match outcome {
        ChildOutcome::Completed(data) => Input::ChildEnded { call, outcome: Ok(data) },
        ChildOutcome::Failed(failure) => Input::ChildEnded { call, outcome: Err(failure) },
        // A subflow that was aborted aborts its parent, but not if the parent does not wait for it, and not in the middle of a compensation.
        ChildOutcome::Aborted if instance.snapshot.is_detached(call) || instance.snapshot.is_aborting() => {
            Input::CallFailed { call, failure: Failure::runtime("the subflow was aborted") }
        }
        ChildOutcome::Aborted => Input::Abort,
    })
}
