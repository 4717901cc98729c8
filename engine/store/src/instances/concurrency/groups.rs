//! The limits of concurrency groups, which the engine sets when it starts.

use rusqlite::params;
use uuid::Uuid;

use super::admission;
use crate::{ConcurrencyGroup, StoreError, Transaction, WorkError};

const CLEAR: &str = "DELETE FROM concurrency_group";
const INSERT: &str = "INSERT INTO concurrency_group (name, most) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET most = excluded.most";
// A repaired database may have lost members. It counts once at each start what there is.
const REMOVE_UNUSED_KEYS: &str = "DELETE FROM concurrency_key
    WHERE NOT EXISTS (SELECT 1 FROM concurrency_member WHERE concurrency_member.key = concurrency_key.number)";
const RECOUNT: &str = "UPDATE concurrency_key SET
    running = (SELECT count(*) FROM concurrency_member WHERE concurrency_member.key = number AND phase = 1),
    waiting = (SELECT count(*) FROM concurrency_member WHERE concurrency_member.key = number AND phase = 0)";
const KEYS: &str = "SELECT number FROM concurrency_key WHERE waiting > 0";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[("INSERT", INSERT)];

/// Stores the groups in place of those that are stored, and lets go who has a place by that. Returns the instances that were let go.
pub(in crate::instances) fn put(
    transaction: &mut Transaction<'_>,
    groups: &[ConcurrencyGroup],
) -> Result<Vec<Uuid>, WorkError<StoreError>> {
    transaction.statement(CLEAR)?.execute([])?;
    for group in groups {
        transaction.statement(INSERT)?.execute(params![group.name, group.limit])?;
    }
    transaction.statement(REMOVE_UNUSED_KEYS)?.execute([])?;
    transaction.statement(RECOUNT)?.execute([])?;
    let keys = transaction.statement(KEYS)?.query_map([], |row| row.get(0))?;
    let keys: Vec<i64> = keys.collect::<rusqlite::Result<_>>()?;
    let mut admitted = Vec::new();
    for key in keys {
        admitted.extend(admission::admit(transaction, key)?);
    }
    Ok(admitted)
}
