//! Removes what need not be kept any more, a bounded number of rows at a time.

use rusqlite::params;

use super::{inbox, kept};
use crate::{Forgotten, KeptEvent, StoreError, Transaction, WorkError};

const FORGET: &str = "DELETE FROM event WHERE number IN
    (SELECT number FROM event WHERE uses = 0 AND forget_at <= ?1 ORDER BY forget_at LIMIT ?2)";

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[("FORGET", FORGET)];

/// Removes kept events whose time is over, and events that need not be recognised any more.
pub(in crate::instances) fn forget(
    transaction: &mut Transaction<'_>,
    now: i64,
    limit: usize,
) -> Result<Forgotten, WorkError<StoreError>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = transaction.statement(kept::DUE)?.query_map(params![now, limit], kept::read_due)?;
    let due: Vec<(i64, i64, Option<KeptEvent>)> = due.collect::<rusqlite::Result<_>>()?;
    let mut expired_kept = Vec::with_capacity(due.len());
    for (number, event, shown) in due {
        kept::remove(transaction, number)?;
        inbox::add_uses(transaction, event, -1)?;
        expired_kept.extend(shown);
    }
    let removed = transaction.statement(FORGET)?.execute(params![now, limit])?;
    Ok(Forgotten { expired_kept, removed: removed as u64 })
}
