//! Requests, what they depend on, and their history.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};

use super::{
    Found, json,
    listing::{Filter, Way},
    moment, text,
    usage::{self, Hold},
};
use crate::model::{Amount, Request, Transition};

/// Which requests a list has.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) pool: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) order: Option<String>,
    /// The number behind which the list goes on.
    pub(crate) after: Option<i64>,
    pub(crate) limit: u32,
}

// The planner would take the index of the state, and look at all that are queued.
pub(super) const WAITED_FOR: &str = "SELECT provider FROM desk_request INDEXED BY desk_request_unplaced
    WHERE state = 'Queued' AND cluster IS NULL AND due_at IS NOT NULL AND provider > ?1 ORDER BY provider LIMIT 1";
pub(super) const UNPLACED: &str = "SELECT number, body FROM desk_request INDEXED BY desk_request_unplaced
    WHERE state = 'Queued' AND cluster IS NULL AND due_at IS NOT NULL AND number > ?1 AND provider = ?2
        AND instances <= ?3 AND cpu <= ?4 AND memory <= ?5 AND storage <= ?6
    ORDER BY number LIMIT ?7";

pub(crate) fn get(connection: &Connection, id: &str) -> Found<Option<Request>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_request WHERE id = ?1")?;
    select.query_row([id], |row| json(row, 0)).optional()
}

/// Requests with their numbers, the oldest first.
pub(crate) fn list(connection: &Connection, listed: &Listed) -> Found<Vec<(i64, Request)>> {
    let Listed { pool, state, order, after, limit } = listed;
    let filters = Filters { pool: pool.as_deref(), state: state.as_deref(), order: order.as_deref() };
    read(connection, filters.statement(Way::Onwards, *after, *limit))
}

/// Which requests a page has.
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) pool: Option<String>,
    pub(crate) state: Option<String>,
    /// The number before which the page begins.
    pub(crate) before: Option<i64>,
    pub(crate) limit: u32,
}

/// Requests with their numbers, the newest first.
pub(crate) fn latest(connection: &Connection, latest: &Latest) -> Found<Vec<(i64, Request)>> {
    let Latest { pool, state, before, limit } = latest;
    let filters = Filters { pool: pool.as_deref(), state: state.as_deref(), order: None };
    read(connection, filters.statement(Way::Back, *before, *limit))
}

fn read(connection: &Connection, (sql, values): (String, Vec<Value>)) -> Found<Vec<(i64, Request)>> {
    let mut select = connection.prepare_cached(&sql)?;
    select.query_map(params_from_iter(values), |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

/// What the requests of a list have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filters<'f> {
    pub(super) pool: Option<&'f str>,
    pub(super) state: Option<&'f str>,
    pub(super) order: Option<&'f str>,
}

impl Filters<'_> {
    pub(super) fn statement(self, way: Way, after: Option<i64>, limit: u32) -> (String, Vec<Value>) {
        let index = match (self.order, self.pool, self.state) {
            (Some(_), _, _) => Some("desk_request_order"),
            (_, Some(_), Some(_)) => Some("desk_request_pool_state"),
            (_, Some(_), None) => Some("desk_request_pool"),
            (_, None, Some(_)) => Some("desk_request_state"),
            _ => None,
        };
        let columns = [("pool", self.pool), ("state", self.state), ("order_id", self.order)];
        Filter { table: "desk_request", index, columns: &columns, way, after, limit }.statement()
    }
}

pub(crate) fn insert(connection: &Connection, request: &Request, due_at: Option<Timestamp>) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_request
            (id, pool, state, order_id, cluster, holds, instances, cpu, memory, storage, due_at, body, provider)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let [instances, cpu, memory, storage] =
        request.asked.resources.each().map(|(_, amount)| amount.thousandths());
    insert.execute(params![
        request.id,
        request.asked.pool,
        request.state.name(),
        request.asked.order_id,
        request.cluster,
        request.holds(),
        instances,
        cpu,
        memory,
        storage,
        moment(due_at),
        text(request)?,
        request.asked.provider,
    ])?;
    usage::change(connection, None, Hold::of(request))?;
    put_dependencies(connection, request)
}

