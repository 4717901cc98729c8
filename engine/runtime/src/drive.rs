//! Works on one instance: turn, commit, effects, until there is nothing more to do for it.

use std::{sync::Arc, time::Duration};

use rondo_machine::{Effect, Fact, Input, LogLine, Snapshot, Status};
use rondo_program::LogLevel;
use rondo_store::{Commit, CommitError, History, Write};
use uuid::Uuid;

use crate::{
    Refusal, children,
    engine::Inner,
    living::Living,
    registry::{Delivery, Reply, Signal},
};

/// Wait before a commit that the database refused is tried again.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Works on an instance until its queue is empty.
pub(crate) async fn drive(inner: Arc<Inner>, id: Uuid, mut living: Option<Box<Living>>) {
    while let Some((delivery, held)) = inner.registry.next(id, living.take()) {
        living = handle(&inner, id, held, delivery).await;
    }
}

/// Deals with one delivery; gives the instance back as it is then.
async fn handle(
    inner: &Arc<Inner>,
    id: Uuid,
    living: Option<Box<Living>>,
    delivery: Delivery,
) -> Option<Box<Living>> {
    let Delivery { signal, reply, _permit, .. } = delivery;
    let living = match living {
        Some(living) => Ok(Some(living)),
        None => inner.load(id).await,
    };
    let mut living = match living {
        Ok(Some(living)) => living,
        Ok(None) => {
            inner.families.has_dealt(id);
            if matches!(signal, Signal::Mail) {
                throw_away(inner, id).await;
            }
            refuse(reply, Refusal::UnknownInstance(id));
            return None;
        }
        Err(refusal) => {
            tracing::error!(instance_id = %id, error = %refusal, "the instance cannot be taken up");
            refuse(reply, refusal);
            return None;
        }
    };
    match signal {
        Signal::Input(input) => {
            let ends = matches!(*input, Input::Abort);
            let living = apply(inner, living, *input, None, reply).await;
            if ends {
                inner.families.has_dealt(id);
            }
            return living;
        }
        Signal::Mail => return read_mail(inner, living).await,
        Signal::ChildSettled(child) => {
            living.unsettled.remove(&child);
            settle(inner, &mut living);
        }
        Signal::Recover => return recover(inner, living).await,
    }
    Some(living)
}

/// Applies what parent and children have told, each message with the commit that removes it.
async fn read_mail(inner: &Arc<Inner>, living: Box<Living>) -> Option<Box<Living>> {
    let id = living.row.id;
    let mut living = Some(living);
    let messages = match inner.store.mailbox(id).await {
        Ok(messages) => messages,
        Err(error) => {
            tracing::error!(instance_id = %id, %error, "the mailbox cannot be read");
            return living;
        }
    };
    for (number, payload) in messages {
        let Some(held) = living.take() else { break };
        living = if let Some(input) = children::Letter::input_for(&payload, &held) {
            let ends = matches!(input, Input::Abort);
            let living = apply(inner, held, input, Some(number), None).await;
            if ends {
                inner.families.has_dealt(id);
            }
            living
        } else {
            forget(inner, number).await;
            Some(held)
        };
    }
    living
}

/// Removes a message that means nothing any more.
async fn forget(inner: &Inner, message: i64) {
    let commit = Commit { messages_consumed: vec![message], ..Commit::default() };
    store(inner, commit, true).await;
}

/// Removes all messages of an instance that has ended.
async fn throw_away(inner: &Inner, id: Uuid) {
    let Ok(messages) = inner.store.mailbox(id).await else { return };
    let messages_consumed: Vec<_> = messages.into_iter().map(|(number, _)| number).collect();
    if !messages_consumed.is_empty() {
        store(inner, Commit { messages_consumed, ..Commit::default() }, true).await;
    }
}

/// Takes up what was under way: starts what had not started, makes the calls again that were in flight.
async fn recover(inner: &Arc<Inner>, living: Box<Living>) -> Option<Box<Living>> {
    if living.snapshot.is_new() {
        return apply(inner, living, Input::Start { at: None }, None, None).await;
    }
    if living.snapshot.needs_turn() {
        return apply(inner, living, Input::Tick, None, None).await;
    }
    let now = inner.clock.now();
    let pending = rondo_machine::pending(&living.deployed.program, &living.snapshot, &living.context, now);
    for effect in pending {
        match effect {
            Ok(effect) => perform(inner, &living, effect),
            Err((call, failure)) => {
                inner.deliver(living.row.id, Delivery::input(Input::CallFailed { call, failure }));
            }
        }
    }
    Some(living)
}

