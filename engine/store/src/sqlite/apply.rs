//! Writes one commit inside of the open transaction.
//!
//! Everything that can refuse a commit is looked at before the first row is written. So a refused one leaves nothing to undo, and
//! the others of the transaction need no savepoints, which would copy every page they touch.

use rusqlite::{CachedStatement, Connection, OptionalExtension, named_params, params};
use uuid::Uuid;

use crate::{Commit, CommitError, History, Instance, Write};

const FIND: &str = "SELECT number, turn FROM instance WHERE id = ?1";
const REVISION: &str = "SELECT number FROM revision WHERE digest = ?1";
const INSERT: &str = "INSERT INTO instance
    (id, revision, state, turn, busy, started_at, updated_at, ended_at, wake_at, business_key, reference_id,
     parent, root, root_workflow, error, frames, sealed, input, extra, data)
    VALUES
    (:id, :revision, :state, :turn, :busy, :started_at, :updated_at, :ended_at, :wake_at, :business_key, :reference_id,
     :parent, :root, :root_workflow, :error, :frames, :sealed, :input, :extra, :data)";
// Columns that never change are left out, for their indexes would be written again.
const UPDATE: &str = "UPDATE instance SET
    state = :state, turn = :turn, busy = :busy, updated_at = :updated_at, ended_at = :ended_at, wake_at = :wake_at,
    error = :error, frames = :frames, sealed = :sealed, input = :input, data = :data
    WHERE number = :number";
const HISTORY: &str = "INSERT INTO history (instance, turn, at, facts) VALUES (?1, ?2, ?3, ?4)";
const SEND: &str = "INSERT INTO mailbox (recipient, payload) VALUES (?1, ?2)";
const CONSUME: &str = "DELETE FROM mailbox WHERE number = ?1";

/// The statements, compiled.
pub(super) struct Apply<'connection> {
    connection: &'connection Connection,
    find: CachedStatement<'connection>,
    revision: CachedStatement<'connection>,
    insert: CachedStatement<'connection>,
    update: CachedStatement<'connection>,
    history: CachedStatement<'connection>,
    send: CachedStatement<'connection>,
    consume: CachedStatement<'connection>,
}

/// A write that was found possible, with the number that it needs.
enum Possible<'commit> {
    Insert { row: &'commit Instance, revision: i64 },
    Update { row: &'commit Instance, number: i64 },
}

impl<'connection> Apply<'connection> {
    pub(super) fn prepare(connection: &'connection Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            find: connection.prepare_cached(FIND)?,
            revision: connection.prepare_cached(REVISION)?,
            insert: connection.prepare_cached(INSERT)?,
            update: connection.prepare_cached(UPDATE)?,
            history: connection.prepare_cached(HISTORY)?,
            send: connection.prepare_cached(SEND)?,
            consume: connection.prepare_cached(CONSUME)?,
        })
    }

    /// Writes a commit, or nothing of it and says why. After an error of the database the transaction must be rolled back.
    pub(super) fn commit(&mut self, commit: &Commit) -> rusqlite::Result<Result<(), CommitError>> {
        let mut possible = Vec::with_capacity(commit.writes.len());
        for write in &commit.writes {
            match self.check(write)? {
                Ok(write) => possible.push(write),
                Err(refused) => return Ok(Err(refused)),
            }
        }
        // Lines of instances that this commit does not write itself.
        for line in &commit.history {
            let written = possible.iter().any(|write| write.row().id == line.instance);
            if !written && self.find(line.instance)?.is_none() {
                let (instance, expected) = (line.instance, Some(line.turn));
                return Ok(Err(CommitError::Fenced { instance, expected, found: None }));
            }
        }
        let mut numbers = Vec::with_capacity(possible.len());
        for write in &possible {
            numbers.push((write.row().id, self.write(write)?));
        }
        for line in &commit.history {
            self.line(line, &numbers)?;
        }
        for message in &commit.messages {
            self.send.execute(params![message.to, message.payload])?;
        }
        for number in &commit.messages_consumed {
            self.consume.execute([number])?;
        }
        Ok(Ok(()))
    }

    fn check<'commit>(
        &mut self,
        write: &'commit Write,
    ) -> rusqlite::Result<Result<Possible<'commit>, CommitError>> {
        let (row, expected) = match write {
            Write::Insert(row) => (row, None),
            Write::Update { instance, expected_turn } => (instance, Some(*expected_turn)),
        };
        let (number, found) = self.find(row.id)?.unzip();
        if expected != found {
            return Ok(Err(CommitError::Fenced { instance: row.id, expected, found }));
        }
        if let Some(number) = number {
            return Ok(Ok(Possible::Update { row, number }));
        }
        let revision = self.revision.query_row([&row.revision], |row| row.get(0)).optional()?;
        Ok(match revision {
            Some(revision) => Ok(Possible::Insert { row, revision }),
            None => Err(CommitError::UnknownRevision { instance: row.id, revision: row.revision.clone() }),
        })
    }

    /// Number and turn of an instance.
    fn find(&mut self, id: Uuid) -> rusqlite::Result<Option<(i64, u64)>> {
        self.find.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    fn write(&mut self, write: &Possible<'_>) -> rusqlite::Result<i64> {
        match write {
            Possible::Insert { row, revision } => {
                self.insert.execute(named_params! {
                    ":id": row.id,
                    ":revision": revision,
                    ":state": row.state.number(),
                    ":turn": row.turn,
                    ":busy": row.busy,
                    ":started_at": row.started_at,
                    ":updated_at": row.updated_at,
                    ":ended_at": row.ended_at,
                    ":wake_at": row.wake_at,
                    ":business_key": row.business_key,
                    ":reference_id": row.reference_id,
                    ":parent": row.parent,
                    ":root": row.root,
                    ":root_workflow": row.root_workflow,
                    ":error": row.error,
                    ":frames": row.frames,
                    ":sealed": row.sealed,
                    ":input": row.input,
                    ":extra": row.extra,
                    ":data": row.data,
                })?;
                Ok(self.connection.last_insert_rowid())
            }
            Possible::Update { row, number } => {
                self.update.execute(named_params! {
                    ":number": number,
                    ":state": row.state.number(),
                    ":turn": row.turn,
                    ":busy": row.busy,
                    ":updated_at": row.updated_at,
                    ":ended_at": row.ended_at,
                    ":wake_at": row.wake_at,
                    ":error": row.error,
                    ":frames": row.frames,
                    ":sealed": row.sealed,
                    ":input": row.input,
                    ":data": row.data,
                })?;
                Ok(*number)
            }
        }
    }

    fn line(&mut self, line: &History, numbers: &[(Uuid, i64)]) -> rusqlite::Result<()> {
        let known = numbers.iter().find(|(id, _)| *id == line.instance).map(|(_, number)| *number);
        let number = match known {
            Some(number) => number,
            None => self.find.query_row([line.instance], |row| row.get(0))?,
        };
        self.history.execute(params![number, line.turn, line.at, line.facts])?;
        Ok(())
    }
}

impl Possible<'_> {
    fn row(&self) -> &Instance {
        match self {
            Self::Insert { row, .. } | Self::Update { row, .. } => row,
        }
    }
}
