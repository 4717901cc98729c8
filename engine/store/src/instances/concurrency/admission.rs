//! Lets waiting members go when there is a place.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::members::{self, Phase};
use crate::{State, Transaction, instances::events::skip_row};

/// A group that is not stored has no limit.
const FREE: &str =
    "SELECT waiting, coalesce(running < (SELECT most FROM concurrency_group WHERE name = group_name), 1)
    FROM concurrency_key WHERE number = ?1";
const NEXT: &str =
    "SELECT instance FROM concurrency_member WHERE key = ?1 AND phase = 0 ORDER BY instance LIMIT 1";
// The turn counts, so that a turn which was computed while the instance waited is refused.
const LET_GO: &str =
    "UPDATE instance SET state = ?2, busy = 1, turn = turn + 1 WHERE number = ?1 RETURNING id";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[("FREE", FREE), ("NEXT", NEXT), ("LET_GO", LET_GO)];

/// Whether a place is free for somebody who does not wait yet.
pub(super) fn has_free_place(transaction: &mut Transaction<'_>, key: i64) -> rusqlite::Result<bool> {
    let (waiting, is_free) = look_at(transaction, key)?;
    Ok(is_free && waiting == 0)
}

/// How many members of a key wait, and whether a place is free.
fn look_at(transaction: &mut Transaction<'_>, key: i64) -> rusqlite::Result<(i64, bool)> {
    transaction.statement(FREE)?.query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Gives the free places of a key to those that wait, in the order of their starts. They are active and busy from now on, so that they are
/// found after a crash. Returns their ids.
pub(super) fn admit(transaction: &mut Transaction<'_>, key: i64) -> rusqlite::Result<Vec<Uuid>> {
    let mut admitted = Vec::new();
    loop {
        let (waiting, is_free) = look_at(transaction, key)?;
        if waiting <= 0 || !is_free {
            return Ok(admitted);
        }
        let next = transaction.statement(NEXT)?.query_row([key], |row| row.get(0)).optional()?;
        let Some(instance) = next else { return Ok(admitted) };
        if let Some(id) = let_go(transaction, instance)? {
            members::set_phase(transaction, instance, Phase::Running)?;
            members::count(transaction, key, 1, -1)?;
            admitted.push(id);
        } else {
            // Nobody can work on a damaged instance, so it must not keep a place from the others.
            members::set_phase(transaction, instance, Phase::Stopped)?;
            members::count(transaction, key, 0, -1)?;
        }
    }
}

/// Makes the row of an instance active. Returns its id, `None` if it is damaged or missing.
fn let_go(transaction: &mut Transaction<'_>, instance: i64) -> rusqlite::Result<Option<Uuid>> {
    let update = transaction.statement(LET_GO)?;
    let id = update
        .query_row(params![instance, State::Active.number()], |row| row.get(0).map(Some).or_else(skip_row));
    Ok(id.optional()?.flatten())
}
