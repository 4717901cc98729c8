//! The formats in which the Data Index writes and reads moments.
//!
//! In the engine a moment is a number of milliseconds since 1970, UTC.

use jiff::Timestamp;

/// ISO 8601 in UTC, without trailing zeros in the fraction: `2026-11-23T20:20:15.32Z`.
pub(crate) fn date_time(moment: i64) -> String {
    let text = in_summary(moment);
    match text.strip_suffix('Z') {
        Some(rest) if rest.contains('.') => format!("{}Z", rest.trim_end_matches('0').trim_end_matches('.')),
        _ => text,
    }
}

/// ISO 8601 in UTC, always with milliseconds. A moment outside of the years -9999 to 9999 becomes the first or the last moment of them.
pub(crate) fn in_summary(moment: i64) -> String {
    let end = if moment < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let time = Timestamp::from_millisecond(moment).unwrap_or(end);
    format!("{time:.3}")
}

/// Reads a date with time and zone; `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_format_of_the_data_index() {
        for (moment, short, long) in [
            (0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            (1_000_320, "1970-01-01T00:16:40.32Z", "1970-01-01T00:16:40.320Z"),
            (1_795_465_207_138, "2026-11-23T20:20:07.138Z", "2026-11-23T20:20:07.138Z"),
            (1_795_465_207_000, "2026-11-23T20:20:07Z", "2026-11-23T20:20:07.000Z"),
            (1_795_465_207_500, "2026-11-23T20:20:07.5Z", "2026-11-23T20:20:07.500Z"),
            (-1, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!((date_time(moment).as_str(), in_summary(moment).as_str()), (short, long));
            assert_eq!(parse(short), Some(moment));
        }
    }

    #[test]
    fn a_moment_is_read_with_its_zone_only() {
        assert_eq!(parse("1970-01-01T02:00:00+02:00"), Some(0));
        assert_eq!(parse("1970-01-01t00:00:00.5z"), Some(500));
        assert_eq!(parse("1969-12-31 22:30:00.001-01:30"), Some(1));
        assert_eq!(parse("2020-01-01"), None);
        assert_eq!(parse("2020-01-01T00:00:00"), None);
        assert_eq!(parse("soon"), None);
    }

    #[test]
    fn a_moment_after_the_year_9999_is_the_last_one() {
        assert_eq!(in_summary(i64::MAX), "9999-12-30T22:00:00.999Z");
        assert_eq!(in_summary(i64::MIN), "-009999-01-02T01:59:59.000Z");
    }
}
