//! Writes one commit inside of the open transaction.
//!
//! Everything that can refuse a commit is looked at before the first row is written. So a refused one leaves nothing to undo, and
//! the others of the transaction need no savepoints, which would copy every page they touch.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, named_params, params};
use uuid::Uuid;

use super::{events, parts, rows};
use crate::{
    Change, Commit, CommitError, Committed, History, Instance, Transaction, Update, WorkError, Write,
};

const FIND: &str = "SELECT number, turn,
    octet_length(data) = 0, coalesce(octet_length(input) = 0, 0),
    iif(?2, EXISTS (SELECT 1 FROM event_wait WHERE event_wait.instance = instance.number), 0)
    FROM instance WHERE id = ?1";
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
    error = :error, frames = :frames, sealed = :sealed,
    input = iif(:sets_input, :input, input), data = iif(:sets_data, :data, data)
    WHERE number = :number";
// An upsert writes only the pages that differ when the length stays; REPLACE would write all of them.
const PUT_LARGE_DATA: &str = "INSERT INTO large_data (instance, content) VALUES (?1, ?2)
    ON CONFLICT (instance) DO UPDATE SET content = excluded.content";
const REMOVE_LARGE_DATA: &str = "DELETE FROM large_data WHERE instance = ?1";
const PUT_LARGE_INPUT: &str = "INSERT INTO large_input (instance, content) VALUES (?1, ?2)
    ON CONFLICT (instance) DO UPDATE SET content = excluded.content";
const REMOVE_LARGE_INPUT: &str = "DELETE FROM large_input WHERE instance = ?1";
const HISTORY: &str = "INSERT INTO history (instance, turn, at, facts) VALUES (?1, ?2, ?3, ?4)";
const SEND: &str = "INSERT INTO mailbox (recipient, payload) VALUES (?1, ?2)";

/// Bytes of a text from which on it gets a row of its own. Up to there it shares the page of its instance, which each turn writes
/// anyway (8 KiB); beyond, the text alone would make a turn write more than that.
const LARGE: usize = 4096;

/// A write that the fence let through, with the numbers that it needs.
enum CheckedWrite<'commit> {
    Insert { row: &'commit Instance, revision: i64 },
    Update { update: &'commit Update, stored: Stored },
}

/// What is known of a stored instance.
#[derive(Debug, Clone, Copy)]
struct Stored {
    number: i64,
    turn: u64,
    has_large_data: bool,
    has_large_input: bool,
    /// Whether it ends and waits for events.
    has_waits_to_remove: bool,
}

type Checked<T> = Result<T, WorkError<CommitError>>;

/// Writes a commit, or refuses it before anything is written.
pub(super) fn write(transaction: &mut Transaction<'_>, commit: &Commit) -> Checked<Committed> {
    transaction.enable_failpoints();
    let mut checked = Vec::with_capacity(commit.writes.len());
    for write in &commit.writes {
        checked.push(check(transaction, write)?);
    }
    let is_written = |id: Uuid| commit.writes.iter().any(|write| write.id() == id);
    if let Some(part) = commit.parts.iter().find(|part| !is_written(part.instance())) {
        return Err(WorkError::Refused(CommitError::PartsWithoutRow { instance: part.instance() }));
    }
    if let Some(waits) = commit.waits.iter().find(|waits| !is_written(waits.instance)) {
        return Err(WorkError::Refused(CommitError::WaitsWithoutRow { instance: waits.instance }));
    }
    for line in &commit.history {
        if !is_written(line.instance) && find(transaction, line.instance, false)?.is_none() {
            let (instance, expected) = (line.instance, Some(line.turn));
            return Err(WorkError::Refused(CommitError::Fenced { instance, expected, found: None }));
        }
    }
    // From here on nothing refuses.
    let mut numbers = Vec::with_capacity(checked.len());
    for (write, checked) in commit.writes.iter().zip(&checked) {
        let number = match checked {
            CheckedWrite::Insert { row, revision } => insert(transaction, row, *revision)?,
            CheckedWrite::Update { update, stored } => {
                self::update(transaction, update, *stored)?;
                if write.has_ended() {
                    parts::remove_all(transaction, stored.number)?;
                }
                if stored.has_waits_to_remove {
                    events::remove_waits(transaction, stored.number)?;
                }
                stored.number
            }
        };
        numbers.push((write.id(), number, write.has_ended()));
    }
    for part in &commit.parts {
        let written = numbers.iter().find(|(id, _, _)| *id == part.instance());
        if let Some((_, number, false)) = written {
            parts::write(transaction, *number, part)?;
        }
    }
    for line in &commit.history {
        let written = numbers.iter().find(|(id, _, _)| *id == line.instance).map(|(_, number, _)| *number);
        append(transaction, line, written)?;
    }
    for message in &commit.messages {
        transaction.statement(SEND)?.execute(params![message.to, message.payload])?;
    }
    for number in &commit.messages_consumed {
        events::consume(transaction, *number)?;
    }
    let mut committed = Committed::default();
    let ended: BTreeSet<Uuid> = numbers.iter().filter(|(_, _, ended)| *ended).map(|(id, _, _)| *id).collect();
    let mut mail = BTreeSet::new();
    for number in &commit.events_returned {
        mail.extend(events::return_event(transaction, *number, |id| ended.contains(&id))?);
    }
    for id in ended {
        if events::return_all(transaction, id)? {
            mail.insert(id);
        }
    }
    committed.mail.extend(mail);
    for waits in &commit.waits {
        let written = numbers.iter().find(|(id, _, _)| *id == waits.instance);
        if let Some((id, number, false)) = written
            && events::replace_waits(transaction, (*number, *id), &waits.waits)?
        {
            committed.mail.push(*id);
        }
    }
    events::append(transaction, &commit.outbox)?;
    Ok(committed)
}

/// Lets a write pass the fence, or refuses it.
fn check<'commit>(
    transaction: &mut Transaction<'_>,
    write: &'commit Write,
) -> Checked<CheckedWrite<'commit>> {
    let update = match write {
        Write::Insert(row) => {
            return Ok(CheckedWrite::Insert { row, revision: check_insert(transaction, row)? });
        }
        Write::Update(update) => update,
    };
    match find(transaction, update.id, write.has_ended())? {
        Some(stored) if update.expected_turn == stored.turn => Ok(CheckedWrite::Update { update, stored }),
        stored => Err(WorkError::Refused(CommitError::Fenced {
            instance: update.id,
            expected: Some(update.expected_turn),
            found: stored.map(|stored| stored.turn),
        })),
    }
}

