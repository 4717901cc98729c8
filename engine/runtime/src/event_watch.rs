//! Counts of events: those that wait to be sent and those that are kept, as of the last read of the database, and those received.
//!
//! Promises: reading the counts never waits for the database. A warning about an outbox that fills, or whose events are not sent, is logged
//! once until the outbox recovers. Never: reads the database; `Executor::look_at_events` passes the counts on.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;
use rondo_machine::Millis;
use rondo_store::{KeptStatus, OutboxStatus};

use crate::refusal::Refusal;

/// Age of the oldest unsent event above which the log warns. A restart of a broker takes minutes; after an hour somebody must look at the
/// sink.
const OLD: Duration = Duration::from_hours(1);

/// How many events wait to be sent, are kept, and were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventStatus {
    /// Events that wait to be sent.
    pub outbox_rows: u64,
    /// Bytes of the events that wait to be sent.
    pub outbox_bytes: u64,
    /// How many events may wait to be sent (`rondo.events.max-outbox`).
    pub max_outbox: u64,
    /// When the oldest event that waits to be sent was published, in milliseconds since 1970.
    pub oldest_at: Option<Millis>,
    /// Events that are kept until an instance waits for them.
    pub kept: u64,
    /// How many events may be kept (`rondo.events.max-kept`).
    pub max_kept: u64,
    /// Bytes of the events that are kept or in the mailbox of an instance.
    pub kept_bytes: u64,
    /// How many bytes kept events and events in mailboxes may have (`rondo.events.max-kept-bytes`).
    pub max_kept_bytes: u64,
    /// Events received since the start of the engine, repeated ones included.
    pub received: u64,
    /// Received events that no instance takes, now or later.
    pub unwanted: u64,
}

/// The counts, and which warnings were logged.
#[derive(Debug)]
pub(crate) struct EventWatch {
    max_outbox: u64,
    max_kept: u64,
    max_kept_bytes: u64,
    seen: Mutex<Seen>,
    received: AtomicU64,
    unwanted: AtomicU64,
}

#[derive(Debug, Default)]
struct Seen {
    outbox: OutboxStatus,
    kept: KeptStatus,
    /// The problems for which a warning was logged.
    warned: Alarms,
}

/// Problems of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Alarms {
    is_filling: bool,
    is_old: bool,
}

impl EventWatch {
    pub(crate) fn new(max_outbox: u64, max_kept: u64, max_kept_bytes: u64) -> Self {
        let (seen, received, unwanted) = (Mutex::default(), AtomicU64::new(0), AtomicU64::new(0));
        Self { max_outbox, max_kept, max_kept_bytes, seen, received, unwanted }
    }

    /// Stores new counts of the database, and logs problems that are new or over.
    pub(crate) fn note_database(&self, outbox: OutboxStatus, kept: KeptStatus, now: Millis) {
        let alarms = alarms(&outbox, self.max_outbox, now);
        let warned = {
            let mut seen = self.seen.lock();
            (seen.outbox, seen.kept) = (outbox, kept);
            std::mem::replace(&mut seen.warned, alarms)
        };
        if alarms.is_filling && !warned.is_filling {
            tracing::warn!(
                rows = outbox.rows,
                most = self.max_outbox,
                "half of the allowed number of events wait to be sent; at the limit (rondo.events.max-outbox) nothing new is started"
            );
        }
        if alarms.is_old && !warned.is_old {
            tracing::warn!(
                rows = outbox.rows,
                oldest_seconds = age(outbox.oldest_at, now).unwrap_or_default().as_secs(),
                "events have waited to be sent for more than an hour; `rondo events` says which and why"
            );
        }
        if warned != Alarms::default() && alarms == Alarms::default() {
            tracing::info!(rows = outbox.rows, "the outbox has recovered, and its events are being sent");
        }
    }

    /// Counts a received event.
    pub(crate) fn note_received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    /// Counts a kept event, until the next read of the database replaces the count.
    pub(crate) fn note_kept(&self, bytes: u64) {
        let kept = &mut self.seen.lock().kept;
        kept.events += 1;
        kept.bytes += bytes;
    }

    /// Counts an event that no instance takes, now or later.
    pub(crate) fn note_unwanted(&self) {
        self.unwanted.fetch_add(1, Relaxed);
    }

    pub(crate) fn status(&self) -> EventStatus {
        let seen = self.seen.lock();
        EventStatus {
            outbox_rows: seen.outbox.rows,
            outbox_bytes: seen.outbox.bytes,
            max_outbox: self.max_outbox,
            oldest_at: seen.outbox.oldest_at,
            kept: seen.kept.events,
            max_kept: self.max_kept,
            kept_bytes: seen.kept.bytes,
            max_kept_bytes: self.max_kept_bytes,
            received: self.received.load(Relaxed),
            unwanted: self.unwanted.load(Relaxed),
        }
    }

    /// Refuses new work while the outbox is full.
    pub(crate) fn check_room(&self) -> Result<(), Refusal> {
        if self.seen.lock().outbox.rows < self.max_outbox {
            Ok(())
        } else {
            Err(Refusal::OutboxFull(self.max_outbox))
        }
    }
}

impl EventStatus {
    /// How long the oldest event has waited to be sent; `None` if none waits.
    pub fn oldest_age(&self, now: Millis) -> Option<Duration> {
        age(self.oldest_at, now)
    }
}

fn age(oldest_at: Option<Millis>, now: Millis) -> Option<Duration> {
    Some(Duration::from_millis(u64::try_from(now.saturating_sub(oldest_at?)).unwrap_or_default()))
}

fn alarms(outbox: &OutboxStatus, max_outbox: u64, now: Millis) -> Alarms {
    Alarms {
        is_filling: outbox.rows >= max_outbox.div_ceil(2),
        is_old: age(outbox.oldest_at, now).is_some_and(|age| age > OLD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(rows: u64, oldest_at: Option<Millis>) -> OutboxStatus {
        OutboxStatus { rows, oldest_at, ..OutboxStatus::default() }
    }

    #[test]
    fn half_of_the_room_and_an_hour_are_alarms() {
        const HOUR: Millis = 3_600_000;
        for (rows, oldest_at, is_filling, is_old) in [
            (0, None, false, false),
            (4, Some(0), false, false),
            (5, Some(0), true, false),
            (1, Some(-1), false, true),
            // The clock was set back.
            (1, Some(2 * HOUR), false, false),
        ] {
            let found = alarms(&outbox(rows, oldest_at), 10, HOUR);
            assert_eq!(found, Alarms { is_filling, is_old }, "{rows} {oldest_at:?}");
        }
    }

    #[test]
    fn a_full_outbox_refuses_until_it_has_room() {
        let watch = EventWatch::new(2, 10, 1000);
        assert!(watch.check_room().is_ok());
        let kept = KeptStatus { events: 7, bytes: 70 };
        watch.note_database(outbox(2, Some(0)), kept, 1500);
        assert!(matches!(watch.check_room(), Err(Refusal::OutboxFull(2))));
        let status = watch.status();
        assert_eq!((status.outbox_rows, status.kept, status.kept_bytes), (2, 7, 70));
        assert_eq!(status.oldest_age(1500), Some(Duration::from_millis(1500)));
        watch.note_database(outbox(1, Some(0)), kept, 1500);
        assert!(watch.check_room().is_ok());
    }
}
