//! Sends the events of the outbox, until the engine stops.
//!
//! Promises: an event is sent at least once; the events of one instance for one channel are sent in their order, one after the other; a
//! sink that refuses holds up its own events only, one that does not answer holds up the others for the time of one delivery. An event that
//! cannot be sent is tried again, with pauses that grow to a minute, for as long as it takes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rondo_event::CloudEvent;
use rondo_machine::Millis;
use rondo_store::{OutboxPage, OutboxRow};
use tokio::{sync::Semaphore, task::JoinSet};
use uuid::Uuid;

use crate::{
    clock::millis,
    executor::{Executor, STORE_PAUSE},
};

/// Rows that are read at once, and their bytes.
const ROWS: usize = 256;
const BYTES: u64 = 8 * 1024 * 1024;

/// How often it is looked at how many events wait, while some are being sent.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// How many events are sent at once.
const AT_ONCE: usize = 32;

/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Sends events until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    loop {
        let next = tokio::select! {
            next = executor.send_due() => next,
            () = executor.stopping() => return,
        };
        let wake = async {
            match next {
                Some(at) => executor.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wake => {}
            () = executor.outbox_changed.notified() => {}
            () = executor.stopping() => return,
        }
    }
}

impl Executor {
    /// Sends what may be sent. Answers when the next event is due; `None`: when one is written.
    async fn send_due(self: &Arc<Self>) -> Option<Millis> {
        let mut after = None;
        loop {
            let now = self.clock.now();
            match self.store.outbox(OutboxPage { after, now, rows: ROWS, bytes: BYTES }).await {
                Ok(rows) if rows.is_empty() && after.is_some() => after = None,
                Ok(rows) if rows.is_empty() => break,
                Ok(rows) => {
                    after = rows.last().map(|row| row.number);
                    self.send_all(rows).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read; trying again");
                    return Some(now.saturating_add(millis(STORE_PAUSE)));
                }
            }
        }
        match self.look_at_events().await {
            Ok(status) => status.next_at,
            Err(_) => Some(self.clock.now().saturating_add(millis(STORE_PAUSE))),
        }
    }

    /// Sends rows, those of one instance and channel one after the other.
    async fn send_all(self: &Arc<Self>, rows: Vec<OutboxRow>) {
        let mut queues: BTreeMap<(Uuid, String), Vec<OutboxRow>> = BTreeMap::new();
        for row in rows {
            queues.entry((row.instance, row.channel.clone())).or_default().push(row);
        }
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut sending = JoinSet::new();
        for queue in queues.into_values() {
            let (executor, at_once) = (Arc::clone(self), Arc::clone(&at_once));
            sending.spawn_on(
                async move {
                    let _place = at_once.acquire_owned().await;
                    executor.send_queue(queue).await
                },
                self.call_threads.handle(),
            );
        }
        let mut sent = Vec::new();
        loop {
            tokio::select! {
                numbers = sending.join_next() => match numbers {
                    Some(numbers) => sent.extend(numbers.unwrap_or_default()),
                    None => break,
                },
                // A sink may take its time for each event, and meanwhile further ones are produced.
                () = self.clock.sleep(LOOK_PAUSE) => {
                    let _ = self.look_at_events().await;
                }
            }
        }
        if sent.is_empty() {
            return;
        }
        rondo_store::failpoint("event-after-send");
        if let Err(error) = self.store.outbox_sent(sent).await {
            tracing::warn!(%error, "events that were sent stay in the outbox, and are sent again");
        }
    }

    /// Sends rows in order up to the first that fails. Answers the numbers of those that need not be sent any more.
    async fn send_queue(&self, queue: Vec<OutboxRow>) -> Vec<i64> {
        let mut done = Vec::with_capacity(queue.len());
        for row in queue {
            if self.is_stopping() {
                break;
            }
            match self.send_row(&row).await {
                Ok(()) => done.push(row.number),
                Err(problem) => {
                    self.note_failure(&row, problem).await;
                    break;
                }
            }
        }
        done
    }

    async fn send_row(&self, row: &OutboxRow) -> Result<(), String> {
        let content = self.encryption.decrypt(row.instance, &row.content);
        let content = content.map_err(|error| format!("the event cannot be read: {error}"))?;
        let event = CloudEvent::decode(&content).map_err(|error| error.to_string())?;
        self.sender.send(&row.channel, &event).await.map_err(|error| self.secrets.mask(&error.to_string()))
    }

    async fn note_failure(&self, row: &OutboxRow, problem: String) {
        let attempts = row.attempts.saturating_add(1);
        let pause = pause_after(attempts);
        // One line for the first failure and for each doubling.
        if attempts.is_power_of_two() {
            tracing::warn!(
                instance_id = %row.instance, channel = %row.channel, attempts, error = %problem,
                "an event cannot be sent; trying again in {} s", pause.as_secs_f32()
            );
        }
        let next_at = self.clock.now().saturating_add(millis(pause));
        if let Err(error) = self.store.outbox_failed(row.number, next_at, problem).await {
            tracing::error!(%error, "a failure to send an event cannot be noted");
            self.clock.sleep(STORE_PAUSE).await;
        }
    }
}

/// The pause after so many failures.
fn pause_after(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let pauses = [1, 2, 3, 7, 8, 1000].map(|attempts| pause_after(attempts).as_millis());
        assert_eq!(pauses, [500, 1000, 2000, 32_000, 60_000, 60_000]);
    }
}
