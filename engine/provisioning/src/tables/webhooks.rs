//! Webhooks and their deliveries.

use jiff::Timestamp;
use rondo_store::rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::{Found, json, moment, text};
use crate::model::{Delivery, Webhook};

/// A delivery that is due.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) number: i64,
    pub(crate) webhook: String,
    pub(crate) event: i64,
    pub(crate) delivery: Delivery,
}

pub(super) const OF_POOL: &str = "SELECT id, body FROM desk_webhook WHERE pool = ?1 ORDER BY id";
const ALL: &str = "SELECT id, body FROM desk_webhook ORDER BY id";

pub(crate) fn get(connection: &Connection, id: &str) -> Found<Option<Webhook>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_webhook WHERE id = ?1")?;
    select.query_row([id], |row| json(row, 0)).optional()
}

/// The webhooks of a pool, or all.
pub(crate) fn list(connection: &Connection, pool: Option<&str>) -> Found<Vec<(String, Webhook)>> {
    let sql = if pool.is_some() { OF_POOL } else { ALL };
    let mut select = connection.prepare_cached(sql)?;
    select.query_map(params_from_iter(pool), |row| Ok((row.get(0)?, json(row, 1)?)))?.collect()
}

pub(crate) fn insert(connection: &Connection, id: &str, webhook: &Webhook, sealed: &[u8]) -> Found<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO desk_webhook (id, pool, body, sealed) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![id, webhook.pool, text(webhook)?, sealed]).map(drop)
}

pub(crate) fn update(connection: &Connection, id: &str, webhook: &Webhook) -> Found<()> {
    let mut update = connection.prepare_cached("UPDATE desk_webhook SET body = ?2 WHERE id = ?1")?;
    update.execute(params![id, text(webhook)?]).map(drop)
}

/// The sealed secrets of a webhook.
pub(crate) fn sealed(connection: &Connection, id: &str) -> Found<Option<Vec<u8>>> {
    let mut select = connection.prepare_cached("SELECT sealed FROM desk_webhook WHERE id = ?1")?;
    select.query_row([id], |row| row.get(0)).optional()
}

/// Removes a webhook with its deliveries. Answers whether it was there.
pub(crate) fn delete(connection: &Connection, id: &str) -> Found<bool> {
    connection.prepare_cached("DELETE FROM desk_delivery WHERE webhook = ?1")?.execute([id])?;
    Ok(connection.prepare_cached("DELETE FROM desk_webhook WHERE id = ?1")?.execute([id])? > 0)
}

pub(crate) fn add_delivery(
    connection: &Connection,
    webhook: &str,
    event: i64,
    delivery: &Delivery,
    due_at: Option<Timestamp>,
) -> Found<i64> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_delivery (webhook, event, at, due_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert.insert(params![webhook, event, delivery.at.as_millisecond(), moment(due_at), text(delivery)?])
}

pub(crate) fn update_delivery(
    connection: &Connection,
    number: i64,
    delivery: &Delivery,
    due_at: Option<Timestamp>,
) -> Found<()> {
    let mut update = connection
        .prepare_cached("UPDATE desk_delivery SET at = ?2, due_at = ?3, body = ?4 WHERE number = ?1")?;
    update.execute(params![number, delivery.at.as_millisecond(), moment(due_at), text(delivery)?]).map(drop)
}

/// Deliveries that are due, the most overdue first, but for those of some webhooks.
pub(crate) fn due(
    connection: &Connection,
    now: Timestamp,
    without: &[String],
    limit: u32,
) -> Found<Vec<Due>> {
    let mut select = connection.prepare_cached(
        "SELECT number, webhook, event, body FROM desk_delivery
         WHERE due_at <= ?1 AND webhook NOT IN (SELECT value FROM json_each(?2)) ORDER BY due_at, number LIMIT ?3",
    )?;
    let read = select.query_map(params![now.as_millisecond(), text(&without)?, limit], |row| {
        Ok(Due { number: row.get(0)?, webhook: row.get(1)?, event: row.get(2)?, delivery: json(row, 3)? })
    });
    read?.collect()
}

/// When the next delivery will be due that is not due yet.
pub(crate) fn next_due(connection: &Connection, now: Timestamp) -> Found<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT min(due_at) FROM desk_delivery WHERE due_at > ?1")?;
    select.query_row([now.as_millisecond()], |row| row.get(0))
}

/// The last deliveries to a webhook, the newest first.
pub(crate) fn deliveries(connection: &Connection, webhook: &str, limit: u32) -> Found<Vec<Delivery>> {
    let mut select = connection
        .prepare_cached("SELECT body FROM desk_delivery WHERE webhook = ?1 ORDER BY number DESC LIMIT ?2")?;
    select.query_map(params![webhook, limit], |row| json(row, 0))?.collect()
}

/// Forgets deliveries that ended before a moment.
pub(crate) fn forget(connection: &Connection, before: Timestamp) -> Found<()> {
    let mut delete =
        connection.prepare_cached("DELETE FROM desk_delivery WHERE at < ?1 AND due_at IS NULL")?;
    delete.execute([before.as_millisecond()]).map(drop)
}
