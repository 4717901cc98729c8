//! Functions of jq that the interpreter's own library leaves to the value type.

use std::cmp::Ordering;

use jaq_core::{
    Error, Exn, ValR, ValT as _, ValXs,
    native::{Fun, bome, run, unary, v},
};

use crate::{budget, jq::Data, value::Val};

/// All of them.
pub(crate) fn funs() -> impl Iterator<Item = Fun<Data>> {
    let natives: Vec<Fun<Data>> = vec![
        run(("length", v(0), |cv| bome(length(cv.1)))),
        run(("tojson", v(0), |cv| bome(Ok(Val::text(cv.1.plain().to_json()))))),
        run(("fromjson", v(0), |cv| bome(from_json(cv.1)))),
        run(("tonumber", v(0), |cv| bome(to_number(cv.1)))),
        run(("nan", v(0), |_| bome(Ok(Val::Float(f64::NAN))))),
        run(("infinite", v(0), |_| bome(Ok(Val::Float(f64::INFINITY))))),
        run(("isnan", v(0), |cv| bome(is_nan(cv.1)))),
        run(("type", v(0), |cv| bome(Ok(Val::text(cv.1.type_name()))))),
        run(("csv_cell", v(0), |cv| bome(cell(&cv.1, true)))),
        run(("tsv_cell", v(0), |cv| bome(cell(&cv.1, false)))),
        run(("has", v(1), |cv| unary(cv, has))),
        run(("contains", v(1), |cv| {
            unary(cv, |value, other| Ok(Val::Bool(contains(&value.plain(), &other.plain()))))
        })),
        run(("indices", v(1), |cv| unary(cv, indices))),
        run(("now", v(0), |cv| {
            #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
            let seconds = cv.0.data().now as f64 / 1000.0;
            bome(Ok(Val::Float(seconds)))
        })),
        run(("halt", v(1), |_| bome(Err(Error::str("halt is not allowed in an expression"))))),
        run(("env", v(0), |_| bome(Ok(Val::object::<&str>([]))))),
        run(("range", v(3), |mut cv| {
            let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            range(&from, &to, &by)
        })),
    ];
    natives.into_iter()
}

fn length(value: Val) -> ValR<Val> {
    match value.plain() {
        Val::Null => Ok(Val::Int(0)),
        Val::Text(text) => Ok(Val::from(text.chars().count())),
        array @ Val::Array(_) => Ok(Val::from(array.elements().len())),
        object @ Val::Object(_) => Ok(Val::from(object.members().len())),
        Val::Int(number) => {
            Ok(number.checked_abs().map_or(Val::Float(9_223_372_036_854_775_808.0), Val::Int))
        }
        Val::Float(number) => Ok(Val::Float(number.abs())),
        other => Err(Error::str(format!("{} ({other}) has no length", other.type_name()))),
    }
}

fn is_nan(value: Val) -> ValR<Val> {
    match value.plain() {
        Val::Float(number) => Ok(Val::Bool(number.is_nan())),
        Val::Int(_) => Ok(Val::Bool(false)),
        other => Err(Error::typ(other, "number")),
    }
}

fn from_json(value: Val) -> ValR<Val> {
    match value.plain() {
        Val::Text(text) => Val::from_json(text.as_bytes())
            .map_err(|error| Error::str(format!("the text is not JSON: {error}"))),
        other => Err(Error::typ(other, "string")),
    }
}

fn to_number(value: Val) -> ValR<Val> {
    match value.plain() {
        number @ (Val::Int(_) | Val::Float(_)) => Ok(number),
        Val::Text(text) => Val::from_num(text.trim())
            .map_err(|_| Error::str(format!("Cannot be parsed as a number: {text}"))),
        other => Err(Error::str(format!("{} ({other}) cannot be parsed as a number", other.type_name()))),
    }
}

/// One cell of `@csv` or `@tsv`.
fn cell(value: &Val, quoted: bool) -> ValR<Val> {
    match value {
        Val::Null => Ok(Val::text("")),
        Val::Text(text) if quoted => Ok(Val::text(format!("\"{}\"", text.replace('"', "\"\"")))),
        Val::Text(text) => {
            let escaped =
                text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r");
            Ok(Val::text(escaped))
        }
        Val::Bool(_) | Val::Int(_) | Val::Float(_) => Ok(Val::text(value.to_json())),
        other => Err(Error::str(format!("{} ({other}) is not valid in a row", other.type_name()))),
    }
}

fn has(value: Val, key: Val) -> ValR<Val> {
    match (value.plain(), key.plain()) {
        (object @ Val::Object(_), Val::Text(name)) => Ok(Val::Bool(object.get(&name).is_some())),
        (array @ Val::Array(_), key @ (Val::Int(_) | Val::Float(_))) => {
            let index = key.as_number().unwrap_or(-1.0);
            #[allow(clippy::cast_precision_loss, reason = "no array is as long as 2^53")]
            let length = array.elements().len() as f64;
            Ok(Val::Bool((0.0..length).contains(&index)))
        }
        (value, key) => Err(Error::str(format!(
            "Cannot check whether {} has a {} key",
            value.type_name(),
            key.type_name()
        ))),
    }
}

/// Whether `other` is part of `value`: texts by substring, arrays and objects by parts. What differs in type is no part.
fn contains(value: &Val, other: &Val) -> bool {
    budget::step();
    match (value, other) {
        (Val::Text(text), Val::Text(part)) => text.contains(&**part),
        (Val::Array(_), Val::Array(_)) => {
            other.elements().iter().all(|part| value.elements().iter().any(|item| contains(item, part)))
        }
        (Val::Object(_), Val::Object(_)) => other
            .members()
            .into_iter()
            .all(|(name, part)| value.get(name).is_some_and(|member| contains(member, part))),
        _ => value == other,
    }
}

fn indices(value: Val, wanted: Val) -> ValR<Val> {
    match (value.plain(), wanted.plain()) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Text(text), Val::Text(part)) if !part.is_empty() => {
            let starts = text
                .char_indices()
                .enumerate()
                .filter(|(_, (byte, _))| text.get(*byte..).is_some_and(|rest| rest.starts_with(&*part)));
            Ok(Val::array(starts.map(|(index, _)| Val::from(index))))
        }
        (Val::Text(_), Val::Text(_)) => Ok(Val::Null),
        (array @ Val::Array(_), wanted @ Val::Array(_)) => array.index(&wanted),
        (array @ Val::Array(_), wanted) => {
            let found = array.elements().iter().enumerate().filter(|(_, item)| **item == wanted);
            Ok(Val::array(found.map(|(index, _)| Val::from(index))))
        }
        (value, wanted) => Err(Error::index(value, wanted)),
    }
}

/// `range/3`, counting its steps: it makes values without the interpreter noticing.
fn range<'a>(from: &Val, to: &Val, by: &Val) -> ValXs<'a, Val> {
    let numbers = (from.as_number(), to.as_number(), by.as_number());
    let (Some(_), Some(_), Some(step)) = numbers else {
        return Val::once(Err(Error::str("Range bounds must be numeric")));
    };
    let (mut next, to, by) = (from.clone(), to.clone(), by.clone());
    let forward = step > 0.0;
    Box::new(std::iter::from_fn(move || {
        budget::step();
        let goes_on = match next.cmp(&to) {
            Ordering::Less => forward || step == 0.0,
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
