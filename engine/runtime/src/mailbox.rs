//! Reads the mailbox of an instance.
//!
//! Promises: a message has its effect once, for the commit of the turn that it makes removes it. A message that cannot be read stays in the
//! mailbox, and the instance stands still with an error that says so: a newer build reads it, and a retrigger goes on without it.

use std::{collections::VecDeque, sync::Arc};

use rondo_event::CloudEvent;
use rondo_machine::{Input, ReceivedEvent, Status};
use rondo_program::Failure;
use uuid::Uuid;

use crate::{
    acceptance,
    active_instance::ActiveInstance,
    delivery::QueuedInput,
    executor::{Executor, STORE_PAUSE},
    formats::{
        FormatError,
        mailbox::{ChildOutcome, MailboxMessage},
    },
};

/// What the next messages of a mailbox come to.
#[derive(Default)]
struct Batch {
    inputs: VecDeque<QueuedInput>,
    /// Messages that mean nothing any more.
    passed: Vec<i64>,
    /// Whether the last input ends the instance.
    ends: bool,
}

impl Executor {
    /// Applies what parent and children have told, each message with the commit that removes it.
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
                    // It has ended, or another turn came first: whoever looks again deals with the others.
                    self.dispatcher.deliver_mailbox(id, None);
                    return None;
                };
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
                if batch.ends {
                    self.trees.has_dealt(id);
                }
                if !inputs.is_empty() {
                    // The turn was used up; the others of the tree come first.
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

    /// Removes all messages of an instance that has ended, or never was.
    pub(crate) async fn empty_mailbox(&self, id: Uuid) {
        loop {
            match self.store.mailbox(id, None).await {
                Ok(messages) if messages.is_empty() => return,
                Ok(messages) => {
                    let numbers = messages.into_iter().map(|message| message.number).collect();
                    if !self.discard_messages(id, numbers, Vec::new()).await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(instance_id = %id, %error, "messages of an instance that has ended stay in the database");
                    return;
                }
            }
        }
    }

    /// Has an instance look into its mailbox after a pause.
    fn read_mailbox_later(self: &Arc<Self>, id: Uuid) {
        let executor = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = executor.clock.sleep(STORE_PAUSE) => executor.dispatcher.deliver_mailbox(id, None),
                // The next start looks into all mailboxes.
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
        let input = match message.event {
            Some(event) => Some(self.event(&event.content, instance)?),
            None => input_for(MailboxMessage::decode(&message.payload)?, instance),
        };
        let Some(input) = input else {
            self.passed.push(number);
            return Ok(());
        };
        // What follows is to be looked at again after the end.
        self.ends = matches!(input, Input::Abort);
        self.inputs.push_back(QueuedInput { input, message: Some(number) });
        Ok(())
    }
}

impl Batch {
    /// The input of an event. The instance that it starts begins with this turn.
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

/// What a message means to its receiver; `None` when it does not wait for this child any more.
fn input_for(message: MailboxMessage, instance: &mut ActiveInstance) -> Option<Input> {
    let (child, outcome) = match message {
        MailboxMessage::End => return Some(Input::Abort),
        MailboxMessage::ChildEnded { child, outcome } => (child, outcome),
    };
    let call = instance.call_of(child)?;
    Some(match outcome {
        ChildOutcome::Completed(data) => Input::ChildEnded { call, outcome: Ok(data) },
        ChildOutcome::Failed(failure) => Input::ChildEnded { call, outcome: Err(failure) },
        // A subflow that is ended by hand ends the instance that waits for it.
        ChildOutcome::Aborted => Input::Abort,
    })
}
