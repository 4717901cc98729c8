//! Sends the events of one channel from the outbox.
//!
//! Promises: an event is sent at least once. The events of one instance are sent in order, one after the other. A failing event holds up the
//! events of its own instance only; if the sink leaves the events of [`AT_ONCE`] instances unanswered, the others of the channel wait too. A
//! failing event is tried again without end, with pauses that grow to a minute. Events in memory are bounded by [`BYTES`].

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

/// How many instances have events being sent at the same time.
const AT_ONCE: usize = 32;

/// How many events of one instance are read at once. One commit removes them together: a smaller number costs more commits, a larger one
/// sends more events again after a crash.
const ROWS_OF_INSTANCE: usize = 16;

/// Bytes of the events in memory that are being sent. A single larger event is sent all the same.
const BYTES: u64 = 8 * 1024 * 1024;

/// The pause after the first failure. It doubles with each further one, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The sender of one channel.
pub(crate) struct ChannelSender {
    executor: Arc<Executor>,
    channel: String,
    /// Is notified of new events in the outbox.
    changed: Arc<Notify>,
    /// Each task sends some events of one instance, and returns the numbers of the rows that it has sent.
    tasks: JoinSet<Vec<i64>>,
    sending: HashMap<Id, Sending>,
}

/// The instance whose events a task sends, and their size.
struct Sending {
    instance: Uuid,
    bytes: u64,
}

/// When to look for more events to send.
#[derive(Clone, Copy)]
enum Next {
    /// When a task ends: all places are taken.
    Done,
    /// At this moment, or earlier when a task ends or an event is published.
    At(Millis),
    /// When a task ends or an event is published.
    Changed,
}

impl ChannelSender {
    /// A sender for the channel of this name. `changed` is notified of new events.
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

    /// Starts tasks for the events that are due, as long as there are free places. Returns when to look again.
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
            // The batch may not have been all, so the outbox is read again at once.
            _ if !is_all => Next::At(now),
            Some(at) => Next::At(at),
            None => Next::Changed,
        }
    }

    /// Removes the events that the ended tasks have sent from the outbox.
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
            // The outbox has fewer rows now: if it was full, the engine takes new events again.
            let _ = self.executor.look_at_events().await;
        }
        // While a task is listed here, `fill` leaves the rows of its instance out. Dropping it before the rows are removed sends them twice.
        for task in tasks {
            self.sending.remove(&task);
        }
    }
}

impl Executor {
    /// Sends rows in order up to the first that fails. Returns the numbers of the rows that were sent.
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
        // The log gets a line at the first failure and whenever their number has doubled.
        if attempts.is_power_of_two() {
            tracing::warn!(
                instance_id = %row.instance, channel = %row.channel, attempts, error = %problem,
                "an event cannot be sent; trying again in {} s", pause.as_secs_f32()
            );
        }
        let next_at = self.clock.now().saturating_add(millis(pause));
        if let Err(error) = self.store.outbox_failed(row.number, next_at, problem).await {
            tracing::error!(%error, "a failed attempt to send an event cannot be stored");
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
