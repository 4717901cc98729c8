//! One turn of an instance: it is computed, committed, and then carried out.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use rondo_machine::{Effect, Fact, Input, Millis, Snapshot, Status, Turn};
use rondo_store::{Commit, CommitError, History, StoreError, Update, Write};
use uuid::Uuid;

use crate::{
    Refusal, children,
    drive::forget,
    engine::Inner,
    living::Living,
    registry::{Delivery, Reply, Signal},
    secrets, tell,
};

/// Wait before a commit that the database refused is tried again.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// An input, with the message that told of it.
pub(crate) struct Heard {
    pub(crate) input: Input,
    pub(crate) message: Option<i64>,
}

impl Heard {
    /// An input that nobody wrote a message about.
    pub(crate) fn one(input: Input) -> VecDeque<Self> {
        [Self { input, message: None }].into()
    }
}

/// Computes a turn, commits it, and carries out what it asks for; gives the instance back as it is then. Inputs that are left in
/// `heard` had no room in the turn.
pub(crate) async fn apply(
    inner: &Arc<Inner>,
    mut living: Box<Living>,
    heard: &mut VecDeque<Heard>,
    reply: Option<Reply>,
) -> Option<Box<Living>> {
    let id = living.row.id;
    let now = inner.clock.now();
    let Some(first) = heard.front().map(|heard| &heard.input) else { return Some(living) };
    if matches!(first, Input::Tick)
        && living.snapshot.wake_at().is_none_or(|at| at > now)
        && !living.snapshot.needs_turn()
    {
        heard.clear();
        inner.timers_set(&living.snapshot, id);
        return Some(living);
    }
    let before = living.snapshot.status;
    let (refusal, again) = (refusal_for(first, id, before), asked_again(first));
    let (mut turn, consumed) = compute(inner, &mut living, heard, now);
    if !turn.accepted {
        living.snapshot = turn.snapshot;
        forget(inner, consumed).await;
        refuse(reply, refusal);
        return Some(living);
    }
    let mut commit = Commit::default();
    let (row, parts) = living.row_for(inner, &mut turn.snapshot, now);
    commit.parts = parts;
    commit.history.extend(history(id, row.turn, now, &turn.facts));
    commit.messages_consumed = consumed;
    commit.messages.extend(children::word_to_parent(&living.row, &turn.snapshot, before));
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
    let committed = living.moved_on(&row);
    commit.writes.push(if living.stored {
        Write::Update(Update::of_row(row, living.row.turn))
    } else {
        Write::Insert(row)
    });
    rondo_store::failpoint("turn-before-commit");
    let stored = store(inner, commit, !living.stored).await;
    if !matches!(stored, Stored::Done) {
        // Nothing was started, nobody is asked to end, and what is in memory is not what is in the database.
        children::take_back(inner, &living, &started);
        for child in &cancelled {
            inner.families.has_dealt(*child);
        }
        heard.clear();
        if let Stored::Refused(error) = stored {
            refuse(reply, Refusal::Store(error));
            return None;
        }
        tracing::warn!(instance_id = %id, "another turn came first; this one is computed again");
        match again {
            Some(again) => inner.deliver(id, Delivery { reply, ..Delivery::input(again) }),
            None => inner.deliver_mailbox(id, None),
        }
        return None;
    }
    rondo_store::failpoint("turn-after-commit");
    inner.at_work.has_finished(id);
    living.is_unproven = false;
    committed.write_to(&mut living.row);
    living.stored = true;
    living.snapshot = turn.snapshot;
    tell::tell(&living, &turn.facts);
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
    if living.snapshot.needs_turn() {
        // The turn was used up. Whatever else there is to do for anybody comes first.
        inner.deliver(id, Delivery::input(Input::Tick));
    }
    settle(inner, &mut living);
    let ended = matches!(living.snapshot.status, Status::Completed | Status::Aborted);
    if ended && living.line.is_some() && living.row.root.is_none() {
        inner.families.forget(id);
    }
    (!ended).then_some(living)
}

