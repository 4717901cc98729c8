//! Repeating intervals of ISO 8601: `R/start/duration`, `R/duration/end`, `R/duration`, with or without a number behind the `R`.
//!
//! The moments are counted from the start or the end, never from the moment before: so a monthly interval that begins on 31 January has its
//! moments on 28 February and 31 March. Years, months, weeks and days are steps of the calendar in the zone; hours and shorter are time that
//! passes.

use std::fmt::{self, Display, Formatter};

use jiff::{Span, Timestamp, Zoned, fmt::temporal::SpanParser, tz::TimeZone};

use super::parse_moment;

/// A repeating interval.
#[derive(Debug, Clone)]
pub struct Repetition {
    text: String,
    every: Span,
    /// How many moments it has.
    count: Option<i64>,
    anchor: Anchor,
}

/// What the moments are counted from.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    /// The first moment.
    Start(i64),
    /// The last moment is one duration before.
    End(i64),
    /// The first moment is one duration after the engine has started.
    EngineStart,
}

/// Why a text is no repeating interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntervalError {
    /// It has another form.
    #[error("it is none of R/duration, R/start/duration and R/duration/end")]
    Form,
    /// The duration is no duration.
    #[error("`{0}` is not an ISO 8601 duration such as PT30S, PT1H30M, P1D or P1M")]
    Duration(String),
    /// The duration is zero, or so short that moments would fall together.
    #[error("the duration `{0}` is shorter than a millisecond")]
    TooShort(String),
}

impl Repetition {
    /// Reads an interval. Times without an offset are times in `zone`.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, IntervalError> {
        let text = text.trim();
        let parts: Vec<_> = text.split('/').map(str::trim).collect();
        let (repeat, duration, anchor) = match parts.as_slice() {
            [repeat, duration] => (repeat, duration, Anchor::EngineStart),
            [repeat, first, second] => match (parse_moment(first, zone), parse_moment(second, zone)) {
                (Some(start), None) => (repeat, second, Anchor::Start(start)),
                (None, Some(end)) => (repeat, first, Anchor::End(end)),
                _ => return Err(IntervalError::Form),
            },
            _ => return Err(IntervalError::Form),
        };
        let count = match repeat.strip_prefix(['R', 'r']).ok_or(IntervalError::Form)? {
            "" => None,
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                // More than any clock can count to is without end.
                number.parse().ok()
            }
            _ => return Err(IntervalError::Form),
        };
        let every = parse_span(duration)?;
        Ok(Self { text: text.to_owned(), every, count, anchor })
    }

    pub(super) fn counts_from_engine_start(&self) -> bool {
        matches!(self.anchor, Anchor::EngineStart)
    }

    /// The first moment after `after`; `None` if there is none.
    pub(super) fn next_after(&self, after: i64, engine_started: i64, zone: &TimeZone) -> Option<i64> {
        let (origin, first, last) = match self.anchor {
            Anchor::Start(start) => (start, 0, self.count.map(|count| count - 1)),
            Anchor::EngineStart => (engine_started, 1, self.count),
            Anchor::End(end) => return self.next_before_end(after, end, zone),
        };
        let steps = Steps { origin: zoned(origin, zone)?, every: self.every };
        // A moment beyond the calendar is after everything.
        let is_after = |number: i64| steps.moment(number).is_none_or(|moment| moment > after);
        let number = first_that(first, last.unwrap_or(i64::MAX), is_after)?;
        steps.moment(number)
    }

    fn next_before_end(&self, after: i64, end: i64, zone: &TimeZone) -> Option<i64> {
        let steps = Steps { origin: zoned(end, zone)?, every: self.every };
        let count = self.count.unwrap_or(i64::MAX);
        // Counted backwards: a moment before the calendar begins is before everything.
        let is_over = |number: i64| steps.moment(-number).is_none_or(|moment| moment <= after);
        let number = match first_that(1, count, is_over) {
            Some(over) => over - 1,
            None => count,
        };
        if number < 1 { None } else { steps.moment(-number) }
    }
}

impl Display for Repetition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Moments at the same distance from each other, by number.
struct Steps {
    origin: Zoned,
    every: Span,
}

impl Steps {
    /// The moment with this number; `None` if the calendar does not reach so far.
    fn moment(&self, number: i64) -> Option<i64> {
        let distance = self.every.checked_mul(number).ok()?;
        Some(self.origin.checked_add(distance).ok()?.timestamp().as_millisecond())
    }
}

/// The first number from `first` to `last` of which `holds` is true, given that it stays true from there on.
fn first_that(first: i64, last: i64, holds: impl Fn(i64) -> bool) -> Option<i64> {
    if first > last {
        return None;
    }
    let (mut low, mut distance) = (first, 1_i64);
    if holds(low) {
        return Some(low);
    }
    let mut high = loop {
        let high = low.saturating_add(distance).min(last);
        if holds(high) {
            break high;
        }
        if high == last {
            return None;
        }
        low = high;
        distance = distance.saturating_mul(2);
    };
    while high - low > 1 {
        let middle = low.midpoint(high);
        if holds(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

fn zoned(moment: i64, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_millisecond(moment).ok()?.to_zoned(zone.clone()))
}

/// Reads a duration with or without months and years.
fn parse_span(text: &str) -> Result<Span, IntervalError> {
    let invalid = || IntervalError::Duration(text.to_owned());
    let upper = text.to_ascii_uppercase();
    if !upper.starts_with('P') {
        return Err(invalid());
    }
    let span = if let Ok(span) = SpanParser::new().parse_span(&upper) {
        span
    } else {
        // Days and weeks behind the `T`, as examples of the specification have them.
        let duration = crate::parse_duration(text).map_err(|_| invalid())?;
        Span::try_from(duration).map_err(|_| invalid())?
    };
    let steps = Steps { origin: Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC), every: span };
    match steps.moment(1) {
        Some(..1) => Err(IntervalError::TooShort(text.to_owned())),
        _ => Ok(span),
    }
}
