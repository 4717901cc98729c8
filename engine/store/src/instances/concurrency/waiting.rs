//! Explains what instances wait for a place.

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use crate::{StoreError, WaitingForPlace};

const WAITING: &str = "SELECT group_name, concurrency_key.key,
    (SELECT most FROM concurrency_group WHERE name = group_name), running, waiting
    FROM instance CROSS JOIN concurrency_member ON concurrency_member.instance = instance.number
    CROSS JOIN concurrency_key ON concurrency_key.number = concurrency_member.key
    WHERE id = ?1 AND phase = 0";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[("WAITING", WAITING)];

/// Those of some instances that wait for a place, in the order of `ids`.
pub(in crate::instances) fn list(
    connection: &Connection,
    ids: &[Uuid],
) -> Result<Vec<WaitingForPlace>, StoreError> {
    let mut statement = connection.prepare_cached(WAITING)?;
    let mut found = Vec::new();
    for id in ids {
        let waiting = statement.query_row([id], |row| {
            Ok(WaitingForPlace {
                instance: *id,
                group: row.get(0)?,
                key: row.get(1)?,
                limit: row.get(2)?,
                running: row.get(3)?,
                waiting: row.get(4)?,
            })
        });
        found.extend(waiting.optional()?);
    }
    Ok(found)
}
