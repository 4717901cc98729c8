//! Events that nobody has taken yet.
//!
//! Promises: a kept event goes to the first wait that it matches, the oldest of several first, and is kept no more then.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use uuid::Uuid;

use super::{
    inbox::{self, deliver as deliver_event},
    matching::{Correlation, Subject, decode},
    waits::{Owner, skip_row},
};
use crate::{
    EventWait, KeptEvent, KeptStatus, ReceivedEvent, StoreError, Transaction,
    instances::damage_log::DamageLog,
};

const TOTAL: &str = "SELECT amount FROM event_total WHERE name = 'kept'";
const ADD_TOTAL: &str = "UPDATE event_total SET amount = amount + ?1 WHERE name = 'kept'";
const KEEP: &str = "INSERT INTO kept_event (event, at, keep_until, instance, business_key, type)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const KEEP_ATTRIBUTE: &str = "INSERT INTO kept_attribute (kept, name, type, value) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING";
const RECIPIENT: &str = "SELECT recipient FROM mailbox WHERE number = ?1";
const OF_INSTANCE: &str = "SELECT number, event FROM kept_event WHERE instance = ?1 ORDER BY event";
const TAKE_BACK: &str = "DELETE FROM mailbox WHERE number = ?1 RETURNING event, recipient";
const KEEP_RETURNED: &str = "INSERT INTO kept_event (event, at, keep_until, instance, type)
    SELECT event, at, keep_until, ?2, type FROM event_content WHERE event = ?1";
const REMOVE: &str = "DELETE FROM kept_event WHERE number = ?1";
const REMOVE_ATTRIBUTES: &str = "DELETE FROM kept_attribute WHERE kept = ?1";

/// What is read of a kept event to match it. `kept_event` comes first, so that its index decides what is read.
macro_rules! candidates {
    ($from:literal, $condition:literal) => {
        concat!(
            "SELECT kept_event.number, kept_event.event, source, attributes FROM ",
            $from,
            " CROSS JOIN event ON event.number = kept_event.event
              CROSS JOIN event_content ON event_content.event = kept_event.event WHERE ",
            $condition
        )
    };
}

const FOR_INSTANCE: &str =
    candidates!("kept_event", "kept_event.instance = ?1 AND kept_event.type = ?2 ORDER BY kept_event.event");
const FOR_BUSINESS_KEY: &str = candidates!(
    "kept_event",
    "kept_event.business_key = ?1 AND kept_event.type = ?2 ORDER BY kept_event.event"
);
const FOR_ATTRIBUTE: &str = candidates!(
    "kept_attribute CROSS JOIN kept_event ON kept_event.number = kept_attribute.kept",
    "kept_attribute.type = ?1 AND kept_attribute.name = ?2 AND value = ?3 ORDER BY kept_attribute.kept"
);
const FOR_ANYBODY: &str = candidates!(
    "kept_event",
    "kept_event.type = ?1 AND kept_event.at >= ?2
     AND instance IS NULL AND business_key IS NULL AND workflow IS NULL ORDER BY kept_event.at, kept_event.number"
);
const FEW_WITH_ATTRIBUTE: &str = "SELECT count(*) FROM
    (SELECT 1 FROM kept_attribute WHERE type = ?1 AND name = ?2 AND value = ?3 LIMIT 64)";

/// The columns of a kept event, in the order in which [`read`] takes them.
macro_rules! listed {
    ($rest:literal) => {
        concat!(
            "SELECT kept_event.number, id, source, kept_event.type, kept_event.at, kept_event.keep_until, instance,
                business_key, workflow, name, kept_event.event
             FROM kept_event LEFT JOIN event ON event.number = kept_event.event ",
            $rest
        )
    };
}

const LIST: &str = listed!("WHERE kept_event.number > ?1 ORDER BY kept_event.number LIMIT ?2");
pub(super) const DUE: &str = listed!("WHERE keep_until <= ?1 ORDER BY keep_until LIMIT ?2");

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("TOTAL", TOTAL),
    ("ADD_TOTAL", ADD_TOTAL),
    ("RECIPIENT", RECIPIENT),
    ("OF_INSTANCE", OF_INSTANCE),
    ("TAKE_BACK", TAKE_BACK),
    ("KEEP_RETURNED", KEEP_RETURNED),
    ("REMOVE", REMOVE),
    ("REMOVE_ATTRIBUTES", REMOVE_ATTRIBUTES),
    ("FOR_INSTANCE", FOR_INSTANCE),
    ("FOR_BUSINESS_KEY", FOR_BUSINESS_KEY),
    ("FOR_ATTRIBUTE", FOR_ATTRIBUTE),
    ("FOR_ANYBODY", FOR_ANYBODY),
    ("FEW_WITH_ATTRIBUTE", FEW_WITH_ATTRIBUTE),
    ("LIST", LIST),
    ("DUE", DUE),
];

