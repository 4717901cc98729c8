//! Tests of schedules: each moment starts one instance, also if the clock is set, the database fails or another process shares it.

use std::time::Duration;

use crate::support::{Lab, NOON, Trouble, json};
use rondo_event::CloudEvent;
use rondo_store::{Accepted, Instance, Query, State};
use serde_json::json;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Starts every five minutes.
const EVERY_FIVE: &str = r"
id: regular
version: '1.0'
specVersion: '0.8'
start: {stateName: Note, schedule: {cron: '0 0/5 * * * ?'}}
states:
- {name: Note, type: inject, data: {noted: true}, end: true}
";

/// All instances.
async fn instances(lab: &Lab) -> Vec<Instance> {
    lab.engine.store().query(Query::default()).await.unwrap()
}

/// The moments of all instances, in minutes after noon, in order. The id of an instance begins with its moment.
async fn started(lab: &Lab) -> Vec<i64> {
    let rows = instances(lab).await;
    let moment = |row: &Instance| i64::try_from(row.id.as_u128() >> 80).unwrap();
    let mut started: Vec<_> = rows.iter().map(|row| (moment(row) - NOON) / MINUTE).collect();
    started.sort_unstable();
    started
}

/// Waits until there are `count` instances and all have completed.
async fn until_completed(lab: &Lab, count: usize) {
    let mut commits = lab.store.commits();
    loop {
        let rows = instances(lab).await;
        if rows.len() == count && rows.iter().all(|row| row.state == State::Completed) {
            return;
        }
        assert!(rows.len() <= count, "{:?}", started(lab).await);
        commits.changed().await.unwrap();
    }
}

/// Moves the clock to `minute` minutes after noon, once the schedules wait for that moment.
async fn pass(lab: &Lab, minute: i64) {
    lab.clock.until_asleep(NOON + minute * MINUTE).await;
    lab.clock.set(NOON + minute * MINUTE);
}

#[tokio::test]
async fn an_instance_is_started_at_each_moment() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    for (count, minute) in [(1, 5), (2, 10), (3, 15)] {
        pass(&lab, minute).await;
        until_completed(&lab, count).await;
    }
    assert_eq!(started(&lab).await, [5, 10, 15]);
    let rows = instances(&lab).await;
    assert_eq!((rows[0].started_at, rows[0].workflow.as_str()), (NOON + 5 * MINUTE, "regular"));
    assert_eq!(json(&lab.engine.instance(rows[0].id).await.unwrap().unwrap()), json!({"noted": true}));
    // A request can start the workflow too.
    assert_eq!(lab.start("regular", json!({})).await.state, State::Completed);
    let next: Vec<_> = lab.engine.schedules(2).into_iter().map(|view| (view.schedule, view.next)).collect();
    let moments = vec![NOON + 20 * MINUTE, NOON + 25 * MINUTE];
    assert_eq!(next, [("cron 0 0/5 * * * ?".to_owned(), moments)]);
}

#[tokio::test]
async fn the_instance_of_a_moment_goes_on_after_a_crash_behind_its_insert() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    // The store takes the row of the instance, and leaves the commit of its first turn without an answer.
    lab.store.pass_then_hold(1);
    let mut commits = lab.store.commits();
    pass(&lab, 5).await;
    commits.changed().await.unwrap();
    let lab = lab.crash().await;
    until_completed(&lab, 1).await;
    pass(&lab, 10).await;
    until_completed(&lab, 2).await;
    assert_eq!(started(&lab).await, [5, 10]);
}

#[tokio::test]
async fn a_moment_whose_start_a_crash_prevented_is_made_up_for_within_a_minute() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    pass(&lab, 5).await;
    until_completed(&lab, 1).await;
    lab.clock.until_asleep(NOON + 10 * MINUTE).await;
    lab.store.cut_off();
    lab.clock.set(NOON + 10 * MINUTE + 59_000);
    let lab = lab.crash().await;
    until_completed(&lab, 2).await;
    assert_eq!(started(&lab).await, [5, 10]);
    // Another restart does not start it again.
    let lab = lab.crash().await;
    pass(&lab, 15).await;
    until_completed(&lab, 3).await;
    assert_eq!(started(&lab).await, [5, 10, 15]);
}

