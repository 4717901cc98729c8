//! Rows of what instances wait for.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    kept,
    matching::{Correlation, Subject, decode, encode},
    shapes,
};
use crate::{
    EventWait, StoreError, Transaction, WaitFilter, WaitingInstance, database::is_damage,
    instances::damage_log::DamageLog,
};

const REMOVE: &str = "DELETE FROM event_wait WHERE instance = ?1";
const INSERT: &str = "INSERT INTO event_wait (instance, position, shape, key, frame, since, until)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const OWNER: &str = "SELECT workflow, business_key, started_at
    FROM instance JOIN revision ON revision.number = instance.revision WHERE instance.number = ?1";
const WAITING: &str = "SELECT instance.number, instance.id
    FROM event_wait CROSS JOIN instance ON instance.number = event_wait.instance
    WHERE shape = ?1 AND key = ?2";
const NAMED: &str = "SELECT instance.number, id, workflow, ended_at IS NOT NULL
    FROM instance CROSS JOIN revision ON revision.number = instance.revision WHERE id = ?1";
const LIVING_OF_KEY: &str = "SELECT instance.number, id, workflow, 0
    FROM instance CROSS JOIN revision ON revision.number = instance.revision
    WHERE business_key = ?1 AND ended_at IS NULL";
const OF_INSTANCE: &str = "SELECT source, bound, unbound, key
    FROM event_wait CROSS JOIN wait_shape ON wait_shape.number = event_wait.shape
    WHERE instance = ?1 AND type = ?2";

const LIST: &str =
    "SELECT id, wait_shape.workflow, frame, event, type, source, bound, unbound, key, since, until
    FROM event_wait CROSS JOIN wait_shape ON wait_shape.number = event_wait.shape
    CROSS JOIN instance ON instance.number = event_wait.instance
    WHERE (?2 IS NULL OR type = ?2) ORDER BY event_wait.instance, position LIMIT ?1";
const LIST_OF_INSTANCE: &str =
    "SELECT id, wait_shape.workflow, frame, event, type, source, bound, unbound, key, since, until
    FROM instance CROSS JOIN event_wait ON event_wait.instance = instance.number
    CROSS JOIN wait_shape ON wait_shape.number = event_wait.shape
    WHERE id = ?3 AND (?2 IS NULL OR type = ?2) ORDER BY position LIMIT ?1";
const LIST_OF_TYPE: &str =
    "SELECT id, wait_shape.workflow, frame, event, type, source, bound, unbound, key, since, until
    FROM wait_shape CROSS JOIN event_wait ON event_wait.shape = wait_shape.number
    CROSS JOIN instance ON instance.number = event_wait.instance
    WHERE type = ?2 LIMIT ?1";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("REMOVE", REMOVE),
    ("OWNER", OWNER),
    ("WAITING", WAITING),
    ("NAMED", NAMED),
    ("LIVING_OF_KEY", LIVING_OF_KEY),
    ("OF_INSTANCE", OF_INSTANCE),
    ("LIST_OF_INSTANCE", LIST_OF_INSTANCE),
    ("LIST_OF_TYPE", LIST_OF_TYPE),
];

/// What is asked of the instance that waits.
pub(super) struct Owner {
    pub(super) id: Uuid,
    pub(super) business_key: Option<String>,
    pub(super) started_at: i64,
}

/// An instance that an event is addressed to.
#[derive(Debug)]
pub(super) struct Addressee {
    pub(super) number: i64,
    pub(super) id: Uuid,
    pub(super) workflow: String,
    pub(super) has_ended: bool,
}

/// Writes what an instance waits for, in place of what it waited for. Returns whether it has got a kept event.
pub(in crate::instances) fn replace(
    transaction: &mut Transaction<'_>,
    (number, id): (i64, Uuid),
    waits: &[EventWait],
) -> rusqlite::Result<bool> {
    remove_all(transaction, number)?;
    if waits.is_empty() {
        return Ok(false);
    }
    let (workflow, owner) = transaction.statement(OWNER)?.query_row([number], |row| {
        let workflow: String = row.get(0)?;
        Ok((workflow, Owner { id, business_key: row.get(1)?, started_at: row.get(2)? }))
    })?;
    for (position, wait) in (0_i64..).zip(waits) {
        let (correlation, values) = Correlation::of_wait(wait);
        let shape = shapes::number_of(transaction, &workflow, wait, &correlation)?;
        let key = encode(&values)?;
        let row = params![number, position, shape, key, wait.frame, wait.since, wait.until];
        transaction.statement(INSERT)?.execute(row)?;
    }
    kept::deliver(transaction, &owner, waits)
}