/// How many events are kept.
pub(super) fn total(transaction: &mut Transaction<'_>) -> rusqlite::Result<i64> {
    transaction.statement(TOTAL)?.query_row([], |row| row.get(0))
}

/// How many events are kept, for views.
pub(in crate::instances) fn status(connection: &Connection) -> Result<KeptStatus, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let read = |sql: &str| moment.prepare_cached(sql)?.query_row([], |row| row.get(0));
    Ok(KeptStatus { events: read(TOTAL)?, bytes: read(inbox::TOTAL_BYTES)? })
}

pub(super) fn add_total(transaction: &mut Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    transaction.statement(ADD_TOTAL)?.execute([number])?;
    Ok(())
}

/// Keeps an event for one instance, or for whoever its address and its attributes lead to.
pub(super) fn keep(
    transaction: &mut Transaction<'_>,
    number: i64,
    event: &ReceivedEvent,
    instance: Option<Uuid>,
) -> rusqlite::Result<()> {
    let business_key = event.business_key.as_ref().filter(|_| instance.is_none());
    let row = params![number, event.at, event.keep_until, instance, business_key, event.event_type];
    transaction.statement(KEEP)?.execute(row)?;
    let kept = transaction.connection().last_insert_rowid();
    if instance.is_none() {
        for (name, value) in &event.attributes {
            let row = params![kept, name, event.event_type, value];
            transaction.statement(KEEP_ATTRIBUTE)?.execute(row)?;
        }
    }
    add_total(transaction, 1)
}

/// Takes a message back from a mailbox, and keeps its event for the instance of the mailbox. One of an instance that has ended stays.
/// Gives that instance.
pub(in crate::instances) fn return_event(
    transaction: &mut Transaction<'_>,
    message: i64,
    has_ended: impl Fn(Uuid) -> bool,
) -> rusqlite::Result<Option<Uuid>> {
    let recipient = transaction.statement(RECIPIENT)?.query_row([message], |row| row.get(0)).optional()?;
    if let Some(recipient) = recipient.filter(|recipient| has_ended(*recipient)) {
        return Ok(Some(recipient));
    }
    let read = |row: &Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Uuid>(1)?));
    let taken = transaction.statement(TAKE_BACK)?.query_row([message], read).optional()?;
    if let Some((Some(event), recipient)) = taken {
        // The use of the message becomes that of the kept row.
        let kept = transaction.statement(KEEP_RETURNED)?.execute(params![event, recipient])?;
        if kept > 0 {
            add_total(transaction, 1)?;
        }
    }
    Ok(None)
}

/// Puts the events that were kept for an instance, which has ended, back into its mailbox. Says whether there are any.
pub(in crate::instances) fn return_all(
    transaction: &mut Transaction<'_>,
    instance: Uuid,
) -> rusqlite::Result<bool> {
    // Nothing is kept most of the time.
    if total(transaction)? == 0 {
        return Ok(false);
    }
    let read = |row: &Row<'_>| Ok(Found { kept: row.get(0)?, event: row.get(1)? });
    let kept = transaction.statement(OF_INSTANCE)?.query_map([instance], read)?;
    let kept: Vec<Found> = kept.collect::<rusqlite::Result<_>>()?;
    for found in &kept {
        remove(transaction, found.kept)?;
        // The use of the kept row becomes that of the message.
        deliver_event(transaction, instance, found.event)?;
    }
    Ok(!kept.is_empty())
}

/// Removes a kept row, and leaves its use of the event to the caller.
pub(super) fn remove(transaction: &mut Transaction<'_>, kept: i64) -> rusqlite::Result<()> {
    transaction.statement(REMOVE)?.execute([kept])?;
    transaction.statement(REMOVE_ATTRIBUTES)?.execute([kept])?;
    add_total(transaction, -1)
}

/// Delivers to an instance the kept events that its new waits match, one for each. Returns whether there was one.
pub(super) fn deliver(
    transaction: &mut Transaction<'_>,
    owner: &Owner,
    waits: &[EventWait],
) -> rusqlite::Result<bool> {
    // Nothing is kept most of the time.
    if total(transaction)? == 0 {
        return Ok(false);
    }
    let mut has_delivered = false;
    for wait in waits {
        if let Some(found) = oldest(transaction, owner, wait)? {
            remove(transaction, found.kept)?;
            // The use of the kept row becomes that of the message.
            deliver_event(transaction, owner.id, found.event)?;
            has_delivered = true;
        }
    }
    Ok(has_delivered)
}

