//! Events of the desk: a log, and how far each consumer has come.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::{Found, json, text};
use crate::model::Happened;

/// An event of the log.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) request: String,
    pub(crate) pool: String,
    pub(crate) event_type: String,
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) data: Value,
}

const COLUMNS: &str = "number, id, request, pool, type, sequence, at, data";

fn logged(row: &Row<'_>) -> Found<Logged> {
    Ok(Logged {
        number: row.get(0)?,
        id: row.get(1)?,
        request: row.get(2)?,
        pool: row.get(3)?,
        event_type: row.get(4)?,
        sequence: row.get(5)?,
        at: Timestamp::from_millisecond(row.get(6)?).unwrap_or_default(),
        data: json(row, 7)?,
    })
}

/// Adds an event and answers its number.
pub(crate) fn add(connection: &Connection, request: &str, pool: &str, event: &Happened) -> Found<i64> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_event (id, request, pool, type, sequence, at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let (kind, at) = (event.kind.name(), event.at.as_millisecond());
    insert.insert(params![event.id, request, pool, kind, event.sequence, at, text(&event.data)?])
}

pub(crate) fn get(connection: &Connection, number: i64) -> Found<Option<Logged>> {
    let mut select =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM desk_event WHERE number = ?1"))?;
    select.query_row([number], logged).optional()
}

/// Events behind a number, of one request or of all.
pub(crate) fn behind(
    connection: &Connection,
    number: i64,
    request: Option<&str>,
    limit: u32,
) -> Found<Vec<Logged>> {
    let of_request = if request.is_some() { "request = ?2" } else { "?2 IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM desk_event WHERE number > ?1 AND {of_request} ORDER BY number LIMIT ?3"
    );
    connection.prepare_cached(&sql)?.query_map(params![number, request, limit], logged)?.collect()
}

/// The number of the event with an id.
pub(crate) fn number_of(connection: &Connection, id: &str) -> Found<Option<i64>> {
    connection
        .prepare_cached("SELECT number FROM desk_event WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// How far a consumer has come.
pub(crate) fn cursor(connection: &Connection, consumer: &str) -> Found<i64> {
    let mut select = connection.prepare_cached("SELECT event FROM desk_cursor WHERE consumer = ?1")?;
    Ok(select.query_row([consumer], |row| row.get(0)).optional()?.unwrap_or(0))
}

pub(crate) fn advance(connection: &Connection, consumer: &str, event: i64) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_cursor (consumer, event) VALUES (?1, ?2) ON CONFLICT (consumer) DO UPDATE SET event = excluded.event",
    )?;
    insert.execute(params![consumer, event]).map(drop)
}
