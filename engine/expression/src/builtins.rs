//! jq functions written in Rust: those that the interpreter's library leaves to the value type, and those that differ in SonataFlow's jq.

mod dates;
mod encodings;
mod mathematics;
mod paths;
mod random;
mod regex;
mod searching;
mod sorting;
mod strings;
mod uri;

pub use self::regex::positions_of_pattern;

use std::cmp::Ordering;

use jaq_core::{
    Error, Exn, Native, ValR, ValT as _, ValXs,
    native::{Fun, bome, run, unary, v},
};

use crate::{
    budget,
    jackson_jq::CALLED,
    jq::{Data, functions},
    value::{Numbers, Val, cannot_iterate},
};

/// All functions.
pub(crate) fn funs() -> impl Iterator<Item = Fun<Data>> {
    let functions: Vec<Fun<Data>> = vec![
        run(("length", v(0), |cv| bome(length(cv.1)))),
        run(("tojson", v(0), |cv| bome(Ok(Val::text(cv.1.plain().printed_json(Numbers::Short)))))),
        run(("_tostring", v(0), |cv| bome(Ok(Val::text(cv.1.plain().printed(Numbers::Short)))))),
        run(("fromjson", v(0), |cv| bome(from_json(cv.1)))),
        run(("tonumber", v(0), |cv| bome(to_number(cv.1)))),
        run(("nan", v(0), |_| bome(Ok(Val::Float(f64::NAN))))),
        run(("infinite", v(0), |_| bome(Ok(Val::Float(f64::INFINITY))))),
        run(("isnan", v(0), |cv| bome(Ok(Val::Bool(is_nan(cv.1)))))),
        run(("type", v(0), |cv| bome(Ok(Val::text(cv.1.type_name()))))),
        run(("@csv", v(0), |cv| bome(strings::row(&cv.1, strings::CSV)))),
        run(("@tsv", v(0), |cv| bome(strings::row(&cv.1, strings::TSV)))),
        run(("join", v(1), |cv| unary(cv, |value, separator| strings::join(&value.plain(), &separator)))),
        run(("encode_uri", v(0), |cv| bome(Ok(encodings::encode_uri(&cv.1))))),
        run(("escape_html", v(0), |cv| bome(encodings::escape_html(&cv.1)))),
        run(("unescape_html", v(0), |cv| bome(encodings::unescape_html(&cv.1)))),
        run(("escape_sh", v(0), |cv| bome(encodings::escape_shell(&cv.1)))),
        run(("encode_base64", v(0), |cv| bome(encodings::encode_base64(&cv.1)))),
        run(("decode_base64", v(0), |cv| bome(encodings::decode_base64(&cv.1)))),
        run(("explode", v(0), |cv| bome(encodings::explode(&cv.1.plain())))),
        run(("implode", v(0), |cv| bome(encodings::implode(&cv.1.plain())))),
        run(("_test", v(2), |cv| with_two(cv, regex::test))),
        run(("_matches", v(2), |cv| with_two(cv, regex::matches))),
        run(("_parts", v(2), |cv| with_two(cv, regex::parts))),
        run(("_delpaths", v(1), |cv| unary(cv, |value, paths| paths::delete(value, &paths)))),
        run(("reverse", v(0), |cv| bome(reverse(cv.1)))),
        run(("from_entries", v(0), |cv| bome(from_entries(&cv.1.plain())))),
        run(("startswith", v(1), |cv| {
            unary(cv, |text, part| strings::begins(&text, &part, |text, part| text.starts_with(part)))
        })),
        run(("endswith", v(1), |cv| {
            unary(cv, |text, part| strings::begins(&text, &part, |text, part| text.ends_with(part)))
        })),
        run(("has", v(1), |cv| unary(cv, searching::has))),
        run(("contains", v(1), |cv| unary(cv, searching::checked_contains))),
        run(("indices", v(1), |cv| unary(cv, searching::indices))),
        run(("now", v(0), |cv| {
            #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
            let seconds = cv.0.data().now as f64 / 1000.0;
            bome(Ok(Val::Float(seconds)))
        })),
        run(("strftime", v(2), |cv| with_two(cv, dates::write))),
        run(("strptime", v(2), |mut cv| {
            let (zone, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            bome(dates::read(&cv.1, &pattern, &zone, cv.0.data().now))
        })),
        run(("uuid4", v(0), |_| bome(Ok(random::uuid())))),
        run(("random", v(0), |_| bome(Ok(random::number())))),
        run(("hostname", v(0), |_| bome(Ok(random::host_name())))),
        run(("uriparse", v(0), |cv| bome(uri::parse(&cv.1)))),
        run(("builtins", v(0), |_| bome(Ok(Val::array(functions().map(Val::text)))))),
        run(("halt", v(1), |_| bome(Err(Error::str("halt is not allowed in an expression"))))),
        run(("range", v(3), |mut cv| {
            let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            range(&from, &to, &by)
        })),
    ];
    functions
        .into_iter()
        .chain(mathematics::funs())
        .chain(sorting::funs())
        .chain([called(), paths::further()])
}

/// Whether a regular expression is found in a text.
pub(crate) fn matches(text: &Val, pattern: &Val) -> ValR<Val> {
    regex::test(text, pattern, &Val::Null)
}

/// The identity, which counts how often it is called.
fn called() -> Fun<Data> {
    let native = Native::new(|cv| {
        budget::call();
        Val::once(Ok(cv.1))
    });
    let native = native.with_paths(|cv| {
        budget::call();
        budget::check_path(cv.1.1.iter().count());
        Box::new(std::iter::once(Ok(cv.1)))
    });
    let native = native.with_update(|cv, update| {
        budget::call();
        update(cv.1)
    });
    (CALLED, v(0), native)
}

fn with_two(mut cv: jaq_core::Cv<'_, Data>, function: fn(&Val, &Val, &Val) -> ValR<Val>) -> ValXs<'_, Val> {
    let (second, first) = (cv.0.pop_var(), cv.0.pop_var());
    bome(function(&cv.1, &first, &second))
}

fn length(value: Val) -> ValR<Val> {
    match value.plain() {
        Val::Null => Ok(Val::Int(0)),
        Val::Text(text) => {
            budget::spend_on_bytes(text.len() / 8);
            Ok(Val::from(text.chars().count()))
        }
        array @ Val::Array(_) => Ok(Val::from(array.elements().len())),
        object @ Val::Object(_) => Ok(Val::from(object.members().len())),
        Val::Int(number) => {
            Ok(number.checked_abs().map_or(Val::Float(9_223_372_036_854_775_808.0), Val::Int))
        }
        number @ (Val::Large(_) | Val::Float(_)) => {
            Ok(Val::from(number.as_number().unwrap_or_default().abs()))
        }
        other => Err(Error::str(format!("{} has no length", other.preview()))),
    }
}

fn is_nan(value: Val) -> bool {
    matches!(value, Val::Float(number) if number.is_nan())
}

fn from_json(value: Val) -> ValR<Val> {
    match value.plain() {
        Val::Text(text) => {
            // Parsing a byte takes about four times as long as copying it.
            budget::spend_on_bytes(4 * text.len());
            Val::from_json(text.as_bytes())
                .map_err(|_| Error::str(format!("failed to parse {} as json", Val::Text(text).preview())))
        }
        other => Err(Error::str(format!("{} only strings can be parsed", other.preview()))),
    }
}

fn to_number(value: Val) -> ValR<Val> {
    match value.plain() {
        number @ (Val::Int(_) | Val::Large(_) | Val::Float(_)) => Ok(number),
        // As in arithmetic a result without a fraction is whole: `"1.0" | tonumber` is 1.
        Val::Text(text) => match Val::from_num(text.trim()) {
            Ok(Val::Float(number)) => Ok(Val::from(number)),
            Ok(number) => Ok(number),
            Err(_) => Err(Error::str(format!("{} cannot be parsed as a number", beginning(&text)))),
        },
        other => Err(Error::str(format!("{} cannot be parsed as a number", other.preview()))),
    }
}

/// The beginning of a text, for messages that show all of a short one.
fn beginning(text: &str) -> &str {
    const LONGEST: usize = 2048;
    &text[..text.floor_char_boundary(LONGEST)]
}

/// An array backwards. Null, 0, and empty strings and objects give an empty array.
fn reverse(value: Val) -> ValR<Val> {
    let mut value = value.plain();
    let empty = match &value {
        Val::Array(_) => {
            let mut items = value.take_items();
            items.reverse();
            return Ok(Val::from_items(items));
        }
        Val::Null => true,
        Val::Text(text) => text.is_empty(),
        Val::Object(_) => value.members().is_empty(),
        other => other.as_number() == Some(0.0),
    };
    match empty {
        true => Ok(Val::array([])),
        false => Err(Error::str(format!("Cannot index {} with number", value.type_name()))),
    }
}

/// `from_entries`: keys must be strings. The first member of `key`, `Key`, `name`, `Name` that exists is the key.
fn from_entries(value: &Val) -> ValR<Val> {
    let entries: Vec<&Val> = match value {
        Val::Array(_) => value.elements().iter().collect(),
        Val::Object(_) => value.members().into_iter().map(|(_, entry)| entry).collect(),
        other => return Err(cannot_iterate(other)),
    };
    let mut members = Vec::with_capacity(entries.len());
    for entry in entries {
        if !entry.is_object() {
            return Err(Error::str(format!("Cannot index {} with string \"key\"", entry.type_name())));
        }
        let first =
            |names: &[&str]| names.iter().find_map(|name| entry.get(name)).cloned().unwrap_or_default();
        match first(&["key", "Key", "name", "Name"]) {
            Val::Text(key) => members.push((key, first(&["value", "Value"]))),
            other => return Err(Error::str(format!("Cannot use {} as object key", other.preview()))),
        }
    }
    Ok(Val::object(members))
}

/// `range/3`. It counts a step for each value, because the interpreter does not.
fn range<'a>(from: &Val, to: &Val, by: &Val) -> ValXs<'a, Val> {
    let numbers = (from.as_number(), to.as_number(), by.as_number());
    let (Some(_), Some(_), Some(step)) = numbers else {
        return Val::once(Err(Error::str("Range bounds must be numeric")));
    };
    let (mut next, to, by) = (from.clone(), to.clone(), by.clone());
    Box::new(std::iter::from_fn(move || {
        budget::step();
        let goes_on = match next.cmp(&to) {
            Ordering::Less => step > 0.0,
            Ordering::Greater => step < 0.0,
            Ordering::Equal => false,
        };
        if !goes_on {
            return None;
        }
        let this = next.clone();
        match next.clone() + by.clone() {
            Ok(following) => next = following,
            Err(error) => return Some(Err(Exn::from(error))),
        }
        Some(Ok(this))
    }))
}