/// A kept event that matches.
#[derive(Clone, Copy)]
struct Found {
    kept: i64,
    event: i64,
}

/// The oldest kept event that a wait matches.
fn oldest(
    transaction: &mut Transaction<'_>,
    owner: &Owner,
    wait: &EventWait,
) -> rusqlite::Result<Option<Found>> {
    let (correlation, values) = Correlation::of_wait(wait);
    let event_type = &wait.event_type;
    let is_from = |subject: &Subject<'_>| subject.is_from(wait.source.as_deref());
    let is_addressed = |subject: &Subject<'_>| is_from(subject) && correlation.allows(&values, subject);
    let correlates = |subject: &Subject<'_>| {
        is_from(subject) && correlation.values_of(subject).is_some_and(|found| found == values)
    };
    let mut found = first(transaction, FOR_INSTANCE, params![owner.id, event_type], is_addressed)?;
    let mut consider = |other: Option<Found>| {
        let older = found.into_iter().chain(other).max_by_key(|found| Reverse(found.event));
        found = older;
    };
    if let Some(key) = &owner.business_key {
        consider(first(transaction, FOR_BUSINESS_KEY, params![key, event_type], is_addressed)?);
    }
    if let Some((name, value)) = rarest(transaction, event_type, &correlation, &values)? {
        consider(first(transaction, FOR_ATTRIBUTE, params![event_type, name, value], correlates)?);
    } else {
        consider(first(transaction, FOR_ANYBODY, params![event_type, owner.started_at], correlates)?);
    }
    Ok(found)
}

/// The first of some candidates that matches.
fn first(
    transaction: &mut Transaction<'_>,
    sql: &'static str,
    parameters: &[&dyn ToSql],
    matches: impl Fn(&Subject<'_>) -> bool,
) -> rusqlite::Result<Option<Found>> {
    let mut rows = transaction.statement(sql)?.query(parameters)?;
    while let Some(row) = rows.next()? {
        // What is damaged matches nothing.
        let Some((source, attributes)) = read_subject(row).map(Some).or_else(skip_row)? else { continue };
        if matches(&Subject { source: &source, attributes: &attributes }) {
            return Ok(Some(Found { kept: row.get(0)?, event: row.get(1)? }));
        }
    }
    Ok(None)
}

fn read_subject(row: &Row<'_>) -> rusqlite::Result<(String, Vec<(String, String)>)> {
    let attributes: String = row.get(3)?;
    Ok((row.get(2)?, decode(3, &attributes)?))
}

/// The bound attribute that the fewest kept events have: one that all have, such as a tenant, would lead to all of them.
fn rarest<'wait>(
    transaction: &mut Transaction<'_>,
    event_type: &str,
    correlation: &'wait Correlation,
    values: &[&'wait str],
) -> rusqlite::Result<Option<(&'wait str, &'wait str)>> {
    let bound = correlation.bound.iter().map(String::as_str).zip(values.iter().copied());
    if correlation.bound.len() < 2 {
        return Ok(bound.into_iter().next());
    }
    let mut rarest = None;
    for (name, value) in bound {
        let counted = transaction.statement(FEW_WITH_ATTRIBUTE)?;
        let count: i64 = counted.query_row(params![event_type, name, value], |row| row.get(0))?;
        if rarest.is_none_or(|(least, _)| count < least) {
            rarest = Some((count, (name, value)));
        }
    }
    Ok(rarest.map(|(_, attribute)| attribute))
}

/// Kept events, oldest first.
pub(in crate::instances) fn list(
    connection: &Connection,
    damage: &DamageLog,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<KeptEvent>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(LIST)?;
    let rows = statement.query_map(params![after.unwrap_or(i64::MIN), limit], |row| {
        damage.unless_damaged("Store::kept_events", &"of a kept event", read(row))
    })?;
    Ok(rows.filter_map(rusqlite::Result::transpose).collect::<rusqlite::Result<_>>()?)
}

/// A listed row, or nothing when it is damaged.
pub(super) fn read_due(row: &Row<'_>) -> rusqlite::Result<(i64, i64, Option<KeptEvent>)> {
    Ok((row.get(0)?, row.get(10)?, read(row).map(Some).or_else(skip_row)?))
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeptEvent> {
    let workflow: Option<String> = row.get(8)?;
    let name: Option<String> = row.get(9)?;
    Ok(KeptEvent {
        number: row.get(0)?,
        id: row.get(1)?,
        source: row.get(2)?,
        event_type: row.get(3)?,
        at: row.get(4)?,
        keep_until: row.get(5)?,
        instance: row.get(6)?,
        business_key: row.get(7)?,
        start: workflow.zip(name),
    })
}
