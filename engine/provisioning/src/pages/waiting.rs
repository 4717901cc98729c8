//! The undecided questions of a page: those that somebody may decide, and those that wait for others.
//!
//! Promises: each list goes on where it ends, so that every question is on a page, however many there are; a page looks at so many at most.

use rondo_store::rusqlite::{Connection, Result};

use crate::{
    model::{Approval, ApprovalState, Person},
    tables::approvals::{self, Listed},
};

/// Questions that are read at once for a list: as many as a person looks through.
const MOST: u32 = 100;

/// Questions that are looked at for the list of the others, since those of the person are left out of it.
const MOST_LOOKED_AT: usize = 1000;

/// Where the lists of a page begin.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    pub(super) mine: Option<i64>,
    pub(super) others: Option<i64>,
}

/// A page of the questions that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Those that the person may decide.
    pub(super) mine: Vec<Approval>,
    /// The others.
    pub(super) others: Vec<Approval>,
    /// Where the lists go on.
    pub(super) next: Start,
}

impl Waiting {
    /// Reads a page. `decides` says whether the person may decide a question.
    pub(super) fn read(
        connection: &Connection,
        person: &Person,
        start: Start,
        decides: impl Fn(&Approval) -> bool,
    ) -> Result<Self> {
        let (next_of_mine, found) = pending(connection, Some(person.entries()), start.mine)?;
        let mut page = Self {
            mine: found
                .into_iter()
                .map(|(_, approval)| approval)
                .filter(|approval| decides(approval))
                .collect(),
            next: Start { mine: next_of_mine, others: start.others },
            ..Self::default()
        };
        let mut looked_at = 0;
        loop {
            let (next, found) = pending(connection, None, page.next.others)?;
            looked_at += found.len();
            page.others.extend(
                found.into_iter().map(|(_, approval)| approval).filter(|approval| !decides(approval)),
            );
            page.next.others = next;
            if next.is_none() || page.others.len() >= MOST as usize || looked_at >= MOST_LOOKED_AT {
                return Ok(page);
            }
        }
    }
}

/// Undecided questions with their numbers, and where the list goes on.
fn pending(
    connection: &Connection,
    approver: Option<Vec<String>>,
    after: Option<i64>,
) -> Result<(Option<i64>, Vec<(i64, Approval)>)> {
    let state = Some(ApprovalState::Pending.name().to_owned());
    let found =
        approvals::list(connection, &Listed { state, approver, after, limit: MOST, ..Listed::default() })?;
    let is_full = found.len() as u64 == u64::from(MOST);
    Ok((found.last().map(|(number, _)| *number).filter(|_| is_full), found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::tests::{all_tables, approval};

    #[test]
    fn every_question_is_on_a_page() {
        let connection = all_tables();
        let (kim, jane) = (Person::named("kim"), Person::named("jane"));
        for number in 0..350 {
            let approver = if number % 70 == 69 { "kim" } else { "jane" };
            approvals::put(&connection, &approval(number, ApprovalState::Pending, None, &[approver]))
                .unwrap();
        }
        for (person, count) in [(&kim, 5), (&jane, 345)] {
            let decides = |approval: &Approval| {
                approval.asked.approvers == [person.reference.trim_start_matches("user:default/")]
            };
            let (mut start, mut mine, mut others) = (Start::default(), Vec::new(), Vec::new());
            let first = Waiting::read(&connection, person, start, decides).unwrap();
            assert!(
                first.mine.len() >= 5.min(count) && !first.others.is_empty(),
                "both lists begin on the first page"
            );
            loop {
                let page =
                    Waiting::read(&connection, person, Start { others: None, ..start }, decides).unwrap();
                mine.extend(page.mine.into_iter().map(|approval| approval.id));
                start.mine = page.next.mine;
                if start.mine.is_none() {
                    break;
                }
            }
            loop {
                let page =
                    Waiting::read(&connection, person, Start { mine: None, ..start }, decides).unwrap();
                others.extend(page.others.into_iter().map(|approval| approval.id));
                start.others = page.next.others;
                if start.others.is_none() {
                    break;
                }
            }
            assert_eq!((mine.len(), others.len()), (count, 350 - count));
            let mut all: Vec<usize> = mine.iter().chain(&others).map(|id| id.parse().unwrap()).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..350), "each once");
        }
    }
}
