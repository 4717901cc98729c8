//! What waits for events have in common: an event looks at the few shapes of its type instead of at its many waits.

use rusqlite::{OptionalExtension, Row, params};

use super::{
    matching::{Correlation, decode, encode},
    waits::skip_row,
};
use crate::{EventWait, Transaction};

const OF_TYPE: &str = "SELECT number, workflow, source, bound, unbound FROM wait_shape WHERE type = ?1";
const FIND: &str = "SELECT number FROM wait_shape
    WHERE type = ?1 AND workflow = ?2 AND event = ?3 AND source IS ?4 AND bound = ?5 AND unbound = ?6";
const INSERT: &str = "INSERT INTO wait_shape (type, workflow, event, source, bound, unbound)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const IS_USED: &str = "SELECT 1 FROM event_wait WHERE shape = ?1";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[("OF_TYPE", OF_TYPE), ("FIND", FIND), ("IS_USED", IS_USED)];

/// A shape of waits.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) number: i64,
    pub(super) workflow: String,
    pub(super) source: Option<String>,
    pub(super) correlation: Correlation,
}

/// The shapes of all waits for a type, and of some that were. One that is damaged is left out, for the others must not fail with it.
pub(super) fn of_type(transaction: &mut Transaction<'_>, event_type: &str) -> rusqlite::Result<Vec<Shape>> {
    let read = |row: &Row<'_>| {
        let (bound, unbound): (String, String) = (row.get(3)?, row.get(4)?);
        let correlation = Correlation { bound: decode(3, &bound)?, unbound: decode(4, &unbound)? };
        Ok(Shape { number: row.get(0)?, workflow: row.get(1)?, source: row.get(2)?, correlation })
    };
    let rows = transaction
        .statement(OF_TYPE)?
        .query_map([event_type], |row| read(row).map(Some).or_else(skip_row))?;
    rows.filter_map(Result::transpose).collect()
}

/// The number of the shape of a wait, which is inserted if it is the first of its shape.
pub(super) fn number_of(
    transaction: &mut Transaction<'_>,
    workflow: &str,
    wait: &EventWait,
    correlation: &Correlation,
) -> rusqlite::Result<i64> {
    let (bound, unbound) = (encode(&correlation.bound)?, encode(&correlation.unbound)?);
    let columns = params![wait.event_type, workflow, wait.event, wait.source, bound, unbound];
    let known = transaction.statement(FIND)?.query_row(columns, |row| row.get(0)).optional()?;
    if let Some(number) = known {
        return Ok(number);
    }
    transaction.statement(INSERT)?.execute(columns)?;
    Ok(transaction.connection().last_insert_rowid())
}

/// Whether an instance waits with a shape.
pub(super) fn is_used(transaction: &mut Transaction<'_>, shape: &Shape) -> rusqlite::Result<bool> {
    transaction.statement(IS_USED)?.exists([shape.number])
}
