//! Creating calls of the gateway that were sent and have no answer yet.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::Found;

/// How long a call without an answer is remembered, in milliseconds. Nobody repeats it after days.
const KEEP: i64 = 7 * 24 * 60 * 60 * 1000;

pub(crate) fn sent_at(connection: &Connection, cluster: &str, thing: &str) -> Found<Option<Timestamp>> {
    let mut select =
        connection.prepare_cached("SELECT sent_at FROM desk_create WHERE cluster = ?1 AND thing = ?2")?;
    let sent: Option<i64> = select.query_row([cluster, thing], |row| row.get(0)).optional()?;
    Ok(sent.and_then(|at| Timestamp::from_millisecond(at).ok()))
}

pub(crate) fn put(connection: &Connection, cluster: &str, thing: &str, now: Timestamp) -> Found<()> {
    let now = now.as_millisecond();
    connection.prepare_cached("DELETE FROM desk_create WHERE sent_at < ?1")?.execute([now - KEEP])?;
    let mut insert = connection
        .prepare_cached("INSERT OR REPLACE INTO desk_create (cluster, thing, sent_at) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![cluster, thing, now]).map(drop)
}

pub(crate) fn delete(connection: &Connection, cluster: &str, thing: &str) -> Found<()> {
    connection
        .prepare_cached("DELETE FROM desk_create WHERE cluster = ?1 AND thing = ?2")?
        .execute([cluster, thing])
        .map(drop)
}