#[tokio::test]
async fn moments_while_the_engine_was_away_are_missed() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    pass(&lab, 5).await;
    until_completed(&lab, 1).await;
    lab.store.cut_off();
    // The last moment was a second ago, but the one before it was missed, so it is not made up for.
    lab.clock.set(NOON + 20 * MINUTE + 1000);
    let lab = lab.crash().await;
    pass(&lab, 25).await;
    until_completed(&lab, 2).await;
    lab.store.cut_off();
    // The last moment was more than a minute ago, so it is not made up for.
    lab.clock.set(NOON + 31 * MINUTE + 1);
    let lab = lab.crash().await;
    pass(&lab, 35).await;
    until_completed(&lab, 3).await;
    assert_eq!(started(&lab).await, [5, 25, 35]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_and_forth_starts_nothing_twice() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    pass(&lab, 5).await;
    until_completed(&lab, 1).await;
    lab.clock.until_asleep(NOON + 10 * MINUTE).await;
    lab.clock.set(NOON - HOUR + 3 * MINUTE);
    pass(&lab, -55).await;
    until_completed(&lab, 2).await;
    lab.clock.until_asleep(NOON - 50 * MINUTE).await;
    // The moments in between are missed, and the moment 12:05 has its instance already.
    lab.clock.set(NOON + 5 * MINUTE);
    pass(&lab, 10).await;
    until_completed(&lab, 3).await;
    assert_eq!(started(&lab).await, [-55, 5, 10]);
}

#[tokio::test]
async fn several_processes_on_one_database_start_one_instance() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    let other = lab.beside().await;
    for minute in [5, 10, 15] {
        pass(&lab, minute).await;
        other.clock.until_asleep(NOON + (minute + 5) * MINUTE).await;
    }
    // Each process sees what it has written itself; both write to one database.
    while started(&lab).await.len() < 3 || lab.engine.active_instances() + other.engine.active_instances() > 0
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(started(&lab).await, [5, 10, 15]);
}

#[tokio::test]
async fn a_start_that_the_database_refuses_is_tried_again() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    lab.store.fail_next([Trouble::Refuses, Trouble::Refuses]);
    pass(&lab, 5).await;
    for half_seconds in 1..=2 {
        let at = NOON + 5 * MINUTE + half_seconds * 500;
        lab.clock.until_asleep(at).await;
        lab.clock.set(at);
    }
    until_completed(&lab, 1).await;
    assert_eq!(started(&lab).await, [5]);
}

#[tokio::test]
async fn a_start_is_given_up_when_the_next_moment_comes() {
    let lab = Lab::open(&[EVERY_FIVE]).await;
    lab.store.fail_next([Trouble::Refuses]);
    pass(&lab, 5).await;
    lab.clock.until_asleep(NOON + 5 * MINUTE + 500).await;
    pass(&lab, 10).await;
    until_completed(&lab, 1).await;
    pass(&lab, 15).await;
    until_completed(&lab, 2).await;
    assert_eq!(started(&lab).await, [10, 15]);
}

#[tokio::test]
async fn the_speed_of_the_clock_does_not_move_the_moments() {
    let lab = Lab::open_with(&[EVERY_FIVE], "rondo.clock.speed=60").await;
    pass(&lab, 5).await;
    until_completed(&lab, 1).await;
    pass(&lab, 10).await;
    until_completed(&lab, 2).await;
}

#[tokio::test]
async fn an_interval_without_a_start_counts_from_the_engine() {
    let flow = EVERY_FIVE.replace("{cron: '0 0/5 * * * ?'}", "R/PT7M");
    let lab = Lab::open(&[&flow]).await;
    pass(&lab, 7).await;
    until_completed(&lab, 1).await;
    lab.clock.until_asleep(NOON + 14 * MINUTE).await;
    lab.clock.advance(Duration::from_mins(2));
    let lab = lab.crash().await;
    pass(&lab, 16).await;
    until_completed(&lab, 2).await;
    assert_eq!(started(&lab).await, [7, 16]);
}

#[tokio::test]
async fn a_schema_that_refuses_the_empty_input_keeps_the_schedule_from_starting_anything() {
    let strict = EVERY_FIVE.replace("id: regular", "id: strict")
        + "dataInputSchema: {schema: {required: [n]}, failOnValidationErrors: true}\n";
    let lab = Lab::open(&[EVERY_FIVE, &strict]).await;
    pass(&lab, 5).await;
    until_completed(&lab, 1).await;
    pass(&lab, 10).await;
    until_completed(&lab, 2).await;
    assert!(instances(&lab).await.iter().all(|row| row.workflow == "regular"));
}

#[tokio::test]
async fn a_start_and_an_end_bound_the_time_in_which_events_start_instances() {
    let flow = r"
id: bounded
version: '1.0'
specVersion: '0.8'
start: {stateName: Take, schedule: 2026-11-29T12:10:00Z/2026-11-29T12:20:00Z}
events:
- {name: bid, source: people, type: bid}
states:
- {name: Take, type: event, onEvents: [{eventRefs: [bid], actions: []}], end: true}
";
    let lab = Lab::open(&[flow]).await;
    for (number, minute, count) in [(1, 9, 0), (2, 10, 1), (3, 19, 2), (4, 20, 2)] {
        lab.clock.set(NOON + minute * MINUTE);
        let event = CloudEvent::new(number.to_string(), "people", "bid");
        let accepted = lab.engine.receive(&event).await.unwrap();
        let takes = matches!(accepted, Accepted::Taken { .. });
        assert_eq!(takes, minute != 9 && minute != 20, "{minute}: {accepted:?}");
        until_completed(&lab, count).await;
    }
}
