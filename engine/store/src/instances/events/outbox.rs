//! Rows of events that go out.
//!
//! Promises: rows of one instance and channel are answered in their order, and a channel reads no rows of another one. Once a row has
//! failed, those behind it of the same instance and channel are blocked, and never met by a search for what can be sent: a sink that is
//! gone for a day costs the others nothing. When the failed row is gone, a few of those behind it can be sent, and so on.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use uuid::Uuid;

use crate::{
    OutboxBatch, OutboxChannel, OutboxQuery, OutboxRow, OutboxStatus, OutgoingEvent, StoreError, Transaction,
    WorkError, instances::damage_log::DamageLog,
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

const NEW: &str = "SELECT number, instance, octet_length(content) FROM outbox INDEXED BY outbox_ready
    WHERE channel = ?1 AND blocked = 0 AND next_at = 0 ORDER BY number";
const RETRIED: &str = "SELECT number, instance, octet_length(content) FROM outbox INDEXED BY outbox_ready
    WHERE channel = ?1 AND blocked = 0 AND next_at BETWEEN 1 AND ?2 ORDER BY next_at, number";
const NEXT_OF_CHANNEL: &str = "SELECT next_at FROM outbox INDEXED BY outbox_ready
    WHERE channel = ?1 AND blocked = 0 AND next_at > ?2 ORDER BY next_at LIMIT 1";
const NEXT_CHANNEL: &str = "SELECT channel, next_at FROM outbox INDEXED BY outbox_ready
    WHERE channel >= ?1 AND blocked = 0 ORDER BY channel, next_at LIMIT 1";
const READ: &str = "SELECT number, instance, channel, at, attempts, next_at, last_error, content
    FROM outbox WHERE number = ?1";
const STUCK: &str = "SELECT number, instance, channel, at, attempts, next_at, last_error, x''
    FROM outbox INDEXED BY outbox_failed WHERE blocked = 0 AND next_at > 0 ORDER BY next_at, number LIMIT ?1";
const OLDEST: &str = "SELECT at FROM outbox ORDER BY number LIMIT 1";
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
    ("NEXT_OF_CHANNEL", NEXT_OF_CHANNEL),
    ("NEXT_CHANNEL", NEXT_CHANNEL),
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

/// Rows of a channel that may be sent.
pub(in crate::instances) fn batch(
    connection: &Connection,
    damage: &DamageLog,
    query: &OutboxQuery,
) -> Result<OutboxBatch, StoreError> {
    // All statements see the same moment.
    let moment = connection.unchecked_transaction()?;
    let mut choice = Choice { connection: &moment, damage, query, bytes: query.bytes, rows: Vec::new() };
    let mut sizes = BTreeMap::new();
    // Rows that failed before and are due again take half of the places at most, so that many of them do not hold up the new ones.
    let again = query.instances.div_ceil(2);
    choice.extend(RETRIED, params![query.channel, query.now], again, &mut sizes)?;
    choice.extend(NEW, params![query.channel], query.instances, &mut sizes)?;
    let mut rows = choice.rows;
    rows.sort_unstable_by_key(|row| row.number);
    let mut next = moment.prepare_cached(NEXT_OF_CHANNEL)?;
    let next_at = next.query_row(params![query.channel, query.now], |row| row.get(0)).optional()?;
    Ok(OutboxBatch { rows, next_at })
}

/// Rows that are chosen for a batch.
struct Choice<'query> {
    connection: &'query Connection,
    damage: &'query DamageLog,
    query: &'query OutboxQuery,
    /// Bytes that are left.
    bytes: u64,
    rows: Vec<OutboxRow>,
}

impl Choice<'_> {
    /// Chooses rows of a statement until there are so many instances or no bytes are left. `sizes` counts the rows of each instance.
    fn extend(
        &mut self,
        sql: &str,
        parameters: &[&dyn ToSql],
        instances: usize,
        sizes: &mut BTreeMap<Uuid, usize>,
    ) -> Result<(), StoreError> {
        let mut found = self.connection.prepare_cached(sql)?;
        let mut read = self.connection.prepare_cached(READ)?;
        let mut found = found.query(parameters)?;
        while let Some(candidate) = found.next()? {
            let (number, instance, bytes): (i64, Uuid, u64) =
                (candidate.get(0)?, candidate.get(1)?, candidate.get(2)?);
            if self.query.without.contains(&instance) {
                continue;
            }
            match sizes.get(&instance) {
                Some(size) if *size >= self.query.rows_of_instance => continue,
                None if sizes.len() >= instances => {
                    // Those that follow may be of instances that are chosen already, but would be many to look through.
                    break;
                }
                _ => {}
            }
            let Some(rest) = self.bytes.checked_sub(bytes).or(self.rows.is_empty().then_some(0)) else {
                break;
            };
            let name = format_args!("of row {number} of the outbox");
            let row = read.query_row([number], read_row);
            if let Some(row) = self.damage.unless_damaged("Store::outbox", &name, row)? {
                self.bytes = rest;
                self.rows.push(row);
                *sizes.entry(instance).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// The channels that have rows to send, by name.
pub(in crate::instances) fn channels(connection: &Connection) -> Result<Vec<OutboxChannel>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let mut statement = moment.prepare_cached(NEXT_CHANNEL)?;
    let mut channels = Vec::new();
    let mut least = String::new();
    let read = |row: &Row<'_>| Ok(OutboxChannel { name: row.get(0)?, next_at: row.get(1)? });
    while let Some(channel) = statement.query_row([&least], read).optional()? {
        // The least text that is greater.
        least = format!("{}\0", channel.name);
        channels.push(channel);
    }
    Ok(channels)
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
    Ok(OutboxStatus {
        rows: total("outbox")?,
        bytes: total("outbox_bytes")?,
        oldest_at: moment.prepare_cached(OLDEST)?.query_row([], |row| row.get(0)).optional()?,
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
