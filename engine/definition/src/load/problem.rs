//! The problems of a document that is being loaded. They have byte offsets; lines are counted once, when the document has been read.

use crate::{Code, Diagnostic, Format, Severity, Source};

/// A problem at a byte offset.
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) code: Code,
    pub(super) byte: usize,
    pub(super) message: Message,
    pub(super) help: Option<String>,
}

/// The message of a problem. Parts of it depend on positions, which are computed at the end.
pub(super) enum Message {
    Text(String),
    /// A key is given twice: its name, and the byte offset of the first one.
    Duplicate(String, usize),
    /// A message of the parser. Format, line and column are added to it.
    Syntax(Format, String),
}

impl Problem {
    /// The problem of a text that begins at byte `begin` of a longer one, as a problem of the longer one.
    pub(super) fn shifted(mut self, begin: usize) -> Self {
        self.byte += begin;
        if let Message::Duplicate(_, first) = &mut self.message {
            *first += begin;
        }
        self
    }

    /// The problem as a diagnostic, with line and column.
    pub(super) fn locate(self, source: &Source) -> Diagnostic {
        let position = source.position_of_byte(self.byte);
        let message = match self.message {
            Message::Text(text) => text,
            Message::Duplicate(name, first) => {
                format!("`{name}` is given twice: here and at {}", source.position_of_byte(first))
            }
            Message::Syntax(format, text) => {
                format!("not valid {format}, line {} column {}: {text}", position.line, position.column)
            }
        };
        let mut diagnostic =
            Diagnostic::file(self.severity, self.code, source.path(), message).at_position(position);
        diagnostic.help = self.help;
        diagnostic
    }
}

/// The byte offset of a tab in the indentation of the line with this byte, or of the next line. The parser reports an error before a tab at
/// the end of the line before it.
pub(super) fn tab_near(text: &str, byte: usize) -> Option<usize> {
    let start = text.get(..byte)?.rfind('\n').map_or(0, |at| at + 1);
    let mut from = start;
    for line in text.get(start..)?.split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indentation).and_then(|blanks| blanks.find('\t')) {
            return Some(from + tab);
        }
        from += line.len();
    }
    None
}
