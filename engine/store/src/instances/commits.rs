//! Writes one commit inside of the open transaction.
//!
//! Everything that can refuse a commit is looked at before the first row is written. So a refused one leaves nothing to undo, and
//! the others of the transaction need no savepoints, which would copy every page they touch.

use std::{borrow::Cow, collections::BTreeSet};

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::{concurrency, events, parts, row_writes, rows};
use crate::{
    Commit, CommitError, Committed, History, Instance, PlaceRequest, State, Transaction, Update, WorkError,
    Write,
};

const FIND: &str = "SELECT number, turn,
    octet_length(data) = 0, coalesce(octet_length(input) = 0, 0),
    iif(?2, EXISTS (SELECT 1 FROM event_wait WHERE event_wait.instance = instance.number), 0),
    iif(?3 = state AND NOT ?2, 0, EXISTS (SELECT 1 FROM concurrency_member WHERE concurrency_member.instance = instance.number))
    FROM instance WHERE id = ?1";
const REVISION: &str = "SELECT number FROM revision WHERE digest = ?1";
const HISTORY: &str = "INSERT INTO history (instance, turn, at, facts) VALUES (?1, ?2, ?3, ?4)";
const SEND: &str = "INSERT INTO mailbox (recipient, payload) VALUES (?1, ?2)";

/// A write that the fence let through, with the numbers that it needs.
enum CheckedWrite<'commit> {
    Insert { row: &'commit Instance, revision: i64 },
    Update { update: &'commit Update, stored: Stored },
}

/// What is known of a stored instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) number: i64,
    turn: u64,
    pub(super) has_large_data: bool,
    pub(super) has_large_input: bool,
    /// Whether it ends and waits for events.
    has_waits_to_remove: bool,
    /// Whether it is a member of a concurrency group, and its state changes.
    moves_in_group: bool,
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
        if !is_written(line.instance) && find(transaction, line.instance, false, None)?.is_none() {
            let (instance, expected) = (line.instance, Some(line.turn));
            return Err(WorkError::Refused(CommitError::Fenced { instance, expected, found: None }));
        }
    }
    // From here on nothing refuses.
    let mut committed = Committed::default();
    let mut numbers = Vec::with_capacity(checked.len());
    for (write, checked) in commit.writes.iter().zip(&checked) {
        let number = match checked {
            CheckedWrite::Insert { row, revision } => {
                let place = commit.places.iter().find(|place| place.instance == row.id);
                let (number, waits) = insert_with_place(transaction, row, *revision, place)?;
                committed.waiting.extend(waits.then_some(row.id));
                number
            }
            CheckedWrite::Update { update, stored } => {
                row_writes::update(transaction, update, *stored)?;
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
    for checked in &checked {
        if let CheckedWrite::Update { update, stored } = checked
            && stored.moves_in_group
        {
            let heir = commit.place_transfers.iter().find(|transfer| transfer.from == update.id);
            let heir = heir.and_then(|transfer| numbers.iter().find(|(id, _, _)| *id == transfer.to));
            let state = update.ended_at.is_none().then_some(update.state);
            match (state, heir) {
                (None, Some((_, heir, _))) => concurrency::transfer(transaction, stored.number, *heir)?,
                _ => committed.admitted.extend(concurrency::move_to(transaction, stored.number, state)?),
            }
        }
    }
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
    match find(transaction, update.id, write.has_ended(), Some(update.state))? {
        Some(stored) if update.expected_turn == stored.turn => {
            let goes_on = update.state == State::Active && update.ended_at.is_none();
            if stored.moves_in_group
                && goes_on
                && !update.needs_no_place
                && !concurrency::check_place(transaction, stored.number)?
            {
                return Err(WorkError::Refused(CommitError::NoPlace { instance: update.id }));
            }
            Ok(CheckedWrite::Update { update, stored })
        }
        stored => Err(WorkError::Refused(CommitError::Fenced {
            instance: update.id,
            expected: Some(update.expected_turn),
            found: stored.map(|stored| stored.turn),
        })),
    }
}

/// Lets a new instance pass, or refuses it. Gives the number of its revision.
pub(super) fn check_insert(transaction: &mut Transaction<'_>, row: &Instance) -> Checked<i64> {
    if let Some(stored) = find(transaction, row.id, false, None)? {
        let (instance, found) = (row.id, Some(stored.turn));
        return Err(WorkError::Refused(CommitError::Fenced { instance, expected: None, found }));
    }
    let find = transaction.statement(REVISION)?;
    let revision = find.query_row([&row.revision], |row| row.get(0)).optional()?;
    let unknown = || CommitError::UnknownRevision { instance: row.id, revision: row.revision.clone() };
    revision.ok_or_else(|| WorkError::Refused(unknown()))
}

/// What is stored of an instance. `ends` and `state` say what a write makes of it.
fn find(
    transaction: &mut Transaction<'_>,
    id: Uuid,
    ends: bool,
    state: Option<State>,
) -> Checked<Option<Stored>> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Stored {
            number: row.get(0)?,
            turn: row.get(1)?,
            has_large_data: row.get(2)?,
            has_large_input: row.get(3)?,
            has_waits_to_remove: row.get(4)?,
            moves_in_group: row.get(5)?,
        })
    };
    let state = state.map(State::number);
    let found = transaction.statement(FIND)?.query_row(params![id, ends, state], read).optional();
    found.map_err(|error| match error.sqlite_error_code() {
        // What SQLite itself reports can be the fault of the whole file.
        Some(_) => WorkError::Sqlite(error),
        None => WorkError::Refused(CommitError::Store(rows::into_instance_error(id, error))),
    })
}

fn append(transaction: &mut Transaction<'_>, line: &History, number: Option<i64>) -> rusqlite::Result<()> {
    let number = if let Some(number) = number {
        number
    } else {
        let find = transaction.statement(FIND)?;
        find.query_row(params![line.instance, false, None::<i64>], |row| row.get(0))?
    };
    transaction.statement(HISTORY)?.execute(params![number, line.turn, line.at, line.facts])?;
    Ok(())
}

/// Inserts a row that was checked. One that needs a place of a concurrency group and gets none is stored as waiting for it. Returns the
/// number of the row, and whether the instance waits.
pub(super) fn insert_with_place(
    transaction: &mut Transaction<'_>,
    row: &Instance,
    revision: i64,
    place: Option<&PlaceRequest>,
) -> rusqlite::Result<(i64, bool)> {
    let Some(place) = place else { return Ok((row_writes::insert(transaction, row, revision)?, false)) };
    let entry = concurrency::enter(transaction, place)?;
    let row = match entry.waits() {
        true => Cow::Owned(Instance { state: State::Pending, busy: false, wake_at: None, ..row.clone() }),
        false => Cow::Borrowed(row),
    };
    let number = row_writes::insert(transaction, &row, revision)?;
    concurrency::join(transaction, number, entry)?;
    Ok((number, entry.waits()))
}
