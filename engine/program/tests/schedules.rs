//! The moments of schedules: certain ones, and what holds of all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;
use rondo_program::{
    Schedule,
    schedule::{Cron, Repetition, StartWindow, Timing, parse_moment},
};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn cron(text: &str, zone_name: &str) -> Schedule {
    let cron = Cron::parse(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
    Schedule { timing: Timing::Cron(Box::new(cron)), zone: zone(zone_name) }
}

fn interval(text: &str, zone_name: &str) -> Schedule {
    let zone = zone(zone_name);
    let repetition = Repetition::parse(text, &zone).unwrap_or_else(|error| panic!("{text}: {error}"));
    Schedule { timing: Timing::Interval(repetition), zone }
}

fn moment(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// The moments after `after` as the clocks of the zone show them, five at most.
fn moments(schedule: &Schedule, after: &str) -> Vec<String> {
    let mut at = moment(after);
    let mut shown = Vec::new();
    while let Some(next) = schedule.next_after(at, moment("2026-11-29T12:00:00Z")).filter(|_| shown.len() < 5)
    {
        let zoned = Timestamp::from_millisecond(next).unwrap().to_zoned(schedule.zone.clone());
        shown.push(zoned.strftime("%Y-%m-%d %H:%M:%S %z").to_string());
        at = next;
    }
    shown
}

/// Checks the first moments after `after`.
#[track_caller]
fn check(schedule: &Schedule, after: &str, expected: &[&str]) {
    let shown = moments(schedule, after);
    assert_eq!(&shown[..expected.len().min(shown.len())], expected, "{schedule}");
}

/// Checks that these are all moments after `after`.
#[track_caller]
fn check_all(schedule: &Schedule, after: &str, expected: &[&str]) {
    assert_eq!(moments(schedule, after), expected, "{schedule}");
}

#[test]
fn cron_expressions_have_five_six_or_seven_fields() {
    let from = "2026-11-29T12:00:00Z";
    for (text, first) in [
        ("*/15 * * * *", "2026-11-29 12:15:00 +0000"),
        ("0 9 * * MON-FRI", "2026-11-30 09:00:00 +0000"),
        ("0 0/15 * * * ?", "2026-11-29 12:15:00 +0000"),
        ("30 0/15 * * * *", "2026-11-29 12:00:30 +0000"),
        ("0 0 9 ? * 6#3", "2026-12-18 09:00:00 +0000"),
        ("0 0 9 L * ?", "2026-11-30 09:00:00 +0000"),
        ("0 0 9 LW * ?", "2026-11-30 09:00:00 +0000"),
        ("0 0 9 1 1 ? 2030", "2030-01-01 09:00:00 +0000"),
        ("0 0 29 2 *", "2028-02-29 00:00:00 +0000"),
        // One is Sunday in Quartz, and Monday in cron.
        ("0 0 9 ? * 1", "2026-12-06 09:00:00 +0000"),
        ("0 9 * * 1", "2026-11-30 09:00:00 +0000"),
        ("0 0 9 * * 1", "2026-11-30 09:00:00 +0000"),
        // Both days in Quartz, either one in cron. 13 November 2026 is a Friday.
        ("0 0 9 13 * FRI *", "2027-08-13 09:00:00 +0000"),
        ("0 9 13 * FRI", "2026-12-04 09:00:00 +0000"),
    ] {
        assert_eq!(moments(&cron(text, "UTC"), from).first().map(String::as_str), Some(first), "{text}");
    }
    for text in [
        "",
        "*",
        "* * * *",
        "* * * * * * * *",
        "60 * * * *",
        "@daily",
        "0 0 9 ? * 8",
        "0 0 0 ? * +MON",
        "ä * * * *",
    ] {
        assert!(Cron::parse(text, None).is_err(), "{text}");
    }
}

#[test]
fn a_schedule_that_never_comes_is_found_out() {
    for text in ["0 0 31 2 *", "0 0 0 31 2 ?", "0 0 0 31 4,6,9,11 ?", "0 0 0 1 1 ? 1969"] {
        assert!(!cron(text, "Europe/Berlin").has_moments(), "{text}");
    }
    let ended = Cron::parse("0 0 0 1 1 ? 2031", Some(moment("2030-01-01T00:00:00Z"))).unwrap();
    assert!(!Schedule { timing: Timing::Cron(Box::new(ended)), zone: TimeZone::UTC }.has_moments());
    for text in [
        "R0/PT1H",
        "R0/2026-01-01T00:00:00Z/PT1H",
        "R0/PT1H/2026-01-01T00:00:00Z",
        "R/P9999Y/2026-01-01T00:00:00Z",
    ] {
        let at = if text.starts_with("R/") { -moment("2026-01-01T00:00:00Z") } else { 0 };
        assert_eq!(interval(text, "UTC").next_after(at, 0), None, "{text}");
    }
}

#[test]
fn no_moment_is_after_valid_until() {
    let until = Cron::parse("0 * * * *", Some(moment("2026-11-29T14:00:00Z"))).unwrap();
    let schedule = Schedule { timing: Timing::Cron(Box::new(until)), zone: TimeZone::UTC };
    check_all(&schedule, "2026-11-29T12:00:00Z", &["2026-11-29 13:00:00 +0000", "2026-11-29 14:00:00 +0000"]);
}

#[test]
fn a_time_that_the_clocks_skip_starts_once() {
    // At 02:00 the clocks are set to 03:00.
    check(
        &cron("30 2 * * *", "Europe/Berlin"),
        "2026-03-27T12:00:00Z",
        &["2026-03-28 02:30:00 +0100", "2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200"],
    );
    check(
        &cron("*/20 2,3 * * *", "Europe/Berlin"),
        "2026-03-29T00:00:00Z",
        &[
            "2026-03-29 03:00:00 +0200",
            "2026-03-29 03:20:00 +0200",
            "2026-03-29 03:40:00 +0200",
            "2026-03-30 02:00:00 +0200",
        ],
    );
    // From midnight to one o'clock.
    check(&cron("15 0 * * *", "America/Asuncion"), "2024-10-05T12:00:00Z", &["2024-10-06 01:00:00 -0300"]);
}

#[test]
fn a_time_that_the_clocks_repeat_starts_once() {
    // At 03:00 the clocks are set to 02:00.
    check(
        &cron("*/30 2 * * *", "Europe/Berlin"),
        "2026-10-24T22:00:00Z",
        &["2026-10-25 02:00:00 +0200", "2026-10-25 02:30:00 +0200", "2026-10-26 02:00:00 +0100"],
    );
    // Also when it is asked for in the middle of the second time.
    check(&cron("*/30 2 * * *", "Europe/Berlin"), "2026-10-25T01:10:00Z", &["2026-10-26 02:00:00 +0100"]);
}

#[test]
fn what_starts_every_hour_goes_on_while_the_clocks_repeat_one() {
    check(
        &cron("0 30 * * * ?", "Europe/Berlin"),
        "2026-10-24T23:45:00Z",
        &["2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100", "2026-10-25 03:30:00 +0100"],
    );
    check(
        &cron("30 * * * *", "Europe/Berlin"),
        "2026-03-29T00:00:00Z",
        &["2026-03-29 01:30:00 +0100", "2026-03-29 03:30:00 +0200"],
    );
    // The clocks of Lord Howe go back half an hour.
    check(
        &cron("15 * * * *", "Australia/Lord_Howe"),
        "2026-04-04T13:30:00Z",
        &["2026-04-05 01:15:00 +1100", "2026-04-05 02:15:00 +1030"],
    );
}

#[test]
fn an_interval_counts_from_its_start_its_end_or_the_engine() {
    check(
        &interval("R/2026-11-29T11:30:00Z/PT20M", "UTC"),
        "2026-11-29T12:00:00Z",
        &["2026-11-29 12:10:00 +0000", "2026-11-29 12:30:00 +0000"],
    );
    // The first start is the start itself.
    check_all(
        &interval("R2/2026-12-01T00:00:00/PT1H", "Europe/Berlin"),
        "2026-11-29T12:00:00Z",
        &["2026-12-01 00:00:00 +0100", "2026-12-01 01:00:00 +0100"],
    );
    check_all(
        &interval("R/PT20M/2026-11-29T13:00:00Z", "UTC"),
        "2026-11-29T12:00:00Z",
        &["2026-11-29 12:20:00 +0000", "2026-11-29 12:40:00 +0000"],
    );
    check_all(
        &interval("R2/PT1H/2026-11-29T20:00:00Z", "UTC"),
        "2026-11-29T12:00:00Z",
        &["2026-11-29 18:00:00 +0000", "2026-11-29 19:00:00 +0000"],
    );
    check_all(
        &interval("R2/PT90M", "UTC"),
        "2026-11-29T12:00:00Z",
        &["2026-11-29 13:30:00 +0000", "2026-11-29 15:00:00 +0000"],
    );
    for text in [
        "",
        "R",
        "R/",
        "R/PT0S",
        "R/-PT1S",
        "Rx/PT1S",
        "PT1H",
        "R/PT1H/PT1H",
        "R/1 hour",
        "R/2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
    ] {
        assert!(Repetition::parse(text, &TimeZone::UTC).is_err(), "{text}");
    }
}

#[test]
fn months_and_days_are_steps_of_the_calendar() {
    check(
        &interval("R/2026-01-31T09:00:00/P1M", "Europe/Berlin"),
        "2026-01-31T12:00:00Z",
        &["2026-02-28 09:00:00 +0100", "2026-03-31 09:00:00 +0200", "2026-04-30 09:00:00 +0200"],
    );
    check(
        &interval("R/2026-03-28T02:30:00/P1D", "Europe/Berlin"),
        "2026-03-28T00:00:00Z",
        &["2026-03-28 02:30:00 +0100", "2026-03-29 03:30:00 +0200", "2026-03-30 02:30:00 +0200"],
    );
    check(
        &interval("R/2026-03-28T02:30:00/PT24H", "Europe/Berlin"),
        "2026-03-28T12:00:00Z",
        &["2026-03-29 03:30:00 +0200", "2026-03-30 03:30:00 +0200"],
    );
    check(
        &interval("R/2024-02-29T00:00:00Z/P1Y", "UTC"),
        "2026-12-01T00:00:00Z",
        &["2027-02-28 00:00:00 +0000", "2028-02-29 00:00:00 +0000"],
    );
    // The island left out 30 December 2011.
    check(
        &interval("R/2011-12-29T10:00:00/P1D", "Pacific/Apia"),
        "2011-12-29T00:00:00Z",
        &["2011-12-29 10:00:00 -1000", "2011-12-31 10:00:00 +1400", "2012-01-01 10:00:00 +1400"],
    );
}

#[test]
fn the_last_moment_of_a_span_and_the_one_before_are_found() {
    let hourly = cron("0 0 * * * ?", "UTC");
    let (ten, noon) = (moment("2026-11-29T10:00:00Z"), moment("2026-11-29T12:00:00Z"));
    assert_eq!(hourly.last_within(ten, noon, 0), Some(noon));
    assert_eq!(hourly.last_within(ten, noon - 1, 0), Some(noon - 3_600_000));
    assert_eq!(hourly.last_within(noon, noon + 3_599_999, 0), None);
    assert_eq!(hourly.last_within(noon, ten, 0), None);
    assert_eq!(hourly.previous(noon, 0), Some(noon - 3_600_000));
    let leap = cron("0 0 0 29 2 MON *", "UTC");
    assert_eq!(leap.previous(moment("2026-11-29T12:00:00Z"), 0), Some(moment("2016-02-29T00:00:00Z")));
}

#[test]
fn a_window_has_its_start_and_not_its_end() {
    let window = StartWindow { from: 10, until: 20 };
    assert_eq!([9, 10, 19, 20].map(|at| window.contains(at)), [false, true, true, false]);
    assert_eq!(
        parse_moment("2026-01-01T00:00:00", &zone("Europe/Berlin")),
        Some(moment("2025-12-31T23:00:00Z"))
    );
    assert_eq!(parse_moment("soon", &TimeZone::UTC), None);
}

const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Asuncion", "Asia/Kathmandu"];

fn schedules() -> impl Strategy<Value = Schedule> {
    let field = |most: u32| {
        prop_oneof![
            Just("*".to_owned()),
            (0..most).prop_map(|at| at.to_string()),
            (1..most).prop_map(|step| format!("*/{step}"))
        ]
    };
    let crons = (
        field(60),
        field(60),
        field(24),
        prop::sample::select(&["*", "1", "15", "L", "29"][..]),
        prop::sample::select(&ZONES[..]),
    )
        .prop_map(|(second, minute, hour, day, zone)| {
            cron(&format!("{second} {minute} {hour} {day} * ?"), zone)
        });
    let durations =
        prop::sample::select(&["PT1S", "PT7M", "PT1H30M", "P1D", "P1W", "P1M", "P1M3DT5H", "P1Y"][..]);
    let intervals = (durations, 0..3, 0..400_i64, prop::sample::select(&ZONES[..])).prop_map(
        |(every, form, day, zone)| {
            let anchor = Timestamp::from_second(1_760_000_000 + day * 86_400).unwrap();
            let text = match form {
                0 => format!("R/{every}"),
                1 => format!("R/{anchor}/{every}"),
                _ => format!("R/{every}/{anchor}"),
            };
            interval(&text, zone)
        },
    );
    prop_oneof![crons, intervals]
}

/// A moment of 2025 or 2026.
fn any_moment() -> impl Strategy<Value = i64> {
    1_735_689_600_000..1_798_761_600_000_i64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn moments_increase_and_do_not_depend_on_who_asks(schedule in schedules(), from in any_moment(), gap in 0..10_000_000_i64) {
        let started = 1_735_689_600_000;
        let mut last = from;
        for _ in 0..6 {
            let Some(next) = schedule.next_after(last, started) else { break };
            prop_assert!(next > last, "{schedule}: {next} after {last}");
            // Whoever asks between two moments gets the second.
            prop_assert_eq!(schedule.next_after((next - gap).max(last), started), Some(next));
            prop_assert_eq!(schedule.next_after(next - 1, started), Some(next));
            prop_assert_eq!(schedule.last_within(last, next, started), Some(next));
            prop_assert_eq!(schedule.last_within(last, next - 1, started), None);
            if last != from {
                prop_assert_eq!(schedule.previous(next, started), Some(last));
            }
            last = next;
        }
    }

    #[test]
    fn each_time_of_day_comes_once_a_day(hour in 0..24, minute in 0..60, name in prop::sample::select(&ZONES[..])) {
        let schedule = cron(&format!("{minute} {hour} * * *"), name);
        let zone = zone(name);
        let mut at = moment("2024-09-01T00:00:00Z");
        let mut day = Timestamp::from_millisecond(at).unwrap().to_zoned(zone.clone()).date();
        for count in 0..400 {
            let next = schedule.next_after(at, 0).unwrap();
            let shown = Timestamp::from_millisecond(next).unwrap().to_zoned(zone.clone());
            prop_assert!(count == 0 || shown.date() == day.tomorrow().unwrap(), "{shown} after {day}");
            (at, day) = (next, shown.date());
        }
    }

    #[test]
    fn any_text_is_a_schedule_or_an_error(text in "[-0-9*/?,#LWMONR TPSHZ:@+]{0,24}|\\PC{0,12}") {
        let _ = Cron::parse(&text, None);
        let _ = Repetition::parse(&text, &TimeZone::UTC);
        let _ = parse_moment(&text, &TimeZone::UTC);
    }
}