/// One turn, one commit, the effects.
async fn apply(
    inner: &Arc<Inner>,
    mut living: Box<Living>,
    input: Input,
    message: Option<i64>,
    reply: Option<Reply>,
) -> Option<Box<Living>> {
    let id = living.row.id;
    let now = inner.clock.now();
    if matches!(input, Input::Tick)
        && living.snapshot.wake_at().is_none_or(|at| at > now)
        && !living.snapshot.needs_turn()
    {
        inner.timers_set(&living.snapshot, id);
        return Some(living);
    }
    let refusal = refusal_for(&input, id);
    let is_start = matches!(input, Input::Start { .. });
    let before = living.snapshot.clone();
    let again = input.clone();
    let turn = rondo_machine::turn(&living.deployed.program, before, input, &living.context, now);
    if !turn.accepted {
        if let Some(message) = message {
            forget(inner, message).await;
        }
        refuse(reply, refusal);
        return Some(living);
    }
    let row = living.row_for(&turn.snapshot, now);
    let mut commit = Commit::default();
    let expected = living.row.turn;
    commit.writes.push(if living.stored {
        Write::Update { instance: row.clone(), expected_turn: expected }
    } else {
        Write::Insert(row.clone())
    });
    commit.history.extend(history(id, row.turn, now, &turn.facts));
    commit.messages_consumed.extend(message);
    commit.messages.extend(children::word_to_parent(&living.row, &turn.snapshot, living.snapshot.status));
    let cancelled: Vec<Uuid> = turn
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::CancelChild(call) => Some(living.child_id(*call)),
            _ => None,
        })
        .collect();
    commit.messages.extend(cancelled.iter().filter_map(|child| children::word_to_child(*child)));
    let started =
        children::start_all(inner, &mut living, &turn.snapshot, &turn.effects, &mut commit, now).await;
    // Before the message can be heard, or nobody would take it back.
    inner.families.asked_to_end(cancelled.iter().copied());
    rondo_store::failpoint("turn-before-commit");
    match store(inner, commit, is_start).await {
        Stored::Done => {}
        Stored::Fenced => {
            take_back(inner, &living, &started, &cancelled);
            tracing::warn!(instance_id = %id, "another turn came first; this one is computed again");
            let delivery = Delivery { reply, ..Delivery::input(again) };
            inner.deliver(id, delivery);
            return None;
        }
        Stored::Refused(error) => {
            take_back(inner, &living, &started, &cancelled);
            refuse(reply, Refusal::Store(error));
            return None;
        }
    }
    rondo_store::failpoint("turn-after-commit");
    living.row = rondo_store::Instance { data: String::new(), frames: Vec::new(), input: None, ..row };
    living.stored = true;
    living.snapshot = turn.snapshot;
    tell(&living, &turn.facts);
    inner.timers_set(&living.snapshot, id);
    let family = living.family();
    for child in cancelled {
        inner.deliver_mailbox(child, family);
    }
    for child in started {
        child.carry_on(inner, &mut living);
    }
    for effect in turn.effects {
        perform(inner, &living, effect);
    }
    match reply {
        Some(reply) if reply.when_settled => living.waiters.push(reply),
        Some(reply) => answer(reply, &living),
        None => {}
    }
    if let Some(parent) = living.row.parent
        && living.snapshot.status != Status::Active
    {
        inner.deliver_mailbox(parent, family);
    }
    settle(inner, &mut living);
    let ended = matches!(living.snapshot.status, Status::Completed | Status::Aborted);
    if ended && living.line.is_some() && living.row.root.is_none() {
        inner.families.forget(id);
    }
    (!ended).then_some(living)
}

/// The commit was refused: nothing was started, and nobody is asked to end.
fn take_back(inner: &Inner, living: &Living, started: &[children::Started], cancelled: &[Uuid]) {
    children::take_back(inner, living, started);
    cancelled.iter().for_each(|child| inner.families.has_dealt(*child));
}

