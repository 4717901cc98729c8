//! Reads rows.
//!
//! Promises: a damaged row fails by itself, because one row must not make every list fail, nor keep the engine from continuing the others
//! after a restart. A read of that row answers the damage. [`query`] shows it as an instance in error whose message names the damage; where
//! its id cannot be read, and in lists of ids and lines, it is left out. A page that cannot be read fails a list, for nobody knows what is
//! missing then.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, types::Type};
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::{damage_log::DamageLog, filter};
use crate::{
    Columns, DeliveredEvent, Filter, History, Instance, MailboxMessage, Query, State, StoreError,
    database::is_damage,
};

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The data and the input of a row: where a column is empty, the text is in the table of large ones. Where that has none, the value is not a
/// text, which shows the damage.
pub(super) const DATA: &str = "CASE data WHEN '' THEN
    coalesce((SELECT content FROM large_data WHERE large_data.instance = instance.number), x'') ELSE data END";
const INPUT: &str = "CASE input WHEN '' THEN
    coalesce((SELECT content FROM large_input WHERE large_input.instance = instance.number), x'') ELSE input END";

/// The columns of an instance, in the order in which [`read`] takes them. SQLite does not touch
/// large columns that are left out. A row without a stored revision is found too, and is damaged.
fn select(columns: Columns) -> String {
    let data = match columns.data {
        true => format!("{INPUT}, extra, {DATA}"),
        false => "NULL, NULL, ''".to_owned(),
    };
    let frames = if columns.frames { "frames, sealed" } else { "x'', NULL" };
    format!(
        "SELECT id, workflow, version, name, digest, state, business_key, reference_id, parent, root, root_workflow, \
         started_at, ended_at, updated_at, wake_at, busy, turn, error, {data}, {frames} \
         FROM instance LEFT JOIN revision ON revision.number = instance.revision"
    )
}

/// Places of columns that are looked at.
const STATE: usize = 5;
const DATA_COLUMN: usize = 20;

fn read(row: &Row<'_>) -> rusqlite::Result<Instance> {
    let state: i64 = row.get(STATE)?;
    let state = State::from_number(state).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            STATE,
            Type::Integer,
            format!("{state} is the number of no state").into(),
        )
    })?;
    let data: String = row.get(DATA_COLUMN)?;
    // The text is empty where it was not asked for.
    if !data.is_empty()
        && let Err(error) = serde_json::from_str::<IgnoredAny>(&data)
    {
        let problem = format!("the data are not JSON: {error}").into();
        return Err(rusqlite::Error::FromSqlConversionFailure(DATA_COLUMN, Type::Text, problem));
    }
    Ok(Instance {
        id: row.get(0)?,
        workflow: row.get(1)?,
        version: row.get(2)?,
        name: row.get(3)?,
        revision: row.get(4)?,
        state,
        business_key: row.get(6)?,
        reference_id: row.get(7)?,
        parent: row.get(8)?,
        root: row.get(9)?,
        root_workflow: row.get(10)?,
        started_at: row.get(11)?,
        ended_at: row.get(12)?,
        updated_at: row.get(13)?,
        wake_at: row.get(14)?,
        busy: row.get(15)?,
        turn: row.get(16)?,
        error: row.get(17)?,
        input: row.get(18)?,
        extra: row.get(19)?,
        data,
        frames: row.get(21)?,
        sealed: row.get(22)?,
    })
}

/// What is left of a row that cannot be read: an instance in error that says so. `None` when its id cannot be read either.
fn damaged(row: &Row<'_>, problem: &rusqlite::Error) -> Option<Instance> {
    let text = |column: usize| row.get::<_, String>(column).unwrap_or_default();
    let id: Uuid = row.get(0).ok()?;
    let message = StoreError::Damaged { instance: id, problem: problem.to_string() }.to_string();
    Some(Instance {
        id,
        workflow: text(1),
        version: text(2),
        name: text(3),
        revision: text(4),
        state: State::Error,
        business_key: row.get(6).unwrap_or_default(),
        reference_id: row.get(7).unwrap_or_default(),
        parent: row.get(8).unwrap_or_default(),
        root: row.get(9).unwrap_or_default(),
        root_workflow: row.get(10).unwrap_or_default(),
        started_at: row.get(11).unwrap_or_default(),
        updated_at: row.get(13).unwrap_or_default(),
        turn: row.get(16).unwrap_or_default(),
        error: Some(serde_json::json!({ "message": message }).to_string()),
        data: "null".to_owned(),
        ..Instance::default()
    })
}

