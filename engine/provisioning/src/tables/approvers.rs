//! Who may decide approvals: a row for each entry of each, so that the list of one person is read by an index.

use std::collections::BTreeSet;

use rondo_store::rusqlite::{Connection, params};

use super::Found;
use crate::model::{Approval, ApprovalState, Principal};

pub(super) const NUMBERS: &str = "SELECT approval FROM desk_approver
    WHERE principal = ?1 AND state = ?2 AND approval > ?3 AND (?4 IS NULL OR pool = ?4) AND (?5 IS NULL OR requester = ?5)
    ORDER BY approval LIMIT ?6";

/// Writes the entries of an approval with this number, in place of those that it had.
pub(super) fn put(connection: &Connection, number: i64, approval: &Approval) -> Found<()> {
    connection.prepare_cached("DELETE FROM desk_approver WHERE approval = ?1")?.execute([number])?;
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO desk_approver (principal, state, approval, pool, requester) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let (state, asked) = (approval.state.name(), &approval.asked);
    for entry in &asked.approvers {
        let principal = Principal::parse(entry).to_string();
        insert.execute(params![principal, state, number, asked.pool, asked.requester])?;
    }
    Ok(())
}

/// Numbers of the approvals behind one that somebody may decide who is meant by these entries, in ascending order; of one state, pool and
/// requester, where they are given.
pub(super) fn numbers(
    connection: &Connection,
    principals: &[String],
    (state, pool, requester): (Option<&str>, Option<&str>, Option<&str>),
    after: i64,
    limit: u32,
) -> Found<Vec<i64>> {
    let mut select = connection.prepare_cached(NUMBERS)?;
    let mut found = BTreeSet::new();
    for principal in principals {
        for state in ApprovalState::ALL
            .map(ApprovalState::name)
            .iter()
            .filter(|name| state.is_none_or(|state| state == **name))
        {
            let numbers = select
                .query_map(params![principal, state, after, pool, requester, limit], |row| row.get(0))?;
            for number in numbers {
                found.insert(number?);
            }
        }
    }
    Ok(found.into_iter().take(limit as usize).collect())
}
