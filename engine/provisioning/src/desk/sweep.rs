//! What becomes due by itself: deadlines and reminders of approvals, waits and silences of requests, ends of time to run.

use std::time::Duration;

use super::{
    Clock, Desk, Work,
    clock::{LONGEST_SLEEP, pause_until},
};
use crate::{model::Person, tables};

/// Things that are done in one transaction at most.
const PAGE: u32 = 64;

/// Answers that are forgotten in one transaction at most. A busy day leaves hundreds of thousands, and everybody who writes would wait for
/// them.
const MOST_FORGOTTEN: u32 = 500;

pub(super) async fn run(desk: Desk) {
    let own = Person::desk();
    let mut forgotten = None;
    loop {
        let now = Clock::now();
        let due = desk.read(move |connection| {
            let requests = tables::requests::due(connection, now, PAGE)?;
            let approvals = tables::approvals::due(connection, now, PAGE)?;
            let next = tables::requests::next_due(connection)?
                .into_iter()
                .chain(tables::approvals::next_due(connection)?)
                .min();
            Ok((requests, approvals, next))
        });
        let Ok((requests, approvals, next)) = due.await else {
            tokio::time::sleep(LONGEST_SLEEP).await;
            continue;
        };
        if requests.is_empty() && approvals.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(pause_until(next, now)) => {}
                () = desk.0.changed.notified() => {}
            }
            // Once an hour is enough for what only takes room.
            if forgotten.is_none_or(|at: std::time::Instant| at.elapsed() > Duration::from_hours(1)) {
                forgotten = Some(std::time::Instant::now());
                forget_answers(&desk, &own).await;
            }
            continue;
        }
        // One at a time: what fails of one does not hold up the others.
        for id in requests {
            if let Err(refusal) = desk.change(&own, move |work| work.overdue(&id)).await {
                tracing::warn!(%refusal, "a request that is due could not be taken further; trying again");
                tokio::time::sleep(LONGEST_SLEEP).await;
            }
        }
        for id in approvals {
            if let Err(refusal) = desk.change(&own, move |work| work.approval_overdue(&id)).await {
                tracing::warn!(%refusal, "an approval that is due could not be taken further; trying again");
                tokio::time::sleep(LONGEST_SLEEP).await;
            }
        }
    }
}

/// Forgets the answers whose time is up. What fails is tried again in an hour.
async fn forget_answers(desk: &Desk, own: &Person) {
    let forget =
        |work: &mut Work<'_, '_>| Ok(tables::answers::forget(work.connection, work.now, MOST_FORGOTTEN)?);
    while desk.change(own, forget).await.unwrap_or_default() {}
}
