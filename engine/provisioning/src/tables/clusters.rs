//! Clusters, and what is used of them.

use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::{Found, json, text, usage};
use crate::model::{Cluster, Resources};

pub(crate) fn get(connection: &Connection, name: &str) -> Found<Option<Cluster>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_cluster WHERE name = ?1")?;
    select.query_row([name], |row| json(row, 0)).optional()
}

pub(crate) fn all(connection: &Connection) -> Found<Vec<Cluster>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_cluster ORDER BY name")?;
    select.query_map([], |row| json(row, 0))?.collect()
}

/// All clusters, each with what is used of it.
pub(crate) fn with_usage(connection: &Connection) -> Found<Vec<(Cluster, Resources)>> {
    let clusters = all(connection)?.into_iter();
    let with_usage = clusters.map(|cluster| {
        let used = usage::of_cluster(connection, &cluster.name)?;
        Ok((cluster, used))
    });
    with_usage.collect()
}

/// The sealed credentials of a cluster.
pub(crate) fn sealed(connection: &Connection, name: &str) -> Found<Option<Vec<u8>>> {
    let mut select = connection.prepare_cached("SELECT sealed FROM desk_cluster WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?.flatten())
}

/// Writes a cluster. Without new credentials it keeps those that it has.
pub(crate) fn put(connection: &Connection, cluster: &Cluster, sealed: Option<&[u8]>) -> Found<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_cluster (name, body, sealed) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET body = excluded.body, sealed = coalesce(excluded.sealed, sealed)",
    )?;
    insert.execute(params![cluster.name, text(cluster)?, sealed]).map(drop)
}

pub(crate) fn delete(connection: &Connection, name: &str) -> Found<()> {
    connection.prepare_cached("DELETE FROM desk_cluster WHERE name = ?1")?.execute([name]).map(drop)
}
