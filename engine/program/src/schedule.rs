//! The moments at which a schedule starts instances.
//!
//! Owns: [`Schedule`], a cron expression or a repeating interval in a time zone; [`StartWindow`], which bounds the time in which events start
//! instances. Promises: the moments of a schedule are strictly increasing, and the same whoever asks and whenever; a time of day that a
//! change of the clocks skips starts once, at the change; one that it repeats starts once, at the first time. Never: reads a clock.
//! Source: Serverless Workflow 0.8, "Schedule Definition"; rules 109 to 111.

mod cron;
mod interval;

use std::fmt::{self, Display, Formatter};

use jiff::Timestamp;
pub use jiff::tz::TimeZone;

pub use cron::{Cron, CronError};
pub use interval::{IntervalError, Repetition};

/// A year is not longer, whatever the calendar.
const LONGEST_YEAR: i64 = 366 * 24 * 3_600_000;

/// How far back [`Schedule::previous`] looks: a 29 February on a certain day of the week comes every 28 years, and every 40 around 2100.
const LOOK_BACK: i64 = 41 * LONGEST_YEAR;

/// When instances of a workflow are started. Moments are milliseconds since 1970, UTC.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// How the moments are found.
    pub timing: Timing,
    /// The zone of the times of day and of calendar steps.
    pub zone: TimeZone,
}

/// How the moments of a schedule are found.
#[derive(Debug, Clone)]
pub enum Timing {
    /// By a cron expression.
    Cron(Box<Cron>),
    /// By a repeating interval.
    Interval(Repetition),
}

impl Schedule {
    /// The first moment after `after`; `None` if there is none. `engine_started` is the moment from which an interval without a start counts.
    pub fn next_after(&self, after: i64, engine_started: i64) -> Option<i64> {
        match &self.timing {
            Timing::Cron(cron) => cron.next_after(after, &self.zone),
            Timing::Interval(interval) => interval.next_after(after, engine_started, &self.zone),
        }
    }

    /// The last moment that is after `after` and not after `until`; `None` if there is none.
    pub fn last_within(&self, after: i64, until: i64, engine_started: i64) -> Option<i64> {
        let is_followed = |moment| self.next_after(moment, engine_started).is_some_and(|next| next <= until);
        // From `low` on another moment follows until `until`, and from `high` on none does: the last moment is the first with none.
        let (mut low, mut high) = (after, until);
        if low >= high || !is_followed(low) {
            return None;
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            if is_followed(middle) { low = middle } else { high = middle }
        }
        Some(high)
    }

    /// The last moment before `moment`; `None` if there is none for decades.
    pub fn previous(&self, moment: i64, engine_started: i64) -> Option<i64> {
        self.last_within(moment.saturating_sub(LOOK_BACK), moment.saturating_sub(1), engine_started)
    }

    /// Whether the moments depend on when the engine started.
    pub fn counts_from_engine_start(&self) -> bool {
        matches!(&self.timing, Timing::Interval(interval) if interval.counts_from_engine_start())
    }

    /// Whether it has a moment at all.
    pub fn has_moments(&self) -> bool {
        let beginning = match &self.timing {
            // Nothing is scheduled for the past, and a search from the year -9999 would walk through it day by day.
            Timing::Cron(_) => 0,
            Timing::Interval(_) => Timestamp::MIN.as_millisecond(),
        };
        self.next_after(beginning, 0).is_some()
    }
}

impl Display for Schedule {
    /// The schedule on one line. Two schedules with the same text have the same moments.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.timing, self.zone_name())
    }
}

impl Display for Timing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => write!(f, "cron {cron}"),
            Self::Interval(interval) => write!(f, "interval {interval}"),
        }
    }
}

impl Schedule {
    /// Name of the time zone.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

/// The time in which events may start instances, in milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartWindow {
    /// The first moment that belongs to it.
    pub from: i64,
    /// The first moment that does not belong to it any more.
    pub until: i64,
}

impl StartWindow {
    /// Whether events may start instances at `moment`.
    pub fn contains(&self, moment: i64) -> bool {
        (self.from..self.until).contains(&moment)
    }
}

impl Display for StartWindow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "from {} until {}", InUtc(self.from), InUtc(self.until))
    }
}

/// A moment as people read it.
struct InUtc(i64);

impl Display for InUtc {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

/// Reads a date with time, with an offset or in a zone. `None` if it is none.
pub fn parse_moment(text: &str, zone: &TimeZone) -> Option<i64> {
    rondo_definition::parse_moment(text).or_else(|| {
        let civil = text.trim().parse::<jiff::civil::DateTime>().ok()?;
        Some(zone.to_timestamp(civil).ok()?.as_millisecond())
    })
}
