//! Accepts an event.
//!
//! Promises: what refuses is looked at before the first row is written, so that a refused event leaves nothing to undo.

use std::collections::BTreeSet;

use super::{
    decide::{Decision, decide},
    inbox, kept,
    start_sets::{self, SetProgress},
    waits,
};
use crate::{
    AcceptError, AcceptEvent, Accepted, CommitError, EventStart, ReceivedEvent, Transaction, WorkError,
    instances::commits,
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
    place(transaction, accept, None)
}

/// Gives the event of a message away whose instance has ended.
pub(in crate::instances) fn redirect(
    transaction: &mut Transaction<'_>,
    message: i64,
    accept: &AcceptEvent,
) -> Checked<Accepted> {
    transaction.enable_failpoints();
    let Some(found) = inbox::of_message(transaction, message)? else { return Ok(Accepted::Seen) };
    if !found.is_only_use {
        if let Some(event) = inbox::remove_message(transaction, message)? {
            inbox::add_uses(transaction, event, -1)?;
        }
        return Ok(Accepted::Seen);
    }
    let event = ReceivedEvent { at: found.at, keep_until: found.keep_until, ..accept.event.clone() };
    let accept = AcceptEvent { event, ..accept.clone() };
    place(transaction, &accept, Some((message, found.event)))
}

/// Gives an event to whoever is to get it, or refuses it before anything is written. `stored` are the numbers of the message and the event
/// where it is in a mailbox already.
fn place(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
    stored: Option<(i64, i64)>,
) -> Checked<Accepted> {
    let decision = decide(transaction, accept)?;
    let mut starts = Vec::with_capacity(decision.starts.len());
    for start in &decision.starts {
        starts.push(check_start(transaction, accept, start)?);
    }
    let kept = kept_rows(&decision, &starts);
    let uses =
        kept + count(decision.delivered.len()) + count(starts.iter().filter(|start| start.inserts()).count());
    // What is stored already is kept without a bound, for it cannot be refused any more.
    if kept > 0 && stored.is_none() {
        let most = i64::try_from(accept.max_kept).unwrap_or(i64::MAX);
        if kept::total(transaction)?.saturating_add(kept) > most {
            return Err(WorkError::Refused(AcceptError::Full(accept.max_kept)));
        }
        let bytes = inbox::total_bytes(transaction)?.saturating_add(accept.event.content.len() as u64);
        if bytes > accept.max_bytes {
            return Err(WorkError::Refused(AcceptError::TooManyBytes(accept.max_bytes)));
        }
    }
    // From here on nothing refuses.
    let is_taken = starts.iter().any(CheckedStart::inserts);
    if let Some((message, event)) = stored {
        inbox::remove_message(transaction, message)?;
        // The message was one use.
        inbox::add_uses(transaction, event, uses - 1)?;
        if is_taken {
            inbox::take(transaction, event)?;
        }
    }
    if uses == 0 {
        return Ok(Accepted::Unwanted { reason: decision.unwanted });
    }
    let number = match stored {
        Some((_, event)) => event,
        None => inbox::insert(transaction, &accept.event, uses, is_taken)?,
    };
    write(transaction, accept, decision, &starts, number)
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

/// Writes what was decided about an event with this number.
fn write(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
    decision: Decision<'_>,
    starts: &[CheckedStart<'_>],
    number: i64,
) -> Checked<Accepted> {
    let event = &accept.event;
    let delivered: Vec<_> = decision.delivered.into_values().collect();
    for instance in &delivered {
        inbox::deliver(transaction, *instance, number)?;
    }
    let (mut started, mut waiting) = (Vec::new(), Vec::new());
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
                let (row, place) = (&start.row, start.place.as_ref());
                let (inserted, waits) = commits::insert_with_place(transaction, row, *revision, place)?;
                for other in earlier {
                    inbox::deliver(transaction, start.row.id, *other)?;
                    inbox::take(transaction, *other)?;
                    let removed = start_sets::remove(transaction, &start.workflow, *other)?;
                    inbox::add_uses(transaction, *other, 1 - removed)?;
                }
                inbox::deliver(transaction, start.row.id, number)?;
                started.push(start.row.id);
                if waits {
                    waiting.push(start.row.id);
                    // A kept event that it gets by that is in its mailbox, which it reads when it has its place.
                    waits::replace(transaction, (inserted, start.row.id), &start.waits)?;
                }
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
        Accepted::Taken { delivered, started, waiting }
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
