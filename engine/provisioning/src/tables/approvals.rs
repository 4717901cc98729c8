//! Approvals.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};

use super::{Found, json, moment, text};
use crate::model::Approval;

pub(crate) fn get(connection: &Connection, id: &str) -> Found<Option<Approval>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_approval WHERE id = ?1")?;
    select.query_row([id], |row| json(row, 0)).optional()
}

/// Approvals of a state, a pool and a requester, as far as they are given, the newest last.
pub(crate) fn list(
    connection: &Connection,
    state: Option<&str>,
    pool: Option<&str>,
    requester: Option<&str>,
    limit: u32,
) -> Found<Vec<Approval>> {
    let mut sql = "SELECT body FROM desk_approval WHERE 1".to_owned();
    let mut values = Vec::new();
    for (column, wanted) in [("state", state), ("pool", pool), ("requester", requester)] {
        if let Some(wanted) = wanted {
            values.push(Value::Text(wanted.to_owned()));
            sql.push_str(&format!(" AND {column} = ?{}", values.len()));
        }
    }
    sql.push_str(&format!(" ORDER BY number LIMIT {limit}"));
    let mut select = connection.prepare_cached(&sql)?;
    select.query_map(params_from_iter(values), |row| json(row, 0))?.collect()
}

/// Approvals that nobody can decide any more, the latest first.
pub(crate) fn decided(connection: &Connection, limit: u32) -> Found<Vec<Approval>> {
    let mut select = connection.prepare_cached(
        "SELECT body FROM desk_approval WHERE state <> 'pending' ORDER BY number DESC LIMIT ?1",
    )?;
    select.query_map([limit], |row| json(row, 0))?.collect()
}

pub(crate) fn put(connection: &Connection, approval: &Approval) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_approval (id, state, pool, requester, due_at, ticket, ticket_work, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at, ticket = excluded.ticket,
             ticket_work = excluded.ticket_work, body = excluded.body",
    )?;
    let asked = &approval.asked;
    let ticket =
        asked.ticket.as_ref().and_then(|ticket| Some(ticket_key(ticket.project.as_deref()?, ticket.issue?)));
    let (state, due_at) = (approval.state.name(), moment(approval.due_at()));
    let work = approval.has_ticket_work();
    insert
        .execute(params![
            approval.id,
            state,
            asked.pool,
            asked.requester,
            due_at,
            ticket,
            work,
            text(approval)?
        ])
        .map(drop)
}

/// Approvals behind a number whose ticket has to be opened or closed, the oldest first.
pub(crate) fn with_ticket_work(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Found<Vec<(i64, Approval)>> {
    let mut select = connection.prepare_cached(
        "SELECT number, body FROM desk_approval WHERE ticket_work = 1 AND number > ?1 ORDER BY number LIMIT ?2",
    )?;
    select.query_map(params![after, limit], |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

/// Undecided approvals behind a number that have a ticket, the oldest first.
pub(crate) fn with_open_ticket(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Found<Vec<(i64, Approval)>> {
    let mut select = connection.prepare_cached(
        "SELECT number, body FROM desk_approval WHERE ticket IS NOT NULL AND state = 'pending' AND number > ?1
         ORDER BY number LIMIT ?2",
    )?;
    select.query_map(params![after, limit], |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

fn ticket_key(project: &str, issue: u64) -> String {
    format!("{project}#{issue}")
}

/// The approval of a ticket.
pub(crate) fn of_ticket(connection: &Connection, project: &str, issue: u64) -> Found<Option<Approval>> {
    let mut select = connection
        .prepare_cached("SELECT body FROM desk_approval WHERE ticket = ?1 ORDER BY number DESC LIMIT 1")?;
    select.query_row([ticket_key(project, issue)], |row| json(row, 0)).optional()
}

/// Ids of the approvals for which there is something to do.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Found<Vec<String>> {
    let mut select = connection
        .prepare_cached("SELECT id FROM desk_approval WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2")?;
    select.query_map(params![now.as_millisecond(), limit], |row| row.get(0))?.collect()
}

/// When there is something to do next.
pub(crate) fn next_due(connection: &Connection) -> Found<Option<i64>> {
    connection
        .prepare_cached("SELECT min(due_at) FROM desk_approval WHERE due_at IS NOT NULL")?
        .query_row([], |row| row.get(0))
}
