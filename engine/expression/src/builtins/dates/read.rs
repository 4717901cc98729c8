//! Texts read as moments.
//!
//! Promises: a number too large for its place goes over into the next, as `2024-13-45`; what follows behind the pattern does
//! not count. Never: reads weeks, whose letters are good for writing only.

use jaq_core::{Error, ValR};
use jiff::{Timestamp, tz::TimeZone};

use super::{MONTHS, Part, WEEKDAYS, inapplicable, parts, zone};
use crate::{budget, value::Val};

/// Digits of a number that are read at most.
const DIGITS: usize = 9;

const DAY: i64 = 86_400_000;

/// Zones that texts name by their letters, with hours from Greenwich.
const NAMED: [(&str, i64); 20] = [
    ("GMT", 0),
    ("UTC", 0),
    ("WEST", 1),
    ("WET", 0),
    ("CEST", 2),
    ("CET", 1),
    ("BST", 1),
    ("EEST", 3),
    ("EET", 2),
    ("MSK", 3),
    ("JST", 9),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("Z", 0),
];

/// `strptime`: a text as milliseconds since 1970. `now` says in which century two digits of a year are.
pub(in super::super) fn read(text: &Val, pattern: &Val, zone: &Val, now: i64) -> ValR<Val> {
    let Some(text) = text.as_str() else { return Err(inapplicable("strptime", text, "STRING")) };
    let parts = parts(pattern)?;
    let zone = self::zone(zone)?;
    let mut reader = Reader { rest: text, fields: Fields::default(), now };
    let moment = reader.read(&parts).filter(|()| reader.rest.len() < text.len());
    let moment = moment.and_then(|()| reader.fields.moment(&zone));
    let unreadable = || Error::str(format!("Unparseable date: {}", Val::text(text).shown()));
    moment.map(Val::Int).ok_or_else(unreadable)
}

/// What was read; what was not is that of the beginning of 1970.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    afternoon: bool,
    minute: i64,
    second: i64,
    millisecond: i64,
    /// Milliseconds from Greenwich.
    offset: Option<i64>,
}

impl Fields {
    fn moment(&self, zone: &TimeZone) -> Option<i64> {
        let year = match self.year {
            Some(year) if self.before_christ => 1 - year,
            year => year.unwrap_or(1970),
        };
        let days = match (self.day_of_year, self.day) {
            (Some(day), None) => first_of_month(year, 1) + day,
            (_, day) => first_of_month(year, self.month.unwrap_or(1)) + day.unwrap_or(1),
        };
        let hour = self.hour + if self.afternoon { 12 } else { 0 };
        let time = hour * 3_600_000 + self.minute * 60_000 + self.second * 1000 + self.millisecond;
        let local = (days - 1).checked_mul(DAY)?.checked_add(time)?;
        if let Some(offset) = self.offset {
            return local.checked_sub(offset);
        }
        let civil = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(local).ok()?);
        // Of an hour that comes twice, the second; one that is left out, is later.
        Some(zone.to_ambiguous_zoned(civil).later().ok()?.timestamp().as_millisecond())
    }
}

/// Days from 1970 to the first day of a month; months may be any number.
fn first_of_month(year: i64, month: i64) -> i64 {
    // Years are taken to begin in March, so that the day of a leap year is the last.
    let months = year * 12 + month - 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 - 719_468
}

struct Reader<'a> {
    rest: &'a str,
    fields: Fields,
    now: i64,
}