pub(crate) fn update(connection: &Connection, request: &Request, due_at: Option<Timestamp>) -> Found<()> {
    let mut update = connection.prepare_cached(
        "UPDATE desk_request SET state = ?2, cluster = ?3, holds = ?4, due_at = ?5, body = ?6 WHERE id = ?1",
    )?;
    usage::change(connection, Hold::stored(connection, &request.id)?, Hold::of(request))?;
    let (state, holds) = (request.state.name(), request.holds());
    update
        .execute(params![request.id, state, request.cluster, holds, moment(due_at), text(request)?])
        .map(drop)
}

/// Writes what a request depends on, in place of what it depended on.
pub(crate) fn put_dependencies(connection: &Connection, request: &Request) -> Found<()> {
    connection.prepare_cached("DELETE FROM desk_dependency WHERE request = ?1")?.execute([&request.id])?;
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO desk_dependency (request, depends_on) VALUES (?1, ?2)")?;
    for on in &request.asked.depends_on {
        insert.execute(params![request.id, on])?;
    }
    Ok(())
}

/// Ids of the requests that depend on one.
pub(crate) fn dependents(connection: &Connection, id: &str) -> Found<Vec<String>> {
    let mut select = connection
        .prepare_cached("SELECT request FROM desk_dependency WHERE depends_on = ?1 ORDER BY request")?;
    select.query_map([id], |row| row.get(0))?.collect()
}

/// What a request depends on.
pub(crate) fn dependencies(connection: &Connection, id: &str) -> Found<Vec<String>> {
    let mut select = connection
        .prepare_cached("SELECT depends_on FROM desk_dependency WHERE request = ?1 ORDER BY depends_on")?;
    select.query_map([id], |row| row.get(0))?.collect()
}

/// The first of the providers behind a name that queued requests wait for a cluster of. Mostly there are none, which one look at an empty
/// index says.
pub(crate) fn provider_waited_for(connection: &Connection, after: &str) -> Found<Option<String>> {
    connection.prepare_cached(WAITED_FOR)?.query_row([after], |row| row.get(0)).optional()
}

/// Queued requests that wait for a cluster of a provider and want no more than this of it, the oldest first, behind a number. What has no
/// limit is `None`. Those that wait for other requests are not among them: nothing is due for them.
pub(crate) fn unplaced(
    connection: &Connection,
    provider: &str,
    room: &[Option<Amount>; 4],
    after: i64,
    limit: u32,
) -> Found<Vec<(i64, Request)>> {
    let mut select = connection.prepare_cached(UNPLACED)?;
    let [instances, cpu, memory, storage] = room.map(|room| room.map_or(i64::MAX, Amount::thousandths));
    let wanted = params![after, provider, instances, cpu, memory, storage, limit];
    select.query_map(wanted, |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

/// Ids of the requests for which there is something to do.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Found<Vec<String>> {
    let mut select = connection
        .prepare_cached("SELECT id FROM desk_request WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2")?;
    select.query_map(params![now.as_millisecond(), limit], |row| row.get(0))?.collect()
}

/// When there is something to do next.
pub(crate) fn next_due(connection: &Connection) -> Found<Option<i64>> {
    connection
        .prepare_cached("SELECT min(due_at) FROM desk_request WHERE due_at IS NOT NULL")?
        .query_row([], |row| row.get(0))
}

pub(crate) fn add_transition(connection: &Connection, id: &str, transition: &Transition) -> Found<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO desk_transition (request, sequence, body) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![id, transition.sequence, text(transition)?]).map(drop)
}

pub(crate) fn history(connection: &Connection, id: &str) -> Found<Vec<Transition>> {
    let mut select =
        connection.prepare_cached("SELECT body FROM desk_transition WHERE request = ?1 ORDER BY sequence")?;
    select.query_map([id], |row| json(row, 0))?.collect()
}

/// Whether a request lives on a cluster.
pub(crate) fn lives_on(connection: &Connection, cluster: &str) -> Found<bool> {
    let mut select = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM desk_request WHERE cluster = ?1 AND holds = 1)")?;
    select.query_row([cluster], |row| row.get(0))
}
