//! Functions that make one text of many values: rows and joined texts.

use jaq_core::{Error, ValR, ValT as _};

use crate::{
    budget,
    text_builder::TextBuilder,
    value::{Numbers, Val, cannot_iterate},
};

/// A format of rows.
#[derive(Clone, Copy)]
pub(super) struct Row {
    name: &'static str,
    separator: &'static str,
    quote: &'static str,
    /// Characters that others stand for.
    escapes: &'static [(char, &'static str)],
}

pub(super) const CSV: Row = Row { name: "csv", separator: ",", quote: "\"", escapes: &[('"', "\"\"")] };

pub(super) const TSV: Row = Row {
    name: "tsv",
    separator: "\t",
    quote: "",
    escapes: &[('\\', "\\\\"), ('\t', "\\t"), ('\n', "\\n"), ('\r', "\\r")],
};

/// `@csv` and `@tsv`.
pub(super) fn row(value: &Val, Row { name, separator, quote, escapes }: Row) -> ValR<Val> {
    if !value.is_array() {
        return Err(Error::str(format!("{} cannot be {name}-formatted, only array", value.preview())));
    }
    let mut row = TextBuilder::default();
    for (index, cell) in value.elements().iter().enumerate() {
        if index > 0 {
            row.push(separator);
        }
        match cell {
            Val::Null => {}
            Val::Float(number) if number.is_nan() => {}
            Val::Text(text) => {
                row.push(quote);
                replace(&mut row, text, escapes);
                row.push(quote);
            }
            Val::Bool(_) | Val::Int(_) | Val::Large(_) | Val::Float(_) => {
                row.push(&cell.printed(Numbers::Short));
            }
            other => return Err(Error::str(format!("{} is not valid in a csv row", other.preview()))),
        }
    }
    Ok(row.into_value())
}

/// `join`: null is an empty string, also as separator; numbers and booleans are printed.
pub(super) fn join(value: &Val, separator: &Val) -> ValR<Val> {
    if !value.is_array() && !value.is_object() {
        return Err(cannot_iterate(value));
    }
    let cannot = |joined: TextBuilder, other: &Val| {
        Error::str(format!("{} and {} cannot be added", joined.into_value().preview(), other.preview()))
    };
    let mut joined = TextBuilder::default();
    for (index, item) in value.clone().values().enumerate() {
        match separator {
            _ if index == 0 => {}
            Val::Null => {}
            Val::Text(separator) => joined.push(separator),
            other => return Err(cannot(joined, other)),
        }
        match item? {
            Val::Null => {}
            Val::Text(text) => joined.push(&text),
            item @ (Val::Bool(_) | Val::Int(_) | Val::Large(_) | Val::Float(_)) => {
                joined.push(&item.printed(Numbers::Java));
            }
            other => return Err(cannot(joined, &other)),
        }
    }
    Ok(joined.into_value())
}

/// `startswith` and `endswith`.
pub(super) fn begins(text: &Val, part: &Val, is_there: fn(&str, &str) -> bool) -> ValR<Val> {
    let cannot = |value: &Val| Error::typ(value.clone(), "string");
    let text = text.as_str().ok_or_else(|| cannot(text))?;
    let part = part.as_str().ok_or_else(|| cannot(part))?;
    budget::spend_on_bytes(part.len().min(text.len()));
    Ok(Val::Bool(is_there(text, part)))
}

/// Adds a text with others in place of some characters.
pub(super) fn replace(written: &mut TextBuilder, text: &str, replacements: &[(char, &str)]) {
    let replacement = |next: char| replacements.iter().find(|(character, _)| *character == next);
    let mut rest = text;
    while let Some(start) = rest.find(|next| replacement(next).is_some()) {
        let (before, found) = rest.split_at(start);
        written.push(before);
        let mut characters = found.chars();
        if let Some((_, other)) = characters.next().and_then(replacement) {
            written.push(other);
        }
        rest = characters.as_str();
    }
    written.push(rest);
}
