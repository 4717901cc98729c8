//! Environments, maps of pipelines and codebases of spaces.

use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::{Found, json, text};
use crate::model::{Codebase, Environment, PipelineMap};

/// An environment with its id and its space.
pub(crate) type OfSpace<T> = (String, String, T);

pub(crate) fn environment(connection: &Connection, id: &str) -> Found<Option<OfSpace<Environment>>> {
    let mut select =
        connection.prepare_cached("SELECT id, space, body FROM desk_environment WHERE id = ?1")?;
    select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, json(row, 2)?))).optional()
}

/// The environments of a space, the oldest first.
pub(crate) fn environments(connection: &Connection, space: &str) -> Found<Vec<OfSpace<Environment>>> {
    let mut select = connection
        .prepare_cached("SELECT id, space, body FROM desk_environment WHERE space = ?1 ORDER BY id")?;
    select.query_map([space], |row| Ok((row.get(0)?, row.get(1)?, json(row, 2)?)))?.collect()
}

pub(crate) fn insert_environment(
    connection: &Connection,
    id: &str,
    space: &str,
    environment: &Environment,
) -> Found<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO desk_environment (id, space, body) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![id, space, text(environment)?]).map(drop)
}

pub(crate) fn delete_environment(connection: &Connection, id: &str) -> Found<()> {
    connection.prepare_cached("DELETE FROM desk_environment WHERE id = ?1")?.execute([id]).map(drop)
}

pub(crate) fn pipeline_map(connection: &Connection, id: &str) -> Found<Option<OfSpace<PipelineMap>>> {
    let mut select =
        connection.prepare_cached("SELECT id, space, body FROM desk_pipeline_map WHERE id = ?1")?;
    select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, json(row, 2)?))).optional()
}

/// The maps of a space, the oldest first.
pub(crate) fn pipeline_maps(connection: &Connection, space: &str) -> Found<Vec<OfSpace<PipelineMap>>> {
    let mut select = connection
        .prepare_cached("SELECT id, space, body FROM desk_pipeline_map WHERE space = ?1 ORDER BY id")?;
    select.query_map([space], |row| Ok((row.get(0)?, row.get(1)?, json(row, 2)?)))?.collect()
}

pub(crate) fn put_pipeline_map(
    connection: &Connection,
    id: &str,
    space: &str,
    map: &PipelineMap,
) -> Found<()> {
    let mut put = connection.prepare_cached(
        "INSERT INTO desk_pipeline_map (id, space, name, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body",
    )?;
    put.execute(params![id, space, map.name, text(map)?]).map(drop)
}

pub(crate) fn insert_codebase(
    connection: &Connection,
    id: &str,
    space: &str,
    codebase: &Codebase,
) -> Found<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO desk_codebase (id, space, body) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![id, space, text(codebase)?]).map(drop)
}