pub(super) fn instance(connection: &Connection, id: Uuid) -> Result<Option<Instance>> {
    let sql = select(Columns::ALL) + " WHERE id = ?1";
    let found = connection.prepare_cached(&sql)?.query_row([id], read).optional();
    found.map_err(|error| into_instance_error(id, error))
}

/// An error of reading what belongs to one instance.
pub(super) fn into_instance_error(instance: Uuid, error: rusqlite::Error) -> StoreError {
    match is_damage(&error) {
        true => StoreError::Damaged { instance, problem: error.to_string() },
        false => error.into(),
    }
}

pub(super) fn instances(connection: &Connection, damage: &DamageLog, ids: &[Uuid]) -> Result<Vec<Instance>> {
    let sql = select(Columns::ALL) + " WHERE id = ?1";
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let row = statement.query_row([id], read).optional().transpose();
        let Some(row) = row else { continue };
        found.extend(damage.unless_damaged("Store::instances", id, row)?);
    }
    Ok(found)
}

pub(super) const DUE: &str = "SELECT wake_at, number, id FROM instance
    WHERE wake_at IS NOT NULL AND wake_at <= ?1 AND (wake_at, id) > (?2, ?3) ORDER BY wake_at, id";

pub(super) fn due(
    connection: &Connection,
    damage: &DamageLog,
    until: i64,
    after: Option<(i64, Uuid)>,
    limit: usize,
) -> Result<Vec<(i64, Uuid)>> {
    let (moment, id) = after.unwrap_or((i64::MIN, Uuid::nil()));
    let mut statement = connection.prepare_cached(DUE)?;
    let rows = statement.query_map(params![until, moment, id], |row| {
        let moment: i64 = row.get(0)?;
        Ok(listed_id(damage, "Store::due", row, 1)?.map(|id| (moment, id)))
    })?;
    // The limit counts those that are answered: a page of damaged rows would look like the end.
    Ok(rows.filter_map(rusqlite::Result::transpose).take(limit).collect::<rusqlite::Result<_>>()?)
}

pub(super) const BUSY: &str = "SELECT number, id FROM instance WHERE busy = 1 AND id > ?1 ORDER BY id";

