//! Members of concurrency groups: how one enters, changes its phase, and leaves.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::admission::{self, has_free_place};
use crate::{PlaceRequest, State, Transaction};

const FIND_KEY: &str = "SELECT number FROM concurrency_key WHERE group_name = ?1 AND key = ?2";
const INSERT_KEY: &str =
    "INSERT INTO concurrency_key (group_name, key, running, waiting) VALUES (?1, ?2, 0, 0) RETURNING number";
const COUNT: &str =
    "UPDATE concurrency_key SET running = running + ?2, waiting = waiting + ?3 WHERE number = ?1";
const REMOVE_KEY: &str = "DELETE FROM concurrency_key WHERE number = ?1 AND running = 0 AND waiting = 0
    AND NOT EXISTS (SELECT 1 FROM concurrency_member WHERE concurrency_member.key = ?1)";
const INSERT: &str = "INSERT INTO concurrency_member (instance, key, phase) VALUES (?1, ?2, ?3)";
const FIND: &str = "SELECT key, phase FROM concurrency_member WHERE instance = ?1";
const SET_PHASE: &str = "UPDATE concurrency_member SET phase = ?2 WHERE instance = ?1";
const REMOVE: &str = "DELETE FROM concurrency_member WHERE instance = ?1";
const TRANSFER: &str = "UPDATE concurrency_member SET instance = ?2 WHERE instance = ?1";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("FIND_KEY", FIND_KEY),
    ("COUNT", COUNT),
    ("REMOVE_KEY", REMOVE_KEY),
    ("FIND", FIND),
    ("SET_PHASE", SET_PHASE),
    ("REMOVE", REMOVE),
    ("TRANSFER", TRANSFER),
];

/// The phase of a member; the numbers are those of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for a place.
    Waiting = 0,
    /// It has one.
    Running = 1,
    /// It stands at an error and has none.
    Stopped = 2,
}

impl Phase {
    /// The phase of an instance in a state; `None` when it has ended.
    fn of(state: State) -> Option<Self> {
        match state {
            State::Pending => Some(Self::Waiting),
            State::Active | State::Suspended => Some(Self::Running),
            State::Error => Some(Self::Stopped),
            State::Completed | State::Aborted => None,
        }
    }

    fn number(self) -> i64 {
        self as i64
    }

    /// How many places it takes, and how many places it waits for.
    fn counts(self) -> (i64, i64) {
        match self {
            Self::Waiting => (0, 1),
            Self::Running => (1, 0),
            Self::Stopped => (0, 0),
        }
    }
}

/// A place in a group, or in the line for one, that an instance gets with its insert.
#[derive(Debug, Clone, Copy)]
pub(in crate::instances) struct Entry {
    key: i64,
    phase: Phase,
}

impl Entry {
    /// Whether the instance has to wait.
    pub(in crate::instances) fn waits(self) -> bool {
        self.phase == Phase::Waiting
    }
}

/// Finds out whether an instance that is about to be inserted gets a place. Whoever waits already goes first.
pub(in crate::instances) fn enter(
    transaction: &mut Transaction<'_>,
    request: &PlaceRequest,
) -> rusqlite::Result<Entry> {
    let name = params![request.group, request.key];
    let known = transaction.statement(FIND_KEY)?.query_row(name, |row| row.get(0)).optional()?;
    let key = match known {
        Some(key) => key,
        None => transaction.statement(INSERT_KEY)?.query_row(name, |row| row.get(0))?,
    };
    let phase = if has_free_place(transaction, key)? { Phase::Running } else { Phase::Waiting };
    Ok(Entry { key, phase })
}

/// Makes an inserted instance a member.
pub(in crate::instances) fn join(
    transaction: &mut Transaction<'_>,
    instance: i64,
    Entry { key, phase }: Entry,
) -> rusqlite::Result<()> {
    transaction.statement(INSERT)?.execute(params![instance, key, phase.number()])?;
    let (running, waiting) = phase.counts();
    count(transaction, key, running, waiting)
}

/// Whether a member that stands at an error may run again: there is a place, and nobody waits for it.
pub(in crate::instances) fn check_place(
    transaction: &mut Transaction<'_>,
    instance: i64,
) -> rusqlite::Result<bool> {
    match find(transaction, instance)? {
        Some((key, Some(Phase::Stopped))) => has_free_place(transaction, key),
        _ => Ok(true),
    }
}

/// Notes the new state of a member, `None` for its end, and lets go who waits for a place that is free now. Returns the instances that were let go. Without a
/// member this does nothing.
pub(in crate::instances) fn move_to(
    transaction: &mut Transaction<'_>,
    instance: i64,
    state: Option<State>,
) -> rusqlite::Result<Vec<Uuid>> {
    let Some((key, before)) = find(transaction, instance)? else { return Ok(Vec::new()) };
    let after = state.and_then(Phase::of);
    match after {
        Some(phase) => transaction.statement(SET_PHASE)?.execute(params![instance, phase.number()])?,
        None => transaction.statement(REMOVE)?.execute([instance])?,
    };
    let (ran, waited) = before.map_or((0, 0), Phase::counts);
    let (runs, waits) = after.map_or((0, 0), Phase::counts);
    count(transaction, key, runs - ran, waits - waited)?;
    let admitted = admission::admit(transaction, key)?;
    if after.is_none() {
        transaction.statement(REMOVE_KEY)?.execute([key])?;
    }
    Ok(admitted)
}

/// Gives what a member has to another instance, which is none.
pub(in crate::instances) fn transfer(
    transaction: &mut Transaction<'_>,
    from: i64,
    to: i64,
) -> rusqlite::Result<()> {
    transaction.statement(TRANSFER)?.execute([from, to])?;
    Ok(())
}

/// Changes how many members of a key run and wait.
pub(super) fn count(
    transaction: &mut Transaction<'_>,
    key: i64,
    running: i64,
    waiting: i64,
) -> rusqlite::Result<()> {
    if (running, waiting) != (0, 0) {
        transaction.statement(COUNT)?.execute([key, running, waiting])?;
    }
    Ok(())
}

/// Sets the phase of a member.
pub(super) fn set_phase(
    transaction: &mut Transaction<'_>,
    instance: i64,
    phase: Phase,
) -> rusqlite::Result<()> {
    transaction.statement(SET_PHASE)?.execute(params![instance, phase.number()])?;
    Ok(())
}

/// The key and the phase of an instance, if it is a member. A phase with an unknown number counts as none.
fn find(transaction: &mut Transaction<'_>, instance: i64) -> rusqlite::Result<Option<(i64, Option<Phase>)>> {
    let phase = |number: i64| {
        [Phase::Waiting, Phase::Running, Phase::Stopped].into_iter().find(|phase| phase.number() == number)
    };
    let find = transaction.statement(FIND)?;
    find.query_row([instance], |row| Ok((row.get(0)?, phase(row.get(1)?)))).optional()
}
