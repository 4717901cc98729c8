//! Moments and texts, by the patterns of Java's `SimpleDateFormat`: what SonataFlow's `strftime` and `strptime` take.
//!
//! Promises: the same results on every machine, because time zones are part of the binary and names are English. Dates are Gregorian,
//! also before 1582. An unknown zone is UTC, as in Java.

mod read;

use std::{fmt::Write as _, sync::LazyLock};

use jaq_core::{Error, ValR};
use jiff::{
    Timestamp, Zoned,
    civil::Date,
    tz::{Offset, TimeZone, TimeZoneDatabase},
};

use crate::{budget, value::Val};

pub(super) use read::read;

/// Longest pattern, in bytes.
const LONGEST: usize = 1024;

/// The letters of fields.
const LETTERS: &str = "GyYMLwWDdFEuaHkKhmsSzZX";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A part of a pattern.
enum Part {
    /// Literal text.
    Text(String),
    /// The letter of a field, and how often it is repeated.
    Field(char, usize),
}

/// `strftime`: milliseconds since 1970 as a text.
pub(super) fn write(moment: &Val, pattern: &Val, zone: &Val) -> ValR<Val> {
    let Some(number) = moment.as_number() else { return Err(inapplicable("strftime", moment, "NUMBER")) };
    let parts = parts(pattern)?;
    #[allow(clippy::cast_possible_truncation, reason = "parts of a millisecond do not count")]
    let milliseconds = moment.as_i64().unwrap_or(number as i64);
    let moment = Timestamp::from_millisecond(milliseconds)
        .map_err(|_| Error::str(format!("{} is no moment of the years to 9999", moment.preview())))?
        .to_zoned(self::zone(zone)?);
    let mut text = String::new();
    for part in &parts {
        budget::step();
        match part {
            Part::Text(words) => text.push_str(words),
            Part::Field(letter, width) => write_field(&mut text, *letter, *width, &moment),
        }
    }
    Ok(Val::text(text))
}

fn write_field(text: &mut String, letter: char, width: usize, moment: &Zoned) {
    let date = moment.date();
    let sunday_first = |date: Date| i64::from(date.weekday().to_sunday_zero_offset());
    let number = match letter {
        'G' => return text.push_str(if date.year() > 0 { "AD" } else { "BC" }),
        'y' | 'Y' => {
            let in_next = letter == 'Y' && week_of_year(date) == 1 && date.month() == 12;
            let year = i64::from(date.year()) + i64::from(in_next);
            let year = if year > 0 { year } else { 1 - year };
            if width == 2 { year % 100 } else { year }
        }
        'M' | 'L' if width > 2 => return text.push_str(name(&MONTHS, i64::from(date.month()) - 1, width)),
        'M' | 'L' => i64::from(date.month()),
        'w' => week_of_year(date),
        'W' => (i64::from(date.day()) - 1 + sunday_first(date.first_of_month())) / 7 + 1,
        'D' => i64::from(date.day_of_year()),
        'd' => i64::from(date.day()),
        'F' => (i64::from(date.day()) - 1) / 7 + 1,
        'E' => return text.push_str(name(&WEEKDAYS, sunday_first(date), width)),
        'u' => i64::from(date.weekday().to_monday_one_offset()),
        'a' => return text.push_str(if moment.hour() < 12 { "AM" } else { "PM" }),
        'H' => i64::from(moment.hour()),
        'k' => (i64::from(moment.hour()) + 23) % 24 + 1,
        'K' => i64::from(moment.hour()) % 12,
        'h' => (i64::from(moment.hour()) + 11) % 12 + 1,
        'm' => i64::from(moment.minute()),
        's' => i64::from(moment.second()),
        'S' => i64::from(moment.millisecond()),
        _ => return write_zone(text, letter, width, moment),
    };
    let _ = write!(text, "{number:0width$}");
}