impl Reader<'_> {
    fn read(&mut self, parts: &[Part]) -> Option<()> {
        for (index, part) in parts.iter().enumerate() {
            budget::step();
            match part {
                Part::Text(text) => self.rest = self.rest.strip_prefix(text.as_str())?,
                Part::Field(letter, width) => {
                    self.rest = self.rest.trim_start_matches([' ', '\t']);
                    let digits = match parts.get(index + 1) {
                        // Numbers that touch have as many digits as they have letters.
                        Some(Part::Field(next, count)) if is_number(*next, *count) => (*width).min(DIGITS),
                        _ => DIGITS,
                    };
                    self.field(*letter, *width, digits)?;
                }
            }
        }
        Some(())
    }

    fn field(&mut self, letter: char, width: usize, digits: usize) -> Option<()> {
        match letter {
            'G' => self.fields.before_christ = self.name(&["AD", "BC"])? == 1,
            'M' | 'L' if width > 2 => self.fields.month = Some(self.name(&MONTHS)? + 1),
            // The date says what day it is.
            'E' => drop(self.name(&WEEKDAYS)?),
            'a' => self.fields.afternoon = self.name(&["AM", "PM"])? == 1,
            'z' | 'Z' | 'X' => self.fields.offset = Some(self.offset(letter, width)?),
            _ => {
                let before = self.rest.len();
                let number = self.number(digits)?;
                let short = width <= 2 && before - self.rest.len() == 2;
                let fields = &mut self.fields;
                match letter {
                    'y' if short => fields.year = Some(of_two_digits(number, self.now)),
                    'y' => fields.year = Some(number),
                    'M' | 'L' => fields.month = Some(number),
                    'd' => fields.day = Some(number),
                    'D' => fields.day_of_year = Some(number),
                    'H' | 'K' => fields.hour = number,
                    'k' => fields.hour = if number == 24 { 0 } else { number },
                    'h' => fields.hour = if number == 12 { 0 } else { number },
                    'm' => fields.minute = number,
                    's' => fields.second = number,
                    'S' => fields.millisecond = number,
                    _ => return None,
                }
            }
        }
        Some(())
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let ends = self.rest.bytes().take(digits).position(|byte| !byte.is_ascii_digit());
        let (number, rest) = self.rest.split_at_checked(ends.unwrap_or(digits.min(self.rest.len())))?;
        self.rest = rest;
        number.parse().ok()
    }

    /// Which of these names stands there, whole or its first three letters, large or small.
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        let rest = self.rest;
        let begins =
            |part: &str| rest.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part));
        let (index, length) = names.iter().enumerate().find_map(|(index, name)| {
            let short = name.get(..3).unwrap_or(name);
            let found = [name, short].into_iter().find(|part| begins(part))?;
            Some((index, found.len()))
        })?;
        self.rest = rest.get(length..)?;
        i64::try_from(index).ok()
    }

    /// Milliseconds from Greenwich: `+0200`, the letters of a zone; for `X` also `+02` and `+02:00`.
    fn offset(&mut self, letter: char, width: usize) -> Option<i64> {
        let named =
            NAMED.iter().find(|(name, _)| (letter == 'X') == (*name == "Z") && self.rest.starts_with(name));
        if let Some((name, hours)) = named {
            self.rest = self.rest.strip_prefix(name)?;
            if *name != "GMT" || !self.rest.starts_with(['+', '-']) {
                return Some(hours * 3_600_000);
            }
        }
        let has_colon = named.is_some() || letter == 'X' && width == 3;
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let hours = self.number(2)?;
        if has_colon {
            self.rest = self.rest.strip_prefix(':')?;
        }
        let minutes = if letter == 'X' && width == 1 { 0 } else { self.number(2)? };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600_000 + minutes * 60_000))
    }
}

/// Whether a number is read there, rather than a name.
fn is_number(letter: char, width: usize) -> bool {
    match letter {
        'M' | 'L' => width <= 2,
        letter => !"GEazZX".contains(letter),
    }
}

/// The year of two digits that is less than 80 years ago, or 20 years ahead at most.
fn of_two_digits(number: i64, now: i64) -> i64 {
    let year =
        Timestamp::from_millisecond(now).map_or(1970, |now| i64::from(TimeZone::UTC.to_datetime(now).year()));
    let first = year - 80;
    let candidate = first - first.rem_euclid(100) + number;
    if candidate <= first { candidate + 100 } else { candidate }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_of_a_year_are_near_now() {
        let year_2026 = 1_780_000_000_000;
        for (text, pattern, moment) in [
            ("24-3-5", "yy-M-d", Some(1_709_596_800_000)),
            ("99-01-01", "yy-MM-dd", Some(915_148_800_000)),
            ("47-01-01", "yy-MM-dd", Some(-725_846_400_000)),
            ("46-01-01", "yy-MM-dd", Some(2_398_377_600_000)),
            ("AD 2024", "G yyyy", Some(1_704_067_200_000)),
            ("10:11 Z", "HH:mm X", Some(36_660_000)),
            ("10:11 Z", "HH:mm Z", None),
            ("10:11 GMT+02:00", "HH:mm z", Some(29_460_000)),
            ("999999999", "yyyy", None),
            ("1999999999999", "yyyy", None),
            ("ünï", "MMM", None),
            ("12", "ww", None),
        ] {
            let read = read(&Val::text(text), &Val::text(pattern), &Val::text("UTC"), year_2026);
            assert_eq!(read.ok(), moment.map(Val::Int), "{text}");
        }
    }
}
