//! Sends the events of one channel.
//!
//! Promises: an event is sent at least once; the events of one instance are sent in their order, one after the other; an instance whose event
//! is refused or not answered holds up its own events only, as long as fewer than [`AT_ONCE`] do. An event that cannot be sent is tried
//! again, with pauses that grow to a minute, for as long as it takes. What is in memory has a bound.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use rondo_event::CloudEvent;
use rondo_machine::Millis;
use rondo_store::{OutboxQuery, OutboxRow};
use tokio::{
    sync::Notify,
    task::{Id, JoinError, JoinSet},
};
use uuid::Uuid;

use crate::{
    clock::millis,
    executor::{Executor, STORE_PAUSE},
};

/// Of how many instances events are sent at once.
const AT_ONCE: usize = 32;

/// Events of one instance that are read at once. They are removed together, so that fewer would cost more commits, and more would be sent
/// again after a crash.
const ROWS_OF_INSTANCE: usize = 16;

/// Bytes of the events that are being sent. A single event may be larger.
const BYTES: u64 = 8 * 1024 * 1024;

/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Sends the events of one channel.
pub(crate) struct ChannelSender {
    executor: Arc<Executor>,
    channel: String,
    /// Says that there is something to send.
    changed: Arc<Notify>,
    /// Each sends some events of one instance, and answers the numbers of those that need not be sent any more.
    tasks: JoinSet<Vec<i64>>,
    sending: HashMap<Id, Sending>,
}

/// What one task sends.
struct Sending {
    instance: Uuid,
    bytes: u64,
}

/// When there may be more to send.
#[derive(Clone, Copy)]
enum Next {
    /// When something that is being sent is done.
    Done,
    /// At this moment, or when something is done or produced.
    At(Millis),
    /// When something is done or produced.
    Changed,
}

impl ChannelSender {
    /// A sender for the channel of this name, which `changed` tells of new events.
    pub(crate) fn new(executor: Arc<Executor>, channel: String, changed: Arc<Notify>) -> Self {
        Self { executor, channel, changed, tasks: JoinSet::new(), sending: HashMap::new() }
    }

    /// Sends events for ever. Dropping the future leaves those that are being sent in the outbox.
    pub(crate) async fn run(mut self) {
        loop {
            let next = self.fill().await;
            let clock = self.executor.clock.clone();
            let due = async move {
                match next {
                    Next::At(at) => clock.sleep_until(at).await,
                    Next::Done | Next::Changed => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(done) = self.tasks.join_next_with_id() => self.remove(done).await,
                () = due => {}
                () = self.changed.notified(), if !matches!(next, Next::Done) => {}
            }
        }
    }

    /// Begins to send what may be sent, as far as there are places for it.
    async fn fill(&mut self) -> Next {
        let instances = AT_ONCE.saturating_sub(self.sending.len());
        let bytes = BYTES.saturating_sub(self.sending.values().map(|sending| sending.bytes).sum());
        if instances == 0 || bytes == 0 {
            return Next::Done;
        }
        let without: BTreeSet<Uuid> = self.sending.values().map(|sending| sending.instance).collect();
        let (now, rows_of_instance) = (self.executor.clock.now(), ROWS_OF_INSTANCE);
        let channel = self.channel.clone();
        let query = OutboxQuery { channel, without, now, instances, rows_of_instance, bytes };
        let batch = match self.executor.store.outbox(query).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::error!(channel = self.channel, %error, "the outbox cannot be read; trying again");
                return Next::At(now.saturating_add(millis(STORE_PAUSE)));
            }
        };
        let is_all = batch.rows.is_empty();
        let mut queues: BTreeMap<Uuid, Vec<OutboxRow>> = BTreeMap::new();
        for row in batch.rows {
            queues.entry(row.instance).or_default().push(row);
        }
        for (instance, queue) in queues {
            let bytes = queue.iter().map(|row| row.content.len() as u64).sum();
            let executor = Arc::clone(&self.executor);
            let task = self.tasks.spawn_on(
                async move { executor.send_queue(queue).await },
                self.executor.call_threads.handle(),
            );
            self.sending.insert(task.id(), Sending { instance, bytes });
        }
        match batch.next_at {
            // There may be more than one batch, or rows behind those that are sent now.
            _ if !is_all => Next::At(now),
            Some(at) => Next::At(at),
            None => Next::Changed,
        }
    }

    /// Removes from the outbox what was sent.
    async fn remove(&mut self, first: Result<(Id, Vec<i64>), JoinError>) {
        let (mut tasks, mut sent) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(done) = next {
            match done {
                Ok((task, numbers)) => {
                    tasks.push(task);
                    sent.extend(numbers);
                }
                Err(error) => {
                    tasks.push(error.id());
                    tracing::error!(channel = self.channel, %error, "sending events has ended by a defect of the engine; trying again");
                    self.executor.clock.sleep(STORE_PAUSE).await;
                }
            }
            next = self.tasks.try_join_next_with_id();
        }
        if !sent.is_empty() {
            rondo_store::failpoint("event-after-send");
            if let Err(error) = self.executor.store.outbox_sent(sent).await {
                tracing::warn!(channel = self.channel, %error, "events that were sent stay in the outbox, and are sent again");
                self.executor.clock.sleep(STORE_PAUSE).await;
            }
            // There is room again.
            let _ = self.executor.look_at_events().await;
        }
        // Only now, or they would be read and sent again.
        for task in tasks {
            self.sending.remove(&task);
        }
    }
}

impl Executor {
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
