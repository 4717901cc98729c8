//! Reads `start` with its schedule, and checks the forms of intervals, cron expressions, times and zones.
//!
//! What needs the moments of a schedule (whether it has one at all, for example) is checked when the document is lowered.

use jiff::{Timestamp, civil::DateTime, fmt::temporal::SpanParser, tz::TimeZone};
use serde_json::Value;

use super::{Fields, Reader};
use crate::{
    codes,
    model::{At, Schedule, ScheduleTiming},
};

/// The content of `start`.
#[derive(Default)]
pub(super) struct Start {
    pub(super) state: Option<At<String>>,
    pub(super) schedule: Option<Schedule>,
}

/// `start`: a name, or an object. Editors write `{stateName}` without a schedule.
pub(super) fn read_start(reader: &mut Reader, fields: &mut Fields) -> Start {
    if !fields.take("start").is_some_and(Value::is_object) {
        return Start { state: fields.text(reader, "start"), schedule: None };
    }
    let Some(mut inner) = fields.object(reader, "start") else { return Start::default() };
    "start".clone_into(&mut inner.place);
    let state = inner.required_text(reader, "stateName");
    let has_schedule = inner.text_or_object(reader, "schedule").is_some();
    let schedule = if has_schedule { read_schedule(reader, &mut inner) } else { None };
    inner.finish(reader);
    Start { state, schedule }
}

/// The schedule, if it is valid.
fn read_schedule(reader: &mut Reader, start: &mut Fields) -> Option<Schedule> {
    let at = start.pointer("schedule");
    let Some(Value::Object(_)) = start.take("schedule") else {
        let interval = start.text(reader, "schedule")?;
        let valid = is_valid_interval(reader, &interval);
        return valid.then_some(Schedule { at, timing: ScheduleTiming::Interval(interval), timezone: None });
    };
    let mut fields = start.object(reader, "schedule")?;
    "start, schedule".clone_into(&mut fields.place);
    let interval = fields.text(reader, "interval");
    let cron = read_cron(reader, &mut fields);
    let timezone = fields.text(reader, "timezone");
    let mut valid = is_valid_zone(reader, timezone.as_ref());
    if let Some(interval) = &interval {
        valid &= is_valid_interval(reader, interval);
    }
    if let Some(CronFields { expression, valid_until }) = &cron {
        valid &= is_valid_cron(reader, expression);
        valid &= is_valid_until(reader, valid_until.as_ref());
    }
    let timing = match (interval, cron) {
        (Some(interval), Some(CronFields { expression, .. })) => {
            let message = format!(
                "start: the schedule has both `interval` (`{}`) and `cron` (`{}`); only one may be given",
                interval.value, expression.value
            );
            reader.deviation(codes::INVALID_SCHEDULE, &fields.at, message);
            None
        }
        (None, None) => {
            let message = "start: the schedule needs one of `interval` and `cron`";
            reader.deviation(codes::INVALID_SCHEDULE, &fields.at, message);
            None
        }
        (Some(interval), None) => Some(ScheduleTiming::Interval(interval)),
        (None, Some(CronFields { expression, valid_until })) => {
            Some(ScheduleTiming::Cron { expression, valid_until })
        }
    };
    fields.finish(reader);
    timing.filter(|_| valid).map(|timing| Schedule { at, timing, timezone })
}

fn is_valid_zone(reader: &mut Reader, zone: Option<&At<String>>) -> bool {
    let Some(zone) = zone.filter(|zone| TimeZone::get(&zone.value).is_err()) else { return true };
    let message = format!("start: the `timezone` `{}` of the schedule is not known", zone.value);
    reader
        .deviation(codes::INVALID_SCHEDULE, &zone.at, message)
        .help("write a name such as Europe/Berlin or UTC");
    false
}

/// The content of `cron`.
struct CronFields {
    expression: At<String>,
    valid_until: Option<At<String>>,
}

/// `cron`: an expression, or an object with one.
fn read_cron(reader: &mut Reader, schedule: &mut Fields) -> Option<CronFields> {
    if !schedule.take("cron").is_some_and(Value::is_object) {
        let expression = schedule.text(reader, "cron")?;
        return Some(CronFields { expression, valid_until: None });
    }
    let mut inner = schedule.object(reader, "cron")?;
    let expression = inner.required_text(reader, "expression");
    let valid_until = inner.text(reader, "validUntil");
    inner.finish(reader);
    Some(CronFields { expression: expression?, valid_until })
}

fn is_valid_until(reader: &mut Reader, until: Option<&At<String>>) -> bool {
    let Some(until) = until.filter(|until| !is_moment(&until.value)) else { return true };
    let message = format!("start: the `validUntil` `{}` of the schedule is no ISO 8601 time", until.value);
    reader
        .deviation(codes::INVALID_SCHEDULE, &until.at, message)
        .help("write a date with time, such as 2030-01-31T12:00:00Z");
    false
}

fn is_valid_cron(reader: &mut Reader, cron: &At<String>) -> bool {
    let fields: Vec<_> = cron.value.split_whitespace().collect();
    let valid = (5..=7).contains(&fields.len())
        && fields.iter().all(|field| {
            field.starts_with(|c: char| c.is_ascii_digit() || "*?LlW".contains(c) || c.is_ascii_alphabetic())
                && field.chars().all(|c| c.is_ascii_alphanumeric() || "*/,-?#".contains(c))
                && field.split([',', '-', '/', '#']).all(is_cron_word)
        });
    if !valid {
        let message =
            format!("start: `cron` of the schedule is `{}`, which is no cron expression", cron.value);
        reader
            .deviation(codes::INVALID_SCHEDULE, &cron.at, message)
            .help("five fields, minute first, or six or seven, second first");
    }
    valid
}

/// A number, a star, or the name of a day or month, with the suffixes that Quartz allows (`5L`, `15W`).
fn is_cron_word(word: &str) -> bool {
    const NAMES: [&str; 19] = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN", "MON",
        "TUE", "WED", "THU", "FRI", "SAT",
    ];
    let word = word.to_ascii_uppercase();
    let bare = word.trim_end_matches(['L', 'W']);
    matches!(word.as_str(), "*" | "?" | "L" | "W" | "LW")
        || (!bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()))
        || NAMES.contains(&word.as_str())
        || NAMES.contains(&bare)
}

/// `R[n]/start/duration`, `R[n]/duration/end`, `R[n]/duration`, or `start/end` that bounds event starts.
fn is_valid_interval(reader: &mut Reader, interval: &At<String>) -> bool {
    let is_duration = |text: &str| {
        crate::parse_duration(text).is_ok() || SpanParser::new().parse_span(text.to_ascii_uppercase()).is_ok()
    };
    let is_repeat =
        |text: &str| text.strip_prefix('R').is_some_and(|count| count.bytes().all(|b| b.is_ascii_digit()));
    let parts: Vec<_> = interval.value.trim().split('/').collect();
    let valid = match parts.as_slice() {
        [repeat, duration] if is_repeat(repeat) => is_duration(duration),
        [start, end] => is_moment(start) && is_moment(end),
        [repeat, a, b] if is_repeat(repeat) => {
            (is_moment(a) && is_duration(b)) || (is_duration(a) && is_moment(b))
        }
        _ => false,
    };
    if !valid {
        let message =
            format!("start: the `interval` `{}` of the schedule is no repeating interval", interval.value);
        reader
            .deviation(codes::INVALID_SCHEDULE, &interval.at, message)
            .help("write R/PT1H, R/2026-01-01T00:00:00Z/P1D, …");
    }
    valid
}

fn is_moment(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok()
}
