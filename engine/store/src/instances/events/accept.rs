//! Accepts an event.
//!
//! Promises: what refuses is looked at before the first row is written, so that a refused event leaves nothing to undo.

use std::collections::BTreeSet;

use super::{
    decide::{Decision, decide},
    inbox, kept,
    start_sets::{self, SetProgress},
};
use crate::{
    AcceptError, AcceptEvent, Accepted, CommitError, EventStart, Transaction, WorkError, instances::commits,
};

type Checked<T> = Result<T, WorkError<AcceptError>>;

/// A start that can be written.
enum CheckedStart<'accept> {
    /// The set is not complete.
    Collect(&'accept EventStart),
    /// An instance with the number of its revision, and the earlier events that start it too.
    Insert { start: &'accept EventStart, revision: i64, earlier: BTreeSet<i64> },
}

/// Accepts an event, or refuses it before anything is written.
pub(in crate::instances) fn accept(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
) -> Checked<Accepted> {
    transaction.enable_failpoints();
    if inbox::is_seen(transaction, &accept.event)? {
        return Ok(Accepted::Seen);
    }
    let decision = decide(transaction, accept)?;
    let mut starts = Vec::with_capacity(decision.starts.len());
    for start in &decision.starts {
        starts.push(check_start(transaction, accept, start)?);
    }
    let kept = kept_rows(&decision, &starts);
    let uses =
        kept + count(decision.delivered.len()) + count(starts.iter().filter(|start| start.inserts()).count());
    if uses == 0 {
        return Ok(Accepted::Unwanted { reason: decision.unwanted });
    }
    if kept > 0 {
        let most = i64::try_from(accept.max_kept).unwrap_or(i64::MAX);
        if kept::total(transaction)?.saturating_add(kept) > most {
            return Err(WorkError::Refused(AcceptError::Full(accept.max_kept)));
        }
    }
    // From here on nothing refuses.
    write(transaction, accept, decision, &starts, uses)
}

impl CheckedStart<'_> {
    fn inserts(&self) -> bool {
        matches!(self, Self::Insert { .. })
    }
}

/// Looks whether a start can be written.
fn check_start<'accept>(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
    start: &'accept EventStart,
) -> Checked<CheckedStart<'accept>> {
    let earlier = match &start.set {
        None => BTreeSet::new(),
        Some(set) => match start_sets::progress(transaction, &start.workflow, set, &accept.event)? {
            SetProgress::Incomplete => return Ok(CheckedStart::Collect(start)),
            SetProgress::Complete(earlier) => earlier,
        },
    };
    let revision = commits::check_insert(transaction, &start.row).map_err(|error| match error {
        WorkError::Refused(CommitError::Store(error)) => WorkError::Refused(AcceptError::Store(error)),
        WorkError::Refused(error) => WorkError::Refused(AcceptError::Start(error)),
        WorkError::Sqlite(error) => WorkError::Sqlite(error),
    })?;
    Ok(CheckedStart::Insert { start, revision, earlier })
}

/// How many rows will be kept.
fn kept_rows(decision: &Decision<'_>, starts: &[CheckedStart<'_>]) -> i64 {
    let collected = starts.iter().map(|start| match start {
        CheckedStart::Collect(start) => start.set.as_ref().map_or(0, |set| set.satisfies.len()),
        CheckedStart::Insert { .. } => 0,
    });
    count(collected.sum::<usize>() + decision.kept_for.len() + usize::from(decision.kept.is_some()))
}

fn write(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
    decision: Decision<'_>,
    starts: &[CheckedStart<'_>],
    uses: i64,
) -> Checked<Accepted> {
    let event = &accept.event;
    let number = inbox::insert(transaction, event, uses)?;
    let delivered: Vec<_> = decision.delivered.into_values().collect();
    for instance in &delivered {
        inbox::deliver(transaction, *instance, number)?;
    }
    let mut started = Vec::new();
    let mut is_collected = false;
    for start in starts {
        match start {
            CheckedStart::Collect(start) => {
                is_collected = true;
                if let Some(set) = &start.set {
                    start_sets::collect(transaction, &start.workflow, set, event, number)?;
                }
            }
            CheckedStart::Insert { start, revision, earlier } => {
                commits::insert(transaction, &start.row, *revision)?;
                for other in earlier {
                    inbox::deliver(transaction, start.row.id, *other)?;
                    let removed = start_sets::remove(transaction, &start.workflow, *other)?;
                    inbox::add_uses(transaction, *other, 1 - removed)?;
                }
                inbox::deliver(transaction, start.row.id, number)?;
                started.push(start.row.id);
            }
        }
    }
    for instance in &decision.kept_for {
        kept::keep(transaction, number, event, Some(*instance))?;
    }
    if decision.kept.is_some() {
        kept::keep(transaction, number, event, None)?;
    }
    Ok(if !delivered.is_empty() || !started.is_empty() {
        Accepted::Taken { delivered, started }
    } else if is_collected {
        Accepted::Collected
    } else {
        let reason = match (decision.kept, decision.kept_for.as_slice()) {
            (Some(reason), _) => reason.to_owned(),
            (None, [instance]) => format!("instance {instance}, which it is for, does not wait for it now"),
            (None, _) => "the instances with its business key do not wait for it now".to_owned(),
        };
        Accepted::Kept { reason }
    })
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