/// Lets the inputs happen, as many as the turn has room for. The snapshot moves into the turn, so that nothing of it is copied
/// when it is changed. Gives the messages too that told of the inputs.
fn compute(inner: &Inner, living: &mut Living, heard: &mut VecDeque<Heard>, now: Millis) -> (Turn, Vec<i64>) {
    let snapshot = std::mem::take(&mut living.snapshot);
    let goes_on = snapshot.needs_turn();
    let mut turn = Turn { snapshot, effects: Vec::new(), facts: Vec::new(), accepted: false };
    let mut consumed = Vec::new();
    let _mark = if living.is_unproven { inner.at_work.mark(living.row.id) } else { None };
    let run = || {
        while let Some(Heard { input, message }) = heard.pop_front() {
            if !matches!(input, Input::Halt(_)) {
                rondo_store::failpoint_of("turn-of", &living.row.workflow);
            }
            let mut next =
                rondo_machine::turn(&living.deployed.program, turn.snapshot, input, &living.context, now);
            secrets::mask(&mut next, &inner.secrets);
            turn.snapshot = next.snapshot;
            turn.effects.extend(next.effects);
            turn.facts.extend(next.facts);
            turn.accepted |= next.accepted;
            consumed.extend(message);
            if turn.snapshot.needs_turn() {
                break;
            }
        }
        (turn, consumed)
    };
    // Whoever has used up a turn already has much to compute, and must not hold up a thread that others need.
    if goes_on { aside(run) } else { run() }
}

/// Runs something long; another thread takes over what this one has to do besides.
fn aside<T>(run: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match runtime {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(run),
        _ => run(),
    }
}

/// Answers those who wait until nothing is in flight, and tells the parent.
pub(crate) fn settle(inner: &Arc<Inner>, living: &mut Living) {
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
pub(crate) fn perform(inner: &Arc<Inner>, living: &Living, effect: Effect) {
    match effect {
        Effect::Call(request) => crate::calls::make(inner, living, request),
        // Both were part of the commit.
        Effect::StartChild(_) | Effect::CancelChild(_) => {}
        Effect::Log(line) => tell::log(living, &line),
    }
}

pub(crate) enum Stored {
    Done,
    Fenced,
    Refused(String),
}

/// Commits. What has happened already (an answer that came) is not given up when the database is away: it is tried again
/// until it can be written or the engine stops. A start is refused at once instead.
pub(crate) async fn store(inner: &Inner, commit: Commit, give_up: bool) -> Stored {
    let mut commit = commit;
    let mut tries = 0_u64;
    loop {
        tries += 1;
        let next = if give_up { Commit::default() } else { commit.clone() };
        match inner.store.commit(commit).await {
            Ok(()) => return Stored::Done,
            Err(CommitError::Fenced { .. }) => return Stored::Fenced,
            Err(error @ CommitError::Store(StoreError::Lost(_))) => {
                return Stored::Refused(error.to_string());
            }
            Err(error) if give_up || inner.is_stopping() => return Stored::Refused(error.to_string()),
            Err(error) => {
                // Trouble that all have is told by the store, once for all of them.
                if inner.store.health().is_ok() && tries.is_power_of_two() {
                    tracing::error!(%error, tries, "the database does not take a commit; trying again");
                }
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
        commit = next;
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

pub(crate) fn refuse(reply: Option<Reply>, refusal: Refusal) {
    if let Some(reply) = reply {
        let _ = reply.to.send(Err(refusal));
    }
}

/// What an input is answered that meant nothing to the instance.
fn refusal_for(input: &Input, id: Uuid, status: Status) -> Refusal {
    match input {
        Input::Retrigger => Refusal::NotInError(id),
        Input::Skip if status != Status::Error => Refusal::NotInError(id),
        Input::Skip => Refusal::CannotSkip(id),
        _ => Refusal::UnknownInstance(id),
    }
}

/// What somebody asks for is asked again when another turn came first. A call is made again by whoever takes the instance up,
/// and a message is still in the mailbox.
fn asked_again(input: &Input) -> Option<Input> {
    match input {
        Input::Answered { .. } | Input::CallFailed { .. } | Input::ChildEnded { .. } => None,
        other => Some(other.clone()),
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
