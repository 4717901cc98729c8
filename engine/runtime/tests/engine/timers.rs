//! Tests of timers: sleeping instances wake at their moments of the wall clock, also if the clock is set.

use std::time::Duration;

use crate::support::{Lab, NOON, Read, SLEEPER, json};
use rondo_runtime::{Start, WaitView, Waiting};
use rondo_store::State;
use serde_json::json;

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn a_sleeping_instance_goes_on_when_its_moment_comes() {
    let lab = Lab::open(&[SLEEPER]).await;
    let sleeping = lab.start("sleeper", json!({})).await;
    assert_eq!(sleeping.state, State::Active);
    lab.until_idle().await;
    let waits = lab.engine.waits(sleeping.id).await.unwrap();
    let [WaitView { waiting: Waiting::Sleep { until }, since: Some(since), .. }] = *waits else {
        panic!("{waits:?}")
    };
    assert_eq!((until, since), (NOON + HOUR, NOON));
    lab.clock.advance(Duration::from_hours(1));
    let woken = lab.until(sleeping.id, State::Completed).await;
    assert_eq!(json(&woken), json!({"woken": true}));
}

#[tokio::test]
async fn an_instance_is_woken_by_the_moment_and_not_by_how_long_it_took() {
    let lab = Lab::open(&[SLEEPER]).await;
    let sleeping = lab.start("sleeper", json!({})).await.id;
    // The clock is set back by a day, and then to a minute before the moment.
    lab.clock.set(NOON - 24 * HOUR);
    lab.clock.set(NOON + HOUR - 60_000);
    lab.clock.until_asleep(NOON + HOUR).await;
    assert_eq!(lab.engine.instance(sleeping).await.unwrap().unwrap().state, State::Active);
    lab.clock.advance(Duration::from_mins(1));
    lab.until(sleeping, State::Completed).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stop_what_sleeps_from_then_on() {
    let lab = Lab::open(&[SLEEPER]).await;
    lab.clock.until_asleep(NOON + 60_000).await;
    lab.clock.set(NOON - 24 * HOUR);
    let sleeping = lab.start("sleeper", json!({})).await.id;
    lab.clock.advance(Duration::from_hours(1));
    lab.until(sleeping, State::Completed).await;
    lab.clock.set(NOON + 24 * HOUR);
    let sleeping = lab.start("sleeper", json!({})).await.id;
    lab.clock.advance(Duration::from_hours(1));
    lab.until(sleeping, State::Completed).await;
}

#[tokio::test]
async fn the_speed_shortens_durations_and_leaves_moments_true() {
    let lab = Lab::open_with(&[SLEEPER], "rondo.clock.speed=60").await;
    let sleeping = lab.start("sleeper", json!({})).await.id;
    let waits = lab.engine.waits(sleeping).await.unwrap();
    assert!(matches!(waits[0].waiting, Waiting::Sleep { until } if until == NOON + 60_000), "{waits:?}");
    lab.clock.advance(Duration::from_mins(1));
    lab.until(sleeping, State::Completed).await;
    let ended = lab.engine.details(sleeping).await.unwrap().unwrap();
    assert_eq!((ended.started_at, ended.ended_at), (NOON, Some(NOON + 60_000)));
}

#[tokio::test]
async fn moments_that_cannot_be_read_are_asked_for_again() {
    let lab = Lab::open(&[SLEEPER]).await;
    let sleeping = lab.start("sleeper", json!({})).await.id;
    lab.store.refuse(Read::Due, 1);
    lab.clock.until_asleep(NOON + 60_000).await;
    lab.clock.set(NOON + HOUR);
    // The timer is beyond the window, so it must be read from the database. The read fails, and is tried again after a second.
    lab.clock.until_asleep(NOON + HOUR + 1000).await;
    lab.clock.advance(Duration::from_secs(1));
    lab.until(sleeping, State::Completed).await;
}

#[tokio::test]
async fn a_thousand_sleepers_are_all_woken_after_a_crash() {
    let lab = Lab::open(&[SLEEPER]).await;
    let mut sleeping = Vec::new();
    for _ in 0..1000 {
        sleeping.push(lab.engine.start("sleeper", Start::default()).await.unwrap().id);
    }
    let lab = lab.crash().await;
    lab.clock.advance(Duration::from_mins(90));
    for id in sleeping {
        lab.until(id, State::Completed).await;
    }
}
