//! Schemas: which components have tables in the file, and which of their migrations were applied.
//!
//! Promises: a file of a newer version or of another program stays untouched; all missing migrations are applied, or none. A file from
//! before there were components is taken over as it is.

use std::{collections::BTreeMap, path::Path};

use rusqlite::Connection;

use super::OpenError;

/// Something that has tables in the database.
///
/// A migration that was released never changes. The names of tables and indexes begin with the name of their component, or are
/// otherwise sure not to be those of another.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// Name, which the file remembers. It never changes.
    pub name: &'static str,
    /// SQL that brings the tables from each version to the next, beginning with an empty database.
    pub migrations: &'static [&'static str],
}

/// Marks a file as ours (`application_id`): the letters `Rond`.
const APPLICATION: i64 = 0x526f_6e64;

/// The `user_version` of a file with a table of migrations. Before, the number counted the migrations of one component.
const WITH_COMPONENTS: i64 = 2;

/// The component of files from before there were several.
const FIRST_COMPONENT: &str = "instances";

const TABLE: &str = "CREATE TABLE migration (
    component TEXT NOT NULL,
    number    INTEGER NOT NULL,
    PRIMARY KEY (component, number)
) STRICT, WITHOUT ROWID";

/// Refuses what is not ours to change. Changes nothing.
pub(super) fn check(connection: &Connection, path: &Path, components: &[Component]) -> Result<(), OpenError> {
    let applied = applied(connection, path)?;
    for component in components {
        let found = applied.get(component.name).copied().unwrap_or_default();
        let known = component.count();
        if found > known {
            let (path, schema) = (path.to_owned(), component.name.to_owned());
            return Err(OpenError::Newer { path, schema, found, known });
        }
    }
    Ok(())
}

/// Brings the tables of components up to date.
pub(super) fn migrate(
    connection: &Connection,
    path: &Path,
    components: &[Component],
) -> Result<(), OpenError> {
    check(connection, path, components)?;
    let applied = applied(connection, path)?;
    apply(connection, &applied, components)
        .map_err(|error| OpenError::File { path: path.to_owned(), source: error.into() })
}

/// How many migrations of each component were applied.
fn applied(connection: &Connection, path: &Path) -> Result<BTreeMap<String, i64>, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::File { path: path.to_owned(), source: error.into() };
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed);
    let version = number("PRAGMA user_version")?;
    if number("PRAGMA application_id")? != APPLICATION
        && number("SELECT count(*) FROM sqlite_schema")? + version != 0
    {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    match version {
        0 => Ok(BTreeMap::new()),
        1 => Ok([(FIRST_COMPONENT.to_owned(), 1)].into()),
        WITH_COMPONENTS => read(connection).map_err(failed),
        newer => Err(OpenError::Newer {
            path: path.to_owned(),
            schema: "migration".to_owned(),
            found: newer,
            known: WITH_COMPONENTS,
        }),
    }
}

fn read(connection: &Connection) -> rusqlite::Result<BTreeMap<String, i64>> {
    let sql = "SELECT component, max(number) FROM migration GROUP BY component";
    let mut statement = connection.prepare(sql)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn apply(
    connection: &Connection,
    applied: &BTreeMap<String, i64>,
    components: &[Component],
) -> rusqlite::Result<()> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let count = |name: &str| applied.get(name).copied().unwrap_or_default();
    if version == WITH_COMPONENTS
        && components.iter().all(|component| count(component.name) == component.count())
    {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    let remember = |component: &str, number: i64| {
        transaction.execute("INSERT INTO migration (component, number) VALUES (?1, ?2)", (component, number))
    };
    if version != WITH_COMPONENTS {
        transaction.execute_batch(TABLE)?;
        for (component, count) in applied {
            for number in 1..=*count {
                remember(component, number)?;
            }
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", WITH_COMPONENTS)?;
    }
    for component in components {
        for (number, migration) in (1..).zip(component.migrations) {
            if number > count(component.name) {
                transaction.execute_batch(migration)?;
                remember(component.name, number)?;
            }
        }
    }
    transaction.commit()
}

impl Component {
    fn count(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }
}
