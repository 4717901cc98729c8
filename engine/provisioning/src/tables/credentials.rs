//! Credentials of requests.

use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::{Found, json, text};
use crate::model::Credential;

/// What is known of the credentials of a request, and the credentials, encrypted, while there are any.
pub(crate) fn get(connection: &Connection, request: &str) -> Found<Option<(Credential, Option<Vec<u8>>)>> {
    let mut select =
        connection.prepare_cached("SELECT body, sealed FROM desk_credential WHERE request = ?1")?;
    select.query_row([request], |row| Ok((json(row, 0)?, row.get(1)?))).optional()
}

pub(crate) fn put(
    connection: &Connection,
    request: &str,
    credential: &Credential,
    sealed: Option<&[u8]>,
) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO desk_credential (request, body, sealed) VALUES (?1, ?2, ?3)",
    )?;
    insert.execute(params![request, text(credential)?, sealed]).map(drop)
}

/// Removes the credentials of what is gone. What is known of them stays.
pub(crate) fn forget(connection: &Connection, request: &str) -> Found<()> {
    connection
        .prepare_cached("UPDATE desk_credential SET sealed = NULL WHERE request = ?1")?
        .execute([request])
        .map(drop)
}
