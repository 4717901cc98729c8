//! Output to the terminal. No other module prints.
//!
//! Promises: control characters of data, errors and file names are escaped, so that they do not control the terminal.

use std::{borrow::Cow, io::Write, process::ExitCode};

use rondo_definition::{is_control, visible};
use serde::Serialize;

/// Writes one line. A closed pipe (`rondo ps | head`) is not an error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", visible(text));
}

/// Writes several lines.
pub(crate) fn lines<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) {
    texts.into_iter().for_each(|text| line(text.as_ref()));
}

/// Writes one line to standard error.
pub(crate) fn error_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", visible(text));
}

/// Writes a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), String> {
    let text = pretty(value)?;
    lines(text.lines());
    Ok(())
}

/// A value as indented JSON; the only control characters are line breaks.
pub(crate) fn pretty(value: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    Ok(escaped_json(&text).into_owned())
}

/// Escapes the control characters that JSON allows in a text.
fn escaped_json(text: &str) -> Cow<'_, str> {
    let is_left = |c: char| is_control(c) && c != '\n';
    if !text.contains(is_left) {
        return Cow::Borrowed(text);
    }
    let written = |c: char| if is_left(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(text.chars().map(written).collect())
}

/// Prints an error and returns the exit code for it. Further lines of the message are indented.
pub(crate) fn fail(message: &str) -> ExitCode {
    for (number, text) in message.lines().enumerate() {
        error_line(&format!("{}{text}", if number == 0 { "error: " } else { "  " }));
    }
    ExitCode::FAILURE
}

/// The lines of a table with aligned columns.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let header = header.iter().map(|cell| Cow::Borrowed(*cell)).collect();
    let rows = rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect());
    let rows: Vec<Vec<Cow<str>>> = std::iter::once(header).chain(rows).collect();
    let mut widths = vec![0; rows.iter().map(Vec::len).max().unwrap_or_default()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &Vec<Cow<str>>| {
        let cells = widths.iter().zip(row).map(|(width, cell)| format!("{cell:<width$}  "));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "bcd".to_owned()], vec!["e\tgh".to_owned(), "i".to_owned()]];
        assert_eq!(table(&["ID", "X"], &rows), ["ID     X", "a      bcd", "e\\tgh  i"]);
    }

    #[test]
    fn json_has_no_control_characters_and_says_the_same() {
        let value = serde_json::json!({"a": "\u{1b}[2J\n\u{7f}\u{9b}\u{202e} fine"});
        let text = pretty(&value).unwrap();
        assert_eq!(text, "{\n  \"a\": \"\\u001b[2J\\n\\u007f\\u009b\\u202e fine\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
