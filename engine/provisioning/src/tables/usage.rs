//! What live requests take of pools and clusters.
//!
//! Promises: the numbers are the sum over the rows of requests that hold something, since they are written where those rows are.

use rondo_store::rusqlite::{Connection, OptionalExtension, Row, params};

use super::Found;
use crate::model::{Amount, Request, Resources};

/// What a row of a request takes, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    pool: String,
    cluster: Option<String>,
    resources: Resources,
}

impl Hold {
    /// What a request takes; `None` when it takes nothing.
    pub(super) fn of(request: &Request) -> Option<Self> {
        request.holds().then(|| Self {
            pool: request.asked.pool.clone(),
            cluster: request.cluster.clone(),
            resources: request.asked.resources,
        })
    }

    /// What the row of a request takes that is in the database.
    pub(super) fn stored(connection: &Connection, id: &str) -> Found<Option<Self>> {
        let mut select = connection.prepare_cached(
            "SELECT instances, cpu, memory, storage, pool, cluster FROM desk_request WHERE id = ?1 AND holds = 1",
        )?;
        let read =
            |row: &Row<'_>| Ok(Self { resources: resources(row)?, pool: row.get(4)?, cluster: row.get(5)? });
        select.query_row([id], read).optional()
    }
}

/// Takes one thing back, and adds another.
pub(super) fn change(connection: &Connection, from: Option<Hold>, to: Option<Hold>) -> Found<()> {
    if from == to {
        return Ok(());
    }
    for (hold, sign) in [(from, -1), (to, 1)] {
        let Some(Hold { pool, cluster, resources }) = hold else { continue };
        add(connection, "pool", &pool, &resources, sign)?;
        if let Some(cluster) = cluster {
            add(connection, "cluster", &cluster, &resources, sign)?;
        }
    }
    Ok(())
}

fn add(connection: &Connection, kind: &str, name: &str, resources: &Resources, sign: i64) -> Found<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO desk_usage (kind, name, instances, cpu, memory, storage) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (kind, name) DO UPDATE SET instances = instances + excluded.instances, cpu = cpu + excluded.cpu,
            memory = memory + excluded.memory, storage = storage + excluded.storage",
    )?;
    let [instances, cpu, memory, storage] = resources.each().map(|(_, amount)| sign * amount.thousandths());
    add.execute(params![kind, name, instances, cpu, memory, storage]).map(drop)
}

/// What live requests take of a pool.
pub(crate) fn of_pool(connection: &Connection, id: &str) -> Found<Resources> {
    read(connection, "pool", id)
}

/// What live requests take of a cluster.
pub(crate) fn of_cluster(connection: &Connection, name: &str) -> Found<Resources> {
    read(connection, "cluster", name)
}

fn read(connection: &Connection, kind: &str, name: &str) -> Found<Resources> {
    let mut select = connection.prepare_cached(
        "SELECT instances, cpu, memory, storage FROM desk_usage WHERE kind = ?1 AND name = ?2",
    )?;
    Ok(select.query_row([kind, name], resources).optional()?.unwrap_or(Resources::NONE))
}

/// Reads four columns of thousandths.
fn resources(row: &Row<'_>) -> Found<Resources> {
    Ok(Resources {
        instances: u32::try_from(row.get::<_, i64>(0)? / 1000).unwrap_or(u32::MAX),
        cpu: Amount::from_thousandths(row.get(1)?),
        memory: Amount::from_thousandths(row.get(2)?),
        storage: Amount::from_thousandths(row.get(3)?),
    })
}