fn write_zone(text: &mut String, letter: char, width: usize, moment: &Zoned) {
    let zone = moment.time_zone().to_offset_info(moment.timestamp());
    let seconds = zone.offset().seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let _ = match (letter, width) {
        ('z', _) if !zone.abbreviation().starts_with(['+', '-']) => write!(text, "{}", zone.abbreviation()),
        ('z', _) => write!(text, "GMT{sign}{hours:02}:{minutes:02}"),
        ('X', _) if seconds == 0 => write!(text, "Z"),
        ('X', 1) => write!(text, "{sign}{hours:02}"),
        ('X', 3) => write!(text, "{sign}{hours:02}:{minutes:02}"),
        _ => write!(text, "{sign}{hours:02}{minutes:02}"),
    };
}

/// Weeks begin on Sunday, and the first of a year is that of its first day.
fn week_of_year(date: Date) -> i64 {
    let before = i64::from(date.first_of_year().weekday().to_sunday_zero_offset());
    let week = (i64::from(date.day_of_year()) - 1 + before) / 7 + 1;
    let left = i64::from(date.days_in_year()) - i64::from(date.day_of_year());
    let next_year_begins = left + i64::from(date.weekday().to_sunday_zero_offset()) < 6;
    if next_year_begins { 1 } else { week }
}

/// The whole name, or its beginning.
fn name<'a>(names: &[&'a str], index: i64, width: usize) -> &'a str {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
    if width > 3 { name } else { name.get(..3).unwrap_or(name) }
}

/// Reads a pattern.
fn parts(pattern: &Val) -> Result<Vec<Part>, Error<Val>> {
    let Some(pattern) = pattern.as_str() else {
        return Err(Error::str(format!("Illegal argument type: {}", pattern.type_name())));
    };
    if pattern.len() > LONGEST {
        return Err(Error::str(format!("a pattern may have {LONGEST} bytes, this has {}", pattern.len())));
    }
    let (mut parts, mut quoted) = (Vec::new(), false);
    let mut letters = pattern.chars().peekable();
    while let Some(next) = letters.next() {
        let is_field = next.is_ascii_alphabetic() && !quoted;
        // Two quotes are a literal quote, also within quotes.
        if next == '\'' && letters.next_if_eq(&'\'').is_none() {
            quoted = !quoted;
            continue;
        }
        if is_field && !LETTERS.contains(next) {
            return Err(Error::str(format!("Illegal pattern character '{next}'")));
        }
        match parts.last_mut() {
            Some(Part::Field(letter, width)) if is_field && *letter == next => *width += 1,
            Some(Part::Text(text)) if !is_field => text.push(next),
            _ if is_field => parts.push(Part::Field(next, 1)),
            _ => parts.push(Part::Text(next.into())),
        }
    }
    if quoted {
        return Err(Error::str("Unterminated quote"));
    }
    if parts.iter().any(|part| matches!(part, Part::Field('X', 4..))) {
        return Err(Error::str("invalid ISO 8601 format"));
    }
    Ok(parts)
}

/// A zone by its name or offset: `Europe/Berlin`, `GMT+2`, `GMT-03:30`.
fn zone(name: &Val) -> Result<TimeZone, Error<Val>> {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    let name = name.as_str().ok_or_else(|| Error::str("Timezone must be a string"))?;
    let distance = name.strip_prefix("GMT").and_then(distance);
    let known = distance.or_else(|| ZONES.get(name).or_else(|_| ZONES.get("GMT")).ok());
    Ok(known.unwrap_or(TimeZone::UTC))
}

fn distance(text: &str) -> Option<TimeZone> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    (hours < 24 && minutes < 60).then(|| Offset::from_seconds(seconds).ok().map(TimeZone::fixed))?
}

fn inapplicable(function: &str, value: &Val, expected: &str) -> Error<Val> {
    let kind = value.type_name().to_uppercase();
    Error::str(format!("{function} is not applicable to {kind}; expected one of [{expected}]"))
}
