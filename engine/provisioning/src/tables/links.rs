//! Links by which one approver decides, and the key of their signatures.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, Error, OptionalExtension, params, types::Type};
use uuid::Uuid;

use super::Found;

/// The name of the key of links.
const KEY: &str = "links";

/// A link of one approver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// What it decides.
    pub(crate) approval: String,
    /// Who decides by it.
    pub(crate) person: String,
    /// Whether it was used.
    pub(crate) is_used: bool,
}

pub(crate) fn get(connection: &Connection, id: Uuid) -> Found<Option<Link>> {
    let mut select = connection
        .prepare_cached("SELECT approval, person, used_at IS NOT NULL FROM desk_link WHERE id = ?1")?;
    let read = select.query_row([id.to_string()], |row| {
        Ok(Link { approval: row.get(0)?, person: row.get(1)?, is_used: row.get(2)? })
    });
    read.optional()
}

/// The link of a person for an approval, which is made if it is not there.
pub(crate) fn of(connection: &Connection, approval: &str, person: &str) -> Found<Uuid> {
    let made = Uuid::new_v4();
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_link (id, approval, person) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    if insert.execute(params![made.to_string(), approval, person])? == 1 {
        return Ok(made);
    }
    let mut select =
        connection.prepare_cached("SELECT id FROM desk_link WHERE approval = ?1 AND person = ?2")?;
    select.query_row(params![approval, person], |row| {
        let id: String = row.get(0)?;
        Uuid::parse_str(&id).map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
    })
}

pub(crate) fn mark_used(connection: &Connection, id: Uuid, now: Timestamp) -> Found<()> {
    let mut update =
        connection.prepare_cached("UPDATE desk_link SET used_at = ?2 WHERE id = ?1 AND used_at IS NULL")?;
    update.execute(params![id.to_string(), now.as_millisecond()]).map(drop)
}

/// The key of links, encrypted.
pub(crate) fn key(connection: &Connection) -> Found<Option<Vec<u8>>> {
    let mut select = connection.prepare_cached("SELECT sealed FROM desk_key WHERE name = ?1")?;
    select.query_row([KEY], |row| row.get(0)).optional()
}

pub(crate) fn put_key(connection: &Connection, sealed: &[u8]) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_key (name, sealed) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
    )?;
    insert.execute(params![KEY, sealed]).map(drop)
}