/// Removes what an instance waited for.
pub(in crate::instances) fn remove_all(
    transaction: &mut Transaction<'_>,
    number: i64,
) -> rusqlite::Result<()> {
    transaction.statement(REMOVE)?.execute([number])?;
    Ok(())
}

/// Number and id of the instances that wait with a shape and these bound values. One whose id is damaged is left out.
pub(super) fn waiting(
    transaction: &mut Transaction<'_>,
    shape: i64,
    values: &[&str],
) -> rusqlite::Result<Vec<(i64, Uuid)>> {
    let key = encode(values)?;
    let rows = transaction.statement(WAITING)?.query_map(params![shape, key], |row| {
        (|| Ok(Some((row.get(0)?, row.get(1)?))))().or_else(skip_row)
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// The instance of an id.
pub(super) fn named(transaction: &mut Transaction<'_>, id: Uuid) -> rusqlite::Result<Option<Addressee>> {
    transaction.statement(NAMED)?.query_row([id], read_addressee).optional()
}

/// The instances with a business key that have not ended.
pub(super) fn living_of_key(
    transaction: &mut Transaction<'_>,
    business_key: &str,
) -> rusqlite::Result<Vec<Addressee>> {
    let statement = transaction.statement(LIVING_OF_KEY)?;
    let rows = statement.query_map([business_key], |row| read_addressee(row).map(Some).or_else(skip_row))?;
    rows.filter_map(Result::transpose).collect()
}

fn read_addressee(row: &Row<'_>) -> rusqlite::Result<Addressee> {
    Ok(Addressee { number: row.get(0)?, id: row.get(1)?, workflow: row.get(2)?, has_ended: row.get(3)? })
}

/// Whether an instance waits for an event that is addressed to it.
pub(super) fn is_waiting(
    transaction: &mut Transaction<'_>,
    number: i64,
    event_type: &str,
    subject: &Subject<'_>,
) -> rusqlite::Result<bool> {
    let mut rows = transaction.statement(OF_INSTANCE)?.query(params![number, event_type])?;
    while let Some(row) = rows.next()? {
        let source: Option<String> = row.get(0)?;
        let (correlation, values) = read_correlation(row, 1)?;
        if subject.is_from(source.as_deref()) && correlation.allows(&values, subject) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The correlation in three columns, and the bound values.
fn read_correlation(row: &Row<'_>, first: usize) -> rusqlite::Result<(Correlation, Vec<String>)> {
    let text = |place: usize| row.get::<_, String>(first + place);
    let correlation =
        Correlation { bound: decode(first, &text(0)?)?, unbound: decode(first + 1, &text(1)?)? };
    Ok((correlation, decode(first + 2, &text(2)?)?))
}

/// The waits that a filter asks for.
pub(in crate::instances) fn list(
    connection: &Connection,
    damage: &DamageLog,
    filter: &WaitFilter,
    limit: usize,
) -> Result<Vec<WaitingInstance>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let read = |row: &Row<'_>| {
        let name: String = row.get::<_, Uuid>(0).map_or_else(|_| "of a wait".to_owned(), |id| id.to_string());
        damage.unless_damaged("Store::waits", &name, read_wait(row))
    };
    let event_type = &filter.event_type;
    let rows: Vec<Option<WaitingInstance>> = if let Some(instance) = filter.instance {
        let mut statement = connection.prepare_cached(LIST_OF_INSTANCE)?;
        statement.query_map(params![limit, event_type, instance], read)?.collect::<rusqlite::Result<_>>()?
    } else {
        let sql = if event_type.is_some() { LIST_OF_TYPE } else { LIST };
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_map(params![limit, event_type], read)?.collect::<rusqlite::Result<_>>()?
    };
    Ok(rows.into_iter().flatten().collect())
}

fn read_wait(row: &Row<'_>) -> rusqlite::Result<WaitingInstance> {
    let (correlation, values) = read_correlation(row, 6)?;
    let bound = correlation.bound.into_iter().zip(values.into_iter().map(Some));
    let unbound = correlation.unbound.into_iter().map(|name| (name, None));
    let mut correlation: Vec<_> = bound.chain(unbound).collect();
    correlation.sort();
    let wait = EventWait {
        frame: row.get(2)?,
        event: row.get(3)?,
        event_type: row.get(4)?,
        source: row.get(5)?,
        correlation,
        since: row.get(9)?,
        until: row.get(10)?,
    };
    Ok(WaitingInstance { instance: row.get(0)?, workflow: row.get(1)?, wait })
}

/// Leaves out what cannot be read because it is damaged.
pub(in crate::instances) fn skip_row<T>(error: rusqlite::Error) -> rusqlite::Result<Option<T>> {
    if is_damage(&error) { Ok(None) } else { Err(error) }
}
