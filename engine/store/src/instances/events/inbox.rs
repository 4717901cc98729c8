//! Rows of accepted events: their identity, their content, and the messages that give them to instances.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::matching::encode;
use crate::{ReceivedEvent, Transaction};

const SEEN: &str = "SELECT 1 FROM event WHERE source = ?1 AND id = ?2";
const INSERT: &str = "INSERT INTO event (uses, taken, forget_at, source, id) VALUES (?1, ?2, ?3, ?4, ?5)";
const INSERT_CONTENT: &str = "INSERT INTO event_content (event, at, keep_until, type, attributes, content)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const DELIVER: &str = "INSERT INTO mailbox (recipient, payload, event) VALUES (?1, x'', ?2)";
const CONSUME: &str = "DELETE FROM mailbox WHERE number = ?1 RETURNING event";
const ADD_USES: &str = "UPDATE event SET uses = uses + ?2 WHERE number = ?1 RETURNING uses";
const TAKE: &str = "UPDATE event SET taken = 1 WHERE number = ?1";
const OF_MESSAGE: &str = "SELECT mailbox.event, uses, taken, at, keep_until FROM mailbox
    JOIN event ON event.number = mailbox.event JOIN event_content ON event_content.event = mailbox.event
    WHERE mailbox.number = ?1";
const REMOVE_CONTENT: &str = "DELETE FROM event_content WHERE event = ?1 RETURNING octet_length(content)";
pub(super) const TOTAL_BYTES: &str = "SELECT amount FROM event_total WHERE name = 'event_bytes'";
const ADD_BYTES: &str = "UPDATE event_total SET amount = amount + ?1 WHERE name = 'event_bytes'";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("SEEN", SEEN),
    ("CONSUME", CONSUME),
    ("ADD_USES", ADD_USES),
    ("TAKE", TAKE),
    ("OF_MESSAGE", OF_MESSAGE),
    ("REMOVE_CONTENT", REMOVE_CONTENT),
    ("TOTAL_BYTES", TOTAL_BYTES),
    ("ADD_BYTES", ADD_BYTES),
];

/// Whether an event of this source and id was accepted and is not forgotten.
pub(super) fn is_seen(transaction: &mut Transaction<'_>, event: &ReceivedEvent) -> rusqlite::Result<bool> {
    transaction.statement(SEEN)?.exists(params![event.source, event.id])
}

/// Inserts an event with the number of its uses, and gives its number. `is_taken` says whether it starts an instance.
pub(super) fn insert(
    transaction: &mut Transaction<'_>,
    event: &ReceivedEvent,
    uses: i64,
    is_taken: bool,
) -> rusqlite::Result<i64> {
    let row = params![uses, is_taken, event.forget_at, event.source, event.id];
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
    add_bytes(transaction, i64::try_from(event.content.len()).unwrap_or(i64::MAX))?;
    Ok(number)
}

/// Bytes of the contents of all events.
pub(super) fn total_bytes(transaction: &mut Transaction<'_>) -> rusqlite::Result<u64> {
    transaction.statement(TOTAL_BYTES)?.query_row([], |row| row.get(0))
}

fn add_bytes(transaction: &mut Transaction<'_>, bytes: i64) -> rusqlite::Result<()> {
    transaction.statement(ADD_BYTES)?.execute([bytes])?;
    Ok(())
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

/// Removes a message from its mailbox, whose instance has used it.
pub(in crate::instances) fn consume(transaction: &mut Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    match remove_message(transaction, number)? {
        Some(event) => {
            take(transaction, event)?;
            add_uses(transaction, event, -1)
        }
        None => Ok(()),
    }
}

/// Removes a message from its mailbox, and gives the number of its event, of which it was a use.
pub(super) fn remove_message(
    transaction: &mut Transaction<'_>,
    number: i64,
) -> rusqlite::Result<Option<i64>> {
    let removed = transaction.statement(CONSUME)?.query_row([number], |row| row.get(0)).optional()?;
    Ok(removed.flatten())
}

/// Notes that an instance has used an event, or was started by it.
pub(super) fn take(transaction: &mut Transaction<'_>, event: i64) -> rusqlite::Result<()> {
    transaction.statement(TAKE)?.execute([event])?;
    Ok(())
}

/// An event in a mailbox.
pub(super) struct MessageEvent {
    /// The number of the event.
    pub(super) event: i64,
    /// Whether nobody else has it, nor ever had.
    pub(super) is_only_use: bool,
    pub(super) at: i64,
    pub(super) keep_until: i64,
}

/// The event of a message, if it is one.
pub(super) fn of_message(
    transaction: &mut Transaction<'_>,
    message: i64,
) -> rusqlite::Result<Option<MessageEvent>> {
    let read = |row: &Row<'_>| {
        let (uses, is_taken): (i64, bool) = (row.get(1)?, row.get(2)?);
        let is_only_use = uses == 1 && !is_taken;
        Ok(MessageEvent { event: row.get(0)?, is_only_use, at: row.get(3)?, keep_until: row.get(4)? })
    };
    transaction.statement(OF_MESSAGE)?.query_row([message], read).optional()
}

/// Changes the number of uses of an event. Without any, its content goes.
pub(super) fn add_uses(transaction: &mut Transaction<'_>, event: i64, uses: i64) -> rusqlite::Result<()> {
    let left: Option<i64> =
        transaction.statement(ADD_USES)?.query_row([event, uses], |row| row.get(0)).optional()?;
    if left == Some(0) {
        let removed = transaction.statement(REMOVE_CONTENT)?;
        if let Some(bytes) = removed.query_row([event], |row| row.get::<_, i64>(0)).optional()? {
            add_bytes(transaction, -bytes)?;
        }
    }
    Ok(())
}
