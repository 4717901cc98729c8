//! Revisions, their files, and which of them are served.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::{Definition, Revision};

pub(super) fn put(connection: &Connection, revisions: &[Revision]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute("UPDATE definition SET available = 0", [])?;
    for revision in revisions {
        let number = number_of(&transaction, revision)?;
        transaction.execute(
            "INSERT INTO definition (workflow, revision, available) VALUES (?1, ?2, 1)
             ON CONFLICT (workflow) DO UPDATE SET revision = excluded.revision, available = 1",
            params![revision.workflow, number],
        )?;
    }
    transaction.commit()
}

/// The number of a revision, which is stored if it was not. The digest stands for the content, so one that is there has its files too.
fn number_of(connection: &Connection, revision: &Revision) -> rusqlite::Result<i64> {
    let find = "SELECT number FROM revision WHERE digest = ?1";
    if let Some(number) = connection.query_row(find, [&revision.digest], |row| row.get(0)).optional()? {
        return Ok(number);
    }
    connection.execute(
        "INSERT INTO revision (digest, workflow, version, name, description, path, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            revision.digest,
            revision.workflow,
            revision.version,
            revision.name,
            revision.description,
            revision.path,
            revision.source
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

pub(super) fn revision(connection: &Connection, digest: &str) -> rusqlite::Result<Option<Revision>> {
    let sql =
        "SELECT digest, workflow, version, name, description, source, path FROM revision WHERE digest = ?1";
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

pub(super) fn definitions(connection: &Connection) -> rusqlite::Result<Vec<Definition>> {
    let mut statement = connection.prepare_cached(
        "SELECT digest, revision.workflow, version, name, description, source, path, available
         FROM definition JOIN revision ON revision.number = definition.revision ORDER BY revision.workflow",
    )?;
    let rows =
        statement.query_map([], |row| Ok(Definition { revision: read(row)?, available: row.get(7)? }))?;
    rows.collect()
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
        bundle: Vec::new(),
    })
}
