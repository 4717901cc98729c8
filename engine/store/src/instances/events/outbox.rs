//! Rows of events that go out.
//!
//! Promises: rows of one instance and channel are answered in their order. Once a row has failed, those behind it of the same instance and
//! channel are blocked, and never met by a search for what can be sent: a sink that is gone for a day costs the others nothing. When the
//! failed row is gone, a few of those behind it can be sent, and so on.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::{
    OutboxPage, OutboxRow, OutboxStatus, OutgoingEvent, StoreError, Transaction, WorkError,
    instances::damage_log::DamageLog,
};

/// Blocked rows that can be sent at once when the row before them is gone: enough to send many in one request, and few enough that
/// the next failure has few to block again.
const UNBLOCKED: i64 = 64;

const APPEND: &str = "INSERT INTO outbox (instance, channel, at, blocked, next_at, attempts, content)
    VALUES (?1, ?2, ?3, coalesce((SELECT blocked OR next_at > 0 FROM outbox
        WHERE instance = ?1 AND channel = ?2 ORDER BY number DESC LIMIT 1), 0), 0, 0, ?4)";
const ADD_ROWS: &str = "UPDATE event_total SET amount = amount + ?1 WHERE name = 'outbox'";
const ADD_BYTES: &str = "UPDATE event_total SET amount = amount + ?1 WHERE name = 'outbox_bytes'";
const REMOVE: &str =
    "DELETE FROM outbox WHERE number = ?1 RETURNING instance, channel, octet_length(content)";
const UNBLOCK: &str = "UPDATE outbox SET blocked = 0 WHERE number IN
    (SELECT number FROM outbox WHERE instance = ?1 AND channel = ?2 ORDER BY number LIMIT ?3) AND blocked = 1";
const FIRST_IS_BLOCKED: &str =
    "SELECT blocked FROM outbox WHERE instance = ?1 AND channel = ?2 ORDER BY number LIMIT 1";
const FAIL: &str = "UPDATE outbox SET attempts = attempts + 1, next_at = max(?2, 1), last_error = ?3
    WHERE number = ?1 RETURNING instance, channel";
const NEXT_IS_BLOCKED: &str = "SELECT blocked FROM outbox
    WHERE instance = ?1 AND channel = ?2 AND number > ?3 ORDER BY number LIMIT 1";
const BLOCK: &str =
    "UPDATE outbox SET blocked = 1 WHERE instance = ?1 AND channel = ?2 AND number > ?3 AND blocked = 0";

const NEW: &str = "SELECT number, octet_length(content) FROM outbox INDEXED BY outbox_ready
    WHERE blocked = 0 AND next_at = 0 AND number > ?1 ORDER BY number LIMIT ?2";
const RETRIED: &str = "SELECT number, octet_length(content) FROM outbox INDEXED BY outbox_ready
    WHERE blocked = 0 AND next_at BETWEEN 1 AND ?3 AND number > ?1 ORDER BY number LIMIT ?2";
const READ: &str = "SELECT number, instance, channel, at, attempts, next_at, last_error, content
    FROM outbox WHERE number = ?1";
const STUCK: &str = "SELECT number, instance, channel, at, attempts, next_at, last_error, x''
    FROM outbox INDEXED BY outbox_ready WHERE blocked = 0 AND next_at > 0 ORDER BY next_at, number LIMIT ?1";
const OLDEST: &str = "SELECT at FROM outbox ORDER BY number LIMIT 1";
const NEXT: &str =
    "SELECT next_at FROM outbox INDEXED BY outbox_ready WHERE blocked = 0 ORDER BY next_at LIMIT 1";
const TOTAL: &str = "SELECT amount FROM event_total WHERE name = ?1";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("APPEND", APPEND),
    ("ADD_ROWS", ADD_ROWS),
    ("REMOVE", REMOVE),
    ("UNBLOCK", UNBLOCK),
    ("FIRST_IS_BLOCKED", FIRST_IS_BLOCKED),
    ("FAIL", FAIL),
    ("NEXT_IS_BLOCKED", NEXT_IS_BLOCKED),
    ("BLOCK", BLOCK),
    ("NEW", NEW),
    ("RETRIED", RETRIED),
    ("READ", READ),
    ("STUCK", STUCK),
    ("TOTAL", TOTAL),
];

/// Appends events that a commit sends.
pub(in crate::instances) fn append(
    transaction: &mut Transaction<'_>,
    events: &[OutgoingEvent],
) -> rusqlite::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut bytes = 0;
    for event in events {
        let row = params![event.instance, event.channel, event.at, event.content];
        transaction.statement(APPEND)?.execute(row)?;
        bytes += count(event.content.len());
    }
    add_totals(transaction, count(events.len()), bytes)
}

