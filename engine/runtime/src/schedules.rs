//! Starts instances at the moments of their schedules, until the engine stops.
//!
//! Promises: at most one instance for each moment, also after a restart or a change of the clock, and with several engines on one database.
//! The id of the instance is derived from the workflow, the schedule and the moment, and the store takes an id once. So the instance itself
//! is the record that its moment was handled, and the store refuses a second start.
//!
//! A moment is missed, and not made up for, if the engine looks more than [`LATEST`] after it, or if the next moment of its schedule has come
//! too. After a restart a moment before the start is made up for only if the store has the instance of the moment before that one: without
//! it the engine was down for longer, or did not serve the schedule yet. A start that the database refuses is tried again until the next
//! moment.
//!
//! Never: uses `rondo.clock.speed`, because moments of a schedule are moments of the wall clock.

use std::{sync::Arc, time::Duration};

use rondo_expression::Val;
use rondo_machine::{Input, Millis};
use rondo_program::Schedule;
use rondo_store::{Commit, Write};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    catalog::{Catalog, Deployed},
    clock::{LONGEST_PAUSE, millis},
    delivery::{Delivery, Signal},
    executor::{Executor, STORE_PAUSE, Stored},
    formats::request::RequestContext,
    lifecycle_log, row,
    views::ScheduleView,
};

/// How late an instance is still started. A shorter time loses moments during a restart or a short suspension of the machine; after a longer
/// time people do not recognise the start as the one that was due.
const LATEST: Duration = Duration::from_mins(1);

/// Starts instances until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    let timetables: Vec<_> =
        timetables(&executor.catalog()).filter(Timetable::takes_empty_input).map(Arc::new).collect();
    if timetables.is_empty() {
        return;
    }
    let (clock, started) = (&executor.clock, executor.started_at);
    for timetable in &timetables {
        tokio::spawn(catch_up(Arc::clone(&executor), Arc::clone(timetable)));
    }
    // Every moment up to this one has been handled.
    let mut seen = started;
    loop {
        let now = clock.now();
        if now < seen {
            // The clock was set back up to `LONGEST_PAUSE` ago, and moments since then may be unhandled.
            seen = before(now, LONGEST_PAUSE);
        }
        for timetable in &timetables {
            if let Some(moment) = timetable.due(seen, now, started) {
                tokio::spawn(start(Arc::clone(&executor), Arc::clone(timetable), moment));
            }
        }
        seen = now;
        let next =
            timetables.iter().filter_map(|timetable| timetable.schedule.next_after(now, started)).min();
        tokio::select! {
            () = clock.sleep_until_or_set_back(next.unwrap_or(Millis::MAX), now) => {}
            () = executor.stopping() => return,
        }
    }
}

/// The next moments of all schedules, `count` of each, by workflow in the order of the folder.
pub(crate) fn view(executor: &Executor, count: usize) -> Vec<ScheduleView> {
    let (now, started) = (executor.clock.now(), executor.started_at);
    let catalog = executor.catalog();
    let views = timetables(&catalog).map(|Timetable { deployed, schedule, .. }| {
        let mut next = Vec::with_capacity(count);
        while next.len() < count
            && let Some(moment) = schedule.next_after(next.last().copied().unwrap_or(now), started)
        {
            next.push(moment);
        }
        ScheduleView {
            workflow: deployed.program.id.to_string(),
            version: deployed.program.version.to_string(),
            schedule: schedule.timing.to_string(),
            timezone: schedule.zone_name().to_owned(),
            next,
        }
    });
    views.collect()
}

/// The schedules of the workflows, each in its highest version.
fn timetables(catalog: &Catalog) -> impl Iterator<Item = Timetable> {
    let served = catalog.all().filter(|deployed| {
        let found = catalog.find(&deployed.program.id, None);
        found.is_some_and(|found| Arc::ptr_eq(&found, deployed))
    });
    served.filter_map(|deployed| {
        let schedule = deployed.program.schedule.clone()?;
        Some(Timetable { deployed: Arc::clone(deployed), text: schedule.to_string(), schedule })
    })
}

/// A workflow and its schedule.
struct Timetable {
    deployed: Arc<Deployed>,
    schedule: Schedule,
    /// The text of the schedule, for ids and logs.
    text: String,
}

impl Timetable {
    /// Whether the schema of the workflow takes the input `{}`. Logs an error if it does not.
    fn takes_empty_input(&self) -> bool {
        match self.deployed.check_input(&input()) {
            Ok(()) => true,
            Err(problem) => {
                tracing::error!(
                    workflow = %self.deployed.program.id, %problem,
                    "the schedule starts nothing: its instances have the input {{}}, which the schema of the workflow refuses"
                );
                false
            }
        }
    }