/// Lets a new instance pass, or refuses it. Gives the number of its revision.
pub(super) fn check_insert(transaction: &mut Transaction<'_>, row: &Instance) -> Checked<i64> {
    if let Some(stored) = find(transaction, row.id, false)? {
        let (instance, found) = (row.id, Some(stored.turn));
        return Err(WorkError::Refused(CommitError::Fenced { instance, expected: None, found }));
    }
    let find = transaction.statement(REVISION)?;
    let revision = find.query_row([&row.revision], |row| row.get(0)).optional()?;
    let unknown = || CommitError::UnknownRevision { instance: row.id, revision: row.revision.clone() };
    revision.ok_or_else(|| WorkError::Refused(unknown()))
}

/// What is stored of an instance.
fn find(transaction: &mut Transaction<'_>, id: Uuid, ends: bool) -> Checked<Option<Stored>> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Stored {
            number: row.get(0)?,
            turn: row.get(1)?,
            has_large_data: row.get(2)?,
            has_large_input: row.get(3)?,
            has_waits_to_remove: row.get(4)?,
        })
    };
    let found = transaction.statement(FIND)?.query_row(params![id, ends], read).optional();
    found.map_err(|error| match error.sqlite_error_code() {
        // What SQLite itself reports can be the fault of the whole file.
        Some(_) => WorkError::Sqlite(error),
        None => WorkError::Refused(CommitError::Store(rows::into_instance_error(id, error))),
    })
}

/// Inserts a row that was checked, and gives its number.
pub(super) fn insert(
    transaction: &mut Transaction<'_>,
    row: &Instance,
    revision: i64,
) -> rusqlite::Result<i64> {
    let (data, large_data) = split(Some(&row.data));
    let (input, large_input) = split(row.input.as_deref());
    transaction.statement(INSERT)?.execute(named_params! {
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
        ":input": input,
        ":extra": row.extra,
        ":data": data,
    })?;
    let number = transaction.connection().last_insert_rowid();
    if let Some(text) = large_data {
        transaction.statement(PUT_LARGE_DATA)?.execute(params![number, text])?;
    }
    if let Some(text) = large_input {
        transaction.statement(PUT_LARGE_INPUT)?.execute(params![number, text])?;
    }
    Ok(number)
}

fn update(transaction: &mut Transaction<'_>, update: &Update, stored: Stored) -> rusqlite::Result<()> {
    let (sets_data, (data, large_data)) = match &update.data {
        Change::Keep => (false, (None, None)),
        Change::Set(data) => (true, split(Some(data))),
    };
    let (sets_input, (input, large_input)) = match &update.input {
        Change::Keep => (false, (None, None)),
        Change::Set(input) => (true, split(input.as_deref())),
    };
    let number = stored.number;
    transaction.statement(UPDATE)?.execute(named_params! {
        ":number": number,
        ":state": update.state.number(),
        ":turn": update.turn,
        ":busy": update.busy,
        ":updated_at": update.updated_at,
        ":ended_at": update.ended_at,
        ":wake_at": update.wake_at,
        ":error": update.error,
        ":frames": update.frames,
        ":sealed": update.sealed,
        ":sets_input": sets_input,
        ":input": input,
        ":sets_data": sets_data,
        ":data": data,
    })?;
    if let Some(text) = large_data {
        transaction.statement(PUT_LARGE_DATA)?.execute(params![number, text])?;
    } else if sets_data && stored.has_large_data {
        transaction.statement(REMOVE_LARGE_DATA)?.execute([number])?;
    }
    if let Some(text) = large_input {
        transaction.statement(PUT_LARGE_INPUT)?.execute(params![number, text])?;
    } else if sets_input && stored.has_large_input {
        transaction.statement(REMOVE_LARGE_INPUT)?.execute([number])?;
    }
    Ok(())
}

/// The text for the column, and the one for the table of large texts. The column of a text in that table is empty, so an empty text is
/// there too.
fn split(text: Option<&str>) -> (Option<&str>, Option<&str>) {
    match text {
        Some(text) if text.len() > LARGE || text.is_empty() => (Some(""), Some(text)),
        small => (small, None),
    }
}

fn append(transaction: &mut Transaction<'_>, line: &History, number: Option<i64>) -> rusqlite::Result<()> {
    let number = match number {
        Some(number) => number,
        None => transaction.statement(FIND)?.query_row(params![line.instance, false], |row| row.get(0))?,
    };
    transaction.statement(HISTORY)?.execute(params![number, line.turn, line.at, line.facts])?;
    Ok(())
}
