//! Parses ISO 8601 durations, and the moments that may stand in their place.
//!
//! A day has 24 hours, and a week has seven days. Months and years are refused, because they have no fixed length. Days and weeks after the `T`
//! (`PT30D`) are accepted, because examples of the specification contain them.

use std::time::Duration;

use jiff::{
    SpanRelativeTo, Timestamp,
    fmt::temporal::{Pieces, SpanParser},
};

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not ISO 8601.
    #[error("`{0}` is not an ISO 8601 duration such as PT30S, PT1H30M or P2D")]
    Syntax(String),
    /// Months or years.
    #[error("`{0}` has months or years, whose length is not fixed; write days")]
    Calendar(String),
    /// Below zero, or too long for [`Duration`].
    #[error("`{0}` is negative or too long for a duration")]
    Range(String),
}

/// Parses an ISO 8601 duration, in upper or lower case, with or without surrounding blanks.
///
/// Months, years and negative durations are errors. The error contains the text and says what to write instead.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let syntax = || DurationError::Syntax(text.to_owned());
    let trimmed = text.trim();
    let upper = trimmed.to_ascii_uppercase();
    let strict = move_misplaced_designators(&upper).unwrap_or(upper);
    if !strict.trim_start_matches(['+', '-']).starts_with('P') {
        return Err(syntax());
    }
    let span = SpanParser::new().parse_span(&strict).map_err(|_| syntax())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(DurationError::Calendar(text.to_owned()));
    }
    let signed = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| DurationError::Range(text.to_owned()))?;
    Duration::try_from(signed).map_err(|_| DurationError::Range(text.to_owned()))
}

/// Parses a moment such as `2027-01-31T09:00:00Z`, with any offset: milliseconds since 1970. `None` for any other text.
///
/// The last two days of the year 9999, by which people mean that something never ends, may lie behind the last moment there is, and are that
/// one then.
pub fn parse_moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let moment = text.parse::<Timestamp>().ok().or_else(|| {
        let pieces = Pieces::parse(text).ok()?;
        let is_moment = pieces.time().is_some() && pieces.to_numeric_offset().is_some();
        (is_moment && pieces.date() >= LAST_WHOLE_DAY).then_some(Timestamp::MAX)
    });
    // Milliseconds of the last second are no moment any more.
    moment.map(|moment| moment.as_millisecond().min(Timestamp::MAX.as_second() * 1000))
}

/// The day on which the range of moments ends.
const LAST_WHOLE_DAY: jiff::civil::Date = jiff::civil::date(9999, 12, 30);

/// Whether a text has days or weeks after the `T`. Such a duration is valid, but callers warn about it.
pub fn has_misplaced_designator(text: &str) -> bool {
    move_misplaced_designators(&text.trim().to_ascii_uppercase()).is_some()
}

/// Rewrites `PT1W2DT3H` and similar forms with days and weeks before the `T`; `None` for other texts.
fn move_misplaced_designators(upper: &str) -> Option<String> {
    let (date, time) = upper.split_once('T')?;
    let end = time.rfind(['D', 'W'])?;
    let (days, rest) = time.split_at(end + 1);
    let rest = rest.strip_prefix('T').unwrap_or(rest);
    let separator = if rest.is_empty() { "" } else { "T" };
    Some(format!("{date}{days}{separator}{rest}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DurationError, has_misplaced_designator, parse_duration, parse_moment};

    #[test]
    fn durations_have_seconds() {
        for (text, seconds) in [
            ("PT0S", 0.0),
            ("PT30S", 30.0),
            ("PT0.5S", 0.5),
            ("PT1H30M", 5400.0),
            ("P1D", 86_400.0),
            ("P1DT1S", 86_401.0),
            ("P90D", 7_776_000.0),
            ("P2W", 1_209_600.0),
            ("PT72H", 259_200.0),
            ("pt5s", 5.0),
            (" PT5S ", 5.0),
            ("PT30D", 2_592_000.0),
            ("PT2W", 1_209_600.0),
            ("PT1D2H", 93_600.0),
        ] {
            let duration = parse_duration(text).unwrap_or_else(|error| panic!("{error}"));
            assert!((duration.as_secs_f64() - seconds).abs() < 1e-9, "{text} is {duration:?}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        for (text, expected) in [
            ("5 minutes", "syntax"),
            ("1h 30m", "syntax"),
            ("", "syntax"),
            ("P", "syntax"),
            ("PT", "syntax"),
            ("PT5", "syntax"),
            ("${ .timeout }", "syntax"),
            ("P1M", "calendar"),
            ("P1Y", "calendar"),
            ("-PT5S", "range"),
        ] {
            let kind = match parse_duration(text) {
                Ok(duration) => panic!("{text} is {duration:?}"),
                Err(DurationError::Syntax(_)) => "syntax",
                Err(DurationError::Calendar(_)) => "calendar",
                Err(DurationError::Range(_)) => "range",
            };
            assert_eq!(kind, expected, "{text}");
        }
    }

    #[test]
    fn moments_have_an_offset_and_end_with_the_year_9999() {
        for (text, milliseconds) in [
            ("1970-01-01T00:00:01Z", Some(1000)),
            (" 1970-01-01T02:00:00+02:00 ", Some(0)),
            ("9999-12-30T22:00:00Z", Some(253_402_207_200_000)),
            ("9999-12-31T23:59:59Z", Some(253_402_207_200_000)),
            ("9999-12-31T23:59:59.999999999+14:00", Some(253_402_207_200_000)),
            ("9999-12-31T23:59:59", None),
            ("9999-12-31", None),
            ("10000-01-01T00:00:00Z", None),
            ("2027-02-30T00:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(parse_moment(text), milliseconds, "{text}");
        }
    }

    #[test]
    fn only_days_and_weeks_after_the_t_are_misplaced() {
        for (text, expected) in
            [("PT30D", true), ("PT2W", true), ("P30D", false), ("PT30S", false), ("P1DT2H", false)]
        {
            assert_eq!(has_misplaced_designator(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_duration_or_an_error(text in "[-+]?P?[0-9A-Za-z. ]{0,12}|\\PC*") {
            let _ = parse_duration(&text);
            let _ = has_misplaced_designator(&text);
        }
    }
}
