//! The text of one properties file as a list of entries.
//!
//! Owns: the syntax of properties files and the place of each entry. Promises: an entry knows its line and columns, also where the text
//! is a part of another file. Never: knows profiles, or which of two entries wins.

use std::{fmt, sync::Arc};

use encoding_rs::UTF_8;
use java_properties::{LineContent, PropertiesIter};

use crate::{Diagnostic, Position, Severity, codes};

/// The entries of a properties file, parsed once and shared by all [`Properties`](super::Properties) that it is a layer of.
pub struct PropertiesFile {
    name: Arc<str>,
    pub(super) pairs: Vec<Pair>,
}

/// One `key = value`.
pub(super) struct Pair {
    /// The key as written, with its `%profile.`, without escapes.
    pub(super) key: String,
    /// The value before its references are expanded.
    pub(super) raw: String,
    /// Where the key begins.
    pub(super) key_at: Position,
    /// Where the value begins.
    pub(super) value_at: Position,
}

impl PropertiesFile {
    /// Parses a file (UTF-8). `name` is the name that users see, relative to the folder of workflows. What follows an invalid line is not
    /// read.
    pub fn parse(name: &str, text: &str) -> (Self, Vec<Diagnostic>) {
        Self::parse_within(name, text, Position { line: 1, column: 1 })
    }

    /// Parses properties that are a text within another file, such as a block scalar of a `ConfigMap`. `start` is the place in the file
    /// `name` where the text begins; each of its lines begins in the same column.
    pub fn parse_within(name: &str, text: &str, start: Position) -> (Self, Vec<Diagnostic>) {
        let place = |line: usize, column: usize| Position {
            line: start.line + line.max(1) - 1,
            column: start.column + column - 1,
        };
        let (mut pairs, mut diagnostics) = (Vec::new(), Vec::new());
        let lines: Vec<&str> = text.lines().collect();
        for line in PropertiesIter::new_with_encoding(text.as_bytes(), UTF_8) {
            match line {
                Ok(line) => {
                    let number = line.line_number();
                    if let LineContent::KVPair(key, raw) = line.consume_content() {
                        let written = number.checked_sub(1).and_then(|index| lines.get(index));
                        let (key_column, value_column) = columns(written.copied().unwrap_or_default());
                        let (key_at, value_at) = (place(number, key_column), place(number, value_column));
                        pairs.push(Pair { key, raw, key_at, value_at });
                    }
                }
                Err(error) => {
                    let line = error.line_number().unwrap_or(1);
                    let message = "the line is not `key = value` with valid escapes";
                    diagnostics.push(
                        Diagnostic::file(Severity::Error, codes::PROPERTIES, name, message)
                            .at_position(place(line, 1))
                            .help("a `\\u` needs four hexadecimal digits; write `\\\\` for a backslash"),
                    );
                    break;
                }
            }
        }
        (Self { name: name.into(), pairs }, diagnostics)
    }

    /// The name that users see.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The last value of a key that has no profile, before its references are expanded.
    pub(super) fn last(&self, key: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|pair| pair.key == key).map(|pair| pair.raw.as_str())
    }
}

/// Prints the keys only, because values may be secrets.
impl fmt::Debug for PropertiesFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        f.debug_set().entries(self.pairs.iter().map(|pair| &pair.key)).finish()
    }
}

/// The key of an entry as written, and the byte offset of its value in its first line.
pub(crate) fn key_and_value(line: &str) -> (&str, usize) {
    let blanks = |from: usize| {
        let rest = line.get(from..).unwrap_or_default();
        rest.len() - rest.trim_start_matches([' ', '\t', '\x0c']).len()
    };
    let start = blanks(0);
    let mut characters = line.get(start..).unwrap_or_default().char_indices();
    let mut end = line.len();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => _ = characters.next(),
            ' ' | '\t' | '\x0c' | '=' | ':' => {
                end = start + at;
                break;
            }
            _ => {}
        }
    }
    let mut value = end + blanks(end);
    if line.get(value..).is_some_and(|rest| rest.starts_with(['=', ':'])) {
        value += 1;
        value += blanks(value);
    }
    (line.get(start..end).unwrap_or_default(), value)
}

/// The columns of key and value of an entry in its first line, in characters from 1.
fn columns(line: &str) -> (usize, usize) {
    let (_, value) = key_and_value(line);
    let start = line.len() - line.trim_start_matches([' ', '\t', '\x0c']).len();
    let column = |byte: usize| line.get(..byte).map_or(0, |before| before.chars().count()) + 1;
    (column(start), column(value))
}
