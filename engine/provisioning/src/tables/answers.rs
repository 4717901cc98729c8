//! Answers that are given again when a call is repeated with its Idempotency-Key.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::Found;

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// Digest of the call: method, path and body.
    pub(crate) digest: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) body: String,
}

pub(super) const FORGET: &str = "DELETE FROM desk_answer WHERE (key, person) IN
    (SELECT key, person FROM desk_answer WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

pub(crate) fn get(connection: &Connection, key: &str, person: &str, now: Timestamp) -> Found<Option<Given>> {
    let mut select = connection.prepare_cached(
        "SELECT digest, status, body FROM desk_answer WHERE key = ?1 AND person = ?2 AND expires_at > ?3",
    )?;
    let read = select.query_row(params![key, person, now.as_millisecond()], |row| {
        Ok(Given { digest: row.get(0)?, status: row.get(1)?, body: row.get(2)? })
    });
    read.optional()
}

pub(crate) fn put(
    connection: &Connection,
    key: &str,
    person: &str,
    given: &Given,
    expires_at: Timestamp,
) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO desk_answer (key, person, digest, status, body, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let Given { digest, status, body } = given;
    insert.execute(params![key, person, digest, status, body, expires_at.as_millisecond()]).map(drop)
}

/// Forgets answers whose time is up, so many at most. Answers whether there may be more.
pub(crate) fn forget(connection: &Connection, now: Timestamp, limit: u32) -> Found<bool> {
    let forgotten = connection.prepare_cached(FORGET)?.execute(params![now.as_millisecond(), limit])?;
    Ok(forgotten as u64 == u64::from(limit))
}
