//! Rows of accepted events: their identity, their content, and the messages that give them to instances.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::matching::encode;
use crate::{ReceivedEvent, Transaction};

const SEEN: &str = "SELECT 1 FROM event WHERE source = ?1 AND id = ?2";
const INSERT: &str = "INSERT INTO event (uses, forget_at, source, id) VALUES (?1, ?2, ?3, ?4)";
const INSERT_CONTENT: &str = "INSERT INTO event_content (event, at, keep_until, type, attributes, content)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const DELIVER: &str = "INSERT INTO mailbox (recipient, payload, event) VALUES (?1, x'', ?2)";
const CONSUME: &str = "DELETE FROM mailbox WHERE number = ?1 RETURNING event";
const ADD_USES: &str = "UPDATE event SET uses = uses + ?2 WHERE number = ?1 RETURNING uses";
const REMOVE_CONTENT: &str = "DELETE FROM event_content WHERE event = ?1";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] =
    &[("SEEN", SEEN), ("CONSUME", CONSUME), ("ADD_USES", ADD_USES), ("REMOVE_CONTENT", REMOVE_CONTENT)];

/// Whether an event of this source and id was accepted and is not forgotten.
pub(super) fn is_seen(transaction: &mut Transaction<'_>, event: &ReceivedEvent) -> rusqlite::Result<bool> {
    transaction.statement(SEEN)?.exists(params![event.source, event.id])
}

/// Inserts an event with the number of its uses, and gives its number.
pub(super) fn insert(
    transaction: &mut Transaction<'_>,
    event: &ReceivedEvent,
    uses: i64,
) -> rusqlite::Result<i64> {
    let row = params![uses, event.forget_at, event.source, event.id];
    transaction.statement(INSERT)?.execute(row)?;
    let number = transaction.connection().last_insert_rowid();
    let attributes = encode(&event.attributes)?;
    transaction.statement(INSERT_CONTENT)?.execute(params![
        number,
        event.at,
        event.keep_until,
        event.event_type,
        attributes,
        event.content
    ])?;
    Ok(number)
}

/// Puts an event into a mailbox. The message is a use of it.
pub(super) fn deliver(
    transaction: &mut Transaction<'_>,
    recipient: Uuid,
    event: i64,
) -> rusqlite::Result<()> {
    transaction.statement(DELIVER)?.execute(params![recipient, event])?;
    Ok(())
}

/// Removes a message from its mailbox.
pub(in crate::instances) fn consume(transaction: &mut Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    let removed = transaction.statement(CONSUME)?.query_row([number], |row| row.get(0)).optional()?;
    match removed.flatten() {
        Some(event) => add_uses(transaction, event, -1),
        None => Ok(()),
    }
}

/// Changes the number of uses of an event. Without any, its content goes.
pub(super) fn add_uses(transaction: &mut Transaction<'_>, event: i64, uses: i64) -> rusqlite::Result<()> {
    let left: Option<i64> =
        transaction.statement(ADD_USES)?.query_row([event, uses], |row| row.get(0)).optional()?;
    if left == Some(0) {
        transaction.statement(REMOVE_CONTENT)?.execute([event])?;
    }
    Ok(())
}
