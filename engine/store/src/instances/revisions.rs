//! Revisions, their files, and which of them are served.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::{ChangedFingerprint, Definition, Revision, StoreError, Transaction, WorkError};

/// Stores the revisions that are served from now on; gives those whose fingerprint has changed.
pub(super) fn put(
    transaction: &mut Transaction<'_>,
    revisions: &[Revision],
) -> Result<Vec<ChangedFingerprint>, WorkError<StoreError>> {
    let connection = transaction.connection();
    let mut changed = Vec::new();
    connection.execute("UPDATE definition SET available = 0", [])?;
    for revision in revisions {
        let number = match stored(connection, &revision.digest)? {
            Some((number, before)) => {
                changed.extend(set_fingerprint(connection, revision, number, before)?);
                number
            }
            None => insert(connection, revision)?,
        };
        connection.execute(
            "INSERT INTO definition (workflow, revision, available) VALUES (?1, ?2, 1)
             ON CONFLICT (workflow) DO UPDATE SET revision = excluded.revision, available = 1",
            params![revision.workflow, number],
        )?;
    }
    Ok(changed)
}

/// Number and fingerprint of a stored revision.
fn stored(connection: &Connection, digest: &str) -> rusqlite::Result<Option<(i64, Option<String>)>> {
    let find = "SELECT number, fingerprint FROM revision WHERE digest = ?1";
    connection.query_row(find, [digest], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn set_fingerprint(
    connection: &Connection,
    revision: &Revision,
    number: i64,
    before: Option<String>,
) -> rusqlite::Result<Option<ChangedFingerprint>> {
    if revision.fingerprint.is_none() || revision.fingerprint == before {
        return Ok(None);
    }
    let update = "UPDATE revision SET fingerprint = ?2 WHERE number = ?1";
    connection.execute(update, params![number, revision.fingerprint])?;
    let (digest, workflow) = (revision.digest.clone(), revision.workflow.clone());
    Ok(Some(ChangedFingerprint { digest, workflow, before }))
}

/// Inserts a revision with its files, and gives its number.
fn insert(connection: &Connection, revision: &Revision) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO revision (digest, workflow, version, name, description, path, source, fingerprint)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            revision.digest,
            revision.workflow,
            revision.version,
            revision.name,
            revision.description,
            revision.path,
            revision.source,
            revision.fingerprint
        ],
    )?;
    let number = connection.last_insert_rowid();
    for (position, (name, content)) in revision.bundle.iter().enumerate() {
        let digest = Sha256::digest(content);
        connection.execute(
            "INSERT INTO file (digest, content) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
            params![digest.as_slice(), content],
        )?;
        connection.execute(
            "INSERT INTO bundle (revision, position, name, file)
             VALUES (?1, ?2, ?3, (SELECT number FROM file WHERE digest = ?4))",
            params![number, position, name, digest.as_slice()],
        )?;
    }
    Ok(number)
}

pub(super) fn revision(connection: &Connection, digest: &str) -> Result<Option<Revision>, StoreError> {
    let sql = "SELECT digest, workflow, version, name, description, source, path, fingerprint FROM revision
         WHERE digest = ?1";
    let Some(revision) = connection.prepare_cached(sql)?.query_row([digest], read).optional()? else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(
        "SELECT bundle.name, content FROM revision
         JOIN bundle ON bundle.revision = revision.number JOIN file ON file.number = bundle.file
         WHERE revision.digest = ?1 ORDER BY position",
    )?;
    let bundle = statement.query_map([digest], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Some(Revision { bundle: bundle.collect::<rusqlite::Result<_>>()?, ..revision }))
}

pub(super) fn definitions(connection: &Connection) -> Result<Vec<Definition>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT digest, revision.workflow, version, name, description, source, path, fingerprint, available
         FROM definition JOIN revision ON revision.number = definition.revision ORDER BY revision.workflow",
    )?;
    let rows =
        statement.query_map([], |row| Ok(Definition { revision: read(row)?, available: row.get(8)? }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Revision> {
    Ok(Revision {
        digest: row.get(0)?,
        workflow: row.get(1)?,
        version: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        source: row.get(5)?,
        path: row.get(6)?,
        fingerprint: row.get(7)?,
        bundle: Vec::new(),
    })
}