fn add_totals(transaction: &mut Transaction<'_>, rows: i64, bytes: i64) -> rusqlite::Result<()> {
    transaction.statement(ADD_ROWS)?.execute([rows])?;
    transaction.statement(ADD_BYTES)?.execute([bytes])?;
    Ok(())
}

/// Removes rows that were sent.
pub(in crate::instances) fn sent(
    transaction: &mut Transaction<'_>,
    numbers: &[i64],
) -> Result<(), WorkError<StoreError>> {
    transaction.enable_failpoints();
    let mut queues: BTreeSet<(Uuid, String)> = BTreeSet::new();
    let (mut rows, mut bytes) = (0, 0);
    for number in numbers {
        let read = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?));
        let removed = transaction.statement(REMOVE)?.query_row([number], read).optional()?;
        if let Some((queue, size)) = removed {
            queues.insert(queue);
            rows += 1;
            bytes += size;
        }
    }
    for (instance, channel) in queues {
        let first = transaction.statement(FIRST_IS_BLOCKED)?;
        let is_blocked = first.query_row(params![instance, channel], |row| row.get(0)).optional()?;
        if is_blocked == Some(true) {
            transaction.statement(UNBLOCK)?.execute(params![instance, channel, UNBLOCKED])?;
        }
    }
    if rows > 0 {
        add_totals(transaction, -rows, -bytes)?;
    }
    Ok(())
}

/// Notes that a row was not sent.
pub(in crate::instances) fn failed(
    transaction: &mut Transaction<'_>,
    number: i64,
    next_at: i64,
    error: &str,
) -> Result<(), WorkError<StoreError>> {
    let read = |row: &Row<'_>| Ok((row.get::<_, Uuid>(0)?, row.get::<_, String>(1)?));
    let failed = transaction.statement(FAIL)?.query_row(params![number, next_at, error], read).optional()?;
    let Some((instance, channel)) = failed else { return Ok(()) };
    // Behind a blocked row all are blocked.
    let behind = params![instance, channel, number];
    let next = transaction.statement(NEXT_IS_BLOCKED)?.query_row(behind, |row| row.get(0)).optional()?;
    if next == Some(false) {
        transaction.statement(BLOCK)?.execute(behind)?;
    }
    Ok(())
}

/// Rows that may be sent.
pub(in crate::instances) fn page(
    connection: &Connection,
    damage: &DamageLog,
    page: OutboxPage,
) -> Result<Vec<OutboxRow>, StoreError> {
    // All statements see the same moment.
    let moment = connection.unchecked_transaction()?;
    let (after, limit) = (page.after.unwrap_or(i64::MIN), count(page.rows));
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut chosen: Vec<(i64, u64)> = moment
        .prepare_cached(NEW)?
        .query_map(params![after, limit], read)?
        .collect::<rusqlite::Result<_>>()?;
    let mut retried = moment.prepare_cached(RETRIED)?;
    for row in retried.query_map(params![after, limit, page.now], read)? {
        chosen.push(row?);
    }
    chosen.sort_unstable();
    chosen.truncate(page.rows);
    let mut left = page.bytes;
    let mut statement = moment.prepare_cached(READ)?;
    let mut rows: Vec<OutboxRow> = Vec::new();
    for (number, bytes) in chosen {
        let Some(rest) = left.checked_sub(bytes).or(rows.is_empty().then_some(0)) else { break };
        left = rest;
        let name = format_args!("of row {number} of the outbox");
        rows.extend(damage.unless_damaged(
            "Store::outbox",
            &name,
            statement.query_row([number], read_row),
        )?);
    }
    Ok(rows)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let next_at: i64 = row.get(5)?;
    Ok(OutboxRow {
        number: row.get(0)?,
        instance: row.get(1)?,
        channel: row.get(2)?,
        at: row.get(3)?,
        attempts: row.get(4)?,
        next_at: (next_at > 0).then_some(next_at),
        last_error: row.get(6)?,
        content: row.get(7)?,
    })
}

/// How much there is.
pub(in crate::instances) fn status(connection: &Connection) -> Result<OutboxStatus, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let total = |name: &str| moment.prepare_cached(TOTAL)?.query_row([name], |row| row.get(0));
    let first = |sql: &str| moment.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional();
    Ok(OutboxStatus {
        rows: total("outbox")?,
        bytes: total("outbox_bytes")?,
        oldest_at: first(OLDEST)?,
        next_at: first(NEXT)?,
    })
}

/// Rows that were not sent at the first try.
pub(in crate::instances) fn stuck(
    connection: &Connection,
    damage: &DamageLog,
    limit: usize,
) -> Result<Vec<OutboxRow>, StoreError> {
    let mut statement = connection.prepare_cached(STUCK)?;
    let rows = statement.query_map([count(limit)], |row| {
        damage.unless_damaged("Store::stuck_outbox", &"of a row of the outbox", read_row(row))
    })?;
    Ok(rows.filter_map(rusqlite::Result::transpose).collect::<rusqlite::Result<_>>()?)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
