//! Parts of instances.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::rows::into_instance_error;
use crate::{PartWrite, StoreError, Transaction};

const PUT: &str = "INSERT INTO part (instance, key, content) VALUES (?1, ?2, ?3)
    ON CONFLICT (instance, key) DO UPDATE SET content = excluded.content";
const REMOVE: &str = "DELETE FROM part WHERE instance = ?1 AND key = ?2";
// Texts are compared byte by byte, and no byte of UTF-8 is 0xFF: so all keys with the prefix, and only those, lie between it and it with
// such a byte at the end.
pub(super) const REMOVE_PREFIX: &str =
    "DELETE FROM part WHERE instance = ?1 AND key >= ?2 AND key < CAST(?3 AS TEXT)";
const REMOVE_ALL: &str = "DELETE FROM part WHERE instance = ?1";

pub(super) const PARTS: &str = "SELECT key, content FROM part
    WHERE instance = (SELECT number FROM instance WHERE id = ?1) ORDER BY key";

/// Changes parts of the instance of a number.
pub(super) fn write(
    transaction: &mut Transaction<'_>,
    number: i64,
    part: &PartWrite,
) -> rusqlite::Result<()> {
    match part {
        PartWrite::Put { key, content, .. } => {
            transaction.statement(PUT)?.execute(params![number, key, content])
        }
        PartWrite::Remove { key, .. } => transaction.statement(REMOVE)?.execute(params![number, key]),
        PartWrite::RemovePrefix { prefix, .. } => {
            let mut end = prefix.clone().into_bytes();
            end.push(u8::MAX);
            transaction.statement(REMOVE_PREFIX)?.execute(params![number, prefix, end])
        }
    }?;
    Ok(())
}

/// Removes all parts of the instance of a number.
pub(super) fn remove_all(transaction: &mut Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    transaction.statement(REMOVE_ALL)?.execute([number])?;
    Ok(())
}

/// Key and content of all parts of an instance, by key. An instance is nothing without one of its parts, so a damaged one fails all.
pub(super) fn read(connection: &Connection, id: Uuid) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut statement = connection.prepare_cached(PARTS)?;
    let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<rusqlite::Result<_>>().map_err(|error| into_instance_error(id, error))
}
