//! Texts read as moments.
//!
//! Promises: a number too large for its field carries over, as in `2024-13-45`; text behind the pattern is ignored. Never: reads weeks,
//! whose letters work for writing only.

use jaq_core::{Error, ValR};
use jiff::{Timestamp, tz::TimeZone};

use super::{MONTHS, Part, WEEKDAYS, inapplicable, parts, zone};
use crate::{budget, value::Val};

/// Most digits of a number.
const DIGITS: usize = 9;

const DAY: i64 = 86_400_000;

/// Abbreviations of zones, with their offset in hours.
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
    let unreadable = || Error::str(format!("Unparseable date: {}", Val::text(text).preview()));
    moment.map(Val::Int).ok_or_else(unreadable)
}

/// The fields that were read. The others are those of 1970-01-01T00:00:00.
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
    /// Offset from UTC in milliseconds.
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
        // A local time that occurs twice is the second; one that is skipped moves forward.
        Some(zone.to_ambiguous_zoned(civil).later().ok()?.timestamp().as_millisecond())
    }
}

/// Days from 1970 to the first day of a month; months may be any number.
fn first_of_month(year: i64, month: i64) -> i64 {
    // Years begin in March here, so that a leap day is the last day of its year.
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
                        // Before another number a number has as many digits as its field has letters.
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
            // The date determines the day of the week.
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

    /// Reads one of these names, whole or its first three letters, in any case; gives its index.
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

    /// Reads an offset in milliseconds: `+0200` or an abbreviation; for `X` also `+02` and `+02:00`.
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

/// Whether the field is a number rather than a name.
fn is_number(letter: char, width: usize) -> bool {
    match letter {
        'M' | 'L' => width <= 2,
        letter => !"GEazZX".contains(letter),
    }
}

/// The year with these last two digits that is less than 80 years ago or at most 20 years ahead.
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