/// Answers those who wait until nothing is in flight, and tells the parent.
fn settle(inner: &Arc<Inner>, living: &mut Living) {
    if !living.is_settled() {
        return;
    }
    for reply in std::mem::take(&mut living.waiters) {
        answer(reply, living);
    }
    if let Some(parent) = living.row.parent {
        inner.notice(parent, Signal::ChildSettled(living.row.id));
    }
}

/// Carries out one effect. What must be durable has been stored before.
fn perform(inner: &Arc<Inner>, living: &Living, effect: Effect) {
    match effect {
        Effect::Call(request) => crate::calls::make(inner, living, request),
        // Both were part of the commit.
        Effect::StartChild(_) | Effect::CancelChild(_) => {}
        Effect::Log(line) => log(living, &line),
    }
}

fn log(living: &Living, line: &LogLine) {
    let (id, workflow, state, message) = (living.row.id, &living.row.workflow, &line.state, &line.message);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(target: "workflow", instance_id = %id, workflow = %workflow, state = %state, "{message}")
        };
    }
    match line.level {
        LogLevel::Trace => line!(trace),
        LogLevel::Debug => line!(debug),
        LogLevel::Info => line!(info),
        LogLevel::Warn => line!(warn),
        LogLevel::Error => line!(error),
    }
}

/// The log's story of an instance, where it is decided.
fn tell(living: &Living, facts: &[Fact]) {
    let (id, workflow) = (living.row.id, &living.row.workflow);
    for fact in facts {
        match fact {
            Fact::Started => tracing::info!(instance_id = %id, workflow, "instance started"),
            Fact::Completed => tracing::info!(instance_id = %id, workflow, "instance completed"),
            Fact::Aborted => tracing::info!(instance_id = %id, workflow, "instance aborted"),
            Fact::Failed { message, .. } => {
                tracing::warn!(instance_id = %id, workflow, error = %message, "instance stands at an error");
            }
            Fact::Entered { state, .. } => {
                tracing::debug!(instance_id = %id, workflow, %state, "state entered");
            }
            Fact::Retry { attempt, message, .. } => {
                tracing::info!(instance_id = %id, workflow, attempt, error = %message, "attempt failed, trying again");
            }
            _ => {}
        }
    }
}

enum Stored {
    Done,
    Fenced,
    Refused(String),
}

/// Commits. What has happened already (an answer that came) is not given up when the database is away: it is tried again
/// until it can be written or the engine stops. A start is refused at once instead.
async fn store(inner: &Inner, commit: Commit, give_up: bool) -> Stored {
    loop {
        match inner.store.commit(commit.clone()).await {
            Ok(()) => return Stored::Done,
            Err(CommitError::Fenced { .. }) => return Stored::Fenced,
            Err(error) if give_up || inner.is_stopping() => return Stored::Refused(error.to_string()),
            Err(error) => {
                tracing::error!(%error, "the database does not take a commit; trying again");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }
}

fn history(instance: Uuid, turn: u64, at: i64, facts: &[Fact]) -> Option<History> {
    if facts.is_empty() {
        return None;
    }
    let facts = serde_json::to_string(facts).ok()?;
    Some(History { instance, turn, at, facts })
}

fn answer(reply: Reply, living: &Living) {
    // Nobody may be listening any more: the client went away.
    let _ = reply.to.send(Ok(living.view()));
}

fn refuse(reply: Option<Reply>, refusal: Refusal) {
    if let Some(reply) = reply {
        let _ = reply.to.send(Err(refusal));
    }
}

/// What an input is answered that meant nothing to the instance.
fn refusal_for(input: &Input, id: Uuid) -> Refusal {
    match input {
        Input::Retrigger => Refusal::NotInError(id),
        Input::Skip => Refusal::CannotSkip(id),
        _ => Refusal::UnknownInstance(id),
    }
}

/// A snapshot's earliest moment, for the timers.
impl Inner {
    pub(crate) fn timers_set(&self, snapshot: &Snapshot, id: Uuid) {
        if let Some(at) = snapshot.wake_at() {
            self.timers.set(at, id);
        }
    }
}
