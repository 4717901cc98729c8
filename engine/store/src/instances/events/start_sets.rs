//! Events that start an instance together.
//!
//! Promises: the oldest event of each name is used, and no event is used for two instances of a workflow.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::kept;
use crate::{ReceivedEvent, StartSet, Transaction};

const OLDEST: &str = "SELECT event FROM kept_event
    WHERE workflow = ?1 AND set_key = ?2 AND name = ?3 AND (keep_until IS NULL OR keep_until > ?4)
    ORDER BY number LIMIT 1";
const COLLECT: &str = "INSERT INTO kept_event (event, at, keep_until, workflow, name, set_key, type)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const REMOVE: &str = "DELETE FROM kept_event WHERE event = ?1 AND workflow = ?2";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[("OLDEST", OLDEST), ("REMOVE", REMOVE)];

/// What a new event makes of its set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SetProgress {
    /// Others are missing: it is collected.
    Incomplete,
    /// The set is complete with it and these earlier events, by their numbers.
    Complete(BTreeSet<i64>),
}

/// Looks at what is there of a set.
pub(super) fn progress(
    transaction: &mut Transaction<'_>,
    workflow: &str,
    set: &StartSet,
    event: &ReceivedEvent,
) -> rusqlite::Result<SetProgress> {
    let mut earlier = BTreeSet::new();
    let mut needs_event = false;
    for name in &set.names {
        let columns = params![workflow, set.key, name, event.at];
        let oldest = transaction.statement(OLDEST)?.query_row(columns, |row| row.get(0)).optional()?;
        match oldest {
            Some(number) => _ = earlier.insert(number),
            None if set.satisfies.contains(name) => needs_event = true,
            None => return Ok(SetProgress::Incomplete),
        }
    }
    // A set that is complete without the event comes of a definition that needs fewer events now. The next event of another name takes this one.
    Ok(if needs_event { SetProgress::Complete(earlier) } else { SetProgress::Incomplete })
}

/// Adds an event to its set; gives the number of rows.
pub(super) fn collect(
    transaction: &mut Transaction<'_>,
    workflow: &str,
    set: &StartSet,
    event: &ReceivedEvent,
    number: i64,
) -> rusqlite::Result<()> {
    for name in &set.satisfies {
        let expires_at = set.expires_at;
        let row = params![number, event.at, expires_at, workflow, name, set.key, event.event_type];
        transaction.statement(COLLECT)?.execute(row)?;
        kept::add_total(transaction, 1)?;
    }
    Ok(())
}

/// Removes an event from its set; gives the number of rows, which were uses of it.
pub(super) fn remove(transaction: &mut Transaction<'_>, workflow: &str, event: i64) -> rusqlite::Result<i64> {
    let removed = transaction.statement(REMOVE)?.execute(params![event, workflow])?;
    let removed = i64::try_from(removed).unwrap_or(i64::MAX);
    kept::add_total(transaction, -removed)?;
    Ok(removed)
}