    /// The last moment after `seen` that is due and not too late. Logs a warning if it misses other ones.
    fn due(&self, seen: Millis, now: Millis, started: Millis) -> Option<Millis> {
        let first = self.schedule.next_after(seen, started).filter(|first| *first <= now)?;
        let moment = self.schedule.last_within(seen.max(before(now, LATEST)), now, started);
        if moment != Some(first) {
            tracing::warn!(
                workflow = %self.deployed.program.id, schedule = %self.text, from = first,
                "moments of the schedule were missed: the engine did not get to them in time, or the clock was set forward"
            );
        }
        moment
    }

    /// Whether the next moment after this one has come.
    fn has_passed(&self, moment: Millis, executor: &Executor) -> bool {
        let next = self.schedule.next_after(moment, executor.started_at);
        next.is_some_and(|next| next <= executor.clock.now())
    }

    /// Id of the instance of a moment: a UUID of version 7 with the time of the moment. The version of the workflow is not part of it, so a
    /// new version with the same schedule does not start a second instance.
    fn id(&self, moment: Millis) -> Uuid {
        let digest = Sha256::new()
            .chain_update(self.deployed.program.id.as_bytes())
            .chain_update([0])
            .chain_update(self.text.as_bytes())
            .chain_update([0])
            .chain_update(moment.to_be_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&moment.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&digest[..10]);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Uuid::from_bytes(bytes)
    }
}

/// Starts the instance that was due right before the engine started, if the engine has missed no other moment of the schedule.
async fn catch_up(executor: Arc<Executor>, timetable: Arc<Timetable>) {
    let (schedule, started) = (&timetable.schedule, executor.started_at);
    if schedule.counts_from_engine_start() {
        return;
    }
    let Some(moment) = schedule.last_within(before(started, LATEST), started, started) else { return };
    let Some(previous) = schedule.previous(moment, started) else { return };
    let (id, previous) = (timetable.id(moment), timetable.id(previous));
    loop {
        match executor.store.instances(vec![previous, id]).await {
            Ok(stored) if stored.iter().map(|row| row.id).eq([previous]) => break,
            Ok(_) => return,
            Err(error) => {
                tracing::error!(%error, "the database cannot be asked whether a scheduled instance was started; trying again");
            }
        }
        if !pause(&executor).await || timetable.has_passed(moment, &executor) {
            return;
        }
    }
    start(Arc::clone(&executor), timetable, moment).await;
}

/// Starts the instance of a moment, unless the store has it already.
async fn start(executor: Arc<Executor>, timetable: Arc<Timetable>, moment: Millis) {
    let (id, workflow) = (timetable.id(moment), &timetable.deployed.program.id);
    let mut tries = 0_u64;
    while !executor.is_stopping() {
        let (deployed, memory) = (Arc::clone(&timetable.deployed), executor.memory.share());
        let (request, limits, now) = (RequestContext::default(), &executor.limits, executor.clock.now());
        let mut instance = ActiveInstance::new(id, deployed, input(), request, memory, limits, now);
        let row = match row::first_row_of(&mut instance, &executor.encryption) {
            Ok(row) => row,
            Err(error) => {
                tracing::error!(%workflow, %error, "a scheduled instance cannot be stored, and is not started");
                return;
            }
        };
        rondo_store::failpoint("schedule-before-commit");
        tries += 1;
        let place = executor.concurrency.place_for(workflow, id, &input());
        let places = place.into_iter().collect();
        let commit = Commit { writes: vec![Write::Insert(row)], places, ..Commit::default() };
        match executor.commit(commit, true).await {
            Stored::Durable(committed) if !committed.waiting.is_empty() => {
                lifecycle_log::write_waiting(&instance);
                return;
            }
            Stored::Durable(_) => {
                rondo_store::failpoint("schedule-after-commit");
                tracing::debug!(%workflow, instance_id = %id, moment, "started by its schedule");
                executor.dispatcher.deliver_to(instance, Delivery::input(Input::Start { at: None }));
                return;
            }
            Stored::Fenced | Stored::NoPlace => {
                tracing::debug!(%workflow, instance_id = %id, moment, "the instance of this moment was started before");
                if tries > 1 {
                    // The commit of an earlier try may have reached the database although it reported a failure. Then no task works on the
                    // instance, so it is resumed here.
                    executor.dispatcher.deliver(id, Delivery::signal(Signal::Recover));
                }
                return;
            }
            Stored::Refused(error) => {
                if tries.is_power_of_two() {
                    tracing::warn!(%workflow, moment, %error, tries, "a scheduled instance cannot be started; trying again");
                }
            }
        }
        if !pause(&executor).await {
            return;
        }
        if timetable.has_passed(moment, &executor) {
            tracing::error!(%workflow, moment, tries, "a scheduled instance was not started before the next moment came");
            return;
        }
    }
}

/// Waits before the next try. Returns `false` if the engine stops.
async fn pause(executor: &Executor) -> bool {
    tokio::select! {
        () = executor.clock.sleep(STORE_PAUSE) => true,
        () = executor.stopping() => false,
    }
}

/// The input of a scheduled instance.
fn input() -> Val {
    Val::object::<&str>([])
}

fn before(moment: Millis, duration: Duration) -> Millis {
    moment.saturating_sub(millis(duration))
}
