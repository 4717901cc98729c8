//! The plan of a turn: the rows that are committed together, and the effects after the commit.
//!
//! A plan is made from the instance, the outcome of its turn and values that are passed in. Never: uses the engine or the database, or has
//! an effect; `perform` performs the plan.

use rondo_machine::{
    CallNumber, CallRequest, Effect, Fact, LogLine, PublishRequest, Snapshot, Status, SuccessorRequest,
};
use rondo_program::Failure;
use rondo_store::{Commit, History, PlaceTransfer, Write};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    formats::{FormatError, history, mailbox::MailboxMessage},
    instance_tree::Room,
    process_events, publication,
    row::{Committed, NextRow},
    subflows::{self, Sources, Subflows},
    successor,
    turn::Outcome,
};

/// The rows and effects of a turn.
pub(crate) struct Plan {
    /// The rows, which are written together or not at all.
    pub(crate) commit: Commit,
    /// The columns and the snapshot of the instance after the turn.
    pub(crate) committed: Committed,
    pub(crate) snapshot: Snapshot,
    /// The effects after the commit.
    pub(crate) then: Then,
}

/// The effects after the commit.
pub(crate) struct Then {
    /// The facts of the turn, for the log.
    pub(crate) facts: Vec<Fact>,
    /// Lines that the workflow itself writes.
    pub(crate) log: Vec<LogLine>,
    /// Calls to make.
    pub(crate) calls: Vec<CallRequest>,
    /// Subflows to run.
    #[allow(clippy::vec_box, reason = "each is handed on in its box")]
    pub(crate) started: Vec<Box<ActiveInstance>>,
    /// The successor (`continueAs`) of this instance.
    pub(crate) successor: Option<Box<ActiveInstance>>,
    /// Subflows, started or refused, that the instance does not wait for.
    pub(crate) detached: Vec<Uuid>,
    /// Subflows that cannot be started.
    pub(crate) refused: Vec<(CallNumber, Failure)>,
    /// Subflows that get a message to end with this commit.
    pub(crate) cancelled: Vec<Uuid>,
    /// The parent, if it gets a message with this commit.
    pub(crate) parent: Option<Uuid>,
    /// Whether the commit adds rows to the outbox.
    pub(crate) publishes: bool,
}

/// The effects of a turn, by kind.
#[derive(Default)]
pub(crate) struct Effects {
    log: Vec<LogLine>,
    calls: Vec<CallRequest>,
    children: Vec<rondo_machine::ChildRequest>,
    cancelled: Vec<CallNumber>,
    successor: Option<SuccessorRequest>,
    published: Vec<PublishRequest>,
}

impl Effects {
    pub(crate) fn of(effects: Vec<Effect>) -> Self {
        let mut apart = Self::default();
        for effect in effects {
            match effect {
                Effect::Log(line) => apart.log.push(line),
                Effect::Call(request) => apart.calls.push(request),
                Effect::StartChild(request) => apart.children.push(request),
                Effect::CancelChild(call) => apart.cancelled.push(call),
                Effect::ContinueAs(request) => apart.successor = Some(request),
                Effect::Publish(request) => apart.published.push(request),
            }
        }
        // A subflow that the same turn starts and cancels is not started at all.
        let Self { children, cancelled, .. } = &mut apart;
        cancelled.retain(|call| {
            let before = children.len();
            children.retain(|child| child.call != *call);
            children.len() == before
        });
        apart
    }

    /// How many subflows are to be started.
    pub(crate) fn children(&self) -> usize {
        self.children.len()
    }
}

impl Plan {
    /// Makes the plan of a turn of `instance`. `before` is the status before the turn, `room` the number of subflows of `effects` that may
    /// start.
    pub(crate) fn new(
        instance: &mut ActiveInstance,
        before: Status,
        outcome: Outcome,
        effects: Effects,
        room: Room,
        sources: &Sources<'_>,
    ) -> Result<Self, FormatError> {
        let Outcome { mut turn, consumed, returned } = outcome;
        let id = instance.row.id;
        let NextRow { write, parts, waits, committed } =
            NextRow::new(instance, &mut turn.snapshot, sources.encryption, sources.now)?;
        let mut commit = Commit {
            parts,
            messages_consumed: consumed,
            events_returned: returned,
            waits: waits.into_iter().collect(),
            ..Commit::default()
        };
        for request in &effects.published {
            let (channels, encryption) = (sources.channels, sources.encryption);
            commit.outbox.push(publication::outgoing(instance, request, channels, encryption, sources.now)?);
        }
        for call in &effects.calls {
            let (channels, encryption) = (sources.channels, sources.encryption);
            commit.outbox.extend(publication::outgoing_of_call(
                instance,
                call,
                channels,
                encryption,
                sources.now,
            )?);
        }
        let (observed, encryption) = (sources.observed, sources.encryption);
        process_events::append(&mut commit.outbox, instance, &turn, observed, encryption, sources.now)?;
        let publishes = !commit.outbox.is_empty();
        let facts = history::encode(&turn.facts)?;
        commit.history.extend(facts.map(|facts| History {
            instance: id,
            turn: write.turn(),
            at: sources.now,
            facts,
        }));
        let (successor_row, successor) = match effects.successor {
            Some(request) => {
                let (row, successor) = successor::make(instance, &turn.snapshot, request, sources)?;
                commit.place_transfers.push(PlaceTransfer { from: id, to: row.id });
                (Some(row), Some(successor))
            }
            None => (None, None),
        };
        // The parent of an instance with a successor waits for the successor, so it gets no message.
        let to_parent = match successor {
            Some(_) => None,
            None => subflows::message_to_parent(instance, &turn.snapshot, before)?,
        };
        let parent = to_parent.as_ref().map(|message| message.to);
        commit.messages.extend(to_parent);
        let cancelled: Vec<Uuid> = effects.cancelled.iter().map(|call| instance.child_id(*call)).collect();
        for child in &cancelled {
            commit.messages.push(MailboxMessage::End { first: None }.encode(*child)?);
        }
        let detached = effects.children.iter().filter(|child| child.is_detached);
        let detached = detached.map(|child| instance.child_id(child.call)).collect();
        let Subflows { rows, started, refused } =
            subflows::make(instance, turn.snapshot.depth, effects.children, room, sources);
        commit.writes.extend(rows.into_iter().chain(successor_row).map(Write::Insert));
        commit.writes.push(write);
        Ok(Self {
            commit,
            committed,
            snapshot: turn.snapshot,
            then: Then {
                facts: turn.facts,
                log: effects.log,
                calls: effects.calls,
                started,
                successor,
                detached,
                refused,
                cancelled,
                parent,
                publishes,
            },
        })
    }
}
