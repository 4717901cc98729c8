//! Pools, and what is used of them.

use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::{Found, json, text};
use crate::model::Pool;

pub(crate) fn get(connection: &Connection, id: &str) -> Found<Option<Pool>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_pool WHERE id = ?1")?;
    select.query_row([id], |row| json(row, 0)).optional()
}

pub(crate) fn all(connection: &Connection) -> Found<Vec<(String, Pool)>> {
    let mut select = connection.prepare_cached("SELECT id, body FROM desk_pool ORDER BY id")?;
    select.query_map([], |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

pub(crate) fn put(connection: &Connection, id: &str, pool: &Pool) -> Found<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO desk_pool (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body")?;
    insert.execute(params![id, text(pool)?]).map(drop)
}
