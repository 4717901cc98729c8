//! Namespaces of users.

use rondo_store::rusqlite::{Connection, OptionalExtension, params};

use super::{Found, json, text};
use crate::model::Namespace;

/// The namespace of a user with a type, a space and an environment, and what its name begins with.
pub(crate) fn get(connection: &Connection, wanted: &Namespace) -> Found<Option<(Namespace, String)>> {
    let mut select = connection.prepare_cached(
        "SELECT body, base FROM desk_namespace WHERE person = ?1 AND type = ?2 AND space = ?3 AND environment = ?4",
    )?;
    let (space, environment) = (wanted.space.as_deref(), wanted.environment.as_deref());
    let key = params![wanted.user, wanted.kind, space.unwrap_or_default(), environment.unwrap_or_default()];
    select.query_row(key, |row| Ok((json(row, 0)?, row.get(1)?))).optional()
}

/// The namespaces of a user by name.
pub(crate) fn of_user(connection: &Connection, user: &str) -> Found<Vec<Namespace>> {
    let mut select = connection
        .prepare_cached("SELECT body FROM desk_namespace WHERE person = ?1 ORDER BY name, cluster")?;
    select.query_map([user], |row| json(row, 0))?.collect()
}

/// Who has a namespace of this name in a cluster.
pub(crate) fn at(connection: &Connection, cluster: &str, name: &str) -> Found<Option<Namespace>> {
    let mut select =
        connection.prepare_cached("SELECT body FROM desk_namespace WHERE cluster = ?1 AND name = ?2")?;
    select.query_row([cluster, name], |row| json(row, 0)).optional()
}

/// Whether names of somebody else begin so.
pub(crate) fn is_base_of_another(connection: &Connection, base: &str, user: &str) -> Found<bool> {
    connection
        .prepare_cached("SELECT 1 FROM desk_namespace WHERE base = ?1 AND person <> ?2")?
        .exists([base, user])
}

pub(crate) fn put(connection: &Connection, namespace: &Namespace, base: &str) -> Found<()> {
    let mut put = connection.prepare_cached(
        "INSERT INTO desk_namespace (person, type, space, environment, cluster, name, base, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (person, type, space, environment)
         DO UPDATE SET cluster = excluded.cluster, name = excluded.name, base = excluded.base, body = excluded.body",
    )?;
    let Namespace { user, name, kind, cluster, space, environment, .. } = namespace;
    let (space, environment) =
        (space.as_deref().unwrap_or_default(), environment.as_deref().unwrap_or_default());
    put.execute(params![user, kind, space, environment, cluster, name, base, text(namespace)?]).map(drop)
}

/// Forgets the namespaces of a user of this name. Answers whether there was any.
pub(crate) fn delete(connection: &Connection, user: &str, name: &str) -> Found<bool> {
    let mut delete =
        connection.prepare_cached("DELETE FROM desk_namespace WHERE person = ?1 AND name = ?2")?;
    Ok(delete.execute([user, name])? > 0)
}
