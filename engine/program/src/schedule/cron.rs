//! Cron expressions.
//!
//! There are two dialects, which number the days of the week differently. With `?` or with seven fields an expression is one of Quartz (1 is
//! Sunday); otherwise it is one of cron (0 and 7 are Sunday), with or without seconds. Where an expression names a day of the month and a
//! day of the week, cron takes the days that are one of both, and Quartz those that are both.

use std::fmt::{self, Display, Formatter};

use croner::parser::{CronParser, Seconds, Year};
use jiff::{
    Timestamp, ToSpan,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use super::InUtc;

/// A cron expression with its last moment.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    pattern: croner::Cron,
    /// Whether it names every hour, so that it counts hours instead of times of day.
    is_hourly: bool,
    until: Option<i64>,
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It has too many or too few fields.
    #[error("it has {0} fields; five, six or seven are allowed")]
    Fields(usize),
    /// A field is wrong: its text, and what it would have to be.
    #[error("`{0}` is no {1}")]
    Field(String, &'static str),
    /// The fields do not fit together.
    #[error("{0}")]
    Pattern(String),
}

impl Cron {
    /// Reads an expression with five fields (the first is the minute), or with six or seven (the first is the second, the seventh the year).
    /// After `until`, in milliseconds since 1970, it has no moments.
    pub fn parse(text: &str, until: Option<i64>) -> Result<Self, CronError> {
        let fields: Vec<_> = text.split_whitespace().collect();
        if !(5..=7).contains(&fields.len()) {
            return Err(CronError::Fields(fields.len()));
        }
        // Shortcuts such as `@daily` have one field, and are not part of the specification.
        if let Some(field) = fields.iter().find(|field| !field.is_ascii() || field.contains(['@', '+'])) {
            return Err(CronError::Field((*field).to_owned(), "field of one"));
        }
        let is_quartz = is_quartz(&fields);
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Optional)
            .sloppy_ranges(true)
            .alternative_weekdays(is_quartz)
            .dom_and_dow(is_quartz)
            .build();
        let text = fields.join(" ");
        let pattern = parser.parse(&text).map_err(|error| {
            wrong_field(&fields, parser).unwrap_or_else(|| CronError::Pattern(error.to_string()))
        })?;
        let is_hourly = (0..24).all(|hour| pattern.pattern.hour_match(hour).unwrap_or(false));
        Ok(Self { text, pattern, is_hourly, until })
    }

    /// The first moment after `after`; `None` if there is none.
    pub(super) fn next_after(&self, after: i64, zone: &TimeZone) -> Option<i64> {
        let after = Timestamp::from_millisecond(after).ok()?;
        let next =
            if self.is_hourly { self.next_hour(after, zone) } else { self.next_time_of_day(after, zone) };
        let next = next?.as_millisecond();
        self.until.is_none_or(|until| next <= until).then_some(next)
    }

    /// The next moment of an expression that names times of day. Each time of day is one moment, so the moments are as many as the times.
    fn next_time_of_day(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut civil = zone.to_datetime(after);
        loop {
            civil = self.pattern.find_next_occurrence(&civil, false).ok()?;
            let moment = moment_of(civil, zone)?;
            // Times that the clocks repeat had their moment at the first time; times that they skip have theirs at the change.
            if moment > after {
                return Some(moment);
            }
        }
    }

    /// The next moment of an expression that names every hour: what matters is how the clocks stand, so it goes on while they repeat an hour.
    fn next_hour(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = zone.to_offset(from);
            let civil = self.pattern.find_next_occurrence(&offset.to_datetime(from), inclusive).ok()?;
            let moment = offset.to_timestamp(civil).ok()?;
            match zone.following(from).next() {
                Some(change) if change.timestamp() <= moment => {
                    (from, inclusive) = (change.timestamp(), true);
                }
                _ => return Some(moment),
            }
        }
    }
}

impl Display for Cron {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.until.map_or(Ok(()), |until| write!(f, " until {}", InUtc(until)))
    }
}

/// The first field that is wrong by itself: the parser does not say which one it is.
fn wrong_field(fields: &[&str], parser: CronParser) -> Option<CronError> {
    const NAMES: [&str; 7] =
        ["second", "minute", "hour", "day of the month", "month", "day of the week", "year"];
    let names = if fields.len() == 5 { &NAMES[1..] } else { &NAMES[..] };
    let is_wrong = |place: usize| {
        let mut alone = vec!["*"; fields.len()];
        alone[place] = fields[place];
        parser.parse(&alone.join(" ")).is_err()
    };
    let place = (0..fields.len()).find(|place| is_wrong(*place))?;
    Some(CronError::Field(fields[place].to_owned(), names[place]))
}

/// Whether the fields are an expression of Quartz.
fn is_quartz(fields: &[&str]) -> bool {
    fields.len() == 7 || fields.iter().any(|field| field.contains('?'))
}

/// The moment at which the clocks first show a time; if they skip it, the moment of the change.
fn moment_of(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(civil).ok()
        }
        AmbiguousOffset::Gap { before, .. } => {
            let behind = before.to_timestamp(civil).ok()?.checked_add(1.second()).ok()?;
            zone.preceding(behind).next().map(|change| change.timestamp())
        }
    }
}
