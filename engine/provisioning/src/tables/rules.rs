//! Approval rules.

use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::{Found, json, text};
use crate::model::Rule;

pub(crate) fn get(connection: &Connection, id: &str) -> Found<Option<Rule>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_rule WHERE id = ?1")?;
    select.query_row([id], |row| json(row, 0)).optional()
}

pub(crate) fn all(connection: &Connection) -> Found<Vec<(String, Rule)>> {
    let mut select = connection.prepare_cached("SELECT id, body FROM desk_rule ORDER BY id")?;
    select.query_map([], |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

pub(crate) fn put(connection: &Connection, id: &str, rule: &Rule) -> Found<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO desk_rule (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body")?;
    insert.execute(params![id, text(rule)?]).map(drop)
}

/// Answers whether it was there.
pub(crate) fn delete(connection: &Connection, id: &str) -> Found<bool> {
    Ok(connection.prepare_cached("DELETE FROM desk_rule WHERE id = ?1")?.execute([id])? > 0)
}
