//! Mails that wait to be sent.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, params};

use super::{Found, json, text};
use crate::model::Mail;

pub(crate) fn add(connection: &Connection, mail: &Mail, due_at: Timestamp) -> Found<()> {
    let mut insert = connection.prepare_cached("INSERT INTO desk_mail (due_at, body) VALUES (?1, ?2)")?;
    insert.execute(params![due_at.as_millisecond(), text(mail)?]).map(drop)
}

/// Mails that are due, each with its number, the oldest first.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Found<Vec<(i64, Mail)>> {
    let mut select = connection.prepare_cached(
        "SELECT number, body FROM desk_mail WHERE due_at <= ?1 ORDER BY due_at, number LIMIT ?2",
    )?;
    select.query_map(params![now.as_millisecond(), limit], |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

/// When the next mail is due, in milliseconds since 1970.
pub(crate) fn next_due(connection: &Connection) -> Found<Option<i64>> {
    connection.prepare_cached("SELECT min(due_at) FROM desk_mail")?.query_row([], |row| row.get(0))
}

pub(crate) fn put(connection: &Connection, number: i64, mail: &Mail, due_at: Timestamp) -> Found<()> {
    let mut update =
        connection.prepare_cached("UPDATE desk_mail SET due_at = ?2, body = ?3 WHERE number = ?1")?;
    update.execute(params![number, due_at.as_millisecond(), text(mail)?]).map(drop)
}

pub(crate) fn delete(connection: &Connection, number: i64) -> Found<()> {
    connection.prepare_cached("DELETE FROM desk_mail WHERE number = ?1")?.execute([number]).map(drop)
}
