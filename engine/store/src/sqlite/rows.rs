//! Reads rows.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, types::Type};
use uuid::Uuid;

use super::filter;
use crate::{Columns, Filter, History, Instance, Query, State};

/// The data and the input of a row, wherever they are stored.
pub(super) const DATA: &str = "CASE WHEN has_large_data THEN
    (SELECT content FROM large_data WHERE large_data.instance = instance.number) ELSE data END";
const INPUT: &str = "CASE WHEN has_large_input THEN
    (SELECT content FROM large_input WHERE large_input.instance = instance.number) ELSE input END";

/// The columns of an instance, in the order in which [`read`] takes them. Large ones that are not wanted are not touched.
fn select(columns: Columns) -> String {
    let data = match columns.data {
        true => format!("{INPUT}, extra, {DATA}"),
        false => "NULL, NULL, ''".to_owned(),
    };
    let frames = if columns.frames { "frames, sealed" } else { "x'', NULL" };
    format!(
        "SELECT id, workflow, version, name, digest, state, business_key, reference_id, parent, root, root_workflow, \
         started_at, ended_at, updated_at, wake_at, busy, turn, error, {data}, {frames} \
         FROM instance JOIN revision ON revision.number = instance.revision"
    )
}

fn read(row: &Row<'_>) -> rusqlite::Result<Instance> {
    let state: i64 = row.get(5)?;
    let state = State::from_number(state).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            5,
            Type::Integer,
            format!("{state} is the number of no state").into(),
        )
    })?;
    Ok(Instance {
        id: row.get(0)?,
        workflow: row.get(1)?,
        version: row.get(2)?,
        name: row.get(3)?,
        revision: row.get(4)?,
        state,
        business_key: row.get(6)?,
        reference_id: row.get(7)?,
        parent: row.get(8)?,
        root: row.get(9)?,
        root_workflow: row.get(10)?,
        started_at: row.get(11)?,
        ended_at: row.get(12)?,
        updated_at: row.get(13)?,
        wake_at: row.get(14)?,
        busy: row.get(15)?,
        turn: row.get(16)?,
        error: row.get(17)?,
        input: row.get(18)?,
        extra: row.get(19)?,
        data: row.get(20)?,
        frames: row.get(21)?,
        sealed: row.get(22)?,
    })
}

pub(super) fn instance(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Instance>> {
    let sql = select(Columns::ALL) + " WHERE id = ?1";
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

pub(super) const DUE: &str = "SELECT wake_at, id FROM instance
    WHERE wake_at IS NOT NULL AND wake_at <= ?1 AND (wake_at, id) > (?2, ?3) ORDER BY wake_at, id LIMIT ?4";

pub(super) fn due(
    connection: &Connection,
    until: i64,
    after: Option<(i64, Uuid)>,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, Uuid)>> {
    let (moment, id) = after.unwrap_or((i64::MIN, Uuid::nil()));
    let mut statement = connection.prepare_cached(DUE)?;
    let rows = statement
        .query_map(params![until, moment, id, bound(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

pub(super) const BUSY: &str = "SELECT id FROM instance WHERE busy = 1 AND id > ?1 ORDER BY id LIMIT ?2";

pub(super) fn busy(
    connection: &Connection,
    after: Option<Uuid>,
    limit: usize,
) -> rusqlite::Result<Vec<Uuid>> {
    ids(connection, BUSY, params![after.unwrap_or(Uuid::nil()), bound(limit)])
}

pub(super) const HISTORY: &str = "SELECT turn, at, facts FROM history
    WHERE instance = (SELECT number FROM instance WHERE id = ?1) ORDER BY turn";

pub(super) fn history(connection: &Connection, id: Uuid) -> rusqlite::Result<Vec<History>> {
    let mut statement = connection.prepare_cached(HISTORY)?;
    let rows = statement.query_map([id], |row| {
        Ok(History { instance: id, turn: row.get(0)?, at: row.get(1)?, facts: row.get(2)? })
    })?;
    rows.collect()
}

pub(super) const CHILDREN: &str = "SELECT id FROM instance WHERE parent = ?1 ORDER BY id";

pub(super) fn children(connection: &Connection, id: Uuid) -> rusqlite::Result<Vec<Uuid>> {
    ids(connection, CHILDREN, params![id])
}

pub(super) const MAILBOX: &str = "SELECT number, payload FROM mailbox WHERE recipient = ?1 ORDER BY number";

pub(super) fn mailbox(connection: &Connection, id: Uuid) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
    let mut statement = connection.prepare_cached(MAILBOX)?;
    let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

pub(super) fn mailboxes(connection: &Connection) -> rusqlite::Result<Vec<Uuid>> {
    ids(connection, "SELECT DISTINCT recipient FROM mailbox ORDER BY recipient", params![])
}

/// `None` when the rows are larger than they may be.
pub(super) fn query(connection: &Connection, query: &Query) -> rusqlite::Result<Option<Vec<Instance>>> {
    // Sorting needs few columns, so the rows are sorted by number first and read then. Both see the same moment.
    let moment = connection.unchecked_transaction()?;
    let chosen = filter::numbers(query);
    let mut statement = moment.prepare_cached(&chosen.sql)?;
    let parameters = chosen.parameters(statement.parameter_count());
    let numbers = statement.query_map(parameters, |row| row.get(0))?;
    let numbers: Vec<i64> = numbers.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare_cached(&(select(query.columns) + " WHERE instance.number = ?1"))?;
    let mut left = query.max_bytes.unwrap_or(u64::MAX);
    let mut rows = Vec::new();
    for number in numbers {
        let row = statement.query_row([number], read)?;
        let Some(rest) = left.checked_sub(row.bytes()) else { return Ok(None) };
        left = rest;
        rows.push(row);
    }
    Ok(Some(rows))
}

pub(super) fn count(connection: &Connection, filter: &Filter) -> rusqlite::Result<u64> {
    let counted = filter::count(filter);
    let mut statement = connection.prepare_cached(&counted.sql)?;
    let parameters = counted.parameters(statement.parameter_count());
    statement.query_row(parameters, |row| row.get(0))
}

fn ids(connection: &Connection, sql: &str, parameters: &[&dyn ToSql]) -> rusqlite::Result<Vec<Uuid>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, |row| row.get(0))?;
    rows.collect()
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
