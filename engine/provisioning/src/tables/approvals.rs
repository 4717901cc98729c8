//! Approvals.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::Value};

use super::{
    Found, approvers, json,
    listing::{Filter, Way},
    moment, text,
};
use crate::model::{Approval, ApprovalState};

/// Which approvals a list has.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) state: Option<String>,
    pub(crate) pool: Option<String>,
    /// An entity reference.
    pub(crate) requester: Option<String>,
    /// The entries of approvers that mean one person, of whom one has to be there.
    pub(crate) approver: Option<Vec<String>>,
    /// The number behind which the list goes on.
    pub(crate) after: Option<i64>,
    pub(crate) limit: u32,
}

const OF_NUMBER: &str = "SELECT number, body FROM desk_approval WHERE number = ?1";

pub(crate) fn get(connection: &Connection, id: &str) -> Found<Option<Approval>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_approval WHERE id = ?1")?;
    select.query_row([id], |row| json(row, 0)).optional()
}

/// Approvals with their numbers, the oldest first.
pub(crate) fn list(connection: &Connection, listed: &Listed) -> Found<Vec<(i64, Approval)>> {
    let numbered = |row: &Row<'_>| Ok((row.get(0)?, json(row, 1)?));
    let Some(principals) = &listed.approver else {
        let (sql, values) = statement(listed);
        let mut select = connection.prepare_cached(&sql)?;
        return select.query_map(params_from_iter(values), numbered)?.collect();
    };
    let filter = (listed.state.as_deref(), listed.pool.as_deref(), listed.requester.as_deref());
    let numbers =
        approvers::numbers(connection, principals, filter, listed.after.unwrap_or(0), listed.limit)?;
    let mut select = connection.prepare_cached(OF_NUMBER)?;
    numbers.into_iter().map(|number| select.query_row([number], numbered)).collect()
}

pub(super) fn statement(listed: &Listed) -> (String, Vec<Value>) {
    let Listed { state, pool, requester, .. } = listed;
    let index = match (pool, requester, state) {
        (Some(_), _, _) => Some("desk_approval_pool"),
        (_, Some(_), _) => Some("desk_approval_requester"),
        (_, _, Some(_)) => Some("desk_approval_state"),
        _ => None,
    };
    let columns =
        [("state", state.as_deref()), ("pool", pool.as_deref()), ("requester", requester.as_deref())];
    let (after, limit) = (listed.after, listed.limit);
    Filter { table: "desk_approval", index, columns: &columns, way: Way::Onwards, after, limit }.statement()
}

/// Approvals that nobody can decide any more, the latest first.
pub(crate) fn decided(connection: &Connection, limit: u32) -> Found<Vec<Approval>> {
    let mut found = Vec::new();
    for state in ApprovalState::ALL.into_iter().filter(|state| *state != ApprovalState::Pending) {
        let (sql, values) = statement_of_latest(state, limit);
        let mut select = connection.prepare_cached(&sql)?;
        let latest =
            select.query_map(params_from_iter(values), |row| Ok((row.get::<_, i64>(0)?, json(row, 1)?)))?;
        found.extend(latest.collect::<Found<Vec<(i64, Approval)>>>()?);
    }
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    Ok(found.into_iter().take(limit as usize).map(|(_, approval)| approval).collect())
}

pub(super) fn statement_of_latest(state: ApprovalState, limit: u32) -> (String, Vec<Value>) {
    let columns = [("state", Some(state.name()))];
    let index = Some("desk_approval_state");
    Filter { table: "desk_approval", index, columns: &columns, way: Way::Back, after: None, limit }
        .statement()
}

pub(crate) fn put(connection: &Connection, approval: &Approval) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_approval (id, state, pool, requester, due_at, ticket, ticket_work, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at, ticket = excluded.ticket,
             ticket_work = excluded.ticket_work, body = excluded.body
         RETURNING number",
    )?;
    let asked = &approval.asked;
    let ticket =
        asked.ticket.as_ref().and_then(|ticket| Some(ticket_key(ticket.project.as_deref()?, ticket.issue?)));
    let (state, due_at) = (approval.state.name(), moment(approval.due_at()));
    let work = approval.has_ticket_work();
    let values =
        params![approval.id, state, asked.pool, asked.requester, due_at, ticket, work, text(approval)?];
    let number = insert.query_row(values, |row| row.get(0))?;
    approvers::put(connection, number, approval)
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