pub(super) fn busy(
    connection: &Connection,
    damage: &DamageLog,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Uuid>> {
    ids(connection, damage, "Store::busy", BUSY, params![after.unwrap_or(Uuid::nil())], limit)
}

pub(super) const HISTORY: &str = "SELECT turn, at, facts FROM history
    WHERE instance = (SELECT number FROM instance WHERE id = ?1) ORDER BY turn";

pub(super) fn history(connection: &Connection, damage: &DamageLog, id: Uuid) -> Result<Vec<History>> {
    let mut statement = connection.prepare_cached(HISTORY)?;
    let rows = statement.query_map([id], |row| {
        let line = || Ok(History { instance: id, turn: row.get(0)?, at: row.get(1)?, facts: row.get(2)? });
        damage.unless_damaged("Store::history", &id, line())
    })?;
    Ok(rows.filter_map(rusqlite::Result::transpose).collect::<rusqlite::Result<_>>()?)
}

pub(super) const CHILDREN: &str = "SELECT number, id FROM instance WHERE parent = ?1 ORDER BY id";

pub(super) fn children(connection: &Connection, damage: &DamageLog, id: Uuid) -> Result<Vec<Uuid>> {
    ids(connection, damage, "Store::children", CHILDREN, params![id], usize::MAX)
}

pub(super) const MAILBOX: &str = "SELECT number, payload, mailbox.event, content
    FROM mailbox LEFT JOIN event_content ON event_content.event = mailbox.event
    WHERE recipient = ?1 AND number > ?2 ORDER BY number";

/// Messages of a page of a mailbox, and the bytes with which it ends.
const MAILBOX_PAGE: usize = 64;
const MAILBOX_PAGE_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn mailbox(connection: &Connection, id: Uuid, after: Option<i64>) -> Result<Vec<MailboxMessage>> {
    let mut statement = connection.prepare_cached(MAILBOX)?;
    let rows = statement.query_map(params![id, after.unwrap_or(0)], |row| {
        let event = match row.get(2)? {
            // Without its content, which is damage, the column is NULL.
            Some(number) => Some(DeliveredEvent { number, content: row.get(3)? }),
            None => None,
        };
        Ok(MailboxMessage { number: row.get(0)?, payload: row.get(1)?, event })
    })?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    for message in rows {
        let message = message.map_err(|error| into_instance_error(id, error))?;
        bytes += message.payload.len() + message.event.as_ref().map_or(0, |event| event.content.len());
        page.push(message);
        if page.len() >= MAILBOX_PAGE || bytes >= MAILBOX_PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

pub(super) fn mailboxes(connection: &Connection, damage: &DamageLog) -> Result<Vec<Uuid>> {
    // Those that wait for a place can be many thousands, each with the event that is to start it.
    let sql = "SELECT min(number), recipient FROM mailbox
        WHERE NOT EXISTS (SELECT 1 FROM instance WHERE instance.id = recipient AND state = 0)
        GROUP BY recipient ORDER BY recipient";
    ids(connection, damage, "Store::mailboxes", sql, params![], usize::MAX)
}

pub(super) fn query(connection: &Connection, damage: &DamageLog, query: &Query) -> Result<Vec<Instance>> {
    // Sorting needs few columns, so the rows are sorted by number first and read then. Both see the same moment.
    let moment = connection.unchecked_transaction()?;
    let chosen = filter::numbers(query);
    let mut statement = moment.prepare_cached(&chosen.sql)?;
    let parameters = chosen.parameters(statement.parameter_count());
    let numbers = statement.query_map(parameters, |row| row.get(0))?;
    let numbers: Vec<i64> = numbers.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare_cached(&(select(query.columns) + " WHERE instance.number = ?1"))?;
    let most = query.max_bytes.unwrap_or(u64::MAX);
    let mut left = most;
    let mut rows = Vec::new();
    for number in numbers {
        let mut shown = None;
        let read =
            statement.query_row([number], |row| read(row).inspect_err(|error| shown = damaged(row, error)));
        let name = shown.as_ref().map_or_else(|| format!("in row {number}"), |shown| shown.id.to_string());
        let read = damage.unless_damaged("Store::query", &name, read)?;
        let Some(row) = read.or(shown) else { continue };
        left = left.checked_sub(row.bytes()).ok_or(StoreError::TooLarge(most))?;
        rows.push(row);
    }
    Ok(rows)
}

pub(super) fn count(connection: &Connection, filter: &Filter) -> Result<u64> {
    let counted = filter::count(filter);
    let mut statement = connection.prepare_cached(&counted.sql)?;
    let parameters = counted.parameters(statement.parameter_count());
    Ok(statement.query_row(parameters, |row| row.get(0))?)
}

/// Up to `limit` ids of rows with a number and an id.
fn ids(
    connection: &Connection,
    damage: &DamageLog,
    list: &'static str,
    sql: &str,
    parameters: &[&dyn ToSql],
    limit: usize,
) -> Result<Vec<Uuid>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, |row| listed_id(damage, list, row, 0))?;
    Ok(rows.filter_map(rusqlite::Result::transpose).take(limit).collect::<rusqlite::Result<_>>()?)
}

/// The id of a row, which stands in the column after the row's number.
fn listed_id(
    damage: &DamageLog,
    list: &'static str,
    row: &Row<'_>,
    number: usize,
) -> rusqlite::Result<Option<Uuid>> {
    let id = row.get(number + 1);
    let number: i64 = row.get(number)?;
    damage.unless_damaged(list, &format_args!("in row {number}"), id)
}
