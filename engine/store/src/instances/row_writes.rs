//! Writes the row of an instance, and those of its large texts.

use rusqlite::{named_params, params};

use super::commits::Stored;
use crate::{Change, Instance, Transaction, Update};

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

/// Bytes of a text from which on it gets a row of its own. Up to there it shares the page of its instance, which each turn writes
/// anyway (8 KiB); beyond, the text alone would make a turn write more than that.
const LARGE: usize = 4096;

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

/// Updates a stored row.
pub(super) fn update(
    transaction: &mut Transaction<'_>,
    update: &Update,
    stored: Stored,
) -> rusqlite::Result<()> {
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
